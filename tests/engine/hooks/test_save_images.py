"""Pictures of a test, one a pair."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from PIL import Image

from posegen.engine.hooks import SaveImagesHook
from posegen.utils.errors import ConfigError, DataError
from tests.helpers.forked import free_port, run_ranks


def sample(source: str, target: str) -> dict:
    image = torch.arange(3 * 4 * 2, dtype=torch.uint8).reshape(3, 4, 2)
    return dict(image=image, source_name=source, target_name=target)


def test_files_are_called_after_the_pair(tmp_path: Path) -> None:
    hook = SaveImagesHook(tmp_path / 'out')
    hook.before_test(None)
    hook.after_test_iter(None, 0, outputs=[sample('p/a.b.jpg', 'p/c.png')])
    picture = np.asarray(Image.open(tmp_path / 'out' / 'a.b___c.png'))
    assert np.array_equal(picture, sample('', '')['image'].permute(1, 2, 0).numpy())


def test_a_repeated_pair_is_written_once(tmp_path: Path) -> None:
    hook = SaveImagesHook(tmp_path)
    hook.after_test_iter(None, 0, outputs=[sample('a.png', 'b.png')])
    (tmp_path / 'a___b.png').unlink()
    hook.after_test_iter(None, 1, outputs=[sample('a.png', 'b.png')])
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    hook = SaveImagesHook(tmp_path / 'file')
    with pytest.raises(DataError, match=r'a___b\.png cannot be written \(Not a direc'):
        hook.after_test_iter(None, 0, outputs=[sample('a.png', 'b.png')])


def _rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    dist.init_process_group('gloo', rank=rank, world_size=2)
    # Each process sees a disk of its own, as on machines without a common one.
    hook = SaveImagesHook(Path(folder, str(rank)))
    hook.before_test(SimpleNamespace(test_dataloader=range(2)))
    names = ('abc', 'def')[rank]
    hook.after_test_iter(None, 0, outputs=[sample(f'{n}.png', 'x.png') for n in names])
    hook.after_test_iter(None, 1, outputs=[sample('a.png', 'x.png')])
    with pytest.raises(ConfigError, match=r'equally many batches.*\[2, 3\].*round_up'):
        hook.before_test(SimpleNamespace(test_dataloader=range(2 + rank)))
    dist.destroy_process_group()


def test_the_first_process_writes_for_all(tmp_path: Path) -> None:
    run_ranks(_rank_main, free_port(), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ['0']
    names = sorted(path.name for path in (tmp_path / '0').iterdir())
    assert names == [f'{letter}___x.png' for letter in 'abcdef']


def test_two_pairs_of_one_name_are_an_error(tmp_path: Path) -> None:
    hook = SaveImagesHook(tmp_path)
    hook.after_test_iter(None, 0, outputs=[sample('p/a.png', 'p/b.png')])
    hook.after_test_iter(None, 1, outputs=[sample('p/a.png', 'p/b.png')])
    with pytest.raises(DataError, match=r'would both be written to a___b\.png'):
        hook.after_test_iter(None, 2, outputs=[sample('q/a.png', 'p/b.png')])
