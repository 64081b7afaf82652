"""Configs inside weight files: parsed, never run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from posegen.apis import PoseTransferInferencer, get_model, list_models
from posegen.apis.model_zoo import read_model_config
from posegen.apis.published import (
    read_config_text,
    read_published_config,
    write_config_text,
)
from posegen.utils import ConfigError
from posegen.utils.checkpoint import save_weights
from tests.apis.toy import DotTransfer

MODEL = "model = {'type': 'DotTransfer'}\n"


def write(folder: Path, text: str) -> Path:
    return save_weights(DotTransfer(), folder / 'toy.safetensors', config_text=text)


@pytest.mark.parametrize('name', list_models())
def test_shipped_configs_come_back_with_their_order(name: str) -> None:
    config = read_model_config(name).to_dict()
    text = write_config_text(config)
    back = read_config_text(text)
    assert back == config and repr(back) == repr(config)
    # A config file as well, for whoever knows where it is from.
    assert Config.fromstring(text, '.py').to_dict()['model'] == config['model']


@pytest.mark.parametrize('value', [len, float('inf'), Path('x'), torch.ones(1)])
def test_what_is_no_plain_value_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match='more than numbers, strings'):
        write_config_text(dict(model=dict(value=value)))


def test_the_file_is_enough(tmp_path: Path) -> None:
    loader = {'dataset': {'image_size': (64, 32), 'annotation_size': (64, 48)}}
    path = write(tmp_path, f'{MODEL}test_dataloader = {loader}\nlr = 1\n')
    assert set(read_published_config(path)) == {'model', 'test_dataloader'}
    for form in (path, str(path)):
        inferencer = PoseTransferInferencer(form)
        assert (inferencer.size, inferencer.frame) == ((64, 32), (64, 48))
    other = DotTransfer()
    other.gain.data += 4
    weights = save_weights(other, tmp_path / 'other.safetensors')
    assert get_model(path, weights).gain.item() == 5


ATTACKS = [
    "import os\nos.mkdir('MARK')\n" + MODEL,
    "model = __import__('os').mkdir('MARK')",
    "model = dict(type='DotTransfer', x=open('MARK', 'w'))",
    "model = [open('MARK', 'w') for _ in range(1)]",
    "model = f\"{open('MARK', 'w')}\"",
    "model, x = {}, open('MARK', 'w')",
    "if True:\n    open('MARK', 'w')",
    "_base_ = ['MARK']",
    "model = {'type': 'os.mkdir', 'path': 'MARK'}",
    "model = {'type': 'DotTransfer', 'part': [{'type': 'os.mkdir'}]}",
    "model = {'type': 'DotTransfer', '_scope_': 'attack'}",
    "model = {'type': 'attack'}",
    "model = {'type': ['attack']}",
    "model = {'type': 'attack.DotTransfer'}",
    "custom_imports = {'imports': ['attack']}\n" + MODEL,
    'no python at all',
    '(' * 1000,
]


@pytest.mark.parametrize('text', ATTACKS)
def test_nothing_in_a_file_is_run_or_imported(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / 'mark'
    (tmp_path / 'attack.py').write_text(f"open({str(mark)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    path = write(tmp_path, text.replace('MARK', str(mark)))
    if 'custom_imports' in text:  # only written down there
        get_model(path)
    else:
        with pytest.raises(ConfigError, match=r'toy\.safetensors'):
            get_model(path)
    assert not mark.exists()


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path, '')
    with pytest.raises(ConfigError, match='carries no config: give the config of its'):
        get_model(path)
    path = write(tmp_path, "model = dict(type='DotTransfer')")
    with pytest.raises(ConfigError, match=r'not one of plain values .* are not run'):
        get_model(path)
    path = write(tmp_path, "model = {'type': 'MyTransfer'}")
    with pytest.raises(ConfigError, match=r"model\.type is 'MyTransfer'.* import the"):
        get_model(path)
    path = write(tmp_path, 'x = 1')
    with pytest.raises(ConfigError, match='has no model'):
        get_model(path)


def test_losses_of_ones_own_are_not_needed(tmp_path: Path) -> None:
    text = "model = {'type': 'DotTransfer', 'losses': {'x': {'type': 'Mine'}}}"
    assert get_model(write(tmp_path, text)).losses is None
