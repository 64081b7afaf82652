"""Put the person of a photo into another pose, in one call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn

from posegen.apis.inputs import (
    ImageInput,
    LoadedPose,
    PoseInput,
    as_image_list,
    as_pose_list,
    check_on_canvas,
    load_pose,
    read_image,
)
from posegen.apis.model_zoo import (
    DEFAULT_MODEL,
    ModelSource,
    get_model,
    read_model_config,
    weights_for,
)
from posegen.codecs.formats import other_frame
from posegen.datasets.letterbox import (
    Placement,
    Size,
    fit,
    place_image,
    place_keypoints,
    take_out,
)
from posegen.models.ops import compose
from posegen.models.preprocessor import images_to_uint8, to_unit_range
from posegen.utils.checkpoint import load_weights
from posegen.utils.env import pick_device
from posegen.utils.errors import ConfigError, DataError, NonFiniteError

#: Outputs of a model that a result carries; only the image is a must.
OUTPUTS = ('image', 'flow', 'visibility', 'masks', 'painted')
#: Those of them that a picture of any size is composed from.
COMPOSED_FROM = ('flow', 'masks', 'painted')


@dataclass(frozen=True)
class InferenceResult:
    """What came out, in the order of the inputs.

    Attributes:
        images: uint8 (H, W, 3) RGB.
        canvas: (N, 3, Hc, Wc) in [-1, 1], the model's own output.
        flow: part -> (N, 2, h, w) of the canvas, in pixels of the map; empty for
            methods without flow.
        visibility: part -> (N, 1, h, w) in [0, 1]; empty likewise.
        placements: where each source picture lies on the canvas.
        masks: (N, 2 + parts, h, w), how much of the source as it stands, of the
            painted picture and of each part's warp (in the order of ``flow``) is in
            the canvas; None for methods that do not compose.
        painted: (N, 3, h, w) in [-1, 1]; None likewise.
    """

    images: list[np.ndarray]
    canvas: Tensor
    flow: dict[str, Tensor]
    visibility: dict[str, Tensor]
    placements: list[Placement]
    masks: Tensor | None = None
    painted: Tensor | None = None


@dataclass(frozen=True)
class _Request:
    """One image to make: checked joints, and a source that is read in its turn."""

    source: ImageInput
    source_pose: LoadedPose
    source_pose_size: Size | None
    pose: LoadedPose
    pose_size: Size | None
    label: str


class PoseTransferInferencer:
    """A model, ready to be called on photos of any size.

    Args:
        model: a name of ``list_models()``, an alias such as ``'limbwarp'``, whose
            weights ship with posegen, a config file, a loaded config, a published
            ``.safetensors`` file, which carries its config, or a built model with
            ``generate(source_image, source_keypoints, target_keypoints)``.
        weights: a weight file; None takes the shipped or published ones, or those of
            the file that is the model (a built model stays as it is); ``'random'`` must
            be said.
        device: such as ``'cuda'``; None takes the GPU where there is one (a built model
            stays where it is).
        size: (height, width) of the model's canvas; None takes ``image_size`` of the
            config's data set.

    Raises:
        ConfigError: no such model or device, or no canvas size is known.
        WeightsError: no weights are published, or the file does not fit.
    """

    def __init__(
        self,
        model: ModelSource | nn.Module = DEFAULT_MODEL,
        weights: str | None = None,
        device: str | torch.device | None = None,
        size: Size | None = None,
    ) -> None:
        if isinstance(model, nn.Module):
            self.model = _adopt(model, weights, device)
            self.size, self.frame = size, None
        else:
            weights = weights_for(model, weights)
            cfg = read_model_config(model)
            self.size, self.frame = canvas_of(cfg)
            if size is not None:
                self.size, self.frame = size, None
            self.model = get_model(cfg, weights, pick_device(device))
        if self.size is None:
            raise ConfigError(
                'The size of the canvas is not known: the config has no data set with '
                'image_size; give size=(height, width).'
            )
        self.device = _device_of(self.model)

    def __call__(
        self,
        source: ImageInput | Sequence[ImageInput],
        pose: PoseInput | Sequence[PoseInput],
        source_pose: PoseInput | Sequence[PoseInput] | None = None,
        seed: int | None = None,
        *,
        pose_size: Size | Sequence[Size | None] | None = None,
        source_pose_size: Size | Sequence[Size | None] | None = None,
        min_score: float | None = None,
        batch_size: int = 8,
        keep_size: bool = True,
        full_resolution: bool | None = None,
        progress: bool = False,
    ) -> InferenceResult:
        """Make one image per source and pose; nothing is written.

        A source is scaled onto the model's canvas with its proportions kept, centred,
        and the free space repeats its edge. A pose is placed by the same rule in its
        own frame, ``pose_size``. The result is cut out where the source lies and has
        the source's size. A model that composes pictures (one that gives ``masks`` and
        ``painted``) composes them of the source's own pixels, as sharp as these are.

        Args:
            source: an image (see `read_image`) or a list of them, of any sizes.
            pose: the target joints (see `read_pose`), or a list of them. One source
                goes with many poses, one pose with many sources, or as many with as
                many.
            source_pose: the joints of each source, in its pixels or as fractions of its
                size.
            seed: makes methods that draw random numbers repeatable, at a given batch
                size, without touching the global random state; None leaves it to that.
            pose_size: (height, width) of the picture that the pose was taken from, or
                one for each pose; None means the canvas that the pose's file states
                (ControlNet's does), else the frame of the source.
            source_pose_size: (height, width) of the picture that the source's joints
                were found in, or one for each source, where the source is a smaller or
                larger copy of it; None means the canvas that the file states, else the
                source itself.
            min_score: joints of pose files with a lower confidence become missing; None
                takes 0.05.
            batch_size: images that go through the model together.
            keep_size: give back the source's size; otherwise the whole canvas.
            full_resolution: compose at the source's size; False enlarges what the model
                made on its canvas; None composes where the model can.
            progress: show a bar.

        Returns:
            The images and the raw tensors.

        Raises:
            NonFiniteError: the model gave NaN or infinite pixels.
            ConfigError: full_resolution is asked for, and the model does not compose,
                or the whole canvas is asked for as well.
            DataError: an input cannot be read, is out of range, has no present joint,
                or the numbers of inputs do not go together; source_pose is missing, or
                clearly leaves the source; no joint of a pose is on the canvas.
            TypeError: an input is of an unknown kind.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        if full_resolution and not keep_size:
            raise ConfigError('full_resolution and keep_size=False exclude each other')
        requests = _requests(
            source, pose, source_pose, pose_size, source_pose_size, min_score
        )
        batches = [
            requests[start : start + batch_size]
            for start in range(0, len(requests), batch_size)
        ]
        with _seeded(seed, self.device):
            return self._make(
                _with_progress(batches, progress), keep_size, full_resolution
            )

    def _make(
        self,
        batches: Iterable[list[_Request]],
        keep_size: bool,
        full_resolution: bool | None,
    ) -> InferenceResult:
        images, placements, outputs = [], [], []
        for batch in batches:
            sources, placed, output = self._run(batch)
            if keep_size and self._composes(output, full_resolution):
                images += _compose(sources, placed, output)
            else:
                images += _pictures(output['image'], placed, keep_size)
            placements += placed
            outputs.append(_to_cpu(output))
        joined = _join(outputs)
        return InferenceResult(
            images,
            joined['image'],
            joined.get('flow', {}),
            joined.get('visibility', {}),
            placements,
            joined.get('masks'),
            joined.get('painted'),
        )

    def _composes(self, output: Mapping, full_resolution: bool | None) -> bool:
        missing = [name for name in COMPOSED_FROM if name not in output]
        if missing and full_resolution:
            raise ConfigError(
                f'full_resolution needs a model that composes its pictures, such as '
                f'limbwarp; {type(self.model).__name__} gives no {", ".join(missing)}.'
            )
        return full_resolution is not False and not missing

    @torch.no_grad()
    def _run(
        self, batch: list[_Request]
    ) -> tuple[list[np.ndarray], list[Placement], dict[str, Any]]:
        """The sources, where they lie on the canvas, and the model's outputs."""
        sources = [read_image(request.source, request.label) for request in batch]
        placements = [fit(s.shape[:2], self.size, self.frame) for s in sources]
        canvases = np.stack(list(map(place_image, sources, placements)))
        joints = [
            request.source_pose.on_photo(own.image_size, request.source_pose_size)
            for request, own in zip(batch, placements)
        ]
        source_joints = list(map(place_keypoints, joints, placements))
        target_joints = list(map(self._place_target, batch, placements))
        images = torch.from_numpy(canvases).permute(0, 3, 1, 2).contiguous()
        output = self.model.generate(
            to_unit_range(images.to(self.device)),
            torch.from_numpy(np.stack(source_joints)).to(self.device),
            torch.from_numpy(np.stack(target_joints)).to(self.device),
        )
        _check_finite(output['image'], batch)
        kept = {name: output[name] for name in OUTPUTS if name in output}
        return sources, placements, kept

    def _place_target(self, request: _Request, source: Placement) -> np.ndarray:
        """(18, 3) in pixels of the canvas."""
        pose, stated = request.pose, request.pose_size or request.pose.size
        frame = tuple(stated or source.image_size)
        keypoints = pose.in_pixels(frame)
        placement = fit(frame, self.size, self.frame) if stated else source
        placed = place_keypoints(keypoints, placement)
        check_on_canvas(placed, self.size, pose.label)
        if (problem := other_frame(keypoints, frame)) is not None:
            print_log(
                f'{pose.label}: {problem}; if it was taken from a picture of another '
                'size, say which (pose_size, --pose-size).',
                'current',
                logging.WARNING,
            )
        return placed


def canvas_of(cfg: Config) -> tuple[Size | None, Size | None]:
    """Canvas of a model, from the data set that its config tests or trains on.

    Args:
        cfg: a config.

    Returns:
        ``image_size`` (height, width), and the frame of another shape that it was
        squeezed from (``annotation_size``); None where the config does not say.
    """
    for key in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        dataset = (cfg.get(key) or {}).get('dataset') or {}
        if dataset.get('image_size'):
            size, frame = dataset['image_size'], dataset.get('annotation_size')
            return tuple(size), tuple(frame) if frame else None
    return None, None


def _adopt(
    model: nn.Module, weights: str | None, device: str | torch.device | None
) -> nn.Module:
    if not callable(getattr(model, 'generate', None)):
        raise TypeError(
            f'{type(model).__name__} has no generate(source_image, source_keypoints, '
            'target_keypoints), which a model needs here'
        )
    if weights is not None and str(weights) != 'random':
        load_weights(model, weights)
    if device is not None:
        model = model.to(pick_device(device))
    return model.eval()


def _device_of(model: nn.Module) -> torch.device:
    tensors = [*model.parameters(), *model.buffers()]
    return tensors[0].device if tensors else torch.device('cpu')


def _requests(
    source: ImageInput | Sequence[ImageInput],
    pose: PoseInput | Sequence[PoseInput],
    source_pose: PoseInput | Sequence[PoseInput] | None,
    pose_size: Size | Sequence[Size | None] | None,
    source_pose_size: Size | Sequence[Size | None] | None,
    min_score: float | None,
) -> list[_Request]:
    """Pair the inputs up, one with many or many with as many, and check the joints."""
    sources, poses = as_image_list(source), as_pose_list(pose)
    if source_pose is None:
        raise DataError(
            'source_pose is missing: finding the joints of a photo needs a pose '
            'estimator, and none is built in yet; give them as an (18, 3) array of '
            'x, y, score or as an OpenPose json file.'
        )
    source_poses = as_pose_list(source_pose)
    sizes = _as_size_list('pose_size', pose_size, poses)
    source_sizes = _as_size_list('source_pose_size', source_pose_size, source_poses)
    _check_counts(sources, poses, source_poses, sizes, source_sizes)
    if len(sources) == 1:
        # Read once, however many poses it takes.
        sources = [read_image(sources[0], _label('source', 0, 1))]
    joints = {
        name: [
            load_pose(p, _label(name, i, len(given)), min_score)
            for i, p in enumerate(given)
        ]
        for name, given in (('source_pose', source_poses), ('pose', poses))
    }
    count = max(len(sources), len(poses))
    return [
        _Request(
            sources[i % len(sources)],
            joints['source_pose'][i % len(source_poses)],
            source_sizes[i % len(source_poses)],
            joints['pose'][i % len(poses)],
            sizes[i % len(poses)],
            _label('source', i, len(sources)),
        )
        for i in range(count)
    ]


def _label(name: str, index: int, count: int) -> str:
    return name if count == 1 else f'{name}[{index}]'


def _as_size_list(
    name: str, pose_size: Size | Sequence[Size | None] | None, poses: list
) -> list[Size | None]:
    single = pose_size is None or all(
        isinstance(n, int | np.integer) for n in pose_size
    )
    sizes = [pose_size] * len(poses) if single else list(pose_size)
    for size in sizes:
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise DataError(f'{name} must be (height, width) in pixels, got {size}.')
    return sizes


def _check_counts(
    sources: list, poses: list, source_poses: list, sizes: list, source_sizes: list
) -> None:
    if not sources or not poses:
        raise DataError('source and pose must not be empty lists.')
    if len(sources) != len(poses) and 1 not in (len(sources), len(poses)):
        raise DataError(
            f'{len(sources)} sources and {len(poses)} poses do not go together: give '
            'one of either, or as many of both.'
        )
    if len(source_poses) != len(sources):
        raise DataError(
            'source_pose must have the joints of each source: expected '
            f'{len(sources)}, got {len(source_poses)}.'
        )
    for name, given, of in (
        ('pose_size', sizes, poses),
        ('source_pose_size', source_sizes, source_poses),
    ):
        if len(given) != len(of):
            raise DataError(
                f'{name} must be one size or one for each pose: expected {len(of)}, '
                f'got {len(given)}.'
            )


def _with_progress(batches: list, show: bool) -> Iterable[list[_Request]]:
    console = Console(stderr=True)
    return track(batches, 'Generating', console=console) if show else batches


@contextmanager
def _seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    if seed is None:
        yield
        return
    with torch.random.fork_rng([device] if device.type == 'cuda' else []):
        torch.manual_seed(seed)
        yield


def _check_finite(canvases: Tensor, batch: list[_Request]) -> None:
    for canvas, request in zip(canvases, batch):
        if not canvas.isfinite().all():
            raise NonFiniteError(
                f'The model gave NaN or infinite pixels for {request.label}: its '
                'weights are damaged, or its training has diverged.'
            )


@torch.no_grad()
def _compose(
    sources: list[np.ndarray], placements: list[Placement], output: Mapping[str, Any]
) -> list[np.ndarray]:
    """Pictures of the sources' own pixels; one at a time, since sizes differ."""
    pictures = []
    for index, (source, placement) in enumerate(zip(sources, placements)):
        one = slice(index, index + 1)
        photo = torch.tensor(source, device=output['masks'].device)
        picture = compose(
            to_unit_range(photo.permute(2, 0, 1)[None]),
            output['painted'][one],
            {part: flow[one] for part, flow in output['flow'].items()},
            output['masks'][one],
            placement.relative_box,
        )
        pictures.append(_to_arrays(picture)[0])
    return pictures


def _to_arrays(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [-1, 1] -> (B, H, W, 3) uint8."""
    return images_to_uint8(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _pictures(
    canvases: Tensor, placements: list[Placement], keep_size: bool
) -> list[np.ndarray]:
    arrays = _to_arrays(canvases)
    if not keep_size:
        return list(arrays)
    return [take_out(array, place) for array, place in zip(arrays, placements)]


def _to_cpu(value: Any) -> Any:
    """Nested dicts of tensors, moved."""
    if isinstance(value, Mapping):
        return {key: _to_cpu(entry) for key, entry in value.items()}
    return value.cpu()


def _join(outputs: list[Any]) -> Any:
    """Concatenate nested dicts of batches."""
    first = outputs[0]
    if isinstance(first, Mapping):
        return {key: _join([output[key] for output in outputs]) for key in first}
    return torch.cat(outputs)
