"""A dressed person as one mesh: layers joined, posed, and read at surface points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from posegen.datasets.synthetic.body import Body, posed_joints
from posegen.datasets.synthetic.layers import Layer
from posegen.datasets.synthetic.materials import Material, Samples
from posegen.datasets.synthetic.skeleton import bone_transforms, skin
from posegen.datasets.synthetic.surface import corner_matrix, face_cross, unit
from posegen.datasets.synthetic.tubes import (
    TUBE_COLUMNS,
    TUBE_RINGS,
    Hanging,
    LegRoom,
    leg_room,
    push_off_legs,
)


@dataclass(frozen=True)
class Figure:
    """All layers of a person in one mesh.

    Attributes:
        body: the body inside.
        materials: by name.
        material_names: index -> name.
        layer_names: index -> name of the layer.
        points: (V, 3) rest positions; weights: (V, B).
        triangles: (F, 3); corners: (V, F) incidence.
        face_material, face_layer, parts, panels: (F,) uint8.
        cloth: (F, 3, 4); girth: (F,).
        masks: (V, M) skin masks.
        hangings: tubes that keep off the legs; room: the space that legs take.
    """

    body: Body
    materials: dict[str, Material]
    material_names: tuple[str, ...]
    layer_names: tuple[str, ...]
    points: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray
    corners: sparse.csr_matrix
    face_material: np.ndarray
    face_layer: np.ndarray
    parts: np.ndarray
    panels: np.ndarray
    cloth: np.ndarray
    girth: np.ndarray
    masks: np.ndarray
    hangings: tuple[Hanging, ...]
    room: LegRoom

    def samples(
        self, faces: np.ndarray, shares: np.ndarray, footprint: float
    ) -> Samples:
        """What materials need to know of surface points.

        Args:
            faces: (N,) triangle of each point.
            shares: (N, 3) barycentric coordinates.
            footprint: metres that one sample covers.
        """
        corners = self.triangles[faces]
        return Samples(
            rest=mix(self.points, corners, shares),
            cloth=np.einsum('nk,nkc->nc', shares, self.cloth[faces]),
            girth=self.girth[faces],
            panels=self.panels[faces],
            masks=mix(self.masks, corners, shares),
            footprint=footprint,
        )


@dataclass(frozen=True)
class Posed:
    """A figure in a pose, in the camera's world.

    Attributes:
        points, normals: (V, 3); joints: (18, 3) OpenPose joints.
    """

    points: np.ndarray
    normals: np.ndarray
    joints: np.ndarray


def mix(values: np.ndarray, corners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Vertex values (V, k) at surface points: corners (N, 3), shares (N, 3)."""
    mixed = values[corners[:, 0]] * shares[:, :1]
    mixed += values[corners[:, 1]] * shares[:, 1:2]
    mixed += values[corners[:, 2]] * shares[:, 2:]
    return mixed


def assemble(
    body: Body,
    layers: list[Layer],
    materials: dict[str, Material],
    hangings: Sequence[tuple[int, float]] = (),
) -> Figure:
    """Join layers into a figure.

    Args:
        body: the body inside.
        layers: garments, hair and skin; the masks belong to the layer named 'skin'.
        materials: by the names that the layers use.
        hangings: (index of a layer that is a tube, metres that it keeps off the legs).
    """
    sizes = np.cumsum([0] + [len(layer.surface.points) for layer in layers])
    triangles = np.concatenate(
        [layer.surface.triangles + start for layer, start in zip(layers, sizes)]
    )
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3).astype(np.int32)
    masks = np.stack(list(body.model.masks.values()), 1)
    bare = [np.zeros((len(layer.surface.points), masks.shape[1])) for layer in layers]
    padded = [
        masks if layer.name == 'skin' else none for layer, none in zip(layers, bare)
    ]
    names = tuple(materials)
    counts = [len(layer.surface.triangles) for layer in layers]
    indices = [names.index(layer.material) for layer in layers]
    return Figure(
        body=body,
        materials=materials,
        material_names=names,
        layer_names=tuple(layer.name for layer in layers),
        points=np.concatenate([layer.surface.points for layer in layers])[used],
        weights=np.concatenate([layer.surface.weights for layer in layers])[used],
        triangles=triangles,
        corners=corner_matrix(triangles, len(used)),
        face_material=np.repeat(indices, counts).astype(np.uint8),
        face_layer=np.repeat(np.arange(len(layers)), counts).astype(np.uint8),
        parts=np.concatenate([layer.parts for layer in layers]),
        panels=np.concatenate([layer.panels for layer in layers]),
        cloth=np.concatenate([layer.cloth for layer in layers]),
        girth=np.concatenate([layer.girth for layer in layers]),
        masks=np.concatenate(padded)[used],
        hangings=tuple(
            Hanging(int(np.searchsorted(used, sizes[index])), ease)
            for index, ease in hangings
        ),
        room=leg_room(body),
    )


def pose_figure(figure: Figure, rotations: dict[str, np.ndarray]) -> Posed:
    """Put a figure into a pose (bone rotations of :func:`.poses.rotations`)."""
    body = figure.body
    transforms = bone_transforms(body, rotations)
    points = skin(figure.points, figure.weights, transforms)
    for tube in figure.hangings:
        own = slice(tube.start, tube.start + TUBE_RINGS * TUBE_COLUMNS)
        grid = points[own].reshape(TUBE_RINGS, TUBE_COLUMNS, 3)
        grid = push_off_legs(grid, figure.room, transforms, tube.ease)
        points[own] = grid.reshape(-1, 3)
    normals = unit(figure.corners @ face_cross(points, figure.triangles))
    return Posed(points, normals, posed_joints(body, transforms))
