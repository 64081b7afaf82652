"""Every shipped config is read, checked, built and trained for a step in each stage."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.registry import DefaultScope
from torch import Tensor

from posegen.engine.config import check_config, load_config, merge_stage, stage_entries
from posegen.engine.optim import MultiOptimWrapperConstructor
from posegen.registry import MODELS, TRANSFORMS
from posegen.utils.paths import configs_root

CONFIGS = sorted(f for f in configs_root().glob('*/*.py') if f.parent.name != '_base_')
STAGES = [
    pytest.param(path, stage['name'], id=f'{path.stem}-{stage["name"]}')
    for path in CONFIGS
    for stage in stage_entries(load_config(path))
]


@pytest.fixture(autouse=True)
def _scope() -> None:
    DefaultScope.overwrite_default_scope('posegen').__enter__()


def assignments(tree: ast.Module) -> list[ast.Assign]:
    return [node for node in tree.body if isinstance(node, ast.Assign)]


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_is_sound_and_readable_alone(path: Path) -> None:
    check_config(load_config(path))
    tree = ast.parse(path.read_text())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert ast.get_docstring(tree)
    bases = [
        ast.literal_eval(node.value)
        for node in assignments(tree)
        if node.targets[0].id == '_base_'
    ]
    # One level of inheritance: what a config names is runtime or data, nothing else.
    # A delta of such a config names that one alone, and changes its model, no more.
    assert bases
    if bases[0][0].startswith('./'):
        (leaf,) = bases[0]
        assert (path.parent / leaf) in CONFIGS
        models = [n for n in assignments(tree) if n.targets[0].id == 'model']
        keys = {keyword.arg for node in models for keyword in node.value.keywords}
        assert 'type' not in keys
        return
    assert all(name.startswith('../_base_/') for name in bases[0])
    for name in bases[0]:
        assert '_base_' not in (path.parent / name).read_text().split('"""')[-1]


METHODS = [file.parent for file in sorted(configs_root().glob('*/metafile.yml'))]
SPIG = configs_root() / 'spig'
ABLATIONS = {
    'hdcb': {'generator.hdc': None},
    'pnb': {'generator.pnb': None},
    'part': {
        'generator.parts': dict(body=tuple(range(18))),
        'generator.crop': False,
    },
}


def model_of(name: str) -> dict:
    return load_config(SPIG / f'{name}.py').model.to_dict()


def flat(model: dict) -> dict:
    """The model's sections, with those of the generator beside them."""
    rest = {key: value for key, value in model.items() if key != 'generator'}
    return rest | {f'generator.{k}': v for k, v in model['generator'].items()}


@pytest.mark.parametrize('folder', METHODS, ids=lambda folder: folder.name)
def test_every_config_is_in_the_metafile(folder: Path) -> None:
    listed = yaml.safe_load((folder / 'metafile.yml').read_text())['Models']
    shipped = {path.stem for path in CONFIGS if path.parent == folder}
    assert {model['Name'] for model in listed} == shipped
    assert len(listed) == len(shipped)
    assert all(
        model['Config'] == f'configs/{folder.name}/{model["Name"]}.py'
        for model in listed
    )


@pytest.mark.parametrize('folder', METHODS, ids=lambda folder: folder.name)
def test_every_config_is_in_the_readme(folder: Path) -> None:
    text = (folder / 'README.md').read_text()
    assert all(f'`{path.name}`' in text for path in CONFIGS if path.parent == folder)


@pytest.mark.parametrize(('name', 'change'), ABLATIONS.items())
def test_an_ablation_differs_in_its_point_only(name: str, change: dict) -> None:
    full = flat(model_of('spig_deepfashion-256x256'))
    assert change.keys() <= full.keys()
    assert flat(model_of(f'spig_deepfashion-256x256_wo-{name}')) == full | change


VARIANTS = {
    'deepfashion-256x256_local-attention': {'generator.warp'},
    'synthetic-128x64_local-attention': {'generator.warp'},
    'deepfashion-256x256_multilevel': {
        *('generator.level', 'generator.fine_levels', 'generator.flow'),
        *(f'generator.{x}_encoder' for x in ('image', 'pose', 'global_pose')),
        *('generator.decoder', 'losses'),
    },
    'synthetic-128x64_multilevel': {
        *('generator.level', 'generator.fine_levels', 'generator.decoder'),
        *(f'generator.{x}_encoder' for x in ('image', 'pose', 'global_pose')),
    },
}


@pytest.mark.parametrize(('name', 'changed'), VARIANTS.items())
def test_a_variant_differs_in_its_point_only(name: str, changed: set[str]) -> None:
    base = load_config(SPIG / f'spig_{name.partition("_")[0]}.py').to_dict()
    variant = load_config(SPIG / f'spig_{name}.py').to_dict()
    before, after = flat(base.pop('model')), flat(variant.pop('model'))
    assert base == variant
    keys = before.keys() | after.keys()
    assert {key for key in keys if before.get(key) != after.get(key)} == changed


def test_the_prior_of_gfla_changes_its_flow_net_only() -> None:
    folder = configs_root() / 'gfla'
    plain, prior = (
        load_config(folder / f'gfla_synthetic-128x64{suffix}.py').to_dict()
        for suffix in ('', '_prior')
    )
    plain['model']['generator']['flow']['prior'] = 'limbs'
    assert prior == plain


