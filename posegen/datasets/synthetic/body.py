"""The undressed body: shapes, joints, regions and coordinates along the limbs.

Nothing of this module is ever rendered as it is: :mod:`.people` always dresses it.
Rest pose, metres, z up; the person looks to -y and their left is +x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from posegen.datasets.synthetic.dependencies import require
from posegen.datasets.synthetic.shape_files import quick_reader
from posegen.datasets.synthetic.surface import (
    corner_matrix,
    unit,
    vertex_normals,
)

if TYPE_CHECKING:
    from types import ModuleType

    from anny import Anny
    from torch import Tensor

SIDES = ('L', 'R')
REGIONS = ('trunk', 'head', 'arm.L', 'arm.R', 'leg.L', 'leg.R')

#: OpenPose order -> names of anny's COCO regressor; the neck is between the shoulders.
_JOINT_SOURCES = (
    ('nose',),
    ('left_shoulder', 'right_shoulder'),
    ('right_shoulder',),
    ('right_elbow',),
    ('right_wrist',),
    ('left_shoulder',),
    ('left_elbow',),
    ('left_wrist',),
    ('right_hip',),
    ('right_knee',),
    ('right_ankle',),
    ('left_hip',),
    ('left_knee',),
    ('left_ankle',),
    ('right_eye',),
    ('left_eye',),
    ('right_ear',),
    ('left_ear',),
)

_ARM_BONES = ('upperarm', 'lowerarm', 'wrist', 'finger', 'metacarpal')
_LEG_BONES = ('upperleg', 'lowerleg', 'foot', 'toe')
_HEAD_BONES = ('head', 'eye', 'neck03')
#: Bones that poses turn; all others follow the nearest of these above them.
POSED_BONES = (
    *('root', 'spine05', 'spine04', 'spine03', 'spine02', 'spine01'),
    *('neck01', 'neck02', 'neck03', 'head'),
    *(
        f'{bone}.{side}'
        for side in SIDES
        for bone in (
            *('clavicle', 'upperarm01', 'lowerarm01', 'lowerarm02', 'wrist'),
            *('upperleg01', 'lowerleg01', 'foot'),
        )
    ),
)
#: Degrees that each joint of a relaxed finger is bent.
FINGER_CURL = 16.0
_SKIN_MASKS = ('lips', 'eyelids', 'face', 'ears')


@dataclass(frozen=True)
class BodyModel:
    """What all bodies share.

    Attributes:
        anny: the parametric model.
        triangles: (F, 3) int32.
        weights: (V, B) float32 skinning weights of the posed bones.
        bones: :data:`POSED_BONES`, parents first.
        parents: index of each bone's parent, -1 for the root.
        fingers: (V, 24) float32 skinning weights of the finger joints, left hand
            first, and the names of these joints.
        joints: (18, V) float64 regressor of the OpenPose joints.
        regions: name of :data:`REGIONS` -> (V,) share of the skinning weight.
        hands, feet, eyes: (V,) share of the weight of these bones.
        masks: skin mask name -> (V,) in [0, 1].
    """

    anny: Anny
    triangles: np.ndarray
    weights: np.ndarray
    bones: tuple[str, ...]
    parents: tuple[int, ...]
    fingers: tuple[np.ndarray, tuple[str, ...]]
    joints: np.ndarray
    regions: dict[str, np.ndarray]
    hands: np.ndarray
    feet: np.ndarray
    eyes: np.ndarray
    masks: dict[str, np.ndarray]


@dataclass(frozen=True)
class Body:
    """One person's body in rest pose.

    Attributes:
        model: shared data.
        points: (V, 3) float64.
        normals: (V, 3) float64.
        heads: bone name -> (3,) position of the bone's joint.
        arms, legs: side -> (V,) coordinate along the limb: 0 at the shoulder or hip,
            1 at the elbow or knee, 2 at the wrist or ankle.
        height: metres from sole to crown.
        joints: (18, B, 4) float64, see :func:`posed_joints`.
    """

    model: BodyModel
    points: np.ndarray
    normals: np.ndarray
    heads: dict[str, np.ndarray]
    arms: dict[str, np.ndarray]
    legs: dict[str, np.ndarray]
    height: float
    joints: np.ndarray

    def rigid(self, count: int, bone: str) -> np.ndarray:
        """(count, B) float32 skinning weights that follow one bone."""
        weights = np.zeros((count, len(self.model.bones)), np.float32)
        weights[:, self.model.bones.index(bone)] = 1
        return weights

    def region(self, name: str) -> np.ndarray:
        """(V,) share of the skinning weight that belongs to a region."""
        return self.model.regions[name]


@cache
def load_body_model() -> BodyModel:
    """Load the parametric body once per process (seconds the first time ever).

    Raises:
        DependencyError: anny or warp is not installed.
    """
    require('warp')
    anny = require('anny')
    with quick_reader():
        model = anny.Anny(phenotypes='all')
    weights = _dense_weights(model)
    bones = tuple(model.bone_labels)
    above = _posed_ancestors(bones, [int(parent) for parent in model.bone_parents])
    posed = np.stack(
        [weights[:, above == bone].sum(1) for bone in range(len(POSED_BONES))], 1
    )
    return BodyModel(
        anny=model,
        triangles=model.get_triangular_faces().numpy().astype(np.int32),
        weights=posed,
        bones=POSED_BONES,
        parents=_posed_parents(bones, model.bone_parents, above),
        fingers=_finger_weights(weights, bones),
        joints=_joint_regressor(anny, model),
        regions=_regions(weights, bones),
        hands=_bone_share(weights, bones, ('wrist', 'finger', 'metacarpal')),
        feet=_bone_share(weights, bones, ('foot', 'toe')),
        eyes=_bone_share(weights, bones, ('eye',)),
        masks=_skin_masks(anny, model),
    )


def _posed_ancestors(bones: tuple[str, ...], parents: list[int]) -> np.ndarray:
    """For each of anny's bones, the index of the posed bone that it follows."""
    above = np.zeros(len(bones), int)
    for index, (bone, parent) in enumerate(zip(bones, parents)):
        posed = bone in POSED_BONES
        above[index] = POSED_BONES.index(bone) if posed else above[parent]
    return above


