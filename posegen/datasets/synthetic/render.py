"""From a posed figure to a picture: visible surface, light, background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posegen.datasets.synthetic.camera import Camera, pixel_grid
from posegen.datasets.synthetic.figure import Figure, Posed, mix
from posegen.datasets.synthetic.surface import unit

if TYPE_CHECKING:
    from posegen.datasets.synthetic.raycast import Caster

#: Rays over each surface sample that measure how open its surroundings are, and how
#: far they reach in metres.
_OPEN_RAYS, OPEN_REACH = 4, 0.25


@dataclass(frozen=True)
class Hits:
    """Where rays meet a figure.

    Attributes:
        rays: (N,) index of the ray of each hit.
        faces: (N,) triangle.
        shares: (N, 3) float64 barycentric coordinates.
        points: (N, 3) float64 positions.
    """

    rays: np.ndarray
    faces: np.ndarray
    shares: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class Light:
    """Where the light comes from, in the camera's world.

    Attributes:
        direction: (3,) unit vector towards the main light.
        ambient, diffuse: strengths.
        softness: spread of the main light in radians.
        tint: (3,) colour.
    """

    direction: np.ndarray
    ambient: float
    diffuse: float
    softness: float
    tint: np.ndarray


@dataclass(frozen=True)
class View:
    """One picture of a person with all that its truth needs.

    Attributes:
        image: (H, W, 3) uint8.
        camera: the camera.
        posed: the figure in this view's pose.
        hits: what each pixel centre sees.
        caster: answers ray queries against the posed figure.
    """

    image: np.ndarray
    camera: Camera
    posed: Posed
    hits: Hits
    caster: Caster


def cast(
    figure: Figure, posed: Posed, camera: Camera, caster: Caster, pixels: np.ndarray
) -> Hits:
    """What a set of pixel positions (N, 2) sees, exact to float64."""
    rays = camera.rays(pixels)
    faces, _ = caster.first_hit(camera.position, rays)
    seen = np.flatnonzero(faces >= 0)
    faces = faces[seen]
    corners = posed.points[figure.triangles[faces]]
    shares = _barycentric(camera.position, rays[seen], corners)
    return Hits(seen, faces, shares, np.einsum('nk,nkc->nc', shares, corners))


def _barycentric(
    origin: np.ndarray, directions: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """(N, 3) shares of the corners (N, 3, 3) where rays meet their planes."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    first, second = b - a, c - a
    cross = np.cross(directions, second)
    scale = (first * cross).sum(1)
    scale = np.where(np.abs(scale) < 1e-18, 1e-18, scale)
    offset = origin - a
    u = (offset * cross).sum(1) / scale
    v = (directions * np.cross(offset, first)).sum(1) / scale
    return np.stack([1 - u - v, u, v], 1)


def render_view(
    figure: Figure,
    posed: Posed,
    camera: Camera,
    light: Light,
    background: np.ndarray,
    samples: int = 2,
) -> View:
    """Draw a posed figure.

    Args:
        figure: the dressed person.
        posed: its points in the camera's world.
        camera: where it is seen from.
        light: how it is lit.
        background: (H, W, 3) float in [0, 1].
        samples: rays per pixel and direction.
    """
    from posegen.datasets.synthetic.raycast import Caster

    caster = Caster(posed.points, figure.triangles)
    fine = cast(figure, posed, camera, caster, pixel_grid(camera.size, samples))
    height, width = camera.size
    picture = np.repeat(np.repeat(background, samples, 0), samples, 1).reshape(-1, 3)
    picture[fine.rays] = _shade(figure, posed, camera, light, caster, fine, samples)
    picture = picture.reshape(height, samples, width, samples, 3).mean((1, 3))
    image = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    hits = cast(figure, posed, camera, caster, pixel_grid(camera.size))
    return View(image, camera, posed, hits, caster)


