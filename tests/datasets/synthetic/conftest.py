"""One person with some views, made once for all tests of this folder."""

from __future__ import annotations

import pytest

SIZE = (128, 64)


def require_synthetic() -> None:
    """Skip, with the reason, where the extra ``synthetic`` is not installed."""
    reason = "needs the extra 'synthetic' (anny and warp-lang)"
    pytest.importorskip('warp', reason=reason)
    pytest.importorskip('anny', reason=reason)


@pytest.fixture(scope='session')
def person():
    """Four views and all twelve pairs of one person."""
    require_synthetic()
    from posegen.datasets.synthetic.generate import person_generator
    from posegen.datasets.synthetic.scene import make_person

    return make_person(person_generator(3, 'train', 0), SIZE, views=4, pairs=12)


@pytest.fixture(scope='session')
def body():
    """An average body."""
    require_synthetic()
    from posegen.datasets.synthetic.body import shape_body

    return shape_body({'gender': 0.5, 'weight': 0.5})