def _posed_parents(
    bones: tuple[str, ...], parents: list[int], above: np.ndarray
) -> tuple[int, ...]:
    chosen = [bones.index(bone) for bone in POSED_BONES]
    ups = [int(parents[index]) for index in chosen]
    return tuple(-1 if up < 0 else int(above[up]) for up in ups)


def _finger_weights(
    weights: np.ndarray, bones: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    names = tuple(
        f'finger{finger}-{joint}.{side}'
        for side in SIDES
        for finger in range(2, 6)
        for joint in range(1, 4)
    )
    return weights[:, [bones.index(name) for name in names]], names


def _dense_weights(model: Anny) -> np.ndarray:
    indices = model.vertex_bone_indices.numpy()
    shares = model.vertex_bone_weights.numpy()
    weights = np.zeros((len(indices), len(model.bone_labels)))
    np.add.at(weights, (np.arange(len(indices))[:, None], indices), shares)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _joint_regressor(anny: ModuleType, model: Anny) -> np.ndarray:
    regressor = anny.KeypointsRegressor.coco(model)
    rows = dict(zip(regressor.labels, regressor.regression_weights.numpy()))
    return np.stack(
        [np.mean([rows[name] for name in names], axis=0) for names in _JOINT_SOURCES]
    )


def _bone_share(
    weights: np.ndarray, bones: tuple[str, ...], prefixes: tuple[str, ...]
) -> np.ndarray:
    chosen = [bone.startswith(prefixes) for bone in bones]
    return weights[:, chosen].sum(1)


def _regions(weights: np.ndarray, bones: tuple[str, ...]) -> dict[str, np.ndarray]:
    def share(prefixes: tuple[str, ...], side: str) -> np.ndarray:
        chosen = [b.startswith(prefixes) and b.endswith(side) for b in bones]
        return weights[:, chosen].sum(1)

    regions = {'head': _bone_share(weights, bones, _HEAD_BONES)}
    for side in SIDES:
        regions[f'arm.{side}'] = share(_ARM_BONES, side)
        regions[f'leg.{side}'] = share(_LEG_BONES, side)
    regions['trunk'] = 1 - sum(regions.values())
    return {name: regions[name] for name in REGIONS}


def _skin_masks(anny: ModuleType, model: Anny) -> dict[str, np.ndarray]:
    """Per-vertex values of anny's (MakeHuman's, CC0) masks of lips, lids, ears."""
    from PIL import Image

    folder = Path(anny.__file__).parent / 'data' / 'mpfb2' / 'textures'
    coordinates = np.zeros((len(model.template_vertices), 2))
    corners = model.faces.numpy().ravel()
    texture = model.texture_coordinates.numpy()
    coordinates[corners] = texture[
        model.face_texture_coordinate_indices.numpy().ravel()
    ]
    masks = {}
    for name in _SKIN_MASKS:
        mask = np.asarray(Image.open(folder / f'mpfb_{name}.jpg').convert('L'))
        columns = np.rint(coordinates[:, 0] * (mask.shape[1] - 1)).astype(int)
        rows = np.rint((1 - coordinates[:, 1]) * (mask.shape[0] - 1)).astype(int)
        masks[name] = mask[rows, columns] / 255.0
    return masks


def shape_body(phenotype: dict[str, float], curl: float = FINGER_CURL) -> Body:
    """Build one body in rest pose.

    Args:
        phenotype: anny's phenotype values in [0, 1]: gender (1 female), age (2/3 young
            adult), muscle, weight, height, proportions, cupsize, firmness, african,
            asian, caucasian.
        curl: degrees that each finger joint is bent.
    """
    model = load_body_model()
    coefficients = model.anny.get_phenotype_blendshape_coefficients(**phenotype)
    points = model.anny.get_rest_vertices(coefficients)[0].numpy().astype(np.float64)
    heads = _bone_heads(model.anny, coefficients)
    points = _curl_fingers(model, points, heads, curl)
    normals = vertex_normals(
        points, model.triangles, corner_matrix(model.triangles, len(points))
    )
    return Body(
        model=model,
        points=points,
        normals=normals,
        heads=heads,
        arms={side: along(points, arm_line(heads, side)) for side in SIDES},
        legs={side: along(points, leg_line(heads, side)) for side in SIDES},
        height=float(np.ptp(points[:, 2])),
        joints=_joint_shares(model, points),
    )


def _joint_shares(model: BodyModel, points: np.ndarray) -> np.ndarray:
    """What each bone contributes to each joint, homogeneous.

    A joint is a mean of skinned vertices, and skinning is linear in the bones'
    transforms; so a joint is linear in them too.
    """
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], 1)
    weights = model.weights.astype(np.float64)
    return np.stack(
        [
            np.einsum('vb,vk->bk', weights[used], row[used, None] * homogeneous[used])
            for row in model.joints
            for used in [np.flatnonzero(row)]
        ]
    )


