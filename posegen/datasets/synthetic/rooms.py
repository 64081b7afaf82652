"""Studios, walls and rooms, drawn on a canvas.

Every function takes the generator, the canvas, the height ``floor`` at which the feet
stand and the ``horizon``, both as shares of the base picture's height, and returns the
meters from the person to the wall.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

from posegen.datasets.synthetic.canvas import Canvas
from posegen.datasets.synthetic.fabrics import clothing_colour


def light_tone(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """(3,) nearly gray."""
    return np.clip(rng.uniform(low, high) * (1 + rng.normal(0, 0.008, 3)), 0, 1)


def paint_tone(rng: np.random.Generator) -> np.ndarray:
    """(3,) a wall's color: pale, gray, strong, or dark."""
    kind = rng.random()
    if kind < 0.45:
        hue, saturation, value = rng.random(), rng.uniform(0, 0.12), rng.uniform(0.6, 1)
    elif kind < 0.7:
        hue, saturation, value = (
            rng.random(),
            rng.uniform(0, 0.1),
            rng.uniform(0.2, 0.6),
        )
    elif kind < 0.9:
        hue, saturation = rng.random(), rng.uniform(0.12, 0.5)
        value = rng.uniform(0.35, 0.85)
    else:
        hue, saturation, value = (
            rng.random(),
            rng.uniform(0, 0.3),
            rng.uniform(0.03, 0.2),
        )
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value))


def wood_tone(rng: np.random.Generator) -> np.ndarray:
    """(3,) of furniture and floors."""
    hue, saturation = rng.normal(0.075, 0.012), rng.uniform(0.2, 0.6)
    return np.array(colorsys.hsv_to_rgb(hue, saturation, rng.uniform(0.15, 0.8)))


def thing_tone(rng: np.random.Generator) -> np.ndarray:
    """(3,) of anything that stands about: mostly dull."""
    color = clothing_colour(rng)
    return color.mean() + rng.uniform(0.3, 0.9) * (color - color.mean())


def floor_line(
    rng: np.random.Generator, floor: float, horizon: float, near: float, far: float
) -> tuple[float, float]:
    """Height at which a wall meets the floor, and the wall's meters behind the feet.

    The floor runs from the feet towards the horizon, at half way after as many meters
    as the camera is away (about five).
    """
    distance = float(np.exp(rng.uniform(np.log(near), np.log(far))))
    return horizon + (floor - horizon) * 5.5 / (5.5 + distance), distance


def draw_studio(
    rng: np.random.Generator, canvas: Canvas, floor: float, horizon: float
) -> float:
    """A light plain wall, with or without a floor."""
    bright = rng.random()
    low, high = (0.96, 1.04) if bright < 0.45 else (0.84, 0.97)
    canvas.picture[:] = light_tone(rng, low, high)
    line, distance = floor_line(rng, floor, horizon, 0.25, 2.5)
    kind = rng.random()
    if kind < 0.45:
        below = canvas.rows(line, canvas.bottom)
        _seam(rng, canvas, line, soft=rng.uniform(0.002, 0.12))
        canvas.fade(0, rng.uniform(-0.05, 0.15), below)
    if bright >= 0.45 or rng.random() < 0.3:
        canvas.fade(rng.normal(0, 0.06), rng.normal(0.03, 0.06))
        canvas.texture(rng, rng.uniform(0.0, 0.015), 3)
    if rng.random() < 0.12:
        _panels(rng, canvas, line, rng.uniform(0.93, 0.98))
    return distance


def _seam(rng: np.random.Generator, canvas: Canvas, line: float, soft: float) -> None:
    """A floor of a slightly other tone below a soft line."""
    y = np.linspace(canvas.top, canvas.bottom, len(canvas.picture), dtype=np.float32)
    share = 1 / (1 + np.exp(-np.clip((y - line) / soft * 3, -30, 30)))
    tone = rng.uniform(0.86, 1.03) * (1 + rng.normal(0, 0.006, 3))
    factor = 1 + share[:, None] * (tone - 1)
    canvas.picture *= factor[:, None].astype(np.float32)