def _shade(
    figure: Figure,
    posed: Posed,
    camera: Camera,
    light: Light,
    caster: Caster,
    hits: Hits,
    samples: int,
) -> np.ndarray:
    """(N, 3) colours of hits."""
    surface = read_surface(figure, posed, camera, hits, samples)
    width = camera.size[1] * samples
    phases = hits.rays % samples + samples * (hits.rays // width % samples)
    pattern = open_pattern(samples * samples, _OPEN_RAYS)
    lights = light_pattern(samples * samples, light)
    lifted, normals = surface.lifted, surface.normals
    openness = caster.openness(lifted, normals, phases, pattern, OPEN_REACH)
    lit = caster.lit(lifted, normals, phases, lights)
    return light_up(surface, light, openness, lit)


@dataclass(frozen=True)
class Visible:
    """What the camera sees of a surface before light falls on it.

    Attributes:
        towards: (N, 3) unit vectors to the camera.
        lifted: (N, 3) positions a little off the surface, where shadow rays start.
        normals: (N, 3) smooth normals turned to the viewer.
        inside: (N,) bool, the inner side is seen.
        albedo: (N, 3) colours.
        gloss: (N,) strength of the highlight.
    """

    towards: np.ndarray
    lifted: np.ndarray
    normals: np.ndarray
    inside: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray


def read_surface(
    figure: Figure, posed: Posed, camera: Camera, hits: Hits, samples: int
) -> Visible:
    """What hits show; ``samples`` per pixel and direction set what each covers."""
    towards = unit(camera.position - hits.points)
    corners = figure.triangles[hits.faces]
    normals, inside = _facing_normals(posed, corners, hits.shares, towards)
    albedo, gloss = _albedo(figure, camera, hits, samples)
    lifted = hits.points + 0.002 * towards
    return Visible(towards, lifted, normals, inside, albedo, gloss)


def light_up(
    surface: Visible, light: Light, openness: np.ndarray, lit: np.ndarray
) -> np.ndarray:
    """(N, 3) colours of a surface from what reaches it of the sky and the light."""
    normals = surface.normals
    slope = np.clip((normals * light.direction).sum(1), 0, 1)
    sky = 0.5 + 0.5 * normals[:, 2]
    ambient = light.ambient * (0.25 + 0.75 * openness) * (0.82 + 0.18 * sky)
    strength = ambient + light.diffuse * slope * (0.15 + 0.85 * lit)
    half = unit(surface.towards + light.direction)
    shine = surface.gloss * lit * np.clip((normals * half).sum(1), 0, 1) ** 24
    strength = strength * np.where(surface.inside, 0.55, 1.0)
    colour = surface.albedo * strength[:, None]
    return colour * light.tint + shine[:, None]


def _facing_normals(
    posed: Posed, corners: np.ndarray, shares: np.ndarray, towards: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth normals turned to the viewer, and where the inner side is seen."""
    a, b, c = (posed.points[corners[:, i]] for i in range(3))
    flat = np.cross(b - a, c - a)
    inside = (flat * towards).sum(1) < 0
    normals = unit(mix(posed.normals, corners, shares))
    normals = np.where(inside[:, None], -normals, normals)
    behind = np.minimum((normals * towards).sum(1, keepdims=True), 0)
    return unit(normals - behind * towards), inside


def _albedo(
    figure: Figure, camera: Camera, hits: Hits, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) surface colours and (N,) gloss."""
    albedo, gloss = np.zeros((len(hits.faces), 3)), np.zeros(len(hits.faces))
    depth = (hits.points - camera.position) @ camera.rotation[2]
    material = figure.face_material[hits.faces]
    for index in np.unique(material):
        chosen = np.flatnonzero(material == index)
        look = figure.materials[figure.material_names[index]]
        footprint = float(depth[chosen].mean()) / camera.focal / samples
        points = figure.samples(hits.faces[chosen], hits.shares[chosen], footprint)
        albedo[chosen], gloss[chosen] = look.colour(points), look.gloss
    return albedo, gloss


def open_pattern(sets: int, rays: int) -> np.ndarray:
    """(sets, rays, 3) directions of hemispheres about +z."""
    count = sets * rays
    index = np.arange(count)
    order = (index % sets) * rays + index // sets
    height = np.sqrt((order + 0.5) / count)
    turn = index * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - height**2)
    pattern = np.stack([radius * np.cos(turn), radius * np.sin(turn), height], 1)
    return pattern.reshape(sets, rays, 3)


def light_pattern(sets: int, light: Light) -> np.ndarray:
    """(sets, 3) directions around the main light."""
    spin = 2 * np.pi * (np.arange(sets) + 0.25) / sets
    across = unit(np.cross(light.direction, [0.0, 0.0, 1.0]))
    above = np.cross(across, light.direction)
    spread = np.cos(spin)[:, None] * across + np.sin(spin)[:, None] * above
    return unit(light.direction + light.softness * spread)
