"""The text of a config, formatted once."""

from __future__ import annotations

from functools import lru_cache

from mmengine.config import Config


class OnceFormatted(Config):
    """A config whose text is formatted once, as long as nothing in it changes.

    yapf takes a second for a config of this length, and MMEngine asks for the text five
    times at the start of a run and again for every checkpoint.
    """

    @classmethod
    def of(cls, cfg: Config) -> OnceFormatted:
        """A copy of a config.

        Args:
            cfg: The config.
        """
        # With a text it does not look for the file.
        return cls(cfg.to_dict(), cfg_text=cfg.text or '#', filename=cfg.filename)

    @property
    def pretty_text(self) -> str:
        """Formatted Python text, as of MMEngine's ``Config``."""
        return _formatted(_Content(self))

    def _format(self) -> str:
        return super().pretty_text


class _Content:
    """A config by what it holds."""

    def __init__(self, cfg: OnceFormatted) -> None:
        self.cfg = cfg
        self.text = repr(cfg.to_dict())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@lru_cache(maxsize=4)
def _formatted(content: _Content) -> str:
    return content.cfg._format()
