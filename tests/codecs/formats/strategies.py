"""Random canonical records for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

#: Machines that run tests are busy, and one example says nothing about speed.
quick = settings(deadline=None, max_examples=40)

_number = st.floats(-500, 2000, width=32).filter(lambda value: value != -1)
_score = st.floats(2**-10, 1, width=32)
_joint = st.one_of(
    st.just((0.0, 0.0, 0.0)),
    st.tuples(_number, _number, _score),
)
records = st.lists(_joint, min_size=18, max_size=18).map(
    lambda joints: np.array(joints, dtype=np.float32)
)
"""(18, 3) float32; joints may lie outside the picture, but not at -1."""
