"""Where the files that come with posegen lie, in a checkout and when installed."""

from __future__ import annotations

from pathlib import Path

from posegen.utils.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
#: Begin of a config's name that stands for the configs that come with posegen.
SHIPPED = 'posegen::'


def configs_root() -> Path:
    """Folder that holds the configs (``spig/``, ``_base_/``, ...).

    A wheel carries them inside the package, as ``posegen/configs``; a checkout (also
    one installed with ``pip install -e .``) has them beside it, as ``configs``.

    Returns:
        The absolute path of the folder.

    Raises:
        ConfigError: if neither place has them, which means a broken installation.
    """
    places = (PACKAGE / 'configs', PACKAGE.parent / 'configs')
    for place in places:
        if (place / '_base_').is_dir():
            return place
    raise ConfigError(
        f'no configs in {places[0]} nor in {places[1]}: install posegen again, from a '
        'wheel or with `pip install -e .` in a complete checkout'
    )


def shipped_config(name: str) -> Path:
    """The file of ``posegen::METHOD/NAME.py``, in MMEngine's way to name a package."""
    return configs_root() / name.removeprefix(SHIPPED)


def weights_root() -> Path:
    """Folder of the weights that come with posegen, which may lack any of them."""
    return PACKAGE / 'weights'
