"""A cache of torch hub that is empty, and no network."""

from __future__ import annotations

from urllib.error import URLError

import pytest
import torch


@pytest.fixture
def empty_hub(tmp_path, monkeypatch):
    """Folder of the cache; whatever wants to download fails."""

    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    return folder
