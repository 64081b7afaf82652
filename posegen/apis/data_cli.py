"""Bodies of the data tools: the doctor, the browser of samples, sets of own photos."""

from __future__ import annotations

import logging
import shlex
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import set_random_seed
from torch.utils.data import Dataset

from posegen.codecs.joints import DEFAULT_PARTS
from posegen.datasets import PosePairDataset
from posegen.datasets.doctor import (
    Finding,
    Report,
    Split,
    examine_datasets,
    examine_folder,
)
from posegen.datasets.keypoint_files import read_keypoint_file
from posegen.datasets.keypoint_units import KeypointReport
from posegen.datasets.photo_set import (
    PhotoSet,
    PhotoSetOptions,
    group_by_file,
    group_by_folder,
    group_by_pattern,
    list_photos,
    make_photo_set,
    photo_sizes,
)
from posegen.datasets.transforms import SIDES
from posegen.engine.config import (
    check_datasets,
    fill_defaults,
    load_config,
    merge_stage,
    stage_entries,
)
from posegen.registry import DATASETS
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.folders import list_files
from posegen.utils.image_types import is_image
from posegen.utils.images import check_image_ending, read_image, save_image
from posegen.visualization import pair_sheet

LOADERS = ('train', 'test', 'val')  # val often reads what test reads
_LONGER = 'stages.flow.train_cfg.max_iters=2000 stages.full.train_cfg.max_iters=10000'
_INNER = ('dataset', 'datasets')  # where wrappers hold what they wrap


def run_doctor(args: Namespace) -> Report:
    """Examine a config's data or a folder, print the report and draw the sheet.

    Args:
        args: ``target`` (config file or folder), ``cfg_options``, ``fast``, ``out``
            (the sheet; None draws none) and ``num`` (pairs of each split on it).

    Returns:
        The report.

    Raises:
        ConfigError: the config cannot be read, or options do not fit.
        DataError: the folder does not exist, or the sheet cannot be written.
    """
    _check_sheet(args)
    target, drawn = Path(args.target), {}
    if target.is_dir():
        if args.cfg_options:
            raise ConfigError(f'--cfg-options needs a config, and {target} is a folder')
        report, splits = examine_folder(target, args.fast)
    else:
        cfg = load_config(target, args.cfg_options)
        drawn, datasets = drawing_options(cfg), datasets_of(cfg)
        report, splits = examine_datasets(datasets, str(target), args.fast)
        report.add(_check_config(cfg, datasets))
    print(report.to_text())  # noqa: T201
    if args.out is not None:
        _draw_splits(splits, args, drawn)
    return report


def run_browser(args: Namespace) -> None:
    """Draw samples of a config as they leave its pipeline.

    Args:
        args: ``config``, ``cfg_options``, ``split``, ``stage`` (None takes the last),
            ``num``, ``seed`` and ``out``.

    Raises:
        ConfigError: the config cannot be read, or has no such split or stage; options
            do not fit.
        DataError: the data cannot be read, or the sheet cannot be written.
    """
    _check_sheet(args)
    if args.seed < 0:
        raise ConfigError(f'seed must be 0 or more, got {args.seed}')
    cfg = load_config(args.config, args.cfg_options)
    check_datasets(cfg)
    stage = _stage_config(cfg, args.stage)
    loader = stage.get(f'{args.split}_dataloader')
    if not loader:
        raise ConfigError(f'{args.config} has no {args.split}_dataloader')
    dataset = DATASETS.build(loader['dataset'].to_dict())
    set_random_seed(args.seed)
    chosen = np.random.default_rng(args.seed).permutation(len(dataset))[: args.num]
    samples = [_whole_sample(dataset, int(index)) for index in chosen]
    save_image(args.out, pair_sheet(samples, **drawing_options(cfg)))
    print(f'{args.out} shows {len(samples)} of {len(dataset):,} samples')  # noqa: T201


def _check_sheet(args: Namespace) -> None:
    """What can be known of the sheet before work begins."""
    if args.num < 1:
        raise ConfigError(f'num must be 1 or more, got {args.num}')
    if args.out is not None:
        check_image_ending(args.out)


