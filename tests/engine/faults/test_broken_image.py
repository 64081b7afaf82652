"""An image that cannot be read stops training; mended, it goes on to the same end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from posegen import cli
from posegen.engine.weights import numbered_checkpoints
from posegen.utils.checkpoint import read_checkpoint
from tests.engine.faults.conftest import assert_same_results
from tests.helpers.faults import read_names
from tests.helpers.forked import run, start
from tests.helpers.pair_set import write_pair_set
from tests.helpers.toy_training import loader


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def no_image(path: Path) -> None:
    path.write_text('<html>404: not found</html>')


@pytest.mark.parametrize(('num_workers', 'damage'), [(0, truncate), (2, no_image)])
def test_an_image_breaks_in_the_middle(
    num_workers: int, damage: Callable, busy: Callable, tmp_path: Path
) -> None:
    pairs = write_pair_set(tmp_path / 'data', num_people=8)
    lasting = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
    data = loader(True) | lasting | dict(dataset=dict(type='PosePairDataset', **pairs))
    config, log = busy(train_dataloader=data), tmp_path / 'log'
    whole, work_dir = tmp_path / 'whole', tmp_path / 'broken'
    run('train', config, '--work-dir', whole, log=log)

    iteration, name = first_new_image(whole)
    image = tmp_path / 'data' / 'train' / name
    content = image.read_bytes()
    damage(image)
    command = start('train', config, '--work-dir', work_dir, log=log)
    assert command.wait() == cli.USER_ERROR, command.shown()
    assert 'Traceback' not in command.shown()
    (sentence,) = command.errors()
    assert (
        name in sentence and f'training stopped in iteration {iteration};' in sentence
    )
    newest = numbered_checkpoints(work_dir / 'flow')[0]
    assert newest.name == f'iter_{(iteration - 1) // 2 * 2}.pth'
    assert read_checkpoint(newest)['meta']['iter'] < iteration

    image.write_bytes(content)
    run('train', config, '--work-dir', work_dir, '--resume', log=log)
    assert_same_results(work_dir, whole)


def first_new_image(work_dir: Path) -> tuple[int, str]:
    """The first iteration after the third that needs an image nobody has needed yet."""
    seen: set[str] = set()
    for (_, stage, iteration), names in sorted(read_names(work_dir).items()):
        images = {image for name in names for image in name.split(' -> ')}
        if stage == 'flow' and iteration > 3 and images - seen:
            return iteration, min(images - seen)
        seen |= images
    raise AssertionError('every image was needed at once')