def posed_joints(body: Body, transforms: np.ndarray) -> np.ndarray:
    """(18, 3) OpenPose joints under bone transforms (B, 3, 4)."""
    return np.einsum('jbk,bik->ji', body.joints, transforms)


def _bone_heads(anny_model: Anny, coefficients: Tensor) -> dict[str, np.ndarray]:
    """Bone name -> (3,) position of its joint in rest pose, for all of anny's bones.

    The joints alone: anny's whole rest model also orients every bone, which costs more
    than all else here and is not needed, as poses turn bones in the world's axes.
    """
    change = anny_model.bone_heads_blendshapes.numpy()
    change = np.tensordot(coefficients[0].numpy(), change, axes=1)
    heads = anny_model.template_bone_heads.numpy() + change
    return dict(zip(anny_model.bone_labels, heads))


def _curl_fingers(
    model: BodyModel, points: np.ndarray, heads: dict[str, np.ndarray], curl: float
) -> np.ndarray:
    """A relaxed hand: every finger joint a little curled about the knuckle line."""
    weights, names = model.fingers
    turned = points.copy()
    for side in SIDES:
        knuckles = heads[f'finger5-1.{side}'] - heads[f'finger2-1.{side}']
        palm = np.cross(knuckles, heads[f'finger3-1.{side}'] - heads[f'wrist.{side}'])
        inward = np.array([-1.0 if side == 'L' else 1.0, 0.0, -0.6])
        angle = np.sign(palm @ inward) * np.radians(curl)
        for finger in range(2, 6):
            chain = [f'finger{finger}-{joint}.{side}' for joint in range(1, 4)]
            columns = [names.index(joint) for joint in chain]
            pivots = np.stack([heads[joint] for joint in chain])
            turned += _curl_chain(points, weights[:, columns], pivots, knuckles, angle)
    return turned


