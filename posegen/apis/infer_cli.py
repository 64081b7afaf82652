"""Body of ``posegen infer``: one photo, one target pose, one picture."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

import numpy as np
from mmengine.logging import print_log

from posegen.apis.inferencer import PoseTransferInferencer
from posegen.apis.inputs import LoadedPose, load_pose, read_image
from posegen.codecs.formats import other_frame, scale_keypoints
from posegen.codecs.names import name_key, respell
from posegen.datasets import read_annotations
from posegen.datasets.letterbox import Size
from posegen.utils.errors import DataError
from posegen.utils.images import save_image

PICTURES = ('.png', '.jpg', '.jpeg')


def run(args: Namespace) -> None:
    """Generate the picture and write it.

    ``--pose`` and ``--source-pose`` are OpenPose json files or, with ``--annotations``,
    names of images in that file (a path counts by its file name); without
    ``--source-pose`` the source's own name is looked up.

    A pose from json is in pixels of the source, or of the canvas that the file states;
    ``--pose-size`` and ``--source-pose-size`` say that it is of another size, that of
    the picture that the joints were found in. An annotated one is in pixels of its
    own picture: that of the path, or the one of that name beside the source; where
    neither is there, it is taken to be of the source's size. ``--annotation-size`` says
    that the annotations are of another size than the pictures.

    Args:
        args: ``model``, ``weights``, ``device``, ``source``, ``source_pose``, ``pose``,
            ``annotations``, ``annotation_size``, ``pose_size``, ``source_pose_size``
            (height, width), ``min_score``, ``seed``, ``out``.

    Raises:
        DataError: an input is missing or cannot be read, or ``out`` is no png or jpg.
        ConfigError: as `PoseTransferInferencer`.
        WeightsError: as `PoseTransferInferencer`.
    """
    out = _picture_path(args.out)
    source = read_image(args.source)
    poses = _PoseFinder(
        args.annotations, args.annotation_size, args.source, args.min_score
    )
    own = source.shape[:2]
    source_pose, source_size = poses.find(
        args.source_pose or args.source, '--source-pose', args.source_pose_size, own
    )
    pose, pose_size = poses.find(args.pose, '--pose', args.pose_size)
    inferencer = PoseTransferInferencer(args.model, args.weights, args.device)
    result = inferencer(
        source,
        pose,
        source_pose,
        args.seed,
        pose_size=pose_size,
        source_pose_size=source_size,
    )
    save_image(out, result.images[0])
    print_log(f'The picture is in {out}', 'current')


def _picture_path(out: str) -> Path:
    path = Path(out).expanduser()
    if path.suffix.lower() not in PICTURES:
        raise DataError(f'--out must end in {", ".join(PICTURES)}, got {out}.')
    return path


class _PoseFinder:
    """Poses by what the command line says of them."""

    def __init__(
        self,
        annotations: str | None,
        annotation_size: Size | None,
        source: str,
        min_score: float | None,
    ) -> None:
        self.file, self.annotation_size = annotations, annotation_size
        self.folder, self.min_score = Path(source).expanduser().parent, min_score
        self.rows: dict[str, np.ndarray] = {}
        if annotations is not None:
            table = read_annotations(annotations, pixels=False)
            self.rows = dict(zip(table.names, table.keypoints))

    def find(
        self, value: str, option: str, stated: Size | None, size: Size | None = None
    ) -> tuple[LoadedPose, Size | None]:
        """The joints, and the (height, width) of the frame that they are in.

        Args:
            value: a json file, or the name or path of an annotated image.
            option: how errors call it.
            stated: size of the picture that the joints were found in, if the command
                line says.
            size: of the picture where it is known; otherwise the picture is looked for,
                and a size of None is given back where it is not found.
        """
        if Path(value).suffix.lower() == '.json':
            return load_pose(value, option, self.min_score), stated
        if self.file is None:
            raise DataError(
                f'{option} needs the joints of {value}: give an OpenPose json file, or '
                '--annotations with a file that has a row for it; joints are not found '
                'in pictures yet.'
            )
        base = PurePosixPath(name_key(value)).name
        spelled = respell([value, base], self.rows)
        tried = (value, base, spelled.get(value), spelled.get(base))
        name = next((name for name in tried if name in self.rows), base)
        if name not in self.rows:
            near = get_close_matches(name, self.rows, n=1)
            hint = f'; did you mean {near[0]}?' if near else '.'
            raise DataError(f'{self.file} has no row for {name} ({option}){hint}')
        size = size or self._picture_size(value, name)
        pose = load_pose(self.rows[name], f'{name} in {self.file}')
        return self._in_picture(pose, stated or self.annotation_size, size)

    def _picture_size(self, value: str, name: str) -> Size | None:
        for path in (Path(value).expanduser(), self.folder / name):
            if path.is_file():
                return read_image(path, name).shape[:2]
        return None

    def _in_picture(
        self, pose: LoadedPose, stated: Size | None, size: Size | None
    ) -> tuple[LoadedPose, Size | None]:
        stated = tuple(stated) if stated else None
        keypoints = pose.in_pixels(stated or size)
        if stated and size:
            keypoints = scale_keypoints(keypoints, stated, size, 'center')
        elif size and (problem := other_frame(keypoints, size)) is not None:
            raise DataError(
                f'{pose.label}: {problem}, outside the picture of {size} (height, '
                'width); give --annotation-size, the size of the pictures that were '
                'annotated.'
            )
        return replace(pose, keypoints=keypoints), size or stated
