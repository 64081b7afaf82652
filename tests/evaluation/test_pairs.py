from __future__ import annotations

import pytest
from PIL import Image

from posegen.evaluation.pairs import read_image
from posegen.utils.errors import DataError


def test_an_image_of_absurd_size_is_an_error_with_its_name(tmp_path, monkeypatch):
    Image.new('RGB', (4, 4)).save(tmp_path / 'huge.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 7)
    with pytest.raises(DataError, match=r'huge\.png.*exceeds limit of 14 pixels'):
        read_image(tmp_path / 'huge.png')
