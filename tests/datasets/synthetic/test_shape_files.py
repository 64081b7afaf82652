from __future__ import annotations

from pathlib import Path

import pytest

from posegen.datasets.synthetic.shape_files import quick_reader, read_shape
from tests.datasets.synthetic.conftest import require_synthetic


class _Double:
    """Stands for anny's change of axes."""

    def apply(self, shape):
        return 2 * shape


def test_the_quick_reader_gives_annys_numbers():
    require_synthetic()
    anny = pytest.importorskip('anny')
    torch = pytest.importorskip('torch')
    full_model = pytest.importorskip('anny.models.full_model')
    folder = Path(anny.__file__).parent / 'data/mpfb2/targets/macrodetails'
    file = max(folder.glob('*.target.gz'), key=lambda path: path.stat().st_size)
    arguments = (str(file), 19158, _Double(), torch.float64)
    expected = full_model.load_blend_shape(*arguments)
    assert expected.abs().max() > 0
    torch.testing.assert_close(read_shape(*arguments), expected, rtol=0, atol=0)


def test_annys_own_reader_is_back_afterwards():
    require_synthetic()
    full_model = pytest.importorskip('anny.models.full_model')
    own = full_model.load_blend_shape
    with pytest.raises(KeyError), quick_reader():
        assert full_model.load_blend_shape is read_shape
        raise KeyError
    assert full_model.load_blend_shape is own
