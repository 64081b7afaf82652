"""Which scores can be had, and what they share."""

from __future__ import annotations

import pytest
import torch

from posegen.evaluation import plan
from posegen.evaluation.plan import Cell, feature_recipe, make_plan
from posegen.evaluation.protocols import KID, PROTOCOLS, get_protocol
from posegen.utils.errors import WeightsError

NOTHING = dict(
    has_joints=False,
    has_fid_real=False,
    jpeg_round_trip=False,
    offline_features=False,
)


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """Networks that were asked for; those of LPIPS can't be had."""
    found = []

    def load(key):
        found.append(key)
        if key[0] == 'lpips':
            raise WeightsError(f'{key[1]} could not be downloaded')
        return torch.nn.Identity()

    monkeypatch.setattr(plan, 'load_network', load)
    return found


def _plan(*names, **changes):
    return make_plan([PROTOCOLS[name] for name in names], **(NOTHING | changes))


def test_what_is_missing_says_what_would_bring_it():
    found = _plan('gfla', 'posegen', 'pws')
    assert found.missing['gfla', 'fid'].endswith('--fid-real')
    assert found.missing['gfla', 'mask_lpips'].endswith('--annotations')
    assert found.missing['gfla', 'lpips'] == 'alex could not be downloaded'
    assert 'silhouettes' in found.missing['pws', 'ssim']
    assert {c.name for c in found.cells if c.protocol == 'posegen'} == {
        *('fid', 'ssim', 'psnr', 'l1')
    }
    assert 'lpips (pws): alex could not be' in found.obstacles()


def test_joints_and_real_sets_bring_the_rest():
    cells = _plan('gfla', 'patn', has_joints=True, has_fid_real=True).cells
    names = {(cell.protocol, cell.name) for cell in cells}
    assert {('gfla', 'fid'), ('patn', 'mask_ssim')} <= names


def test_each_file_of_weights_is_asked_for_once(loaded):
    _plan(*PROTOCOLS, has_joints=True, has_fid_real=True)
    files = [key[:2] for key in loaded]
    assert len(files) == len(set(files)) == 6


def test_equal_ways_of_scoring_are_done_once():
    found = _plan('gfla', 'dior', 'pocold', 'pidm')
    psnr = {cell.variant for cell in found.cells if cell.name == 'psnr'}
    assert len(psnr) == 1
    ssim = {cell.variant for cell in found.cells if cell.name == 'ssim'}
    assert len(ssim) == 2  # sigma 1.5 and 1.2
    # What only counts for the mean of a set makes no other score of a pair.
    one, two = (get_protocol(name).metric('lpips') for name in ('gfla', 'dior'))
    assert Cell('gfla', one).variant == Cell('dior', two).variant


def test_only_codes_that_stored_jpeg_get_it():
    cells = _plan('gfla', 'pidm', jpeg_round_trip=True).cells
    assert {c.protocol for c in cells if c.jpeg} == {'gfla'}


def test_stand_ins_go_to_the_first_protocol():
    cells = _plan('pise', 'gfla', offline_features=True).cells
    found = [c.protocol for c in cells if c.name in ('st_lpips', plan.LITE0)]
    assert found == ['pise', 'pise']


def test_features_are_shared_where_records_make_them_alike():
    fid, clean, kid = (
        get_protocol('vtoneval').metric(n) for n in ('fid', 'clean_fid', 'kid')
    )
    assert feature_recipe(clean, 'real') == feature_recipe(kid, 'real')
    assert not isinstance(feature_recipe(kid, 'real'), KID)
    assert feature_recipe(fid, 'real') != feature_recipe(clean, 'real')
    gfla, pidm = (get_protocol(name).metric('fid') for name in ('gfla', 'pidm'))
    assert feature_recipe(gfla, 'fake') != feature_recipe(pidm, 'fake')
