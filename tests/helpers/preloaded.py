"""What a training imports, for the server of :mod:`tests.helpers.forked`."""

# ruff: noqa: F401
from contextlib import suppress

import matplotlib.backends.backend_agg
import matplotlib.pyplot
import mmcv.transforms
import setuptools

import posegen.apis
import posegen.cli
import posegen.datasets
import posegen.engine
import posegen.evaluation
import posegen.models
import posegen.visualization
import tests.helpers.faults
import tests.helpers.toy_training

with suppress(ImportError):  # the extra `synthetic`
    import anny
    import warp
