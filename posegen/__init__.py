"""posegen: a toolbox for pose-guided person image generation.

Importing the package is cheap on purpose: torch and MMEngine are imported by the
submodules that need them, so that command line help answers at once.
"""

__version__ = '0.1.0'