def test_the_demo_trains_as_the_whole_config_does_but_shorter() -> None:
    folder = configs_root() / 'limbwarp'
    demo, whole = (
        load_config(folder / f'limbwarp_synthetic-256x192{suffix}.py').to_dict()
        for suffix in ('_demo', '')
    )
    demo_stages, stages = demo.pop('stages'), whole.pop('stages')
    public = [
        {key: value for key, value in cfg.items() if not key.startswith('_')}
        for cfg in (demo, whole)
    ]
    assert public[0] == public[1]
    for short, long in zip(demo_stages, stages, strict=True):
        for key in ('name', 'model', 'train_dataloader'):
            assert short[key] == long[key]
        assert short['train_cfg']['max_iters'] < long['train_cfg']['max_iters']


@pytest.mark.parametrize('name', ['deepfashion-256x256', 'market1501-128x64'])
def test_a_preset_differs_in_the_optimiser(name: str) -> None:
    cfg, preset = (
        load_config(SPIG / f'spig_{name}{suffix}.py').to_dict()
        for suffix in ('', '_gfla-optim')
    )
    for stage in cfg['stages']:
        for net in set(stage['optim_wrapper']) - {'constructor'}:
            lr = 1e-5 if net == 'discriminator' else 1e-4
            expected = dict(type='Adam', lr=lr, betas=(0.0, 0.999))
            stage['optim_wrapper'][net]['optimizer'] = expected
    assert cfg == preset


def test_augmentation_changes_the_training_pairs_only() -> None:
    plain, augmented = (
        load_config(SPIG / f'spig_market1501-128x64{suffix}.py').to_dict()
        for suffix in ('', '_aug')
    )
    pipeline = augmented['train_dataloader']['dataset'].pop('pipeline')
    types = [step['type'] for step in pipeline]
    assert types == ['LoadPairImages', 'AffinePair', 'PackPair']
    stated, default = (
        TRANSFORMS.build(pipeline[1]),
        TRANSFORMS.build({'type': types[1]}),
    )
    assert vars(stated) == vars(default)
    assert plain == augmented


def batch_of_one(size: tuple[int, int]) -> dict:
    generator = torch.Generator().manual_seed(0)

    def image() -> Tensor:
        return torch.randint(0, 256, (1, 3, *size), generator=generator).byte()

    def keypoints() -> Tensor:
        scale = torch.tensor([size[1], size[0], 1.0])
        points = torch.rand(1, 18, 3, generator=generator) * 0.9 * scale
        points[..., 2] = 1
        return points

    return dict(
        source_image=image(),
        target_image=image(),
        source_keypoints=keypoints(),
        target_keypoints=keypoints(),
        source_name=['a.jpg'],
        target_name=['b.jpg'],
        flow=torch.zeros(1, 2, *size),
        visibility=torch.ones(1, *size, dtype=torch.bool),
        part_labels=torch.randint(4, (1, *size), generator=generator).byte(),
    )


#: Models whose layers fit any size: at 256x256 a step of PATN takes 20 seconds.
OF_ANY_SIZE = ('SPIG', 'GFLA', 'PATN', 'DefGAN')
#: Those that others are variants of take their step at the size that they state.
AT_FULL_SIZE = tuple(f'{method}_deepfashion-256x256' for method in ('spig', 'gfla'))


def step_size(name: str, model: str, stated: tuple[int, int]) -> tuple[int, int]:
    """A quarter of the height and width of large images, where the layers allow it."""
    if max(stated) <= 128 or model not in OF_ANY_SIZE or name in AT_FULL_SIZE:
        return stated
    return stated[0] // 4, stated[1] // 4


def repeated(batch: dict, count: int) -> dict:
    """The batch several times over."""
    return {
        key: value.repeat_interleave(count, 0)
        if torch.is_tensor(value)
        else value * count
        for key, value in batch.items()
    }


@pytest.mark.parametrize(('path', 'stage'), STAGES)
def test_trains_one_step(path: Path, stage: str) -> None:
    cfg = load_config(path)
    entries = {entry['name']: entry for entry in stage_entries(cfg)}
    cfg = merge_stage(cfg, entries[stage])
    cfg.model.feature_net.weights = 'random'  # nothing is downloaded for a test
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    wrappers = dict(cfg.optim_wrapper)
    assert wrappers.pop('constructor') == 'MultiOptimWrapperConstructor'
    optimisers = MultiOptimWrapperConstructor(wrappers)(model)
    before = {
        k: v.clone() for k, v in model.generator.state_dict(prefix='generator.').items()
    }
    stated = tuple(cfg.train_dataloader.dataset.image_size)
    size = step_size(path.stem, cfg.model.type, stated)
    # Some models share out a batch.
    batch = repeated(batch_of_one(size), getattr(model, 'batch_multiple', 1))
    logs = model.train_step(batch, optimisers)
    losses = {key: value for key, value in logs.items() if key.startswith('loss')}
    assert losses
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
    after = model.state_dict()
    assert any(not torch.equal(value, after[key]) for key, value in before.items())
