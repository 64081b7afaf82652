"""What all models share."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

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
