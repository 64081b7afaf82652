"""Forward kinematics and linear blend skinning."""

from __future__ import annotations

import numpy as np

from posegen.datasets.synthetic.body import Body


def axis_rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) rotation by ``angle`` radians about ``axis`` (Rodrigues' formula)."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def aim_rotation(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest (3, 3) rotation that turns direction ``start`` into ``end``."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        return np.eye(3)
    return axis_rotation(axis, np.arctan2(sine, start @ end))


def bone_transforms(body: Body, rotations: dict[str, np.ndarray]) -> np.ndarray:
    """Rest pose to posed, for each bone.

    Args:
        body: the person.
        rotations: bone name -> (3, 3) rotation about the bone's joint, relative to
            its parent, in the axes of the rest pose. The root's turns the person.

    Returns:
        (B, 3, 4) float64.
    """
    model = body.model
    transforms = np.zeros((len(model.bones), 3, 4))
    for index, (bone, parent) in enumerate(zip(model.bones, model.parents)):
        above = np.eye(3, 4) if parent < 0 else transforms[parent]
        turn = rotations.get(bone)
        if turn is None:
            transforms[index] = above
            continue
        joint = body.heads[bone]
        transforms[index, :, :3] = above[:, :3] @ turn
        transforms[index, :, 3] = above[:, :3] @ (joint - turn @ joint) + above[:, 3]
    return transforms


def skin(points: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Linear blend skinning.

    Args:
        points: (V, 3) in rest pose.
        weights: (V, B) float32.
        transforms: (B, 3, 4) of :func:`bone_transforms`.

    Returns:
        (V, 3) float64.
    """
    flat = transforms.reshape(len(transforms), 12).astype(np.float32)
    blended = (weights @ flat).reshape(-1, 3, 4).astype(np.float64)
    return np.einsum('vij,vj->vi', blended[:, :, :3], points) + blended[:, :, 3]
