"""Every method's generator and losses under autocast, in both half types."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.models.test_accumulation import CASES, batch, build

HALF = [torch.bfloat16, torch.float16]
DEVICES = [
    'cpu',
    pytest.param(
        'cuda',
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
        ],
    ),
]


def losses_of(case: str, device: str, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """Losses of the generator; those of half precision with their gradients.

    Without dropout, which on a GPU drops other values in half precision.
    """
    model, _ = build(case, {k: v for k, v in CASES[case].items() if 'dropout' in k})
    model = model.to(device)
    data = model.training_batch(batch(2))
    torch.manual_seed(0)
    with torch.autocast(device, dtype or torch.bfloat16, enabled=dtype is not None):
        out = model.run_generator(data)
        losses, _ = model.generator_losses(data, out)
    for part in out.get('flows', {}).values():
        for flow, visibility in part.values():
            assert flow.dtype == visibility.dtype == torch.float32
    sum(losses.values()).backward()
    for name, parameter in model.generator.named_parameters():
        if parameter.grad is not None:
            assert parameter.dtype == parameter.grad.dtype == torch.float32
            assert parameter.grad.isfinite().all(), name
    return losses


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('case', CASES)
def test_losses_are_float32_and_near_those_of_float32(
    case: str, dtype: torch.dtype, device: str
) -> None:
    # VU-Net draws latents in the type that it computes in: other numbers.
    tolerance = 0.3 if case.startswith('vunet') else 0.06
    full, half = losses_of(case, device, None), losses_of(case, device, dtype)
    assert full.keys() == half.keys() and full
    for key, value in half.items():
        assert value.dtype == torch.float32, key
        assert value.item() == pytest.approx(full[key].item(), rel=tolerance, abs=0.02)
