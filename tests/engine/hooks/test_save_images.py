"""Pictures of a test, one a pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posegen.engine.hooks import SaveImagesHook
from posegen.utils.errors import DataError


def sample(source: str, target: str) -> dict:
    image = torch.arange(3 * 4 * 2, dtype=torch.uint8).reshape(3, 4, 2)
    return dict(image=image, source_name=source, target_name=target)


def test_files_are_called_after_the_pair(tmp_path: Path) -> None:
    hook = SaveImagesHook(tmp_path / 'out')
    hook.before_test(None)
    hook.after_test_iter(None, 0, outputs=[sample('p/a.b.jpg', 'p/c.png')])
    picture = np.asarray(Image.open(tmp_path / 'out' / 'a.b___c.png'))
    assert np.array_equal(picture, sample('', '')['image'].permute(1, 2, 0).numpy())


def test_two_pairs_of_one_name_are_an_error(tmp_path: Path) -> None:
    hook = SaveImagesHook(tmp_path)
    hook.after_test_iter(None, 0, outputs=[sample('p/a.png', 'p/b.png')])
    hook.after_test_iter(None, 1, outputs=[sample('p/a.png', 'p/b.png')])
    with pytest.raises(DataError, match=r'would both be written to a___b\.png'):
        hook.after_test_iter(None, 2, outputs=[sample('q/a.png', 'p/b.png')])
