"""A model for tests: the source with a white dot on each target joint."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posegen.codecs import keypoints_to_heatmaps
from posegen.models.ops import compose
from posegen.registry import MODELS

CONFIG = """
custom_imports = dict(imports=['tests.apis.toy'])
model = dict(type='DotTransfer', losses=dict(rec=dict(type='L1Loss')))
test_dataloader = dict(
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='PosePairDataset', image_dir='', annotation_file='', pair_file='',
        data_root='', image_size=(64, 32), annotation_size={frame}),
)
"""


@MODELS.register_module()
class DotTransfer(nn.Module):
    """Keeps what it was given last, and draws its flow at random."""

    def __init__(self, losses: dict | None = None, train_stage: str = 'full') -> None:
        super().__init__()
        self.losses, self.train_stage = losses, train_stage
        self.gain = nn.Parameter(torch.ones(1))
        self.calls: list[tuple[Tensor, Tensor, Tensor]] = []

    def generate(
        self, source: Tensor, source_pose: Tensor, target_pose: Tensor
    ) -> dict:
        self.calls.append((source, source_pose, target_pose))
        dots = keypoints_to_heatmaps(target_pose, source.shape[-2:], sigma=1)
        dots = dots.amax(1, keepdim=True) * self.gain
        return {
            'image': source * (1 - dots) + dots,
            'flow': {'all': torch.randn(len(source), 2, 16, 8)},
            'visibility': {'all': torch.ones(len(source), 1, 16, 8)},
        }


class Composer(nn.Module):
    """Composes canvases of (source, painted black, one part's warp).

    Args:
        candidate: The one that is taken everywhere; None mixes them by the joints.
        shift: dx, dy of the flow everywhere, in canvas pixels; None lets the target's
            joints pull at the source's.
    """

    def __init__(
        self, candidate: int | None = 0, shift: tuple[float, float] | None = (0.0, 0.0)
    ) -> None:
        super().__init__()
        self.candidate, self.shift = candidate, shift

    def generate(
        self, source: Tensor, source_pose: Tensor, target_pose: Tensor
    ) -> dict:
        count, _, height, width = source.shape
        if self.shift is None:
            present = (source_pose[..., 2] * target_pose[..., 2]) > 0
            moves = (source_pose - target_pose)[..., :2] * present[..., None]
            shift = moves.sum(1) / present.sum(1).clamp(min=1)[:, None]
        else:
            shift = torch.tensor(self.shift).expand(count, 2)
        # A map of half the size counts in pixels twice as large.
        half = (height // 2, width // 2)
        flow = (shift / 2)[:, :, None, None].expand(count, 2, *half)
        if self.candidate is None:
            heat = keypoints_to_heatmaps(target_pose, (height, width))
            masks = heat[:, :3].softmax(1)
        else:
            masks = torch.zeros(count, 3, height, width)
            masks[:, self.candidate] = 1
        painted = torch.full_like(source, -1)
        image = compose(source, painted, {'all': flow}, masks)
        return dict(image=image, flow={'all': flow}, masks=masks, painted=painted)


def write_config(folder, frame=(64, 32), name='toy.py') -> str:
    path = folder / name
    path.write_text(CONFIG.format(frame=frame))
    return str(path)


def pose_at(*points, score: float = 1.0):
    """(18, 3): the given x, y for the first joints, the rest missing."""
    pose = torch.zeros(18, 3)
    for joint, (x, y) in enumerate(points):
        pose[joint] = torch.tensor([x, y, score])
    return pose.numpy()
