"""What users hand in (files, PIL images, arrays, tensors) as checked arrays."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from PIL import Image
from torch import Tensor

from posegen.codecs import NUM_JOINTS
from posegen.codecs.formats import read_openpose_json
from posegen.models.preprocessor import images_to_uint8
from posegen.utils.errors import DataError
from posegen.utils.images import decoding, open_image, to_rgb

ImageInput = str | Path | Image.Image | np.ndarray | Tensor
#: Pixels from the origin beyond which a coordinate is taken for a mistake.
FARTHEST = 1e6

PoseInput = str | Path | np.ndarray | Tensor | Sequence[Sequence[float]]


def as_image_list(images: ImageInput | Sequence[ImageInput]) -> list[ImageInput]:
    """One image or many -> a list; files are not read yet.

    Args:
        images: an image as `read_image` takes it, a list of them, an array
            (N, H, W, 3) or a tensor (N, 3, H, W).
    """
    if isinstance(images, np.ndarray | Tensor):
        return list(images) if images.ndim == 4 else [images]
    if isinstance(images, list | tuple):
        return list(images)
    return [images]


def as_pose_list(poses: PoseInput | Sequence[PoseInput]) -> list[PoseInput]:
    """One pose or many -> a list; files are not read yet.

    Args:
        poses: a pose as `read_pose` takes it, a list of them, or an array (N, 18, 3).
            A list of 18 rows of numbers is one pose.
    """
    if isinstance(poses, np.ndarray | Tensor):
        return list(poses) if poses.ndim == 3 else [poses]
    if isinstance(poses, list | tuple):
        return [np.asarray(poses)] if _is_rows_of_numbers(poses) else list(poses)
    return [poses]


def _is_rows_of_numbers(value: Sequence) -> bool:
    first = value[0] if len(value) else None
    return isinstance(first, list | tuple) and all(np.isscalar(x) for x in first)


def read_image(image: ImageInput, label: str = 'source') -> np.ndarray:
    """Read one image.

    Args:
        image: a path; a PIL image; an array (H, W, 3) uint8 RGB; a tensor (3, H, W),
            uint8 or float in [-1, 1]. Files and PIL images are read as
            :func:`~posegen.utils.images.to_rgb` has it: upright, and transparent pixels
            on white.
        label: how errors call it.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: a file or PIL image that is missing, broken or of a range that is not
            known; an array or tensor of another shape, type or range.
        TypeError: anything else.
    """
    if isinstance(image, str | Path):
        return _read_image_file(Path(image).expanduser(), label)
    if isinstance(image, Image.Image):
        return _from_pil(image, f'The {label} image')
    if isinstance(image, np.ndarray):
        return _check_array(image, label)
    if isinstance(image, Tensor):
        return _from_tensor(image, label)
    raise TypeError(
        f'{label} must be a path, a PIL image, an array or a tensor, '
        f'got {type(image).__name__}'
    )


def _read_image_file(path: Path, label: str) -> np.ndarray:
    if not path.is_file():
        raise DataError(f'The {label} image {path} does not exist; check the path.')
    name = f'The {label} image {path}'
    with open_image(path, name) as image:
        return to_rgb(image, name)


def _from_pil(image: Image.Image, name: str) -> np.ndarray:
    with decoding(name):  # it may be a file that is not read yet
        pixels = to_rgb(image, name)
    return _check_array(pixels, name)


def _check_array(image: np.ndarray, label: str) -> np.ndarray:
    good = image.ndim == 3 and image.shape[2] == 3 and image.size > 0
    if not good or image.dtype != np.uint8:
        raise DataError(
            f'{label} array must be (height, width, 3) uint8 RGB, got '
            f'{image.shape} {image.dtype}; a float image goes in as a tensor '
            '(3, height, width) in [-1, 1].'
        )
    return image


def _from_tensor(image: Tensor, label: str) -> np.ndarray:
    image = image.detach().cpu()
    if image.ndim != 3 or image.shape[0] != 3 or image.numel() == 0:
        raise DataError(
            f'{label} tensor must be (3, height, width), got {tuple(image.shape)}.'
        )
    if image.dtype != torch.uint8:
        image = _float_to_uint8(image, label)
    return image.permute(1, 2, 0).contiguous().numpy()


def _float_to_uint8(image: Tensor, label: str) -> Tensor:
    if not image.is_floating_point():
        raise DataError(f'{label} tensor must be uint8 or float, got {image.dtype}.')
    image = image.float()
    low, high = image.min().item(), image.max().item()
    # Not "or": NaN fails every comparison.
    if not (low >= -1.001 and high <= 1.001):
        raise DataError(
            f'{label} float tensor must be in [-1, 1], got values from {low:.3g} to '
            f'{high:.3g}; scale it, or pass uint8.'
        )
    if low >= 0:
        print_log(
            f'{label}: a float tensor is read as [-1, 1], and this one has no value '
            'below 0; if it is in [0, 1], pass 2 * image - 1.',
            'current',
            logging.WARNING,
        )
    return images_to_uint8(image)


def read_pose(pose: PoseInput, label: str = 'pose') -> np.ndarray:
    """Read one pose.

    Args:
        pose: the path of an OpenPose json file; (18, 3) x, y, score in pixels, a joint
            being present if and only if its score is positive; or (18, 2) x, y, where
            a missing joint is (-1, -1) or NaN.
        label: how errors call it.

    Returns:
        (18, 3) float32; missing joints are zero.

    Raises:
        DataError: a file that is missing or in another format, another shape, a present
            joint without finite coordinates or farther away than `FARTHEST`, no present
            joint, or coordinates that are not in pixels.
        TypeError: anything else.
    """
    if isinstance(pose, str | Path):
        return _check_pose(_read_pose_file(Path(pose).expanduser(), label), label)
    if isinstance(pose, Tensor):
        pose = pose.detach().cpu().numpy()
    if not isinstance(pose, np.ndarray | list | tuple):
        raise TypeError(
            f'{label} must be keypoints or the path of an OpenPose json file, '
            f'got {type(pose).__name__}'
        )
    return _check_pose(_as_scored(np.asarray(pose), label), label)


def _read_pose_file(path: Path, label: str) -> np.ndarray:
    if path.suffix.lower() != '.json':
        raise DataError(
            f'{label} {path} is no OpenPose json file; joints are not found in '
            'pictures yet: give a .json file or an (18, 3) array.'
        )
    return read_openpose_json(path)


def _as_scored(pose: np.ndarray, label: str) -> np.ndarray:
    numeric = np.issubdtype(pose.dtype, np.number)
    if not numeric or pose.shape not in ((NUM_JOINTS, 2), (NUM_JOINTS, 3)):
        raise DataError(
            f'{label} must be {NUM_JOINTS} joints of x, y, score or x, y: shape '
            f'(18, 3) or (18, 2), got {pose.shape} {pose.dtype}.'
        )
    pose = pose.astype(np.float32)
    if pose.shape[1] == 3:
        return pose
    present = np.isfinite(pose).all(1) & ~(pose == -1).all(1)
    return np.hstack([pose, present[:, None]]).astype(np.float32)


def _check_pose(pose: np.ndarray, label: str) -> np.ndarray:
    present = pose[:, 2] > 0
    if not present.any():
        raise DataError(f'{label} has no present joint: every score is 0.')
    points = pose[present, :2]
    if not np.isfinite(points).all():
        joint = int(np.flatnonzero(present & ~np.isfinite(pose).all(1))[0])
        raise DataError(
            f'{label}: joint {joint} is present (score {pose[joint, 2]:g}) but has no '
            'finite coordinates; set its score to 0 if it is missing.'
        )
    distance = np.where(present, np.abs(pose[:, :2]).max(1), 0)
    if distance.max() > FARTHEST:
        joint = int(distance.argmax())
        raise DataError(
            f'{label}: joint {joint} is at ({pose[joint, 0]:g}, {pose[joint, 1]:g}), '
            f'more than {FARTHEST:,.0f} pixels away; set its score to 0 if it is '
            'missing.'
        )
    if len(points) > 1 and points.min() >= 0 and points.max() <= 1:
        raise DataError(
            f'{label} has all coordinates in [0, 1]; joints are in pixels: multiply x '
            'by the width and y by the height.'
        )
    return np.where(present[:, None], pose, 0).astype(np.float32)
