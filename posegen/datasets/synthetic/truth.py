"""Ground truth: joints as a detector would mark them, flow, visibility, labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.camera import pixel_grid
from posegen.datasets.synthetic.figure import Figure, mix
from posegen.datasets.synthetic.render import View
from posegen.datasets.synthetic.surface import face_cross, unit

#: How deep below the visible surface a joint may lie and still be found, in metres.
#: In OpenPose order; a joint deeper than this is hidden behind another part. Neck,
#: shoulders and hips follow from the outline of the trunk, from any side: in the
#: published annotations 96 to 100 % of the people that were found at all have them.
_DEPTHS = np.array(
    [0.04, np.inf]
    + [np.inf, 0.09, 0.07] * 2
    + [np.inf, 0.13, 0.10] * 2
    + [0.03, 0.03, 0.045, 0.045]
)
#: How much deeper a joint may lie under hanging cloth, in metres.
_SKIRT_DEPTH = 0.25
#: A surface point counts as seen if the first hit is no nearer than this share.
_DEPTH_TOLERANCE = 0.0015
#: Smallest cosine between the surface's normal and the direction to the camera.
_GRAZING = 0.12


@dataclass(frozen=True)
class PairTruth:
    """How a target picture comes from a source picture of the same person.

    Attributes:
        flow: (2, H, W) float32 dx, dy in pixels: target pixel p shows the surface that
            the source shows at p + flow(p); 0 on the background.
        visibility: (H, W) bool, the source shows that surface.
        part_labels: (H, W) uint8 of the target: 0 background, 1 head, 2 torso and
            arms, 3 leg.
    """

    flow: np.ndarray
    visibility: np.ndarray
    part_labels: np.ndarray


def visible_joints(figure: Figure, view: View) -> np.ndarray:
    """A view's joints as a detector would mark them.

    A joint is missing if it is outside the picture or deeper behind the visible
    surface than its limb is thick; under a skirt or coat it may lie deeper.

    Returns:
        (18, 2) int64 x, y in pixels; -1, -1 for missing joints.
    """
    pixels, _ = view.camera.project(view.posed.joints)
    marked = np.rint(pixels).astype(np.int64)
    height, width = view.camera.size
    inside = ((marked >= 0) & (marked < (width, height))).all(1)
    offset = view.posed.joints - view.camera.position
    distance = np.linalg.norm(offset, axis=1)
    faces, first = view.caster.first_hit(view.camera.position, unit(offset))
    layers = np.array(figure.layer_names)[figure.face_layer[faces]]
    hanging = (layers == 'skirt') & (faces >= 0)
    hidden = distance - first > _DEPTHS + _SKIRT_DEPTH * hanging
    return np.where((inside & ~hidden)[:, None], marked, -1)


def part_labels(figure: Figure, view: View) -> np.ndarray:
    """(H, W) uint8 part of each pixel's centre."""
    labels = np.zeros(view.camera.size, np.uint8)
    labels.flat[view.hits.rays] = figure.parts[view.hits.faces]
    return labels


def pair_truth(figure: Figure, source: View, target: View) -> PairTruth:
    """Exact flow and visibility between two views of one person.

    The triangle and barycentric coordinates that a target pixel sees are carried into
    the source's pose and projected with its camera.
    """
    height, width = target.camera.size
    hits = target.hits
    corners = figure.triangles[hits.faces]
    points = mix(source.posed.points, corners, hits.shares)
    there, _ = source.camera.project(points)
    here = pixel_grid(target.camera.size)[hits.rays]
    flow = np.zeros((2, height * width), np.float32)
    flow[:, hits.rays] = (there - here).T
    visibility = np.zeros(height * width, bool)
    visibility[hits.rays] = _seen(figure, source, hits.faces, points, there)
    return PairTruth(
        flow.reshape(2, height, width),
        visibility.reshape(height, width),
        part_labels(figure, target),
    )


def _seen(
    figure: Figure,
    source: View,
    faces: np.ndarray,
    points: np.ndarray,
    pixels: np.ndarray,
) -> np.ndarray:
    """(N,) bool: the source's picture shows these surface points."""
    height, width = source.camera.size
    inside = ((pixels >= -0.5) & (pixels < (width - 0.5, height - 0.5))).all(1)
    offset = points - source.camera.position
    distance = np.linalg.norm(offset, axis=1)
    _, first = source.caster.first_hit(source.camera.position, unit(offset))
    normals = unit(face_cross(source.posed.points, figure.triangles[faces]))
    facing = np.abs((normals * unit(offset)).sum(1))
    near = distance * (1 - _DEPTH_TOLERANCE) <= first
    return inside & near & (facing > _GRAZING)
