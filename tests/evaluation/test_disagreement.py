"""Where protocols disagree, in words."""

from __future__ import annotations

from math import inf

import pytest

from posegen.evaluation.disagreement import describe, find_disagreements
from posegen.evaluation.protocols import Canvas, Gaussian, Resize, Uniform
from posegen.evaluation.table import ScoreRow


def _row(name, protocol, **values):
    return ScoreRow(name, protocol, 9, values)


def test_names_the_fields_that_differ():
    rows = [
        _row('A', 'posegen', ssim=0.25, psnr=17.0),
        _row('A', 'gfla', ssim=0.2, ssim_win51=0.41, psnr=17.0),
    ]
    assert find_disagreements(rows) == [
        'SSIM of A differs by 0.0500: 0.2000 under gfla, 0.2500 under posegen; '
        'data range: that of each generated image against 255. Images of little '
        'contrast are judged more strictly.',
        'SSIM of A differs by 0.1600: 0.4100 under gfla (ssim_win51), 0.2500 under '
        'posegen; window: uniform 51 against gaussian 1.5, variances with n - 1: yes '
        'against no.',
    ]


def test_says_that_another_method_comes_first():
    rows = [
        _row('A', 'gfla', psnr=17.0),
        _row('B', 'gfla', psnr=16.0),
        _row('A', 'pise', psnr=30.0),
        _row('B', 'pise', psnr=31.0),
    ]
    (sentence,) = find_disagreements(rows)
    assert sentence == (
        'PSNR of B differs by 15.00: 31.00 under pise, 16.00 under gfla; images: cut '
        'to 176 columns against as stored, arithmetic: uint8-wrap against float; it '
        'puts B first, not A. Difference and square wrap around modulo 256: about 30 '
        'dB whatever the images.'
    )


@pytest.mark.parametrize(
    ('size', 'is_reason'), [((128, 64), False), ((256, 256), True), (None, True)]
)
def test_steps_that_do_nothing_are_no_reason(size, is_reason):
    rows = [_row('A', 'gfla', psnr=17.0), _row('A', 'pise', psnr=30.0)]
    sizes = None if size is None else (size, size)
    (sentence,) = find_disagreements(rows, sizes)
    assert ('cut to 176 columns' in sentence) == is_reason
    assert 'arithmetic: uint8-wrap against float. Difference and' in sentence


def test_a_canvas_that_does_nothing_is_no_mistake():
    rows = [_row('A', 'posegen', ssim=0.25), _row('A', 'dptn', ssim=0.2)]
    for size, is_told in (((128, 64), False), ((256, 256), True)):
        (sentence,) = find_disagreements(rows, (size, size))
        assert ('White margins' in sentence) == is_told


def test_fields_without_effect_are_no_reason():
    # Market-1501 is not padded: dptn differs from posegen in the data range alone.
    rows = [
        _row('A', 'posegen', ssim=0.25),
        _row('A', 'gfla', ssim=0.2),
        _row('A', 'dptn', ssim=0.2),
    ]
    (sentence,) = find_disagreements(rows)
    assert '0.2000 under gfla, dptn, 0.2500 under posegen; data range' in sentence


def test_quantities_of_other_kinds_are_not_compared():
    rows = [
        _row('A', 'posegen', ssim=0.3, mask_ssim=0.8, l1=0.2),
        _row('A', 'gfla', mae_ratio=0.1),
    ]
    assert find_disagreements(rows) == []


def test_infinite_scores_hide_no_others():
    rows = [
        _row('same', 'gfla', psnr=inf),
        _row('A', 'gfla', psnr=17.0),
        _row('same', 'pise', psnr=inf),
        _row('A', 'pise', psnr=30.0),
    ]
    (sentence,) = find_disagreements(rows)
    assert sentence.startswith('PSNR of A differs by 13.00: 30.00 under pise')


def test_what_drops_images_says_so():
    rows = [_row('A', 'cfld', fid=9.0), _row('A', 'gfla', fid=10.0)]
    (sentence,) = find_disagreements(rows)
    assert 'incomplete last batch: drop against keep' in sentence
    assert 'batch size' not in sentence


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        ((), 'as stored'),
        (Uniform(7), 'uniform 7'),
        (Gaussian(1.5), 'gaussian 1.5'),
        (255.0, '255'),
        (
            (Canvas('crop176_white'),),
            'cut to 176 columns and padded with white again',
        ),
        (
            Resize((256, 176), 'bicubic', 'cv2', False, 'float'),
            'resized to 256x176 (cv2 bicubic, not anti-aliased)',
        ),
    ],
)
def test_values_in_words(value, text):
    assert describe(value) == text
