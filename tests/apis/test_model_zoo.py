from __future__ import annotations

import hashlib

import pytest
import torch
import yaml
from mmengine.config import Config

from posegen.apis import PoseTransferInferencer, get_model, list_models
from posegen.apis.model_zoo import DEFAULT_MODEL, read_model_config
from posegen.cli import main as posegen
from posegen.cli import make_parser
from posegen.models.feature_nets.weights import check_sha256
from posegen.utils import ConfigError, WeightsError
from posegen.utils.checkpoint import save_weights
from posegen.utils.paths import configs_root, weights_root
from tests.apis.toy import DotTransfer, write_config

TINY = 'spig_synthetic-128x64_tiny'


def test_names_are_the_shipped_configs():
    names = list_models()
    assert names == sorted(names) and TINY in names
    assert 'spig_deepfashion-256x256' in names and 'runtime' not in names
    assert set(list_models('*market*')) == {n for n in names if 'market' in n}
    assert list_models('nothing*') == []


@pytest.mark.parametrize('name', list_models())
def test_every_name_has_a_model(name):
    assert read_model_config(name).model.type


def test_unknown_name_says_what_there_is():
    with pytest.raises(ConfigError, match=f"did you mean '{TINY}'.*one of: .*{TINY}"):
        get_model('spig_synthetic-128x64-tiny')
    with pytest.raises(ConfigError, match=r'missing\.py does not exist'):
        get_model('missing.py')
    with pytest.raises(ConfigError, match='has no `model`'):
        get_model(Config(dict(stages=None)))


def test_mistakes_in_the_model_are_one_sentence():
    with pytest.raises(ConfigError, match="model: .*'Spigg'.*did you mean 'SPIG'"):
        get_model(Config(dict(model=dict(type='Spigg'))), 'random')
    cfg = read_model_config(TINY)
    cfg.model.generator.decoder.level = [2]
    with pytest.raises(ConfigError, match=r'decoder: .* cannot be built: TypeError'):
        get_model(cfg, 'random')


def test_nothing_of_training_is_built():
    model = get_model(TINY, weights='random')
    assert model.discriminators is None and model.feature_net is None
    assert len(model.losses) == 0
    assert not model.training
    assert model.train_stage == 'full'


@pytest.mark.parametrize('kind', ['name', 'path', 'str', 'config'])
def test_model_is_given_in_any_way(kind):
    path = configs_root() / 'spig' / f'{TINY}.py'
    ways = dict(name=TINY, path=path, str=str(path), config=Config.fromfile(path))
    assert type(get_model(ways[kind], 'random')).__name__ == 'SPIG'


def test_no_weights_is_an_error_with_the_cure(tmp_path):
    with pytest.raises(WeightsError, match=f"published for {TINY}; .*'random' there"):
        get_model(TINY)
    with pytest.raises(WeightsError, match='No weights are published for toy'):
        get_model(write_config(tmp_path))
    with pytest.raises(WeightsError, match='No weights are published for This config'):
        get_model(Config(dict(model=dict(type='SPIG'))))


def test_random_weights_are_pointed_out(monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr(
        'posegen.apis.model_zoo.print_log', lambda m, *a: said.append(m)
    )
    get_model(write_config(tmp_path), 'random')
    assert said == ['toy has random weights: its images mean nothing.']


def test_training_checkpoint_loads_without_its_critics(tmp_path):
    source = get_model(TINY, weights='random')
    state = {
        f'generator.module.{k}': v for k, v in source.generator.state_dict().items()
    }
    state |= {'discriminators.module.image.weight': torch.ones(2)}
    torch.save({'state_dict': state, 'meta': {'cfg': 'x = 1'}}, tmp_path / 'a.pth')
    loaded = get_model(TINY, tmp_path / 'a.pth').state_dict()
    assert all(torch.equal(v, loaded[k]) for k, v in source.state_dict().items())


def test_weights_of_another_model_are_refused(tmp_path):
    path = save_weights(DotTransfer(), tmp_path / 'a.safetensors')
    with pytest.raises(
        WeightsError, match=r'a\.safetensors does not fit the model SPIG'
    ):
        get_model(TINY, path)
    with pytest.raises(WeightsError, match='none.pth does not exist'):
        get_model(TINY, tmp_path / 'none.pth')


@pytest.mark.parametrize(
    ('text', 'stage'),
    [
        ("model = dict(type='DotTransfer', train_stage='flow')", 'flow'),
        ("model = dict(type='DotTransfer', train_stage='full')", 'full'),
        (
            "model = dict(type='DotTransfer')\nstages = [dict(train_stage='flow')]",
            'full',
        ),
        ("import os\nos.abort()\nmodel = {'train_stage': 'flow'}", 'full'),
        ('no python at all', 'full'),
    ],
)
def test_stage_of_the_weights_counts(tmp_path, text, stage):
    cfg = Config(dict(model=dict(type='DotTransfer', train_stage='full')))
    path = save_weights(DotTransfer(), tmp_path / 'a.safetensors', config_text=text)
    assert get_model(cfg, path).train_stage == stage


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A zoo of one model with weights published at a local address."""
    folder = tmp_path / 'configs' / 'toy'
    folder.mkdir(parents=True)
    write_config(folder)
    monkeypatch.setattr('posegen.apis.model_zoo.configs_root', lambda: folder.parent)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'cache'))
    weights = DotTransfer()
    weights.gain.data += 6
    path = save_weights(weights, tmp_path / 'published.safetensors')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def publish(address: str = path.as_uri(), sha256: str = digest) -> None:
        (folder / 'metafile.yml').write_text(
            f"Models:\n- Name: toy\n  Weights: {address}\n  SHA256: '{sha256}'\n"
        )

    return publish


def test_published_weights_are_fetched_once(zoo, tmp_path):
    zoo()
    assert get_model('toy').gain.item() == 7
    (tmp_path / 'published.safetensors').unlink()
    assert get_model('toy').gain.item() == 7


def test_published_weights_are_verified(zoo, tmp_path):
    zoo(sha256='0' * 64)
    with pytest.raises(WeightsError, match='invalid hash value'):
        get_model('toy')
    assert not list((tmp_path / 'cache' / 'checkpoints').iterdir())


def test_published_weights_are_verified_in_the_cache_too(zoo, tmp_path):
    zoo()
    get_model('toy')
    (cached,) = (tmp_path / 'cache' / 'checkpoints').iterdir()
    cached.write_bytes(cached.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r'published\.safetensors is damaged'):
        get_model('toy')


def test_published_weights_out_of_reach(zoo, tmp_path):
    zoo(address=(tmp_path / 'gone.pth').as_uri())
    message = r'gone\.pth could not be downloaded .* put it into .* as weights'
    with pytest.raises(WeightsError, match=message):
        get_model('toy')


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A zoo of two models; the first one's weights, 16 bits each, are in the package.

    Gives the file of the weights.
    """
    folder, root = tmp_path / 'configs' / 'toy', tmp_path / 'weights'
    folder.mkdir(parents=True)
    for name in ('toy.py', 'untrained.py'):
        write_config(folder, name=name)
    monkeypatch.setattr('posegen.apis.model_zoo.configs_root', lambda: folder.parent)
    monkeypatch.setattr('posegen.apis.model_zoo.weights_root', lambda: root)
    tensors = {'gain': torch.tensor([1.2345], dtype=torch.float16)}
    path = save_weights(tensors, root / 'toy.safetensors')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / 'metafile.yml').write_text(
        'Models:\n- Name: toy\n  Alias: dots\n  Weights: package:toy.safetensors\n'
        f"  SHA256: '{digest}'\n- Name: untrained\n"
    )
    return path


