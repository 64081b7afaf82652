"""Errors meant for users: one sentence that says what is wrong and the cure.

The command line prints these without a traceback; in Python they are also the
built-in error a caller would expect (``ValueError`` or ``RuntimeError``).
"""


class PosegenError(Exception):
    """Base of all errors that a user can mend."""


class ConfigError(PosegenError, ValueError):
    """A config names something that does not exist or contradicts itself."""


class DataError(PosegenError, ValueError):
    """A data file is missing, unreadable or not in the stated format."""


class WeightsError(PosegenError, RuntimeError):
    """A weight file is missing, of the wrong model, or could not be fetched."""


class DependencyError(PosegenError, ImportError):
    """An optional dependency is not installed; the message names the extra."""


class NonFiniteError(PosegenError, ArithmeticError):
    """A loss or gradient became nan or infinite.

    Attributes:
        found: What was not finite, name -> value.
    """

    def __init__(self, message: str, found: dict[str, float] | None = None) -> None:
        super().__init__(message)
        self.found = dict(found or {})


class Preempted(PosegenError):
    """Training was told to stop (SIGTERM), and has saved where it is."""