def _check_config(cfg: Config, datasets: Mapping[str, dict]) -> list[Finding]:
    """What keeps a config's datasets from being built, or its pipelines from running.

    A pipeline is tried on one sample; whatever is wrong with the data has been found
    before.
    """
    cure = 'docs/data_pipeline.md has the transforms and their order.'
    try:
        check_datasets(cfg)
    except ConfigError as error:
        return [Finding('error', 'config', f'{error}.', cure)]
    findings = []
    for name, dataset in datasets.items():
        if dataset.get('type') == 'PosePairDataset':
            dataset = dataset | {'on_error': 'skip'}
        try:
            with _silence():
                _whole_sample(DATASETS.build(dict(dataset)), 0)
        except DataError:
            continue
        except Exception as error:  # of a transform, which may be the user's own
            reason = str(error) or 'no reason given'
            if not isinstance(error, ConfigError):
                reason = f'{type(error).__name__}: {reason}'
            text = f'{name}: no sample comes out of its pipeline: {reason}.'
            findings.append(Finding('error', 'pipeline', text, cure))
    return findings


def _whole_sample(dataset: Dataset, index: int) -> dict[str, Any]:
    """A sample that a batch can be made of."""
    sample = dataset[index]
    for side in SIDES:
        if not isinstance(sample.get(f'{side}_image'), torch.Tensor):
            raise ConfigError(
                'the pipeline must end with PackPair, which makes tensors'
            )
    return sample


@contextmanager
def _silence() -> Iterator[None]:
    """No warnings on what the report says anyway."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def datasets_of(cfg: Config) -> dict[str, dict[str, Any]]:
    """Name -> arguments of every dataset that a config reads, ``data_root`` filled in.

    Wrapped datasets are taken out of their wrappers. What a stage reads in place of the
    other stages' data is called '<stage> <split>'.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in stage_entries(cfg):
        stage = fill_defaults(merge_stage(cfg, entry))
        for split in LOADERS:
            loader = stage.get(f'{split}_dataloader') or {}
            inner = list(_unwrap(loader.get('dataset')))
            for number, dataset in enumerate(inner, start=1):
                name = split if len(inner) == 1 else f'{split} {number}'
                if found.setdefault(name, dataset) != dataset:
                    found[f'{entry["name"]} {name}'] = dataset
    if not found:
        raise ConfigError('the config has no dataset: there is nothing to look at')
    return found


def drawing_options(cfg: Config) -> dict[str, Any]:
    """Parts, margin and radius as the config's model has them, to draw them so."""
    model = cfg.get('model') or {}
    generator = model.get('generator') or {}
    options = {
        'parts': generator.get('parts') or DEFAULT_PARTS,
        'margin': generator.get('crop_margin'),
        'radius': model.get('mask_radius'),
    }
    return {name: value for name, value in options.items() if value is not None}


def _stage_config(cfg: Config, stage: str | None) -> Config:
    entries = {entry['name']: entry for entry in stage_entries(cfg)}
    if stage is not None and stage not in entries:
        raise ConfigError(f'there is no stage {stage!r}; there are {list(entries)}')
    entry = entries[stage] if stage else list(entries.values())[-1]
    return fill_defaults(merge_stage(cfg, entry))


