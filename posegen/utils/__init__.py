"""Small things that every layer may use; imports nothing heavy."""

from posegen.utils.errors import (
    ConfigError,
    DataError,
    DependencyError,
    PosegenError,
    WeightsError,
)

__all__ = [
    'ConfigError',
    'DataError',
    'DependencyError',
    'PosegenError',
    'WeightsError',
]
