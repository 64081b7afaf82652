from __future__ import annotations

import pickle
from collections import OrderedDict
from fractions import Fraction

import pytest
import torch
from torch import nn

from posegen.utils import WeightsError
from posegen.utils.checkpoint import (
    load_state_dict_file,
    load_weights,
    read_checkpoint,
    read_metadata,
    save_checkpoint_file,
    save_weights,
    strip_wrapper_names,
)


class Net(nn.Module):
    def __init__(self, width: int = 2, critic: bool = True) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width))
        if critic:
            self.discriminators = nn.Linear(3, 1)


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def write(path, content) -> str:
    torch.save(content, path)
    return str(path)


@pytest.mark.parametrize('layout', ['plain', 'checkpoint', 'legacy', 'safetensors'])
def test_reads_every_layout(tmp_path, layout):
    state = Net().state_dict()
    path = tmp_path / 'a.pth'
    if layout == 'plain':
        torch.save(state, path)
    elif layout == 'checkpoint':
        torch.save({'meta': {'iter': 3}, 'state_dict': state, 'optimizer': {}}, path)
    elif layout == 'legacy':
        torch.save(state, path, _use_new_zipfile_serialization=False)
    else:
        path = save_weights(state, tmp_path / 'a.safetensors')
    assert same(load_state_dict_file(path), dict(state))


@pytest.mark.parametrize('name', ['none.pth', 'none.safetensors'])
def test_missing_file(tmp_path, name):
    with pytest.raises(WeightsError, match=f'{name} does not exist'):
        load_state_dict_file(tmp_path / name)


def test_folder_instead_of_file(tmp_path):
    with pytest.raises(WeightsError, match='is a folder; give the weight file'):
        load_state_dict_file(tmp_path)


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
@pytest.mark.parametrize('share', [0.0, 0.3, 0.5, 0.95])
def test_truncated_file(tmp_path, suffix, share):
    path = tmp_path / f'a.{suffix}'
    tensors = {'x': torch.rand(50, 50)}
    if suffix == 'pth':
        torch.save(tensors, path)
    else:
        save_weights(tensors, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match=f'a.{suffix} .* cut short'):
        load_state_dict_file(path)


def test_a_gap_in_the_middle(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'x': torch.rand(50, 50)}, path)
    content = path.read_bytes()
    path.write_bytes(content[:1000] + content[3000:])
    with pytest.raises(WeightsError, match='cut short: a part is missing. Copy or'):
        load_state_dict_file(path)


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_html_page_saved_as_weights(tmp_path, suffix):
    path = tmp_path / f'page.{suffix}'
    path.write_text('<html>404: not found</html>')
    with pytest.raises(WeightsError, match='is not a readable weight file'):
        load_state_dict_file(path)


@pytest.mark.parametrize(
    'content', [b'junk\n', b'hello', b'rE', b'', b'\x80\x02j6', b'K\x00.\n']
)
def test_bytes_that_a_pickle_might_begin_with(tmp_path, content):
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(WeightsError, match='is not a readable weight file'):
        load_state_dict_file(path)


def test_pickle_with_objects_is_refused_by_name(tmp_path):
    path = write(tmp_path / 'a.pth', {'state_dict': {}, 'message_hub': Fraction(1, 2)})
    with pytest.raises(WeightsError, match=r'fractions\.Fraction .* refused') as error:
        load_state_dict_file(path)
    assert 'weights_only' not in str(error.value)


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@pytest.mark.parametrize(
    ('protocol', 'what'), [(2, r'object fractions\.Fraction'), (4, 'Python objects')]
)
def test_bare_pickle_is_refused(tmp_path, protocol, what):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps({'x': Fraction(1, 2)}, protocol=protocol))
    with pytest.raises(WeightsError, match=f'{what} .* was refused'):
        load_state_dict_file(path)


@pytest.mark.parametrize(
    ('content', 'got'),
    [
        ({'epoch': 3, 'loss': 0.5}, 'got the keys epoch, loss'),
        ({}, 'got nothing at all'),
        ([torch.zeros(2)], 'got a list'),
        ({'state_dict': 3}, 'got the keys state_dict'),
        ({'state_dict': {}}, 'got the keys state_dict'),
    ],
)
def test_wrong_content(tmp_path, content, got):
    with pytest.raises(WeightsError, match=f'holds no state dict: .*{got}'):
        load_state_dict_file(write(tmp_path / 'a.pth', content))


