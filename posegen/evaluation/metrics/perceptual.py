"""LPIPS and its stand-in."""

from __future__ import annotations

from mmengine.device import get_device
from torch import Tensor

from posegen.evaluation.extractors import load_network
from posegen.evaluation.metrics.base import PairMetric
from posegen.evaluation.networks import STLPIPSNet
from posegen.registry import METRICS


@METRICS.register_module()
class LPIPS(PairMetric):
    """``lpips`` on [-1, 1], version 0.1; lower is better.

    Called ``lpips`` with AlexNet, ``lpips_vgg`` and ``lpips_squeeze`` with the others.
    Masked, both images are grey (0 of [-1, 1]) around the person, as GFLA does. For the
    wrong input range that was published with, see :class:`ProtocolScores`.

    Args:
        net: Trunk: 'alex', 'vgg' or 'squeeze'.
        file: Weights of the trunk; see
            :class:`~posegen.evaluation.networks.LPIPSNet`.
        masked: See :class:`PairMetric`.
        prefix: See :class:`SampleMetric`.

    Raises:
        WeightsError: The weights are neither there nor to be had.
    """

    background = 127.5

    def __init__(
        self,
        net: str = 'alex',
        file: str | None = None,
        masked: bool = False,
        prefix: str | None = None,
    ) -> None:
        super().__init__(masked, prefix)
        self.name = 'lpips' if net == 'alex' else f'lpips_{net}'
        key = 'lpips', net, '[-1,1]'
        self.net = load_network(key if file is None else (*key, file))

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        device = get_device()
        return self.net(fake.to(device), real.to(device))


@METRICS.register_module()
class STLPIPS(PairMetric):
    """``st_lpips``, shift-tolerant LPIPS with packaged weights; lower is better.

    A stand-in for LPIPS where nothing can be downloaded, on a scale of its own.

    Args:
        net: 'alex' or 'vgg'.
        masked: See :class:`PairMetric`.
        prefix: See :class:`SampleMetric`.

    Raises:
        DependencyError: The extra ``offline-features`` is not installed.
    """

    name = 'st_lpips'

    def __init__(
        self, net: str = 'alex', masked: bool = False, prefix: str | None = None
    ) -> None:
        super().__init__(masked, prefix)
        self.net = STLPIPSNet(net).to(get_device())

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        device = get_device()
        return self.net(fake.to(device), real.to(device))
