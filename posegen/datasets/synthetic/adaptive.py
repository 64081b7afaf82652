"""Rendering for the varied look: many samples only where one a pixel is not enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from posegen.datasets.synthetic.camera import Camera, pixel_grid
from posegen.datasets.synthetic.figure import Figure, Posed
from posegen.datasets.synthetic.layers import HEAD
from posegen.datasets.synthetic.render import (
    OPEN_REACH,
    Hits,
    Light,
    View,
    Visible,
    cast,
    light_pattern,
    light_up,
    open_pattern,
    read_surface,
)

if TYPE_CHECKING:
    from posegen.datasets.synthetic.raycast import Caster

#: Rays over each pixel that measure how open its surroundings are.
_OPEN_RAYS = 7
#: Samples per direction at outlines, and rays towards the light at each pixel.
_FINE, _LIGHT_RAYS = 2, 3


def render_adaptive(
    figure: Figure,
    posed: Posed,
    camera: Camera,
    light: Light,
    background: np.ndarray,
    finish: Callable[[np.ndarray], np.ndarray],
) -> View:
    """Draw a posed figure with one sample a pixel, and four at outlines and heads.

    Args:
        figure: the dressed person.
        posed: its points in the camera's world.
        camera: where it is seen from.
        light: how it is lit.
        background: (H, W, 3) float in [0, 1].
        finish: makes of the scene (H, W, 3) the picture, both in [0, 1].
    """
    from posegen.datasets.synthetic.raycast import Caster

    caster = Caster(posed.points, figure.triangles)
    grid = pixel_grid(camera.size)
    hits = _cast_some(figure, posed, camera, caster, grid, _box(posed, camera))
    scene = np.array(background, np.float32).reshape(-1, 3)
    openness = np.full(len(scene), np.nan)
    surface = read_surface(figure, posed, camera, hits, 1)
    openness[hits.rays] = _openness(caster, surface)
    lit = _lit(caster, surface, light, _LIGHT_RAYS)
    scene[hits.rays] = light_up(surface, light, openness[hits.rays], lit)
    edge = _uneven(figure, camera, hits)
    openness = _spread(openness.reshape(camera.size)).ravel()
    scene[edge] = _fine(
        figure, posed, camera, light, caster, background, openness, edge
    )
    picture = finish(scene.reshape(background.shape))
    image = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return View(image, camera, posed, hits, caster)


def _box(posed: Posed, camera: Camera) -> np.ndarray:
    """Pixels of the smallest box around the person."""
    height, width = camera.size
    pixels, _ = camera.project(posed.points)
    low = np.clip(np.floor(pixels.min(0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(pixels.max(0)) + 1, 0, (width, height)).astype(int)
    index = np.arange(height * width).reshape(height, width)
    return index[low[1] : high[1], low[0] : high[0]].ravel()


def _cast_some(
    figure: Figure,
    posed: Posed,
    camera: Camera,
    caster: Caster,
    grid: np.ndarray,
    chosen: np.ndarray,
) -> Hits:
    hits = cast(figure, posed, camera, caster, grid[chosen])
    return Hits(chosen[hits.rays], hits.faces, hits.shares, hits.points)


def _openness(caster: Caster, surface: Visible) -> np.ndarray:
    phases = np.zeros(len(surface.normals), np.int32)
    pattern = open_pattern(1, _OPEN_RAYS)
    lifted, normals = surface.lifted, surface.normals
    return caster.openness(lifted, normals, phases, pattern, OPEN_REACH)


def _lit(caster: Caster, surface: Visible, light: Light, rays: int) -> np.ndarray:
    """(N,) share of ``rays`` towards the main light that are free."""
    facing = np.flatnonzero(surface.normals @ light.direction > 0)
    repeated = np.repeat(facing, rays)
    phases = np.tile(np.arange(rays, dtype=np.int32), len(facing))
    lights = light_pattern(rays, light)
    free = caster.lit(
        surface.lifted[repeated], surface.normals[repeated], phases, lights
    )
    lit = np.zeros(len(surface.normals))
    lit[facing] = free.reshape(-1, rays).mean(1)
    return lit


def _uneven(figure: Figure, camera: Camera, hits: Hits) -> np.ndarray:
    """Pixels at outlines, between garments, at folds, and of the head."""
    height, width = camera.size
    kind = np.zeros(height * width, np.uint8)
    kind[hits.rays] = 1 + figure.face_layer[hits.faces]
    depth = np.zeros(height * width, np.float32)
    depth[hits.rays] = (hits.points - camera.position) @ camera.rotation[2]
    square = np.ones((3, 3), np.uint8)
    kind, depth = kind.reshape(height, width), depth.reshape(height, width)
    mixed = cv2.dilate(kind, square) != cv2.erode(kind, square)
    step = cv2.dilate(depth, square) - cv2.erode(depth, square) > 0.05
    head = np.zeros(height * width, bool)
    head[hits.rays] = figure.parts[hits.faces] == HEAD
    return np.flatnonzero((mixed | step).ravel() | head)


def _spread(openness: np.ndarray) -> np.ndarray:
    """Fill pixels without a value by the mean of their neighbors that have one."""
    known = np.isfinite(openness)
    values = np.where(known, openness, 0).astype(np.float32)
    count = cv2.blur(known.astype(np.float32), (3, 3))
    mean = cv2.blur(values, (3, 3)) / np.maximum(count, 1e-6)
    return np.where(known, values, np.where(count > 1e-3, mean, 0.8))


def _fine(
    figure: Figure,
    posed: Posed,
    camera: Camera,
    light: Light,
    caster: Caster,
    background: np.ndarray,
    openness: np.ndarray,
    pixels: np.ndarray,
) -> np.ndarray:
    """(N, 3) colors of pixels, each the mean of several samples."""
    grid = pixel_grid(camera.size, 1)[pixels]
    offset = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    offset = np.stack(np.meshgrid(offset, offset), -1).reshape(-1, 2)
    grid = (grid[:, None] + offset).reshape(-1, 2)
    hits = cast(figure, posed, camera, caster, grid)
    surface = read_surface(figure, posed, camera, hits, _FINE)
    count = len(offset)
    lit = caster.lit(
        surface.lifted, surface.normals, hits.rays % count, light_pattern(count, light)
    )
    colors = np.repeat(background.reshape(-1, 3)[pixels], count, 0)
    around = openness[np.repeat(pixels, count)[hits.rays]]
    colors[hits.rays] = light_up(surface, light, around, lit)
    return colors.reshape(-1, count, 3).mean(1)
