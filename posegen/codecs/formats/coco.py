"""COCO's json: one file for all pictures, with 17 joints, or more of other sets.

Those are 133 (COCO-WholeBody), 26 and 136 (HALPE, which AlphaPose and RTMPose give).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from posegen.codecs.joints import JOINT_NAMES
from posegen.utils.errors import DataError

from .frames import check_size
from .json_files import as_numbers, canonical, most_certain, short
from .layouts import LAYOUTS, Layout, from_canonical
from .notes import Notes

_READ = ('coco', 'wholebody', 'halpe26', 'halpe136')
_BY_COUNT = {len(LAYOUTS[name]): name for name in _READ}
_VISIBLE = 2
#: What COCO-WholeBody adds to an annotation, and the number of joints in each.
_WHOLEBODY = dict(foot=6, face=68, lefthand=21, righthand=21)
_LIMBS = (
    *('left_ankle left_knee', 'left_knee left_hip', 'right_ankle right_knee'),
    *('right_knee right_hip', 'left_hip right_hip', 'left_shoulder left_hip'),
    *('right_shoulder right_hip', 'left_shoulder right_shoulder'),
    *('left_shoulder left_elbow', 'right_shoulder right_elbow'),
    *('left_elbow left_wrist', 'right_elbow right_wrist', 'left_eye right_eye'),
    *('nose left_eye', 'nose right_eye', 'left_eye left_ear', 'right_eye right_ear'),
)


@dataclass
class _People:
    """Everyone in a file, gathered before one conversion of them all."""

    names: dict[str, list[int]] = field(default_factory=dict)
    joints: list[Any] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def add(self, name: str, entry: dict, place: str) -> None:
        """Take one annotation, detection or MMPose instance that has joints."""
        keypoints = entry['keypoints']
        if not isinstance(keypoints, list):
            raise DataError(f"{place} must have a list 'keypoints'")
        self.names.setdefault(name, []).append(len(self.joints))
        self.joints.append(keypoints)
        self.scores.append(entry.get('keypoint_scores'))
        self.places.append(f'{place}.keypoints')

    def has_joints(self, entry: Any, place: str) -> bool:
        """Whether an entry is more than null or a box; others are noted.

        Raises:
            DataError: it is no entry at all.
        """
        if entry is not None and not isinstance(entry, dict):
            raise DataError(f"{place} must have a list 'keypoints'")
        if entry and entry.get('keypoints') not in (None, []):
            return True
        self.notes.passed_over.append(place)
        return False

    def best(self, layout: Layout | None) -> dict[str, np.ndarray]:
        """``(18, 3)`` of the most certain person of each picture."""
        joints = [self._person(index, layout) for index in range(len(self.joints))]
        nobody = np.zeros((len(JOINT_NAMES), 3), dtype=np.float32)
        return {
            name: most_certain(np.stack([joints[i] for i in own])) if own else nobody
            for name, own in self.names.items()
        }

    def _person(self, index: int, layout: Layout | None) -> np.ndarray:
        place = self.places[index]
        joints = as_numbers(self.joints[index], place)
        if joints.ndim == 1 and joints.size % 3 == 0:
            joints = joints.reshape(-1, 3)
        if joints.ndim == 3 and len(joints) == 1:
            joints = joints[0]  # MMPose's arrays have an axis for people
        layout = layout or LAYOUTS.get(_BY_COUNT.get(len(joints), ''))
        if layout is None or joints.ndim != 2 or joints.shape[1] not in (2, 3):
            raise DataError(
                f'{place} must have 51 numbers (17 joints of x, y, v), 399 (133 '
                f'joints), 78 or 408 (HALPE), got {joints.size}'
            )
        if len(joints) != len(layout):
            raise DataError(
                f'{place} must have {3 * len(layout)} numbers ({len(layout)} joints of '
                f'x, y, v), got {joints.size}'
            )
        return canonical(self._with_scores(joints, index), layout, place)

    def _with_scores(self, joints: np.ndarray, index: int) -> np.ndarray:
        if self.scores[index] is None:
            return joints
        scores = as_numbers(self.scores[index], self.places[index] + ' (their scores)')
        if scores.ndim == 2 and len(scores) == 1:
            scores = scores[0]
        if scores.shape != joints.shape[:1]:
            raise DataError(
                f'{self.places[index]}: keypoint_scores must have one number for each '
                f'of {len(joints)} joints, got {scores.size}'
            )
        flags = joints[:, 2] if joints.shape[1] == 3 else np.ones(len(joints))
        if not np.isin(flags[~np.isnan(flags)], (0, 1, 2)).all():
            raise DataError(
                f'{self.places[index]} has three coordinates a joint beside its '
                'keypoint_scores; joints are x and y in pixels of a picture.'
            )
        scores = np.where(flags > 0, scores, 0.0)
        return np.concatenate([joints[:, :2], scores[:, None]], axis=1)


def read_coco(
    content: Any,
    path: str | os.PathLike,
    name_of: Callable[[int], str],
    own_name: Callable[[], str],
    frame_name: Callable[[int], str] | None = None,
    notes: Notes | None = None,
) -> dict[str, np.ndarray]:
    """The most certain person of each picture in the content of a COCO file.

    Args:
        content: the parsed json: a data set (``images``, ``annotations``; also with
            COCO-WholeBody's additions), a list of detections (``image_id``,
            ``keypoints``), or MMPose's instances of one picture (``keypoints``,
            ``keypoint_scores``, alone, below ``instance_info`` or in the
            ``predictions`` that its inferencer returns) or of a video (``frame_id``,
            ``instances``). Where the category of a data set names its joints, these
            names say which is which.
        path: how errors call it.
        name_of: picture of an ``image_id`` that is a number, in a list of detections.
        own_name: gives the picture that instances without an ``image_id`` belong to.
        frame_name: picture of a number in a video; ``name_of`` by default.
        notes: takes down entries without joints (boxes, null), and sizes of pictures.

    Returns:
        Name of the picture -> ``(18, 3)`` float32; zeros for a picture without people.
        The score is ``keypoint_scores`` where given, else the third number: a
        confidence, or COCO's flag (2 visible, 1 hidden, 0 not there).

    Raises:
        DataError: it is something else.
    """
    people = _People(notes=notes or Notes())
    layout = None
    content = _unwrap(content)
    if isinstance(content, dict):
        layout = _category_layout(content, path)
        _add_dataset(people, content, path)
    elif isinstance(content, list) and any(map(_is_frame, content)):
        _add_video(people, content, path, frame_name or name_of)
    elif isinstance(content, list):
        _add_detections(people, content, path, name_of, own_name)
    else:
        raise DataError(f"{path}: expected COCO's images and annotations, or a list")
    return people.best(layout)


def _unwrap(content: Any) -> Any:
    """The list below MMPose's keys; pictures of a batch become a video's frames."""
    if isinstance(content, dict) and 'instance_info' in content:
        return content['instance_info']
    if isinstance(content, dict) and 'annotations' not in content:
        content = content.get('predictions', content)
    if not isinstance(content, list) or not any(isinstance(x, list) for x in content):
        return content
    if len(content) == 1:
        return content[0]
    return [
        dict(frame_id=number, instances=instances)
        for number, instances in enumerate(content, start=1)
    ]


def _is_frame(entry: Any) -> bool:
    return isinstance(entry, dict) and {'frame_id', 'instances'} <= set(entry)


def _add_video(
    people: _People,
    content: Sequence,
    path: str | os.PathLike,
    frame_name: Callable[[int], str],
) -> None:
    for index, frame in enumerate(content):
        place = f'{path}: [{index}]'
        if frame is None:
            people.notes.passed_over.append(place)
            continue
        if not _is_frame(frame) or type(frame['frame_id']) is not int:
            raise DataError(f'{place} must have a frame_id, a number, and instances')
        name = frame_name(frame['frame_id'])
        if name in people.names:
            raise DataError(f'{place} has the frame_id of an entry before it')
        people.names[name] = []
        instances = frame['instances'] or []
        if not isinstance(instances, list):
            raise DataError(f'{place}.instances must be a list')
        for number, entry in enumerate(instances):
            inner = f'{place}.instances[{number}]'
            if people.has_joints(entry, inner):
                people.add(name, entry, inner)


def _add_dataset(people: _People, content: dict, path: str | os.PathLike) -> None:
    for key in ('images', 'annotations'):
        if key not in content:
            raise DataError(
                f"{path}: '{key}' is not there; a COCO data set has images (id, "
                'file_name) and annotations (image_id, keypoints) that belong to them'
            )
        if not isinstance(content[key], list):
            raise DataError(f'{path}: images and annotations must be lists')
    names = _add_images(people, content['images'], path)
    for index, entry in enumerate(content['annotations']):
        place = f'{path}: annotations[{index}]'
        if people.has_joints(entry, place):
            people.add(_owner(names, entry, place), entry, place)


def _add_images(
    people: _People, images: list, path: str | os.PathLike
) -> dict[Any, str]:
    """Names by id; sizes are noted."""
    names: dict[Any, str] = {}
    for index, image in enumerate(images):
        place = f'{path}: images[{index}]'
        if image is None:
            people.notes.passed_over.append(place)
            continue
        known = image if isinstance(image, dict) else {}
        if not isinstance(known.get('id'), int | str) or not known.get('file_name'):
            raise DataError(f'{place} must have an id and a file_name')
        name = names[known['id']] = str(known['file_name'])
        people.names.setdefault(name, [])
        size = check_size([known.get('height'), known.get('width')], place)
        if size is not None:
            people.notes.sizes[name] = size
    return names


def _owner(names: Mapping[Any, str], entry: Mapping, place: str) -> str:
    image = entry.get('image_id')
    if not isinstance(image, int | str) or image not in names:
        raise DataError(
            f'{place}: its image_id {image!r} is not there among the images'
        )
    return names[image]


def _add_detections(
    people: _People,
    content: Sequence,
    path: str | os.PathLike,
    name_of: Callable[[int], str],
    own_name: Callable[[], str],
) -> None:
    for index, entry in enumerate(content):
        place = f'{path}: [{index}]'
        if not people.has_joints(entry, place):
            continue
        image = entry.get('image_id')
        if isinstance(image, int):
            name = name_of(image)
        else:
            name = own_name() if image is None else str(image)
        people.add(name, entry, place)


def _category_layout(content: dict, path: str | os.PathLike) -> Layout | None:
    """The joints in the file's own order, or None where it does not name them."""
    categories = content.get('categories')
    named = [
        [
            str(name).strip().lower().replace('-', '_').replace(' ', '_')
            for name in names
        ]
        for category in (categories if isinstance(categories, list) else [])
        if isinstance(category, dict)
        and isinstance(names := category.get('keypoints'), list)
        and names
    ]
    if not named or not set(named[0]) & set(JOINT_NAMES):
        return None
    if any(names != named[0] for names in named):
        raise DataError(
            f'{path}: its categories have joints in different orders; keep one category'
        )
    standard = LAYOUTS['coco'].joints
    if tuple(named[0]) == standard:
        return None  # the usual order; an annotation may have the whole body's joints
    return Layout('coco', tuple(named[0]), f'the category of {path}')


