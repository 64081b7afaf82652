"""The picture of runs over each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.visualization.run_curves import (
    StageCurves,
    draw_run_curves,
    place_stages,
    running_mean,
)


def stage(run: str, name: str, iterations: int, **curves: dict) -> StageCurves:
    return StageCurves(run, name, curves, iterations)


STAGES = [
    stage('a', 'flow', 4, loss={2: 1.0, 4: 0.5}),
    stage('a', 'full', 6, loss={3: 2.0, 6: 0.1}, ssim={6: 0.4}),
    stage('b', 'flow', 10, loss={5: 3.0, 10: 0.2}),
]


def draw(file: Path, *args, **kwargs) -> np.ndarray:
    draw_run_curves(*args, file, **kwargs)
    with Image.open(file) as picture:
        return np.asarray(picture.convert('RGB')).copy()


def test_stages_of_one_name_begin_together() -> None:
    assert place_stages(STAGES) == dict(flow=0, full=10)


def test_every_run_and_panel_is_seen(tmp_path: Path) -> None:
    both = draw(tmp_path / 'a.png', STAGES, ['loss', 'ssim'])
    half = both.shape[1] // 2
    changed = [STAGES[0], stage('a', 'full', 6, loss={3: 2.0, 6: 0.1}, ssim={3: 0.4})]
    moved = draw(tmp_path / 'b.png', [*changed, STAGES[2]], ['loss', 'ssim'])
    assert np.array_equal(both[:, : half - 20], moved[:, : half - 20])
    assert not np.array_equal(both[:, half:], moved[:, half:])
    alone = draw(tmp_path / 'c.png', STAGES[:2], ['loss', 'ssim'])
    orange = (both == (255, 127, 14)).all(-1).sum()
    assert orange > 20 and not (alone == (255, 127, 14)).all(-1).any()
    assert not list(tmp_path.glob('.*'))


def test_a_smooth_line_is_another_one(tmp_path: Path) -> None:
    plain = draw(tmp_path / 'a.png', STAGES, ['loss'])
    assert not np.array_equal(
        plain, draw(tmp_path / 'b.png', STAGES, ['loss'], smooth=2)
    )
    log = draw(tmp_path / 'c.png', STAGES, ['loss'], log_keys=['loss'])
    assert not np.array_equal(plain, log)
    # A score is not averaged, whatever is asked for.
    scores = [
        draw(tmp_path / f'{n}.png', STAGES, ['loss'], smooth=n, scores=['loss'])
        for n in (1, 3)
    ]
    assert np.array_equal(*scores) and not np.array_equal(plain, scores[0])
    with pytest.raises(ValueError, match='smooth >= 1'):
        draw(tmp_path / 'd.png', STAGES, ['loss'], smooth=0)


def test_a_log_axis_needs_values_that_have_one(tmp_path: Path) -> None:
    stages = [stage('a', 'flow', 2, loss={1: -1.0, 2: 500.0})]
    plain = draw(tmp_path / 'a.png', stages, ['loss'])
    assert np.array_equal(
        plain, draw(tmp_path / 'b.png', stages, ['loss'], log_keys=['loss'])
    )


@pytest.mark.parametrize(
    ('values', 'count', 'expected'),
    [
        ([1, 2, 3, 4], 1, [1, 2, 3, 4]),
        ([1, 2, 3, 4], 2, [1, 1.5, 2.5, 3.5]),
        ([1, 2], 5, [1, 1.5]),
        ([np.nan, 2, np.nan, np.nan, 4], 2, [np.nan, 2, 2, np.nan, 4]),
    ],
)
def test_running_mean(values: list, count: int, expected: list) -> None:
    assert np.allclose(running_mean(values, count), expected, equal_nan=True)
