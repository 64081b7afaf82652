"""Protocols and naming schemes in words, and that the page shows them as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from posegen.evaluation import protocol_text
from posegen.evaluation.naming import NAMING_SCHEMES
from posegen.evaluation.protocols import PROTOCOLS

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'evaluation.md'
TEXT = PAGE.read_text(encoding='utf-8')
TABLES = ['protocols', 'sources', 'mistakes', 'weights']


def _rows(markdown: str) -> dict[str, str]:
    """Protocol -> its line."""
    lines = markdown.splitlines()[2:]
    return {line.split('`')[1]: line for line in lines}


@pytest.mark.parametrize('name', TABLES)
def test_the_page_shows_the_records_as_they_are(name):
    assert getattr(protocol_text, f'{name}_to_markdown')() in TEXT


def test_the_page_lists_all_naming_schemes():
    for scheme in NAMING_SCHEMES.values():
        row = f'| `{scheme.name}` | `{scheme.pattern}` | {scheme.used_by} |'
        assert row in TEXT


def test_what_makes_a_difference_is_told_apart():
    rows = _rows(protocol_text.protocols_to_markdown())
    assert set(rows) == set(PROTOCOLS)
    for name, text in [
        ('gfla', 'imagenet-misapplied, to train, rest of 64 dropped'),
        ('pise', 'uint8-wrap'),
        ('patn', 'cut to 176 columns, white margins put back'),
        ('pcdms', 'input [0,1], rest of 64 dropped'),
        ('pidm', 'gaussian 1.2, range of each image'),
        ('upgpt', 'ms_ssim'),
        ('cfld', 'generated: resized to 256x176 (torch bicubic); real: resized to '),
        ('vtoneval', 'float, error pooled by batch'),
    ]:
        assert text in rows[name], name
    assert 'dropped' not in rows['posegen'] and '| - |' in rows['pise']


def test_every_protocol_says_where_it_comes_from():
    assert set(_rows(protocol_text.sources_to_markdown())) == set(PROTOCOLS)


def test_mistakes_have_an_effect_and_a_place():
    lines = protocol_text.mistakes_to_markdown().splitlines()[2:]
    assert len(lines) == len(set(lines)) > 5
    wrapping = next(line for line in lines if 'modulo 256' in line)
    assert wrapping.endswith('| `pise`: psnr |')
    assert not any('`posegen`' in line for line in lines)


def test_weights_have_an_address_and_a_checksum():
    lines = protocol_text.weights_to_markdown().splitlines()[2:]
    found = [re.match(r'\| <(https://\S+)> \| `([0-9a-f]{8})` \|', x) for x in lines]
    assert all(match and match[2] in match[1] for match in found)
    assert len({match[1] for match in found}) == len(found) == 6


#: Protocol, score -> column of the golden table, by set.
GOLDEN = {
    ('posegen', 'ssim'): 'ssim_gaussian_255',
    ('posegen', 'psnr'): 'psnr',
    ('posegen', 'l1'): 'l1',
    ('gfla', 'ssim'): 'ssim_gaussian',
    ('gfla', 'win51'): 'ssim_win51',
    ('gfla', 'ratio'): 'mae_ratio',
    ('prasunroy', 'ssim'): 'ssim_default7',
    ('pidm', 'ssim'): 'ssim_sigma1_2',
}
GOLDEN_OF = {
    'deepfashion': {
        ('dptn', 'ssim'): 'white_ssim_gaussian',
        ('dptn', 'win51'): 'white_ssim_win51',
        ('dptn', 'psnr'): 'white_psnr',
        ('patn', 'l1'): 'white_l1',
        ('pise', 'psnr'): 'crop176_psnr_pise_uint8',
    },
    'market1501': {
        ('pise', 'psnr'): 'psnr_pise_uint8',
        ('dptn', 'ssim'): 'ssim_gaussian',
    },
}


@pytest.mark.parametrize('name', list(GOLDEN_OF))
def test_the_page_shows_golden_numbers(shared, name):
    means = json.loads(shared('fixtures/metrics/means.json').read_text())[name]
    shown = _printed_table(f'evaluate --generated data/{name}/')
    for (protocol, score), column in (GOLDEN | GOLDEN_OF[name]).items():
        for method in ('defgan', 'vunet'):
            expected = means[method][f'mean_{column}']
            text = f'{expected:.4f}' if expected <= 1 else f'{expected:.2f}'
            assert shown[method, protocol][score] == text, (protocol, score)


def _printed_table(command: str) -> dict[tuple[str, str], dict[str, str]]:
    """The first block of text after a command: (method, protocol) -> scores."""
    block = TEXT.partition(command)[2].partition('```text\n')[2].partition('```')[0]
    _, titles, _, *lines = block.splitlines()
    names = [name for name in titles.split() if name not in '↑↓']
    table = {}
    for line in lines:
        # Titles are in two lines: plain scores stand before those with a prefix.
        cells = dict(reversed([*zip(names, line.split())]))
        table[cells['method'], cells['protocol']] = cells
    return table