@pytest.mark.parametrize('layout', ['posegen', 'mmengine'])
def test_moving_averages_are_taken_where_there_are_any(tmp_path, layout):
    live = {'w': torch.zeros(1), 'other': torch.ones(1)}
    means = {'w': torch.ones(1)}
    if layout == 'posegen':
        content = {'state_dict': live, 'posegen': {'stage': 'full', 'ema': means}}
    else:  # MMEngine's EMAHook swaps the two sets when it saves
        wrapped = {'module.w': live['w'], 'steps': torch.tensor(7)}
        content = {'state_dict': live | means, 'ema_state_dict': wrapped}
    path = write(tmp_path / 'a.pth', content)
    assert same(load_state_dict_file(path), live | means)
    assert same(load_state_dict_file(path, ema=True), live | means)
    assert same(load_state_dict_file(path, ema=False), live)
    net = nn.ParameterDict({'w': torch.zeros(1), 'other': torch.zeros(1)})
    load_weights(net, path)
    assert net['w'] == 1
    load_weights(net, path, ema=False)
    assert net['w'] == 0


@pytest.mark.parametrize(
    'content',
    [
        {'w': torch.zeros(1)},
        {'state_dict': {'w': torch.zeros(1)}},
        {'state_dict': {'w': torch.zeros(1)}, 'posegen': {'stage': 'full'}},
    ],
)
def test_moving_averages_that_are_asked_for_must_be_there(tmp_path, content):
    path = write(tmp_path / 'a.pth', content)
    for ema in (None, False):
        assert same(load_state_dict_file(path, ema), {'w': torch.zeros(1)})
    with pytest.raises(WeightsError, match='holds no moving average'):
        load_state_dict_file(path, ema=True)