def coco_dataset(
    keypoints: Mapping[str, np.ndarray],
    sizes: Mapping[str, tuple[int, int]],
    wholebody: bool = False,
) -> dict:
    """The content of a COCO file: images, annotations, and the person category.

    A joint is written with flag 2 (visible), as the canonical record does not know what
    is hidden; its score goes to ``keypoint_scores``, which MMPose has too. The neck,
    which COCO has not, is left out.

    Args:
        keypoints: name of the picture -> ``(18, 3)`` x, y, score.
        sizes: (height, width) of pictures, where known.
        wholebody: also write COCO-WholeBody's feet, face and hands, all missing.
    """
    images, annotations = [], []
    for index, (name, record) in enumerate(keypoints.items(), start=1):
        size = dict(zip(('height', 'width'), sizes.get(name, ())))
        images.append(dict(id=index, file_name=name, **size))
        joints = from_canonical(record, 'coco')
        if joints.any():
            extra = _no_wholebody() if wholebody else {}
            number = len(annotations) + 1
            annotations.append(_annotation(joints, number, index) | extra)
    joints = list(LAYOUTS['coco'].joints)
    limbs = [[joints.index(end) + 1 for end in limb.split()] for limb in _LIMBS]
    person = dict(id=1, name='person', supercategory='person')
    person |= dict(keypoints=joints, skeleton=limbs)
    return dict(images=images, annotations=annotations, categories=[person])


def _annotation(joints: np.ndarray, number: int, image: int) -> dict:
    present = joints[:, 2] > 0
    flags = np.where(present, _VISIBLE, 0)
    low, high = joints[present, :2].min(0), joints[present, :2].max(0)
    width, height = (high - low).tolist()
    numbers = [
        value
        for (x, y, _), v in zip(joints, flags)
        for value in (short(x), short(y), v)
    ]
    return dict(
        id=number,
        image_id=image,
        category_id=1,
        iscrowd=0,
        keypoints=[int(v) if isinstance(v, np.integer) else v for v in numbers],
        num_keypoints=int(present.sum()),
        keypoint_scores=[short(score) for score in joints[:, 2]],
        bbox=[short(low[0]), short(low[1]), width, height],
        area=width * height,
    )


def _no_wholebody() -> dict:
    fields: dict[str, Any] = {}
    for name, count in _WHOLEBODY.items():
        fields |= {f'{name}_valid': False, f'{name}_kpts': [0] * (3 * count)}
    return fields
