"""What all models share."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch

from posegen.models.base import with_known_background
from posegen.registry import MODELS
from tests.models.spig.test_spig import MODEL


@pytest.mark.parametrize(
    ('term', 'layers'),
    [
        ('sam', {2: ('block99',)}),
        ('per', ('expand1', 'block99')),
        ('sty', ('block99',)),
    ],
)
@pytest.mark.parametrize('stage', ['flow', 'full'])
def test_a_layer_that_is_not_there_is_named_by_every_stage(
    term: str, layers: Any, stage: str
) -> None:
    config = deepcopy(MODEL)
    config['losses'][term]['layers'] = layers
    with pytest.raises(
        ValueError,
        match=rf"losses\.{term} reads .*EfficientNetLite0Features.* \['block99'\]; it "
        'has block0, expand1',
    ):
        MODELS.build(config | dict(train_stage=stage))


def test_the_background_counts_where_both_images_show_one_place() -> None:
    fake = torch.zeros(2, 3, 2, 2, requires_grad=True)
    batch = dict(
        target_image=torch.ones(2, 3, 2, 2),
        part_labels=torch.tensor([[[0, 1], [2, 3]]] * 2, dtype=torch.uint8),
        same_place=torch.tensor([True, False]),
    )
    known = with_known_background(fake, batch)
    assert not known[0].any()
    assert known[1, 0].tolist() == [[1, 0], [0, 0]]
    known.sum().backward()
    assert fake.grad[1, 0].tolist() == [[0, 1], [1, 1]]
    batch['has_truth'] = torch.tensor([True, False])  # nothing is known of the second
    assert not with_known_background(fake, batch)[1].any()
    del batch['same_place']
    assert with_known_background(fake, batch) is fake
