"""tools/deploy/publish_model.py as its users run it, and its file in posegen infer."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch
from PIL import Image

from posegen.cli import main as posegen
from posegen.codecs import write_openpose_json
from posegen.utils.checkpoint import read_metadata
from tests.apis.toy import DotTransfer, pose_at, write_config

MAIN = runpy.run_path(str(Path(__file__).parents[2] / 'tools/deploy/publish_model.py'))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """As a training leaves it: weights of one, averages of half."""
    model = DotTransfer()
    content = dict(
        state_dict=model.state_dict(),
        meta=dict(iter=7, cfg="model = dict(type='DotTransfer')"),
        posegen=dict(stage='full', ema=dict(gain=torch.full((1,), 0.5))),
    )
    torch.save(content, tmp_path / 'iter_7.pth')
    return tmp_path / 'iter_7.pth'


def publish(tmp_path: Path, checkpoint: Path, *options: str) -> Path:
    """The file that came out."""
    out = tmp_path / 'out' / 'dots.safetensors'
    config = write_config(tmp_path)
    MAIN['main']([config, str(checkpoint), '--out', str(out), *options])
    (path,) = out.parent.iterdir()
    return path


def test_a_checkpoint_becomes_a_file_that_infers(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture
) -> None:
    path = publish(tmp_path, checkpoint, '--licence', 'CC0-1.0', '--data', 'dots')
    printed = capsys.readouterr().out
    for part in (str(path), 'iteration: 7', 'weights: moving averages', 'size: 64x32'):
        assert part in printed
    assert 'licence: CC0-1.0' in printed and 'training_data: dots' in printed
    Image.new('RGB', (32, 64)).save(tmp_path / 'a.png')
    write_openpose_json(tmp_path / 'a.json', pose_at((16, 32)))
    command = ['infer', '--model', str(path), '--source', str(tmp_path / 'a.png')]
    pose = str(tmp_path / 'a.json')
    out = tmp_path / 'b.png'
    posegen([*command, '--source-pose', pose, '--pose', pose, '--out', str(out)])
    # A dot of half the white: the averages.
    assert Image.open(out).getpixel((16, 32))[0] in (127, 128)


def test_options_reach_the_file(tmp_path: Path, checkpoint: Path) -> None:
    notes = ('--note', 'hours=3.5', '--note', 'recipe=--look varied, seed=1')
    path = publish(tmp_path, checkpoint, '--no-ema', '--half', '--no-hash', *notes)
    kept = read_metadata(path)
    assert (kept['hours'], kept['recipe']) == ('3.5', '--look varied, seed=1')
    assert path.name == 'dots.safetensors'
    from safetensors.torch import load_file

    (gain,) = load_file(path).values()
    assert gain.dtype == torch.float16 and gain.item() == 1


@pytest.mark.parametrize('note', ['hours', '=3'])
def test_notes_need_a_key_and_a_value(
    tmp_path: Path, checkpoint: Path, note: str, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        publish(tmp_path, checkpoint, '--note', note)
    assert f'expected KEY=VALUE, got {note!r}' in capsys.readouterr().err


def test_errors_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r'publish_model: .*gone\.pth does not exist'):
        publish(tmp_path, tmp_path / 'gone.pth')