def draw_wall(
    rng: np.random.Generator, canvas: Canvas, floor: float, horizon: float
) -> float:
    """A wall of any tone, often textured, mostly with a floor before it."""
    canvas.picture[:] = paint_tone(rng)
    line, distance = floor_line(rng, floor, horizon, 0.2, 2.0)
    wall_pattern(rng, canvas, line)
    if rng.random() < 0.7:
        draw_floor(rng, canvas, line, horizon)
    canvas.fade(rng.normal(0, 0.15), rng.normal(0.05, 0.12))
    return distance


def wall_pattern(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    """Plaster, bricks, boards, tiles or panels above ``line``, or nothing."""
    kinds = (_plaster, _bricks, _boards, _tiles, _panel_rows, _nothing, _nothing)
    kinds[rng.integers(len(kinds))](rng, canvas, line)
    if rng.random() < 0.5:
        canvas.texture(rng, rng.uniform(0.01, 0.05), int(rng.integers(2, 5)))


def _nothing(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    pass


def _plaster(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    canvas.texture(rng, rng.uniform(0.02, 0.10), int(rng.integers(4, 14)))
    canvas.texture(rng, rng.uniform(0.01, 0.05), 24)


def _bricks(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    tone = canvas.picture[0, 0].copy()
    mortar = np.clip(tone * rng.uniform(0.6, 1.5), 0, 1)
    canvas.box(canvas.left, canvas.top, 9, line - canvas.top, mortar)
    tall = rng.uniform(0.02, 0.05)
    wide = tall * rng.uniform(2, 3.5) * canvas.aspect
    spread = rng.uniform(0.02, 0.14)
    for row, y in enumerate(np.arange(line, canvas.top - tall, -tall)):
        xs = np.arange(canvas.left - wide * (row % 2) / 2, canvas.right, wide)
        shades = tone * (1 + spread * rng.standard_normal((len(xs), 1)))
        for x, shade in zip(xs, shades):
            canvas.box(x, y - tall, 0.95 * wide, 0.9 * tall, shade)


def _boards(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    tone = canvas.picture[0, 0].copy()
    wide, gap = rng.uniform(0.05, 0.25), rng.uniform(0.5, 0.9)
    for x in np.arange(canvas.left, canvas.right, wide):
        shade = tone * (1 + 0.05 * rng.standard_normal())
        canvas.box(x, canvas.top, wide, line - canvas.top, shade)
        canvas.line([(x, canvas.top), (x, line)], tone * gap, 0.006)


def _tiles(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    tone = canvas.picture[0, 0].copy()
    tall = rng.uniform(0.05, 0.16)
    wide = tall * canvas.aspect * rng.choice([1.0, 2.0])
    joint = np.clip(tone * rng.uniform(0.7, 1.2), 0, 1)
    for y in np.arange(line, canvas.top, -tall):
        canvas.line([(canvas.left, y), (canvas.right, y)], joint, 0.006)
    for x in np.arange(canvas.left, canvas.right, wide):
        canvas.line([(x, canvas.top), (x, line)], joint, 0.006)


def _panel_rows(rng: np.random.Generator, canvas: Canvas, line: float) -> None:
    _panels(rng, canvas, line, rng.uniform(0.75, 0.95))


def _panels(
    rng: np.random.Generator, canvas: Canvas, line: float, shade: float
) -> None:
    """Raised frames on a wall, as in a classic interior."""
    tone = canvas.picture[0, 0].copy()
    wide, start = rng.uniform(0.35, 0.8), rng.uniform(-0.3, 0.3)
    for x in np.arange(canvas.left + start, canvas.right, wide):
        for top, bottom in ((canvas.top, line - 0.33), (line - 0.27, line - 0.06)):
            x0, x1 = x, x + 0.85 * wide
            frame = [(x0, top), (x1, top), (x1, bottom), (x0, bottom), (x0, top)]
            canvas.line(np.array(frame), tone * shade, 0.012)
    if rng.random() < 0.5:
        canvas.box(canvas.left, line - 0.045, 9, 0.045, np.clip(tone * 1.05, 0, 1))
        canvas.line([(canvas.left, line - 0.045), (9, line - 0.045)], tone * shade)


def draw_floor(
    rng: np.random.Generator, canvas: Canvas, line: float, horizon: float
) -> None:
    """Planks, tiles, carpet or concrete below ``line``, in perspective."""
    kind = rng.choice(['planks', 'tiles', 'carpet', 'concrete'])
    tone = wood_tone(rng) if kind == 'planks' else paint_tone(rng)
    if kind == 'concrete':
        tone = light_tone(rng, 0.3, 0.75)
    canvas.box(canvas.left, line, 9, 9, tone)
    below = canvas.rows(line, canvas.bottom)
    if kind in ('planks', 'tiles'):
        joint = tone * rng.uniform(0.6, 0.9)
        spread = rng.uniform(0.05, 0.25)
        floor_lines(rng, canvas, line, horizon, joint, spread, kind == 'tiles')
    canvas.texture(rng, rng.uniform(0.01, 0.08), int(rng.integers(4, 20)), below, 3.0)
    canvas.fade(rng.normal(0, 0.1), rng.normal(0.0, 0.2), below)


def floor_lines(
    rng: np.random.Generator,
    canvas: Canvas,
    line: float,
    horizon: float,
    joint: np.ndarray,
    spread: float,
    across: bool,
) -> None:
    """Lines on the floor: towards a vanishing point, and across."""
    vanish = np.array([rng.uniform(-0.5, 1.5), min(horizon, line - 0.05)])
    reach = canvas.bottom - vanish[1]
    for x in np.arange(-8, 9, 2 * spread):
        foot = np.array([vanish[0] + x * reach, canvas.bottom])
        share = (line - vanish[1]) / reach
        canvas.line([vanish + share * (foot - vanish), foot], joint)
    if not across:
        return
    depth = np.arange(1.0, 40.0, 2 * spread)
    for y in vanish[1] + (canvas.bottom - vanish[1]) / depth:
        if y > line:
            canvas.line([(canvas.left, y), (canvas.right, y)], joint)


def draw_room(
    rng: np.random.Generator, canvas: Canvas, floor: float, horizon: float
) -> float:
    """Wall, floor, often a corner, and furniture along the wall."""
    tone = paint_tone(rng)
    canvas.picture[:] = tone
    line, distance = floor_line(rng, floor, horizon, 0.4, 4.5)
    if rng.random() < 0.5:
        wall_pattern(rng, canvas, line)
    draw_floor(rng, canvas, line, horizon)
    if rng.random() < 0.6:
        skirting = light_tone(rng, 0.2, 0.95)
        canvas.box(canvas.left, line - 0.025, 9, 0.025, skirting)
    if rng.random() < 0.4:
        _corner(rng, canvas, line, horizon, tone)
    scale = (line - horizon) / max(floor - horizon, 0.1)
    for _ in range(int(rng.integers(2, 7))):
        things = list(_THINGS)
        things[rng.integers(len(things))](rng, canvas, line, scale)
    canvas.fade(rng.normal(0, 0.25), rng.normal(0.05, 0.15))
    return distance


def _corner(
    rng: np.random.Generator,
    canvas: Canvas,
    line: float,
    horizon: float,
    tone: np.ndarray,
) -> None:
    """A side wall that comes towards the viewer."""
    x = rng.uniform(-0.4, 1.4)
    side = 1 if x > 0.5 else -1
    end = canvas.right if side > 0 else canvas.left
    drop = abs(end - x) * rng.uniform(0.2, 0.8)
    wall = [(x, canvas.top), (end, canvas.top), (end, line + drop), (x, line)]
    canvas.polygon(np.array(wall), tone * rng.uniform(0.7, 1.12))
    canvas.line([(x, line), (end, line + drop)], tone * 0.6, 0.01)


Draw = Callable[[np.random.Generator, Canvas, float, float], None]


def _door(rng: np.random.Generator, canvas: Canvas, line: float, scale: float) -> None:
    tone = wood_tone(rng) if rng.random() < 0.5 else light_tone(rng, 0.3, 0.95)
    tall, wide = 1.05 * scale, rng.uniform(0.42, 0.55) * scale * canvas.aspect
    x = rng.uniform(canvas.left, canvas.right)
    canvas.box(x - 0.03, line - tall - 0.02, wide + 0.06, tall + 0.02, tone * 0.7)
    canvas.box(x, line - tall, wide, tall, tone)
    for top in (0.06, 0.55):
        canvas.box(
            x + 0.15 * wide,
            line - tall * (1 - top),
            0.7 * wide,
            0.36 * tall,
            tone * 0.9,
        )
    canvas.box(x + 0.86 * wide, line - 0.5 * tall, 0.06 * wide, 0.02, tone * 0.4)


def _window(
    rng: np.random.Generator, canvas: Canvas, line: float, scale: float
) -> None:
    glass = rng.uniform(0.7, 1.05) * np.array([0.95, 0.98, 1.0])
    if rng.random() < 0.25:
        glass = rng.uniform(0.05, 0.3) * np.ones(3)
    tall, wide = rng.uniform(0.4, 0.8) * scale, rng.uniform(0.3, 1.0) * canvas.aspect
    x, y = rng.uniform(canvas.left, canvas.right), line - rng.uniform(0.4, 0.6) * scale
    frame = light_tone(rng, 0.2, 0.95)
    canvas.box(x - 0.02, y - tall - 0.015, wide + 0.04, tall + 0.03, frame)
    count = int(rng.integers(1, 4))
    for pane in range(count):
        left = x + wide * pane / count
        canvas.box(left + 0.008, y - tall, wide / count - 0.016, tall, glass)
    if rng.random() < 0.5:
        cloth = thing_tone(rng)
        for left in (x - 0.12, x + wide - 0.05):
            canvas.box(left, y - tall - 0.03, 0.17, tall + 0.1, cloth)
            for fold in np.linspace(left, left + 0.17, 5):
                canvas.line([(fold, y - tall), (fold, y + 0.06)], cloth * 0.8, 0.01)


def _cabinet(
    rng: np.random.Generator, canvas: Canvas, line: float, scale: float
) -> None:
    tone = wood_tone(rng) if rng.random() < 0.6 else thing_tone(rng)
    tall, wide = rng.uniform(0.2, 0.6) * scale, rng.uniform(0.25, 0.7) * canvas.aspect
    x, base = rng.uniform(canvas.left, canvas.right), line + rng.uniform(0, 0.05)
    canvas.box(x, base - tall, wide, tall, tone)
    canvas.box(x, base - tall, wide, 0.02, np.clip(tone * 1.25, 0, 1))
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    for row in range(rows):
        for column in range(columns):
            left, top = x + wide * column / columns, base - tall * (1 - row / rows)
            canvas.box(
                left + 0.01, top + 0.012, wide / columns - 0.02, tall / rows - 0.02,
                tone * rng.uniform(0.8, 1.05),
            )  # fmt: skip
            canvas.box(left + wide / columns / 2, top + 0.03, 0.03, 0.008, tone * 0.4)


def _shelf(rng: np.random.Generator, canvas: Canvas, line: float, scale: float) -> None:
    tone = wood_tone(rng) if rng.random() < 0.6 else light_tone(rng, 0.1, 0.95)
    tall, wide = rng.uniform(0.6, 1.1) * scale, rng.uniform(0.3, 0.8) * canvas.aspect
    x = rng.uniform(canvas.left, canvas.right)
    canvas.box(x, line - tall, wide, tall, tone)
    rows = int(rng.integers(3, 7))
    for row in range(rows):
        top, high = line - tall * (1 - row / rows) + 0.012, tall / rows - 0.02
        canvas.box(x + 0.012, top, wide - 0.024, high, tone * 0.45)
        left = x + 0.02
        while left < x + wide - 0.06:
            thick, part = rng.uniform(0.012, 0.06), rng.uniform(0.4, 0.95)
            if rng.random() < 0.8:
                book = thing_tone(rng)
                canvas.box(left, top + high * (1 - part), thick, high * part, book)
            left += thick + 0.004


def _picture(
    rng: np.random.Generator, canvas: Canvas, line: float, scale: float
) -> None:
    tall, wide = rng.uniform(0.08, 0.35) * scale, rng.uniform(0.1, 0.5) * canvas.aspect
    x, y = rng.uniform(canvas.left, canvas.right), line - rng.uniform(0.6, 1.0) * scale
    canvas.box(x, y, wide, tall, light_tone(rng, 0.02, 0.9))
    canvas.box(x + 0.02, y + 0.015, wide - 0.04, tall - 0.03, thing_tone(rng))
    for _ in range(int(rng.integers(0, 5))):
        canvas.ellipse(
            x + rng.uniform(0.2, 0.8) * wide, y + rng.uniform(0.2, 0.8) * tall,
            0.15 * wide, 0.15 * tall, thing_tone(rng),
        )  # fmt: skip


def _sofa(rng: np.random.Generator, canvas: Canvas, line: float, scale: float) -> None:
    tone = thing_tone(rng)
    wide, tall = rng.uniform(0.5, 1.1) * canvas.aspect * scale, 0.42 * scale
    x, base = rng.uniform(canvas.left, canvas.right), line + rng.uniform(0, 0.06)
    canvas.box(x, base - tall, wide, tall, tone * 0.9)
    canvas.box(x - 0.04, base - 0.7 * tall, wide + 0.08, 0.65 * tall, tone * 0.75)
    canvas.box(x + 0.04, base - 0.55 * tall, wide - 0.08, 0.25 * tall, tone)
    if rng.random() < 0.6:
        pillow = thing_tone(rng)
        canvas.box(x + 0.15 * wide, base - 0.9 * tall, 0.18 * wide, 0.35 * tall, pillow)


def _plant(rng: np.random.Generator, canvas: Canvas, line: float, scale: float) -> None:
    x, base = rng.uniform(canvas.left, canvas.right), line + rng.uniform(0, 0.05)
    pot = thing_tone(rng)
    canvas.box(x - 0.05, base - 0.1 * scale, 0.1, 0.1 * scale, pot)
    top = base - rng.uniform(0.2, 0.5) * scale
    leaf_cloud(rng, canvas, (x, top), (0.13, 0.14 * scale), 40)


def leaf_cloud(
    rng: np.random.Generator,
    canvas: Canvas,
    middle: tuple[float, float],
    spread: tuple[float, float],
    count: int,
) -> None:
    """Leaves of many greens about a point."""
    hue = rng.uniform(0.18, 0.4)
    strong, light = rng.uniform(0.1, 0.45), rng.uniform(0.2, 0.55)
    for _ in range(2 * count):
        x, y = np.array(middle) + rng.normal(0, 0.5, 2) * spread
        value = np.clip(light * rng.uniform(0.4, 1.5), 0, 1)
        leaf = np.array(colorsys.hsv_to_rgb(hue + rng.normal(0, 0.02), strong, value))
        size = rng.uniform(0.04, 0.18)
        canvas.ellipse(x, y, size * spread[0], size * spread[1], leaf)


def _lamp(rng: np.random.Generator, canvas: Canvas, line: float, scale: float) -> None:
    x, top = rng.uniform(canvas.left, canvas.right), line - rng.uniform(0.5, 1) * scale
    canvas.line([(x, line), (x, top)], light_tone(rng, 0.05, 0.4), 0.012)
    shade = np.clip(rng.uniform(0.7, 1.1) * np.array([1, 0.92, 0.75]), 0, 1)
    corners = [(x - 0.05, top), (x + 0.05, top), (x + 0.1, top + 0.1)]
    canvas.polygon(np.array([*corners, (x - 0.1, top + 0.1)]), shade)


_THINGS: tuple[Draw, ...] = (
    _door, _window, _cabinet, _cabinet, _shelf, _picture, _sofa, _plant, _lamp,
)  # fmt: skip
