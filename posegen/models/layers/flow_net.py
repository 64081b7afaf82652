"""Flow network: two poses in, flow and visibility at some levels out.

Paper equation 1; layers from the GFLA reference, section 1. Departure from GFLA: the
paper's part networks see the two sub-poses only, not the source image. With a prior, a
departure from both, a net predicts what the flow of the limbs lacks, not the flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from posegen.models.layers.blocks import (
    EncoderBlock,
    Jump,
    ResBlockDecoder,
    check_divisible,
    init_orthogonal,
    widths,
)
from posegen.models.ops import limb_flow
from posegen.models.ops.precision import full_precision
from posegen.registry import MODELS

#: Level -> (flow, visibility).
LevelFlows = dict[int, tuple[Tensor, Tensor]]


@MODELS.register_module()
class PoseFlowNet(nn.Module):
    """Encoder-decoder that predicts backward flow and visibility (eq. 1).

    Args:
        num_joints: Joints of each pose; one heat map a joint.
        levels: Levels to predict at; level L is 1/2^L of the input's resolution.
        base_channels: Width of the first encoder block.
        max_channels: Cap of the widths.
        num_downs: Encoder blocks, so the coarsest map is 1/2^num_downs of the input.
        use_image: Whether the source image joins the poses (GFLA does this).
        norm: See :func:`~posegen.models.layers.blocks.norm_layer`.
        prior: ``'limbs'``: the net predicts the residual to
            :func:`~posegen.models.ops.limb_flow` of the whole body, so an untrained net
            starts from that flow. None (the papers): it predicts the flow itself.

    Attributes:
        levels: The levels, coarse first.

    Raises:
        ValueError: If a level lies outside 1 .. num_downs - 1, or ``prior`` is unknown.
    """

    def __init__(
        self,
        num_joints: int,
        levels: Sequence[int] = (2,),
        base_channels: int = 32,
        max_channels: int = 256,
        num_downs: int = 5,
        use_image: bool = False,
        norm: str | None = 'instance',
        prior: str | None = None,
    ) -> None:
        super().__init__()
        if prior not in ('limbs', None):
            raise ValueError(f"prior must be 'limbs' or None, got {prior!r}")
        if not levels or not all(1 <= level < num_downs for level in levels):
            raise ValueError(
                f'levels must lie in 1..{num_downs - 1} with num_downs={num_downs}, '
                f'got {tuple(levels)}'
            )
        self.levels = tuple(sorted(levels, reverse=True))
        self.num_downs = num_downs
        self.use_image = use_image
        self.prior = prior
        in_channels = 2 * num_joints + 3 * use_image
        down = widths(base_channels, num_downs, max_channels)
        self.encoder = nn.ModuleList(
            EncoderBlock(i, o, norm) for i, o in zip([in_channels, *down], down)
        )
        # Decoder step k goes from level num_downs - k to the next finer one.
        steps = num_downs - min(self.levels)
        coarse_to_fine = down[::-1][: steps + 1]
        self.decoder = nn.ModuleList(
            ResBlockDecoder(i, o, o, norm)
            for i, o in zip(coarse_to_fine, coarse_to_fine[1:])
        )
        self.jumps = nn.ModuleList(Jump(c) for c in coarse_to_fine[1:])
        channels = {level: down[level - 1] for level in self.levels}
        self.flow_heads = _heads(channels, 2)
        self.visibility_heads = _heads(channels, 1)
        init_orthogonal(self)

    def forward(
        self,
        source_pose: Tensor,
        target_pose: Tensor,
        source_image: Tensor | None = None,
        source_keypoints: Tensor | None = None,
        target_keypoints: Tensor | None = None,
    ) -> LevelFlows:
        """Predict flow and visibility.

        Args:
            source_pose: (B, num_joints, H, W) heat maps in [0, 1].
            target_pose: (B, num_joints, H, W) heat maps in [0, 1].
            source_image: (B, 3, H, W) in [-1, 1]; used only with ``use_image``.
            source_keypoints: (B, 18, 3) x, y in pixels of the maps and score, all
                joints of the person; used only with ``prior``.
            target_keypoints: (B, 18, 3); used only with ``prior``.

        Returns:
            Level -> (flow (B, 2, h, w): dx, dy in pixels of that level, visibility
            (B, 1, h, w) in [0, 1]), coarse levels first; float32 or better.

        Raises:
            ConfigError: If the size is no multiple of 2^num_downs.
            ValueError: If the image or the keypoints are missing.
        """
        flows = self.predict(self.join(source_pose, target_pose, source_image))
        return self.add_prior(flows, source_keypoints, target_keypoints)

    def add_prior(
        self,
        flows: LevelFlows,
        source_keypoints: Tensor | None,
        target_keypoints: Tensor | None,
    ) -> LevelFlows:
        """Add the prior to predicted flows; without one, give them back.

        The flow of the limbs is a formula of the position, so it is not resized but
        taken at the positions of each level.

        Args:
            flows: What :meth:`predict` gives.
            source_keypoints: (B, 18, 3) x, y in pixels of the image and score.
            target_keypoints: (B, 18, 3), likewise.

        Returns:
            Level -> (flow (B, 2, h, w), visibility (B, 1, h, w)).

        Raises:
            ValueError: If there is a prior, and keypoints are missing.
        """
        if self.prior is None:
            return flows
        if source_keypoints is None or target_keypoints is None:
            raise ValueError(
                f'prior={self.prior!r} needs source_keypoints and target_keypoints, '
                'got None'
            )
        poses = source_keypoints, target_keypoints
        return {
            level: (flow + _limbs_at(level, *poses, like=flow), visible)
            for level, (flow, visible) in flows.items()
        }

    def join(
        self, source_pose: Tensor, target_pose: Tensor, source_image: Tensor | None
    ) -> Tensor:
        """What the first layer sees; arguments as in :meth:`forward`.

        Returns:
            (B, C, H, W).

        Raises:
            ValueError: If the image is missing.
        """
        maps = [source_pose, target_pose]
        if self.use_image:
            if source_image is None:
                raise ValueError('use_image=True needs the source_image, got None')
            maps.insert(0, source_image)
        return torch.cat(maps, dim=1)

    def predict(self, x: Tensor) -> LevelFlows:
        """As :meth:`forward` without a prior, from what :meth:`join` gives."""
        check_divisible(x.shape, 2**self.num_downs, type(self).__name__)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        result = {}
        for step, (up, jump) in enumerate(zip(self.decoder, self.jumps)):
            level = self.num_downs - 1 - step
            x = up(x) + jump(skips[level - 1])
            if level in self.levels:
                key = str(level)
                visibility = _predict(self.visibility_heads[key], x).sigmoid()
                result[level] = _predict(self.flow_heads[key], x), visibility
        return result

    def visibility_parameters(self, level: int) -> Iterator[nn.Parameter]:
        """Parameters on which nothing but the visibility of a level depends."""
        return self.visibility_heads[str(level)].parameters()


def train_visibility_at(net: nn.Module, levels: Iterable[int]) -> None:
    """Train the visibility heads of some levels and freeze the others, in place.

    Nothing reads the visibility of a level that is not warped, so nothing could train
    it.

    Args:
        net: A flow net: has ``levels`` and ``visibility_parameters(level)``.
        levels: Levels at which features are warped.

    Raises:
        ValueError: If the net does not predict at one of them.
    """
    levels = set(levels)
    for level in sorted(levels - set(net.levels)):
        raise ValueError(
            f'flow must predict at level={level}, where features are warped; its '
            f'levels are {tuple(net.levels)}'
        )
    for level in net.levels:
        for parameter in net.visibility_parameters(level):
            parameter.requires_grad_(level in levels)


def parameters_of_flow(nets: Iterable[nn.Module]) -> Iterator[nn.Parameter]:
    """Parameters of flow nets on which their flow depends: all but visibility heads."""
    for net in nets:
        heads = {
            id(parameter)
            for level in net.levels
            for parameter in net.visibility_parameters(level)
        }
        yield from (p for p in net.parameters() if id(p) not in heads)


def parameters_of_visibility(nets: Iterable[nn.Module]) -> Iterator[nn.Parameter]:
    """Parameters of the visibility heads of flow nets."""
    for net in nets:
        for level in net.levels:
            yield from net.visibility_parameters(level)


@full_precision
def _predict(head: nn.Module, x: Tensor) -> Tensor:
    """Half precision would round a flow of 20 pixels to eighths of a pixel."""
    return head(x)


def _limbs_at(
    level: int, source_keypoints: Tensor, target_keypoints: Tensor, like: Tensor
) -> Tensor:
    """The flow of the limbs (B, 2, h, w) in pixels of a level, for one of its maps."""
    poses = (
        torch.cat([(x[..., :2] + 0.5) / 2**level - 0.5, x[..., 2:]], dim=-1)
        for x in (source_keypoints, target_keypoints)
    )
    return limb_flow(*poses, tuple(like.shape[-2:]))[0].to(like)


def _heads(channels: dict[int, int], out_channels: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            str(level): nn.Conv2d(width, out_channels, 3, padding=1)
            for level, width in channels.items()
        }
    )
