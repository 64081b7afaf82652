"""What each switch for speed brings: time, memory, and whether results stay equal."""

from posegen.engine.speed.compare import Comparison, Way, compare
from posegen.engine.speed.run import SWITCHES, failures, format_speed, measure_speed

__all__ = [
    'SWITCHES',
    'Comparison',
    'Way',
    'compare',
    'failures',
    'format_speed',
    'measure_speed',
]