@pytest.mark.parametrize('name', ['toy', 'dots'])
def test_weights_come_with_the_package(packaged, monkeypatch, name):
    monkeypatch.setattr(torch.hub, 'download_url_to_file', None)
    gain = get_model(name).gain
    assert gain.dtype == torch.float32
    assert gain.item() == torch.tensor(1.2345, dtype=torch.float16).item()
    assert PoseTransferInferencer(name, device='cpu').size == (64, 32)


def test_an_alias_is_a_name_like_others(packaged):
    assert get_model('dots', 'random').gain.item() == 1
    with pytest.raises(ConfigError, match="did you mean 'dots'.*one of: dots, toy, un"):
        get_model('dotz')
    assert list_models() == ['toy', 'untrained']


def test_the_default_is_an_alias(packaged, monkeypatch):
    metafile = packaged.parents[1] / 'configs' / 'toy' / 'metafile.yml'
    metafile.write_text(metafile.read_text().replace('dots', DEFAULT_MODEL))
    assert PoseTransferInferencer(device='cpu').model.gain.item() != 1
    arguments = ['--source', 's', '--pose', 'p', '--out', 'o']
    assert make_parser().parse_args(['infer', *arguments]).model == DEFAULT_MODEL


def test_names_of_models_with_weights(packaged, capsys):
    assert list_models(weights=True) == ['toy']
    assert list_models('un*', weights=True) == []
    assert posegen(['list-models', '--weights']) == 0
    assert capsys.readouterr().out == 'toy\n'
    packaged.unlink()
    assert list_models(weights=True) == []


def test_downloadable_weights_are_listed(zoo):
    assert list_models(weights=True) == []
    zoo()
    assert list_models(weights=True) == ['toy']


def test_weights_that_the_package_lacks(packaged):
    packaged.unlink()
    with pytest.raises(WeightsError, match=r'toy\.safetensors, which should come with'):
        get_model('dots')


def test_weights_of_the_package_are_verified(packaged):
    packaged.write_bytes(packaged.read_bytes()[:-1])
    with pytest.raises(WeightsError, match='is damaged .*; install posegen again'):
        get_model('dots')


METAFILES = sorted(configs_root().glob('*/metafile.yml'))


@pytest.mark.parametrize('metafile', METAFILES, ids=lambda file: file.parent.name)
def test_metafiles_tell_of_existing_configs(metafile):
    content = yaml.safe_load(metafile.read_text())
    collections = {entry['Name'] for entry in content['Collections']}
    for entry in content['Models']:
        assert entry['In Collection'] in collections
        config = configs_root().parent / entry['Config']
        assert config == metafile.with_name(f'{entry["Name"]}.py') and config.is_file()
        assert ('Weights' in entry) == ('SHA256' in entry)
        source, _, file = entry.get('Weights', '').partition(':')
        if source == 'package':
            path = weights_root() / file
            assert path.parent == weights_root() and path.stat().st_size <= 8 * 2**20
            check_sha256(path, entry['SHA256'])


def test_aliases_are_no_names_and_no_two_are_equal():
    contents = [yaml.safe_load(metafile.read_text()) for metafile in METAFILES]
    entries = [entry for content in contents for entry in content['Models']]
    aliases = [entry['Alias'] for entry in entries if 'Alias' in entry]
    assert len({*aliases, *list_models()}) == len(aliases) + len(list_models())
