"""Every method and stage trains in two processes, with all its parts in use.

Without ``find_unused_parameters``: what nothing trains is frozen.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.engine.distributed.conftest import in_two_processes, small_config
from tests.helpers.toy_training import write_config

WHOLE_BODY = dict(
    mask_radius=None, generator=dict(crop=False, parts=dict(body=tuple(range(18))))
)
LOCAL = dict(type='LocalAttentionWarp', kernel_size=3, hidden_channels=4)
#: Name -> method, changes to its model.
CASES = {
    'spig': ('spig', {}),
    'spig_wo-part': ('spig', WHOLE_BODY),
    'spig_wo-hdcb': ('spig', dict(generator=dict(hdc=None))),
    'spig_wo-pnb': ('spig', dict(generator=dict(pnb=None))),
    'spig_local-attention': ('spig', dict(generator=dict(warp=LOCAL))),
    'gfla': ('gfla', {}),
    'patn': ('patn', {}),
    'def_gan': ('def_gan', {}),
    'vunet': ('vunet', {}),
    'limbwarp': ('limbwarp', {}),
}
#: Of these the second stage is enough.
ABLATIONS = ('spig_wo-hdcb', 'spig_wo-pnb', 'spig_local-attention')
#: What the models of each process keep beside weights.
POOLS = dict(patn={'pp', 'pb'})


@pytest.mark.parametrize('case', CASES)
def test_two_processes_train_together(case: str, pairs: Path, tmp_path: Path) -> None:
    method, changes = CASES[case]
    config = small_config(method, pairs, batch=2, iters=2)
    if case in ABLATIONS:
        config['stages'] = config['stages'][1:]
    config['model']['generator'] |= changes.get('generator', {})
    config['model'] |= {k: v for k, v in changes.items() if k != 'generator'}
    config['custom_imports']['imports'].append('tests.helpers.in_step')
    config['custom_hooks'] = [dict(type='InStepHook')]
    path = write_config(tmp_path / 'config.py', config)
    log = tmp_path / 'log'
    in_two_processes('train', path, '--work-dir', tmp_path / 'run', log=log)
    content = torch.load(tmp_path / 'run/full/iter_2.pth', weights_only=True)
    assert not [key for key in content['state_dict'] if 'module' in key]
    assert len(content['posegen']['random_states']) == 2
    states = content['posegen']['training_states']
    assert [set(state) for state in states] == 2 * [POOLS.get(method, set())]
