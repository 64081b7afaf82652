"""Streets and parks: buildings, pavement, cars, bicycles, trees, people who pass."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

from posegen.datasets.synthetic.canvas import Canvas
from posegen.datasets.synthetic.rooms import (
    floor_line,
    floor_lines,
    leaf_cloud,
    light_tone,
    paint_tone,
    thing_tone,
    wall_pattern,
)


def draw_street(
    rng: np.random.Generator, canvas: Canvas, floor: float, horizon: float
) -> float:
    """Sky or a facade above, pavement, road or grass below, things between.

    Args:
        rng: source of randomness.
        canvas: what to draw on.
        floor: share of the base picture's height at which the feet stand.
        horizon: share of the height of the horizon.

    Returns:
        Metres from the person to what is behind.
    """
    near = rng.random() < 0.4
    line, distance = floor_line(rng, floor, horizon, *((1, 5) if near else (5, 40)))
    _above(rng, canvas, line, near)
    _ground(rng, canvas, line, horizon)
    for _ in range(int(rng.integers(3, 11))):
        depth = float(np.exp(rng.uniform(np.log(1.0), np.log(max(distance, 1.5)))))
        share = 5.5 / (5.5 + depth)
        base = horizon + (floor - horizon) * share
        scale = share * max(floor - min(horizon, 0.4), 0.4)
        kinds = list(_THINGS)
        kinds[rng.integers(len(kinds))](rng, canvas, base, scale)
    canvas.texture(rng, rng.uniform(0.01, 0.05), 20)
    canvas.fade(rng.normal(0, 0.2), rng.normal(0, 0.1))
    canvas.picture *= np.float32(rng.uniform(0.8, 1.25))
    return distance


def _above(rng: np.random.Generator, canvas: Canvas, line: float, near: bool) -> None:
    """A wall close by, or sky with a row of buildings and trees."""
    if near:
        canvas.picture[:] = paint_tone(rng) * rng.uniform(0.7, 1)
        wall_pattern(rng, canvas, line)
        for _ in range(int(rng.integers(0, 4))):
            _opening(rng, canvas, line)
        return
    value, saturation = rng.uniform(0.7, 1.0), rng.uniform(0.0, 0.25)
    canvas.picture[:] = colorsys.hsv_to_rgb(0.57, saturation, value)
    x = canvas.left
    while x < canvas.right:
        wide = rng.uniform(0.2, 0.9)
        if rng.random() < 0.75:
            _building(rng, canvas, x, wide, line)
        if rng.random() < 0.5:
            middle = (x + wide / 2, line - rng.uniform(0.1, 0.5))
            leaf_cloud(rng, canvas, middle, (rng.uniform(0.2, 0.5), 0.3), 50)
        x += wide


def _opening(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    """A doorway, a shop window or a gate."""
    x, wide = rng.uniform(canvas.left, canvas.right), rng.uniform(0.3, 1.0)
    top = line - rng.uniform(0.6, 1.0)
    canvas.box(x - 0.03, top - 0.02, wide + 0.06, line - top + 0.02, thing_tone(rng))
    canvas.box(x, top, wide, line - top, light_tone(rng, 0.03, 0.35))
    for _ in range(int(rng.integers(0, 5))):
        left, high = x + rng.uniform(0, 0.8) * wide, top + rng.uniform(0, 0.7)
        tone = thing_tone(rng) * 0.6
        canvas.box(left, high, rng.uniform(0.03, 0.25), rng.uniform(0.05, 0.3), tone)


def _building(
    rng: np.random.Generator, canvas: Canvas, x: float, wide: float, line: float
) -> None:
    tone = paint_tone(rng) * 0.85
    top = line - rng.uniform(0.25, 1.3)
    canvas.box(x, top, wide, line - top, tone)
    glass = light_tone(rng, 0.1, 0.6)
    step, high = rng.uniform(0.06, 0.2), rng.uniform(0.06, 0.2)
    for y in np.arange(line - 0.5 * high, max(top, canvas.top), -high):
        for left in np.arange(x + 0.2 * step, x + wide - 0.6 * step, step):
            shade = glass * rng.uniform(0.7, 1.3)
            canvas.box(left, y - 0.55 * high, 0.55 * step, 0.55 * high, shade)


def _ground(
    rng: np.random.Generator, canvas: Canvas, line: float, horizon: float
) -> None:
    kind = rng.choice(['slabs', 'asphalt', 'grass'], p=[0.5, 0.35, 0.15])
    tone = light_tone(rng, 0.25, 0.7) * (1 + rng.normal(0, 0.03, 3))
    if kind == 'grass':
        tone = np.array(colorsys.hsv_to_rgb(0.27, rng.uniform(0.2, 0.5), 0.45))
    canvas.box(canvas.left, line, 9, 9, tone)
    if kind == 'slabs':
        joint = tone * rng.uniform(0.6, 0.92)
        floor_lines(rng, canvas, line, horizon, joint, rng.uniform(0.04, 0.2), True)
    below = canvas.rows(line, canvas.bottom)
    canvas.texture(rng, rng.uniform(0.02, 0.12), int(rng.integers(6, 24)), below, 3.0)
    if rng.random() < 0.5:
        y = line + rng.uniform(0.0, 0.12)
        other = np.clip(tone * rng.uniform(0.6, 1.4), 0, 1)
        canvas.box(canvas.left, y, 9, rng.uniform(0.01, 0.1), other)
    canvas.fade(rng.normal(0, 0.15), rng.normal(-0.05, 0.15), below)


def _car(rng: np.random.Generator, canvas: Canvas, base: float, scale: float) -> None:
    tone = thing_tone(rng)
    wide, tall = 2.4 * scale * canvas.aspect, 0.8 * scale
    x = rng.uniform(canvas.left - wide, canvas.right)
    cabin = [(0.18, 0.62), (0.3, 1.0), (0.7, 1.0), (0.85, 0.62)]
    cabin = np.array([(x + u * wide, base - v * tall) for u, v in cabin])
    canvas.polygon(cabin, tone)
    inner = cabin.mean(0) + 0.8 * (cabin - cabin.mean(0))
    canvas.polygon(inner, light_tone(rng, 0.05, 0.5))
    canvas.box(x, base - 0.66 * tall, wide, 0.5 * tall, tone)
    canvas.box(x, base - 0.25 * tall, wide, 0.1 * tall, tone * 0.5)
    for u in (0.2, 0.8):
        middle = (x + u * wide, base - 0.16 * tall)
        canvas.ellipse(*middle, 0.08 * wide, 0.18 * tall, np.full(3, 0.06))
        canvas.ellipse(*middle, 0.04 * wide, 0.09 * tall, np.full(3, 0.5))


def _bicycle(
    rng: np.random.Generator, canvas: Canvas, base: float, scale: float
) -> None:
    tone = thing_tone(rng) * 0.8
    size = np.array([0.17 * scale * canvas.aspect, 0.17 * scale])
    x = rng.uniform(canvas.left, canvas.right)
    turn = np.linspace(0, 2 * np.pi, 25)
    hubs = np.array([(x, base - size[1]), (x + 3.1 * size[0], base - size[1])])
    for hub in hubs:
        rim = hub + size * np.stack([np.cos(turn), np.sin(turn)], 1)
        canvas.line(rim, np.full(3, rng.uniform(0.05, 0.3)), 0.012)
    seat, bar = hubs[0] + size * (0.8, -1.3), hubs[1] + size * (-0.5, -1.5)
    pedal = hubs.mean(0)
    for path in ([hubs[0], seat, bar, hubs[1]], [hubs[0], pedal, bar], [seat, pedal]):
        canvas.line(np.array(path), tone, 0.012)


def _tree(rng: np.random.Generator, canvas: Canvas, base: float, scale: float) -> None:
    x = rng.uniform(canvas.left, canvas.right)
    trunk = np.array(colorsys.hsv_to_rgb(0.07, 0.3, rng.uniform(0.15, 0.4)))
    wide = rng.uniform(0.06, 0.2) * scale
    canvas.box(x - wide / 2, canvas.top, wide, base - canvas.top, trunk)
    crown = (x, base - rng.uniform(1.0, 1.6) * scale)
    leaf_cloud(rng, canvas, crown, (0.6 * scale, 0.45 * scale), 80)


def _bush(rng: np.random.Generator, canvas: Canvas, base: float, scale: float) -> None:
    x = rng.uniform(canvas.left, canvas.right)
    wide = rng.uniform(0.2, 0.8) * scale
    leaf_cloud(rng, canvas, (x, base - 0.15 * scale), (wide, 0.25 * scale), 60)


def _post(rng: np.random.Generator, canvas: Canvas, base: float, scale: float) -> None:
    x, tall = rng.uniform(canvas.left, canvas.right), rng.uniform(0.4, 2.5) * scale
    wide = rng.uniform(0.02, 0.09) * scale
    tone = light_tone(rng, 0.05, 0.8)
    canvas.box(x, base - tall, wide, tall, tone)
    if rng.random() < 0.4:
        sign = thing_tone(rng)
        canvas.box(x - 0.1, base - tall, 0.2 + wide, rng.uniform(0.05, 0.2), sign)


def _railing(
    rng: np.random.Generator, canvas: Canvas, base: float, scale: float
) -> None:
    tone, tall = light_tone(rng, 0.1, 0.9), rng.uniform(0.3, 0.55) * scale
    start, end = sorted(rng.uniform(canvas.left, canvas.right, 2))
    for y in (base - tall, base - tall / 2):
        canvas.line([(start, y), (end, y)], tone, 0.02)
    for x in np.arange(start, end, rng.uniform(0.05, 0.3)):
        canvas.line([(x, base), (x, base - tall)], tone, 0.014)


def _passer(
    rng: np.random.Generator, canvas: Canvas, base: float, scale: float
) -> None:
    """Somebody far off, as a few dressed shapes."""
    x, tall = rng.uniform(canvas.left, canvas.right), rng.uniform(0.9, 1.05) * scale
    wide = 0.13 * tall * canvas.aspect
    top, trousers = thing_tone(rng), thing_tone(rng) * 0.7
    stride = rng.uniform(0, 0.6) * wide
    for side in (-1, 1):
        foot = x + side * stride
        leg = [(x - 0.3 * wide, base - 0.5 * tall), (x + 0.3 * wide, base - 0.5 * tall)]
        leg += [(foot + 0.2 * wide, base), (foot - 0.2 * wide, base)]
        canvas.polygon(np.array(leg), trousers)
    canvas.ellipse(x, base - 0.65 * tall, 0.55 * wide, 0.2 * tall, top)
    skin = np.array([0.85, 0.65, 0.52]) * rng.uniform(0.4, 1.0)
    canvas.ellipse(x, base - 0.92 * tall, 0.3 * wide, 0.075 * tall, skin)
    hair = light_tone(rng, 0.03, 0.3)
    canvas.ellipse(x, base - 0.955 * tall, 0.32 * wide, 0.05 * tall, hair)


def _box(rng: np.random.Generator, canvas: Canvas, base: float, scale: float) -> None:
    tone, x = thing_tone(rng), rng.uniform(canvas.left, canvas.right)
    wide, tall = rng.uniform(0.1, 0.8) * scale, rng.uniform(0.1, 0.9) * scale
    canvas.box(x, base - tall, wide, tall, tone)
    canvas.box(x, base - tall, wide, 0.15 * tall, np.clip(tone * 1.3, 0, 1))


_THINGS: tuple[Callable[[np.random.Generator, Canvas, float, float], None], ...] = (
    _car, _bicycle, _bicycle, _tree, _bush, _post, _railing, _passer, _box,
)  # fmt: skip