def _curl_chain(
    points: np.ndarray,
    weights: np.ndarray,
    pivots: np.ndarray,
    axis: np.ndarray,
    angle: float,
) -> np.ndarray:
    """(V, 3) displacement by turning each joint of one finger by ``angle``."""
    from posegen.datasets.synthetic.skeleton import axis_rotation

    total, turn, origin = np.zeros_like(points), np.eye(3), np.zeros(3)
    step = axis_rotation(axis, angle)
    for column, pivot in enumerate(pivots):
        origin = turn @ (pivot - step @ pivot) + origin
        turn = turn @ step
        moved = points @ turn.T + origin
        total += weights[:, column : column + 1] * (moved - points)
    return total


def arm_line(heads: dict[str, np.ndarray], side: str) -> np.ndarray:
    """(3, 3) shoulder, elbow, wrist."""
    bones = ('upperarm01', 'lowerarm01', 'wrist')
    return np.stack([heads[f'{bone}.{side}'] for bone in bones])


def leg_line(heads: dict[str, np.ndarray], side: str) -> np.ndarray:
    """(3, 3) hip, knee, ankle."""
    bones = ('upperleg01', 'lowerleg01', 'foot')
    return np.stack([heads[f'{bone}.{side}'] for bone in bones])


def along(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Coordinate of (V, 3) points along a bent limb.

    Args:
        points: positions in rest pose.
        line: (3, 3) the limb's start, middle joint and end.

    Returns:
        (V,) 0 at the start, 1 at the middle joint, 2 at the end, linear beyond.
    """
    upper, lower = line[1] - line[0], line[2] - line[1]
    first = (points - line[0]) @ upper / (upper @ upper)
    second = 1 + (points - line[1]) @ lower / (lower @ lower)
    return np.where(second > 1, second, np.minimum(first, 1.0))


def limb_point(line: np.ndarray, t: float) -> np.ndarray:
    """(3,) point of a limb's axis at coordinate ``t`` (see :func:`along`)."""
    part = int(t >= 1)
    return line[part] + (t - part) * (line[part + 1] - line[part])


def limb_metres(line: np.ndarray, t: np.ndarray | float) -> np.ndarray:
    """Limb coordinates (see :func:`along`) as metres from the limb's start."""
    upper, lower = np.linalg.norm(np.diff(line, axis=0), axis=1)
    return np.where(np.less(t, 1), t * upper, upper + (np.asarray(t) - 1) * lower)


def around(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position of (V, 3) points around a bent limb.

    Returns:
        radius (V,) in metres from the limb's axis and (V, 2) cosine and sine of the
        angle around it, 0 at the front, positive towards the person's left.
    """
    t = along(points, line)[:, None]
    axis = np.where(
        t < 1,
        line[0] + t * (line[1] - line[0]),
        line[1] + (t - 1) * (line[2] - line[1]),
    )
    direction = np.where(t < 1, line[1] - line[0], line[2] - line[1])
    left, front = _cross_section(unit(direction))
    offset = points - axis
    x, y = (offset * left).sum(1), (offset * front).sum(1)
    radius = np.hypot(x, y)
    angle = np.stack([y, x], 1) / np.maximum(radius, 1e-9)[:, None]
    return radius, angle


def _cross_section(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to the left and to the front, at right angles to the limb."""
    front = np.array([0.0, -1.0, 0.0])
    front = unit(front - direction * (direction @ front)[:, None])
    left = np.cross(front, -direction)
    return unit(left) * np.sign(left[:, :1] + 1e-12), front
