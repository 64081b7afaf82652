"""What users hand in (files, PIL images, arrays, tensors) as checked arrays."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from PIL import Image
from torch import Tensor

from posegen.codecs import NUM_JOINTS
from posegen.codecs.formats import (
    are_fractions,
    fractions_to_pixels,
    other_frame,
    outside_frame,
    read_openpose_canvas,
    rescale,
)
from posegen.codecs.formats.frames import OVERSHOOT
from posegen.datasets.keypoint_units import least_score
from posegen.models.preprocessor import images_to_uint8
from posegen.utils.errors import DataError
from posegen.utils.images import decoding, open_image, to_rgb

ImageInput = str | Path | Image.Image | np.ndarray | Tensor
#: Pixels from the origin beyond which a coordinate is taken for a mistake.
FARTHEST = 1e6

Size = tuple[int, int]


@dataclass(frozen=True)
class LoadedPose:
    """A pose as it was handed in, of which the frame may still be open.

    Attributes:
        keypoints: (18, 3) float32 x, y, score; missing joints are zero.
        size: (height, width) of the canvas that the file states, else None.
        label: how errors call it.
    """

    keypoints: np.ndarray
    size: Size | None
    label: str

    def in_pixels(self, frame: Size | None) -> np.ndarray:
        """The joints in pixels of ``frame`` (height, width); fractions are multiplied.

        Raises:
            DataError: they are fractions, and there is no frame.
        """
        if not are_fractions(self.keypoints):
            return self.keypoints
        cure = (
            'joints are in pixels: multiply x by the width and y by the height, or '
            'give the size of their picture'
        )
        return fractions_to_pixels(self.keypoints, frame, self.label, cure)

    def on_photo(self, photo: Size, frame: Size | None) -> np.ndarray:
        """The joints in pixels of the photo that they are said to be of.

        Args:
            photo: (height, width) of the photo.
            frame: (height, width) of the picture that the joints were found in; None
                means what the file states, else that of the photo.

        Raises:
            DataError: the frame has another shape than the photo, or joints clearly lie
                outside of it; the message names both.
        """
        photo, frame = tuple(photo), tuple(frame or self.size or photo)
        keypoints = self.in_pixels(frame)
        problem = other_frame(keypoints, frame)
        if problem is None:
            keypoints = rescale(keypoints, frame, photo, self.label)
            problem = None if frame == photo else other_frame(keypoints, photo)
        if problem is not None:
            raise DataError(
                f'{self.label}: {problem}; take the joints of this very photo, or say '
                'the size of the picture that they were found in (source_pose_size, '
                '--source-pose-size, --annotation-size).'
            )
        beyond = outside_frame(keypoints, photo, OVERSHOOT)  # guesses: nobody was sure
        return np.where(beyond[:, None], np.float32(0), keypoints)


PoseInput = (
    str | Path | np.ndarray | Tensor | Sequence[Sequence[float] | None] | LoadedPose
)


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
        return [poses] if _is_rows_of_numbers(poses) else list(poses)
    return [poses]


def _is_rows_of_numbers(value: Sequence) -> bool:
    """Whether it is one pose; a row may be None, which is a missing joint."""
    rows = [row for row in value if row is not None]
    return (bool(rows) or len(value) == NUM_JOINTS) and all(
        isinstance(row, list | tuple) and all(x is None or np.isscalar(x) for x in row)
        for row in rows
    )


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


def load_pose(
    pose: PoseInput, label: str = 'pose', min_score: float | None = None
) -> LoadedPose:
    """Read one pose, whatever frame it is in.

    Args:
        pose: see :func:`read_pose`; one that was loaded before stays as it is.
        label: how errors call it.
        min_score: joints of a file with a lower confidence become missing, which is
            logged; None takes 0.05, below which OpenPose writes none.

    Raises:
        DataError: see :func:`read_pose`, but for fractions.
        TypeError: likewise.
    """
    if isinstance(pose, LoadedPose):
        return pose
    if pose is None:
        raise DataError(f'{label} is None: there is nobody in it; leave it out.')
    size = None
    if isinstance(pose, str | Path):
        keypoints, size = _read_pose_file(Path(pose).expanduser(), label)
        keypoints = _drop_guesses(keypoints, least_score('openpose', min_score), label)
    else:
        keypoints = _from_numbers(pose, label)
    return LoadedPose(_check_pose(keypoints, label), size, label)


def read_pose(
    pose: PoseInput, label: str = 'pose', min_score: float | None = None
) -> np.ndarray:
    """Read one pose.

    Args:
        pose: the path of an OpenPose json file; (18, 3) x, y, score in pixels, a joint
            being present if and only if its score is positive; or (18, 2) x, y, where
            a missing joint is (-1, -1) or NaN. In lists, a missing joint may be None.
        label: how errors call it.
        min_score: see :func:`load_pose`.

    Returns:
        (18, 3) float32 in pixels, of the canvas where a file states one; missing joints
        are zero.

    Raises:
        DataError: a file that is missing or in another format, another shape, a present
            joint without finite coordinates or farther away than `FARTHEST`, no present
            joint, or coordinates that are not in pixels.
        TypeError: anything else.
    """
    loaded = load_pose(pose, label, min_score)
    return loaded.in_pixels(loaded.size)


def _read_pose_file(path: Path, label: str) -> tuple[np.ndarray, Size | None]:
    if path.suffix.lower() != '.json':
        raise DataError(
            f'{label} {path} is no OpenPose json file; joints are not found in '
            'pictures yet: give a .json file or an (18, 3) array.'
        )
    return read_openpose_canvas(path)


def _drop_guesses(keypoints: np.ndarray, least: float, label: str) -> np.ndarray:
    unsure = (keypoints[:, 2] > 0) & (keypoints[:, 2] < least)
    if not unsure.any():
        return keypoints
    if not (keypoints[:, 2] >= least).any():
        raise DataError(f'{label} has no joint with a confidence of {least:g} or more.')
    print_log(
        f'{label}: {unsure.sum()} joints with a score below {least:g} are guesses and '
        'count as missing; --min-score changes that',
        'current',
        logging.WARNING,
    )
    return np.where(unsure[:, None], np.float32(0), keypoints)


def _from_numbers(pose: PoseInput, label: str) -> np.ndarray:
    if isinstance(pose, Tensor):
        pose = pose.detach().cpu().numpy()
    if isinstance(pose, list | tuple):
        pose = _from_rows(pose, label)
    if not isinstance(pose, np.ndarray):
        raise TypeError(
            f'{label} must be keypoints or the path of an OpenPose json file, '
            f'got {type(pose).__name__}'
        )
    return _as_scored(pose, label)


def _from_rows(rows: Sequence, label: str) -> np.ndarray:
    """Lists to an array; None in place of a joint or of a number is NaN."""
    width = max((len(row) for row in rows if isinstance(row, list | tuple)), default=2)
    whole = [[None] * width if row is None else row for row in rows]
    try:
        array = np.array(whole, dtype=object)
        if any(isinstance(value, str | bytes | bool) for value in array.flat):
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f'{label} must be {NUM_JOINTS} joints of x, y, score or x, y, all of them '
            'numbers or None.'
        ) from None


def _as_scored(pose: np.ndarray, label: str) -> np.ndarray:
    if pose.dtype == object:
        pose = _from_rows(pose.tolist(), label)
    numeric = np.issubdtype(pose.dtype, np.number) and not np.iscomplexobj(pose)
    if not numeric or pose.shape not in ((NUM_JOINTS, 2), (NUM_JOINTS, 3)):
        raise DataError(
            f'{label} must be {NUM_JOINTS} joints of x, y, score or x, y: shape '
            f'(18, 3) or (18, 2), got {pose.shape} {pose.dtype}.'
        )
    with np.errstate(over='ignore'):  # infinite then, which is an error later on
        pose = pose.astype(np.float32)
    if pose.shape[1] == 3:
        # NaN for all three is how a joint is left out where None stands for it.
        return np.where(np.isnan(pose[:, 2:]), np.float32(0), pose)
    present = np.isfinite(pose).all(1) & ~(pose == -1).all(1)
    return np.hstack([pose, present[:, None]]).astype(np.float32)


def _check_pose(pose: np.ndarray, label: str) -> np.ndarray:
    present = pose[:, 2] > 0
    if not present.any():
        raise DataError(f'{label} has no present joint: every score is 0.')
    if not np.isfinite(pose[present]).all():
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
    return np.where(present[:, None], pose, 0).astype(np.float32)


def check_on_canvas(keypoints: np.ndarray, canvas: Size, label: str) -> None:
    """A target of which no joint is on the canvas asks for an empty picture.

    Args:
        keypoints: (18, 3) in pixels of the canvas.
        canvas: its (height, width).
        label: how errors call it.

    Raises:
        DataError: it is such a one.
    """
    present = keypoints[:, 2] > 0
    if (present & ~outside_frame(keypoints, canvas)).any():
        return
    (left, top), (right, bottom) = (
        getattr(keypoints[present, :2], name)(0) for name in ('min', 'max')
    )
    raise DataError(
        f'{label} has no joint on the canvas of {canvas[0]}x{canvas[1]} (height x '
        f'width): placed there, it reaches from ({left:g}, {top:g}) to ({right:g}, '
        f'{bottom:g}) (x, y); say the size of the picture that it was taken from '
        '(pose_size, --pose-size).'
    )