def _unwrap(dataset: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(dataset, Mapping):
        return
    inner = [dataset[key] for key in _INNER if dataset.get(key)]
    if not inner:
        yield dict(dataset)
    for wrapped in inner:
        for one in [wrapped] if isinstance(wrapped, Mapping) else wrapped:
            yield from _unwrap(one)


def _draw_splits(splits: Sequence[Split], args: Namespace, drawn: dict) -> None:
    """One sheet for all splits; says so where nothing can be drawn."""
    samples, seen = [], set()
    for split in splits:
        if split.paths not in seen:
            seen.add(split.paths)
            with _silence():
                samples += _readable_samples(split, args.num)
    size = samples[0]['source_image'].shape if samples else None
    same = [sample for sample in samples if sample['source_image'].shape == size]
    if not same:
        print('No sheet is drawn: there is no pair that can be read.')  # noqa: T201
        return
    save_image(args.out, pair_sheet(same, **drawn))
    print(f'{args.out} shows {len(same)} pairs: do the joints fit?')  # noqa: T201


def _readable_samples(split: Split, num: int) -> list[dict]:
    """Samples at even distances in the pair file, without augmentation."""
    try:
        size = split.image_size or _common_size(split)
        dataset = PosePairDataset(
            str(split.root),
            split.image_dir,
            split.annotation_file,
            split.pair_file,
            size,
            annotation_size=split.annotation_size,
            scaling=split.scaling,
            on_error='skip',
        )
        places = np.linspace(0, len(dataset) - 1, min(num, len(dataset))).astype(int)
        return [dataset[int(place)] for place in places]
    except DataError:
        return []  # the report has said why


def _common_size(split: Split) -> tuple[int, int]:
    """Size of the first image that can be read."""
    for name in filter(is_image, list_files(split.images)):
        try:
            return read_image(split.images / name).shape[:2]
        except DataError:
            continue
    raise DataError(f'there is no image in {split.images}')


def run_photo_set(args: Namespace) -> PhotoSet:
    """Make a set of photos and keypoints and say what to do next.

    Args:
        args: ``photos``, ``keypoints``, ``format`` (None tells by the content),
            ``min_score`` (None takes the format's), ``group_pattern``, ``groups`` (a
            csv file), ``out`` and the options of
            :class:`posegen.datasets.photo_set.PhotoSetOptions`.

    Raises:
        ConfigError: an option is none of its choices.
        DataError: an input is missing or cannot be read, or there is no pair.
    """
    options = PhotoSetOptions(
        **{
            option.name: getattr(args, option.name)
            for option in fields(PhotoSetOptions)
        }
    )
    photos = list_photos(args.photos)
    if args.group_pattern is not None:
        groups = group_by_pattern(photos, args.group_pattern)
    elif args.groups is not None:
        groups = group_by_file(photos, args.groups)
    else:
        groups = group_by_folder(photos)
    sizes = photo_sizes(args.photos, photos)
    report = KeypointReport()
    keypoints = read_keypoint_file(
        args.keypoints,
        args.format,
        image_sizes=sizes,
        min_score=args.min_score,
        strict=False,
        keep_outside=False,
        report=report,
    )
    for line in report.lines():
        print(line)  # noqa: T201
    result = make_photo_set(args.photos, keypoints, groups, args.out, options)
    print(_photo_set_text(result))  # noqa: T201
    return result


def _photo_set_text(result: PhotoSet) -> str:
    lines = [f'{result.folder}:']
    for split, (groups, images, pairs) in result.counts.items():
        lines.append(
            f'  {split}: {groups:,} groups, {images:,} images, {pairs:,} pairs'
        )
    for reason, names in result.left_out.items():
        lines.append(f'left out, {reason}: {_name_some(names)}')
    if result.outside:
        lines.append(
            f'joints just outside their photo, which count as missing: {result.outside}'
        )
    if result.unused:
        lines.append(f'keypoints of no photo: {_name_some(result.unused)}')
    if result.small:
        lines.append(
            'people who fill less than a third of their photo (--crop cuts them out): '
            f'{_name_some(result.small)}'
        )
    tool = 'python tools/datasets'
    config = shlex.quote(str(result.config))
    work_dir = shlex.quote(f'work_dirs/{result.folder.name}')
    return '\n'.join(
        [
            *lines,
            'next:',
            f'  {tool}/doctor.py {config}',
            f'  {tool}/browse_dataset.py {config}',
            f'  posegen train {config} --work-dir {work_dir} --cfg-options {_LONGER}',
        ]
    )


def _name_some(names: Sequence[str], limit: int = 5) -> str:
    more = f' and {len(names) - limit} more' if len(names) > limit else ''
    return f'{len(names)}: {", ".join(names[:limit])}{more}'
