"""What a command does in a work dir, without training anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from posegen.engine.plan import Step, plan_steps
from posegen.engine.stage_record import StageRecord, read_record
from posegen.engine.weights import link_latest
from posegen.utils.errors import ConfigError, WeightsError

LIMITS = dict(flow=4, full=4)


def put(
    work_dir: Path,
    stage: str,
    iterations: list[int],
    finished: bool,
    checkpoint: str | None = None,
) -> Path:
    """A stage with checkpoints at some iterations."""
    folder = work_dir / stage
    folder.mkdir(parents=True, exist_ok=True)
    for iteration in iterations:
        content = dict(state_dict={}, posegen=dict(stage=stage))
        torch.save(content, folder / f'iter_{iteration}.pth')
    record = StageRecord(stage, finished, max_iterations=4, checkpoint=checkpoint)
    record.save(folder)
    return folder


def test_a_new_work_dir_runs_everything(tmp_path: Path) -> None:
    everything = [Step('flow', 0), Step('full', 1)]
    assert plan_steps(tmp_path, LIMITS) == everything
    assert plan_steps(tmp_path, LIMITS, resume='auto') == everything
    assert plan_steps(tmp_path, LIMITS, stage='full') == [Step('full', 1)]


@pytest.mark.parametrize(
    ('iterations', 'finished', 'message'),
    [
        ([4], True, 'holds the finished stage'),
        ([2], False, 'holds an unfinished stage'),
    ],
)
def test_results_are_not_overwritten(
    tmp_path: Path, iterations: list[int], finished: bool, message: str
) -> None:
    put(tmp_path, 'flow', iterations, finished)
    with pytest.raises(ConfigError, match=f'{message} .*--resume.*--work-dir'):
        plan_steps(tmp_path, LIMITS)
    assert plan_steps(tmp_path, LIMITS, stage='full') == [Step('full', 1)]


def test_a_stage_without_any_checkpoint_is_started_again(tmp_path: Path) -> None:
    put(tmp_path, 'flow', [], False)
    assert plan_steps(tmp_path, LIMITS)[0] == Step('flow', 0)


def test_resuming_goes_on_in_the_first_unfinished_stage(tmp_path: Path) -> None:
    flow = put(tmp_path, 'flow', [2, 3], False)
    steps = [Step('flow', 0, flow / 'iter_3.pth'), Step('full', 1)]
    assert plan_steps(tmp_path, LIMITS, resume=True) == steps
    put(tmp_path, 'flow', [4], True)
    assert plan_steps(tmp_path, LIMITS, resume=True) == [Step('full', 1)]
    full = put(tmp_path, 'full', [2], False)
    expected = [Step('full', 1, full / 'iter_2.pth')]
    assert plan_steps(tmp_path, LIMITS, resume=True) == expected
    put(tmp_path, 'full', [4], True)
    assert plan_steps(tmp_path, LIMITS, resume=True) == []


def test_more_iterations_than_last_time_are_run(tmp_path: Path) -> None:
    put(tmp_path, 'flow', [4], True)
    full = put(tmp_path, 'full', [4], True)
    limits = dict(flow=4, full=9)
    expected = [Step('full', 1, full / 'iter_4.pth')]
    assert plan_steps(tmp_path, limits, resume=True) == expected
    with pytest.raises(ConfigError, match="an earlier result of stage 'flow'"):
        plan_steps(tmp_path, dict(flow=9, full=4), resume=True)


def test_a_given_checkpoint_is_resumed_and_newer_ones_set_aside(tmp_path: Path) -> None:
    flow = put(tmp_path, 'flow', [2, 3, 4], True)
    steps = plan_steps(tmp_path, LIMITS, resume=flow / 'iter_2.pth')
    assert steps == [Step('flow', 0, flow / 'iter_2.pth'), Step('full', 1)]
    names = sorted(path.name for path in flow.glob('iter*'))
    assert names == ['iter_2.pth', 'iter_3.pth.old', 'iter_4.pth.old']


def test_going_back_leaves_a_stage_that_can_be_resumed(tmp_path: Path) -> None:
    """Also when the run is killed before it has written anything."""
    flow = put(tmp_path, 'flow', [2, 3, 4], True)
    link_latest(flow / 'iter_4.pth')
    plan_steps(tmp_path, LIMITS, resume=flow / 'iter_2.pth')
    assert not read_record(flow).finished
    assert (flow / 'latest.pth').readlink() == Path('iter_2.pth')
    steps = [Step('flow', 0, flow / 'iter_2.pth'), Step('full', 1)]
    assert plan_steps(tmp_path, LIMITS, resume=True) == steps


def test_a_checkpoint_from_elsewhere_sets_newer_ones_aside_as_well(
    tmp_path: Path,
) -> None:
    flow = put(tmp_path, 'flow', [2, 4], False)
    other = put(tmp_path / 'copy', 'flow', [2], False) / 'iter_2.pth'
    plan_steps(tmp_path, LIMITS, resume=other)
    names = sorted(path.name for path in flow.glob('iter*'))
    assert names == ['iter_2.pth', 'iter_4.pth.old']


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def test_damaged_checkpoints_are_put_out_of_the_way(
    tmp_path: Path, messages: list[str]
) -> None:
    """They would stay the newest, and the good ones be removed as the older."""
    flow = put(tmp_path, 'flow', [1, 2, 3], False)
    for number in (2, 3):
        damage(flow / f'iter_{number}.pth')
    steps = [Step('flow', 0, flow / 'iter_1.pth'), Step('full', 1)]
    assert plan_steps(tmp_path, LIMITS, resume=True) == steps
    names = sorted(path.name for path in flow.glob('iter*'))
    assert names == ['iter_1.pth', 'iter_2.pth.corrupt', 'iter_3.pth.corrupt']
    assert (flow / 'latest.pth').readlink() == Path('iter_1.pth')
    assert sum('CHECKPOINT PASSED OVER' in message for message in messages) == 2


def test_a_damaged_result_is_made_again_before_the_next_stage(tmp_path: Path) -> None:
    flow = put(tmp_path, 'flow', [2, 4], True, checkpoint='iter_4.pth')
    assert plan_steps(tmp_path, LIMITS, resume=True) == [Step('full', 1)]
    damage(flow / 'iter_4.pth')
    only_full = plan_steps(tmp_path, LIMITS, stage='full', resume=True)
    assert only_full == [Step('full', 1)]  # which says what it misses
    steps = [Step('flow', 0, flow / 'iter_2.pth'), Step('full', 1)]
    assert plan_steps(tmp_path, LIMITS, resume=True) == steps
    assert not read_record(flow).finished


def test_a_damaged_result_that_nobody_needs_is_left(tmp_path: Path) -> None:
    flow = put(tmp_path, 'flow', [2, 4], True, checkpoint='iter_4.pth')
    full = put(tmp_path, 'full', [2], False)
    damage(flow / 'iter_4.pth')
    expected = [Step('full', 1, full / 'iter_2.pth')]
    assert plan_steps(tmp_path, LIMITS, resume=True) == expected


def test_a_given_checkpoint_must_be_of_this_config(tmp_path: Path) -> None:
    flow = put(tmp_path, 'flow', [2], False)
    other = put(tmp_path / 'other', 'elsewhere', [2], False) / 'iter_2.pth'
    with pytest.raises(ConfigError, match='was not written by a stage of this config'):
        plan_steps(tmp_path, LIMITS, resume=other)
    with pytest.raises(ConfigError, match="belongs to stage 'flow', not to 'full'"):
        plan_steps(tmp_path, LIMITS, stage='full', resume=flow / 'iter_2.pth')
    with pytest.raises(WeightsError, match='does not exist'):
        plan_steps(tmp_path, LIMITS, resume=tmp_path / 'none.pth')


def test_there_must_be_such_a_stage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no stage 'fool'; .*'flow', 'full'"):
        plan_steps(tmp_path, LIMITS, stage='fool')
