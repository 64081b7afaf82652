"""Copies ``configs/`` into the wheel; everything else is said in setup.cfg."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Puts ``configs/`` beside the modules, as ``posegen/configs``.

    A checkout keeps them at the top, where people look for them; an editable install
    reads them from there (``posegen.utils.paths.configs_root``), so nothing is copied.
    """

    def run(self) -> None:
        """Builds the modules, then replaces what an earlier build left."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'posegen' / 'configs'
        shutil.rmtree(target, ignore_errors=True)
        ignore = shutil.ignore_patterns('__pycache__', '*.pyc')
        shutil.copytree('configs', target, ignore=ignore)


setup(cmdclass={'build_py': BuildWithConfigs})
