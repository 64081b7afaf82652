"""Killed anywhere, a run that is resumed ends as if nothing had been.

Not weights alone: every value of the last checkpoints is compared, bit for bit.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from posegen.engine.stage_record import read_record
from posegen.utils.checkpoint import read_checkpoint
from posegen.utils.paths import configs_root
from tests.engine.faults.conftest import assert_same_results, busy_config
from tests.helpers.faults import differences
from tests.helpers.forked import run, start, start_ranks
from tests.helpers.pair_set import write_pair_set

KILLED = -9


MOMENTS = [
    ('flow', 1, 'step'),
    ('flow', 5, 'step'),
    ('flow', 8, 'renamed'),
    ('flow', 8, 'validated'),
    ('flow', 8, 'trained'),  # not marked as finished
    ('full', 1, 'step'),  # marked as finished, nothing of the next stage there
    ('full', 4, 'write'),
    ('full', 4, 'rename'),
    ('full', 4, 'validate'),
    ('full', 4, 'validated'),
    ('full', 7, 'step'),
]


@pytest.mark.parametrize(('stage', 'iteration', 'moment'), MOMENTS)
def test_every_moment(
    stage: str,
    iteration: int,
    moment: str,
    busy: Callable[..., Path],
    straight: Path,
    tmp_path: Path,
) -> None:
    hook = dict(type='KillHook', stage=stage, iteration=iteration, moment=moment)
    first, log = tmp_path / 'first', tmp_path / 'log'
    killed = start('train', busy(hook), '--work-dir', first, log=log)
    assert killed.wait() == KILLED, killed.shown()
    moved = first.rename(tmp_path / 'moved')
    run('train', busy(), '--work-dir', moved, '--resume', log=log)
    assert_same_results(moved, straight)


def test_what_a_validation_changed_is_not_lost(
    busy: Callable[..., Path], tmp_path: Path
) -> None:
    """The checkpoint was written before it, the record after it.

    The rate of learning follows the validation here. With a best checkpoint to keep,
    MMEngine writes the numbered one again.
    """
    hooks = busy_config()['default_hooks']
    del hooks['checkpoint']['save_best'], hooks['checkpoint']['rule']
    log = tmp_path / 'log'
    whole, work_dir = tmp_path / 'whole', tmp_path / 'killed'
    run('train', busy(default_hooks=hooks), '--work-dir', whole, log=log)
    killer = dict(type='KillHook', stage='full', iteration=4, moment='validated')
    killed = start(
        'train', busy(killer, default_hooks=hooks), '--work-dir', work_dir, log=log
    )
    assert killed.wait() == KILLED, killed.shown()
    assert read_record(work_dir / 'full').validated_at == 4
    resume = ('--work-dir', work_dir, '--resume')
    run('train', busy(default_hooks=hooks), *resume, log=log)
    assert_same_results(work_dir, whole)


# Every process draws numbers of its own.
PAIR = dict(randomness=dict(seed=0, diff_rank_seed=True))


@pytest.fixture(scope='module')
def straight_pair(
    busy: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same in two processes."""
    folder = tmp_path_factory.mktemp('straight_pair')
    run_pair('train', busy(**PAIR), '--work-dir', folder / 'run', log=folder / 'log')
    return folder / 'run'


def run_pair(*arguments: str | Path, log: Path) -> None:
    ranks = start_ranks(*arguments, log=log)
    codes = [rank.wait() for rank in ranks]
    assert codes == [0, 0], [rank.shown() for rank in ranks]


@pytest.mark.parametrize(
    ('stage', 'iteration', 'moment', 'rank'),
    [('flow', 5, 'step', 1), ('full', 4, 'renamed', 0), ('full', 4, 'validate', 1)],
)
def test_two_processes(
    stage: str,
    iteration: int,
    moment: str,
    rank: int,
    busy: Callable[..., Path],
    straight_pair: Path,
    tmp_path: Path,
) -> None:
    hook = dict(
        type='KillHook', stage=stage, iteration=iteration, moment=moment, rank=rank
    )
    work_dir, log = tmp_path / 'run', tmp_path / 'log'
    ranks = start_ranks('train', busy(hook, **PAIR), '--work-dir', work_dir, log=log)
    assert ranks[rank].wait() == KILLED, ranks[rank].shown()
    ranks[1 - rank].kill()  # torchrun would
    run_pair('train', busy(**PAIR), '--work-dir', work_dir, '--resume', log=log)
    assert_same_results(work_dir, straight_pair)
    states = read_checkpoint(work_dir / 'full' / 'iter_8.pth')['posegen']
    assert len(states['random_states']) == 2
    assert [*differences(*states['random_states'])]


def test_another_number_of_processes_goes_on_with_a_warning(
    busy: Callable[..., Path], straight_pair: Path, tmp_path: Path
) -> None:
    work_dir, log = tmp_path / 'run', tmp_path / 'log'
    shutil.copytree(straight_pair, work_dir, symlinks=True)
    middle = work_dir / 'full' / 'iter_6.pth'
    alone = run(
        'train', busy(), '--work-dir', work_dir, '--resume', middle, log=log
    ).shown()
    assert 'written by 2 processes and is resumed by 1' in alone
    assert read_record(work_dir / 'full').finished


# What a real config adds: photos, processes that load them, random augmentation.
AUGMENTED = """
_base_ = {base!r}
custom_imports = dict(imports=['tests.helpers.faults'])
custom_hooks = {hooks!r}
data_root = {root!r}
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', interval=2, max_keep_ckpts=2),
    sample_grid=dict(type='SampleGridHook', interval=2, num_samples=1),
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        pipeline=[
            dict(type='LoadPairImages'),
            dict(type='AffinePair', prob=0.9),
            dict(type='FlipPair', prob=0.5),
            dict(type='ColorJitterPair', prob=0.9),
            dict(type='JointNoise', sigma=1.0),
            dict(type='DropJoints', prob=0.1),
            dict(type='PackPair'),
        ],
    ),
)
val_dataloader = dict(dataset=dict(truth_dir=None), num_workers=0,
    persistent_workers=False)
test_dataloader = dict(dataset=dict(truth_dir=None))
"""


def test_photos_with_loaders_and_augmentation(tmp_path: Path) -> None:
    for seed, split in enumerate(('train', 'test')):
        write_pair_set(tmp_path / 'data', size=(128, 64), split=split, seed=seed)
    base = str(configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py')
    names = dict(type='NamesHook')
    killer = dict(type='KillHook', stage='flow', iteration=3)
    for name, hooks in dict(whole=[names], killed=[names, killer]).items():
        text = AUGMENTED.format(base=base, hooks=hooks, root=str(tmp_path / 'data'))
        (tmp_path / f'{name}.py').write_text(text)
    log = tmp_path / 'log'
    small = [f'stages.{s}.train_dataloader.batch_size=2' for s in ('flow', 'full')]
    options = ('--cfg-options', *small, 'stages.full.train_cfg.max_iters=2')
    for name in ('whole', 'killed'):
        config, work_dir = tmp_path / f'{name}.py', tmp_path / name
        command = start(
            'train', config, '--work-dir', work_dir, *options, log=tmp_path / 'log'
        )
        assert command.wait() == (0 if name == 'whole' else KILLED), command.shown()
    run(
        *('train', tmp_path / 'whole.py', '--work-dir', tmp_path / 'killed'),
        *('--resume', *options),
        log=log,
    )
    assert_same_results(tmp_path / 'killed', tmp_path / 'whole')