def flip_bit(path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize('read', [load_state_dict_file, read_checkpoint, read_metadata])
def test_a_changed_bit_is_found(tmp_path, read):
    path = tmp_path / 'a.pth'
    torch.save({'meta': {}, 'state_dict': {'w': torch.rand(100, 100)}}, path)
    read(path)
    flip_bit(path, 0.5)
    torch.load(path, weights_only=True)  # torch itself does not look
    with pytest.raises(WeightsError, match=r"is damaged: the checksum of 'a/data/0'"):
        read(path)


def test_a_changed_bit_is_found_anywhere_but_in_the_padding(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': {'w': torch.rand(5)}}, path)
    original = load_state_dict_file(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 16
        path.write_bytes(changed)
        try:
            found = load_state_dict_file(path)
        except WeightsError:
            continue
        assert same(found, original), place


def test_files_without_checksums_are_read(tmp_path):
    path = tmp_path / 'a.pth'
    before = torch.serialization.get_crc32_options()
    try:
        torch.serialization.set_crc32_options(False)
        torch.save({'w': torch.ones(3)}, path)
    finally:
        torch.serialization.set_crc32_options(before)
    assert same(load_state_dict_file(path), {'w': torch.ones(3)})


def test_a_checkpoint_is_written_whole_and_nothing_is_left_over(tmp_path):
    path = tmp_path / 'iter_1.pth'
    for value in (1, 2):
        save_checkpoint_file({'state_dict': {'w': torch.full((2,), value)}}, path)
    assert read_checkpoint(path)['state_dict']['w'].tolist() == [2, 2]
    with pytest.raises(RuntimeError, match='not about the disk'):
        save_checkpoint_file({'w': Unsaveable()}, path)
    assert read_checkpoint(path)['state_dict']['w'].tolist() == [2, 2]
    assert [p.name for p in tmp_path.iterdir()] == ['iter_1.pth']


class Unsaveable:
    def __reduce__(self):
        raise RuntimeError('not about the disk')


@pytest.mark.parametrize('write', [save_checkpoint_file, save_weights])
def test_what_cannot_be_written_is_said(tmp_path, write):
    path = tmp_path / 'folder' / 'a.safetensors'
    path.mkdir(parents=True)
    with pytest.raises(WeightsError, match='a.safetensors cannot be written: Is a dir'):
        write({'w': torch.zeros(1)}, path)


@pytest.mark.parametrize('prefix', ['module.', '_orig_mod.', 'module._orig_mod.', ''])
def test_wrapped_models_load(tmp_path, prefix):
    source, target = Net(), Net()
    state = {f'{prefix}{k}': v for k, v in source.state_dict().items()}
    load_weights(target, write(tmp_path / 'a.pth', {'state_dict': state}))
    assert same(dict(target.state_dict()), dict(source.state_dict()))


def test_wrapped_children_load():
    source, target = Net(), Net()
    state = {
        k.replace('generator.', 'generator.module.'): v
        for k, v in source.state_dict().items()
    }
    report = load_weights(target, state)
    assert not any(report)
    assert same(dict(target.state_dict()), dict(source.state_dict()))


def test_child_that_is_called_module_keeps_its_name():
    net = nn.ModuleDict({'module': nn.Linear(1, 1)})
    state = {k: v + 1 for k, v in net.state_dict().items()}
    load_weights(net, state)
    assert same(dict(net.state_dict()), state)
    assert strip_wrapper_names({'a.module.b': torch.ones(1)}).keys() == {'a.b'}


def test_mismatch_lists_keys_and_cure():
    state = Net(width=4, critic=False).state_dict()
    state.update({f'extra.{i}': torch.ones(1) for i in range(7)})
    with pytest.raises(WeightsError) as error:
        load_weights(Net(), state)
    text = str(error.value)
    assert '2 missing: discriminators.weight, discriminators.bias;' in text
    assert '7 unexpected: extra.0, extra.1, extra.2, extra.3, extra.4 and 2 m' in text
    assert 'generator.0.weight ((4, 3) in the file, (2, 3) in the model)' in text
    assert 'use the config that these weights were trained with' in text


def test_strict_failure_leaves_the_model_alone():
    net = Net()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with pytest.raises(WeightsError):
        load_weights(net, Net(critic=False).state_dict())
    assert same(dict(net.state_dict()), before)


def test_not_strict_loads_what_fits_and_reports():
    source, net = Net(width=4), Net()
    report = load_weights(net, source.state_dict(), strict=False)
    assert torch.equal(net.discriminators.weight, source.discriminators.weight)
    assert len(report.mismatched) == 6
    assert not report.missing


def test_ignored_prefixes_are_no_mismatch():
    source, net = Net(), Net(critic=False)
    assert not any(load_weights(net, source.state_dict(), ignore=('discriminators.',)))
    with pytest.raises(WeightsError, match='2 unexpected: discriminators'):
        load_weights(net, source.state_dict(), ignore=('losses.',))


def test_saved_weights_and_metadata_come_back(tmp_path):
    net = Net()
    net.generator[0].weight.data = torch.rand(3, 2).T  # not contiguous
    path = save_weights(
        net, tmp_path / 'deep' / 'a.safetensors', 'model = dict()', {'iteration': '12'}
    )
    assert same(load_state_dict_file(path), dict(net.state_dict()))
    notes = read_metadata(path)
    assert (notes['config'], notes['iteration']) == ('model = dict()', '12')
    assert [p.name for p in path.parent.iterdir()] == ['a.safetensors']


def test_tied_weights_are_saved(tmp_path):
    weight = torch.rand(2)
    path = save_weights({'a': weight, 'b': weight}, tmp_path / 'a.safetensors')
    assert same(load_state_dict_file(path), {'a': weight, 'b': weight})


def test_save_refuses_other_suffixes_and_values(tmp_path):
    with pytest.raises(ValueError, match='must end in .safetensors'):
        save_weights(Net(), tmp_path / 'a.pth')
    with pytest.raises(TypeError, match=r"metadata\['iter'\] must be str, got 3"):
        save_weights(Net(), tmp_path / 'a.safetensors', metadata={'iter': 3})


def test_metadata_of_a_training_checkpoint(tmp_path):
    content = OrderedDict(meta={'cfg': 'x = 1', 'iter': 5}, state_dict={})
    path = write(tmp_path / 'a.pth', content)
    assert read_metadata(path) == {'config': 'x = 1', 'iter': '5'}
    assert read_metadata(write(tmp_path / 'b.pth', {'w': torch.ones(1)})) == {}
