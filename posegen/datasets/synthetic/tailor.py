"""Which trims a garment gets: prints, ribs, buttons, zips, lapels, belts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic import cuts, trims
from posegen.datasets.synthetic.body import Body
from posegen.datasets.synthetic.catalogue import Bottom
from posegen.datasets.synthetic.cuts import TopShape
from posegen.datasets.synthetic.fabrics import (
    Fabric,
    make_fabric,
    pyramid,
    second_colour,
)
from posegen.datasets.synthetic.layers import PANELS
from posegen.datasets.synthetic.trims import Trim

_ARMS = (PANELS.index('arm.L'), PANELS.index('arm.R'))
_LEGS = (PANELS.index('leg.L'), PANELS.index('leg.R'))


@dataclass(frozen=True)
class Job:
    """A top that is to be trimmed: its cut and cloth, on a body with a skin tone."""

    rng: np.random.Generator
    body: Body
    shape: TopShape
    fabric: Fabric
    skin: np.ndarray

    def contrast(self) -> np.ndarray:
        """(3,) colour that stands out from the cloth and is not the skin's."""
        return second_colour(self.rng, self.fabric.mean, self.skin)


def top_trims(job: Job, details: tuple[str, ...]) -> tuple[Trim, ...]:
    """Trims of a top that may carry ``details``; collars and hoods are no trims."""
    painted: list[Trim] = [trims.Hem()]
    for name in details:
        painted += TOP_TRIMS[name](job) if name in TOP_TRIMS else []
    return tuple(painted)


def _chest(job: Job) -> list[Trim]:
    if job.fabric.name not in ('plain', 'melange') or job.rng.random() < 0.45:
        return []
    ground = job.fabric.mean
    picture = trims.emblem(job.rng, ground, job.contrast())
    height = job.body.heads['upperarm01.L'][2] - job.rng.uniform(0.06, 0.12)
    centre, size = (0.0, float(height)), float(job.rng.uniform(0.13, 0.24))
    if job.rng.random() < 0.2:
        centre, size = (0.08, float(height + 0.02)), 0.07
    return [trims.ChestPrint(centre, size, pyramid(picture))]


def _ringer(job: Job) -> list[Trim]:
    if job.rng.random() < 0.75:
        return []
    return [trims.Rib(0.016, job.contrast())]


def _raglan(job: Job) -> list[Trim]:
    if job.rng.random() < 0.85:
        return []
    sleeves = make_fabric(job.rng, 'plain', job.contrast())
    return [trims.Sleeves(sleeves, _ARMS)]


def _block(job: Job) -> list[Trim]:
    if job.rng.random() < 0.88:
        return []
    other = make_fabric(job.rng, 'plain', job.contrast())
    height = cuts.hip_height(job.body) + job.rng.uniform(0.15, 0.32)
    return [trims.Block(other, float(height), bool(job.rng.random() < 0.6))]


def _bands(job: Job) -> list[Trim]:
    if job.fabric.name in ('stripes', 'argyle') or job.rng.random() < 0.65:
        return []
    top = job.body.heads['upperarm01.L'][2] - job.rng.uniform(0.05, 0.12)
    width = float(job.rng.uniform(0.02, 0.06))
    heights = tuple(
        float(top - 1.9 * width * i) for i in range(int(job.rng.integers(1, 4)))
    )
    return [trims.Bands(heights, width, job.contrast())]


def _rib(job: Job) -> list[Trim]:
    tone = job.fabric.mean * 0.9
    if job.rng.random() < 0.25:
        tone = job.contrast()
    return [trims.Rib(float(job.rng.uniform(0.03, 0.05)), tone)]


def _buttons(job: Job) -> list[Trim]:
    top = job.body.heads['neck01'][2] - 0.07
    bottom = cuts.hip_height(job.body) - job.shape.hem + 0.06
    tone = np.full(3, 0.9) if job.rng.random() < 0.6 else job.fabric.mean * 0.4
    return [trims.Placket(float(top), float(bottom), 6, tone)]


def _polo(job: Job) -> list[Trim]:
    top = job.body.heads['neck01'][2] - 0.06
    return [trims.Placket(float(top), float(top - 0.09), 3, np.full(3, 0.85))]


def _zip(job: Job) -> list[Trim]:
    bottom = cuts.hip_height(job.body) - job.shape.hem
    tone = np.full(3, job.rng.uniform(0.5, 0.85))
    return [trims.Zip(float(bottom), tone)]


def _lapels(job: Job) -> list[Trim]:
    start = float(job.body.heads['neck01'][2] + 0.02)
    end = float(cuts.hip_height(job.body) + job.rng.uniform(0.12, 0.28))
    return [trims.Lapels(start, end, job.shape.opening or 0.0)]


#: What the details of a recipe paint on a top.
TOP_TRIMS: dict[str, Callable[[Job], list[Trim]]] = {
    'chest': _chest, 'ringer': _ringer, 'raglan': _raglan, 'block': _block,
    'bands': _bands, 'rib': _rib, 'buttons': _buttons, 'polo': _polo, 'zip': _zip,
    'lapels': _lapels,
}  # fmt: skip


def bottom_trims(
    rng: np.random.Generator,
    body: Body,
    bottom: Bottom,
    rise: float,
    fabric: Fabric,
    showing: bool,
) -> tuple[Trim, ...]:
    """Trims of trousers and shorts.

    Args:
        rng: source of randomness.
        body: whose they are.
        bottom: the recipe.
        rise: metres of the waistband over the hip joints.
        fabric: the cloth.
        showing: the waistband is seen, so it may carry a belt.
    """
    hip = cuts.hip_height(body)
    painted: list[Trim] = [trims.Hem(0.022)]
    if 'jeans' in bottom.details:
        stitch = 1.35 if fabric.name == 'denim' and rng.random() < 0.5 else 0.68
        painted.append(trims.Jeans(hip, hip + rise, stitch))
    if 'rib' in bottom.details:
        painted.append(trims.Rib(0.035, fabric.mean * 0.92))
    if 'stripe' in bottom.details and rng.random() < 0.45:
        tone = second_colour(rng, fabric.mean)
        count = int(rng.integers(1, 4))
        painted.append(trims.SideStripe(float(0.03 / count), tone, _LEGS, count))
    if 'belt' in bottom.details and showing and rng.random() < 0.7:
        tone = np.array([[0.08] * 3, [0.32, 0.2, 0.12], [0.55, 0.4, 0.26]])
        belt = tone[rng.integers(3)]
        painted.append(trims.Belt(hip + rise - 0.02, belt, np.full(3, 0.75)))
    return tuple(painted)
