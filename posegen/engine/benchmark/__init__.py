"""What training and inference cost: time, memory, parameters, multiply-adds."""

from posegen.engine.benchmark.cases import PRECISIONS, Case, make_cases
from posegen.engine.benchmark.complexity import (
    COUNTED,
    count_macs,
    count_parameters,
    describe_complexity,
)
from posegen.engine.benchmark.run import WORKS, Amount, benchmark, failures
from posegen.engine.benchmark.tables import (
    format_report,
    format_table,
    modules_table,
)

__all__ = [
    'COUNTED',
    'PRECISIONS',
    'WORKS',
    'Amount',
    'Case',
    'benchmark',
    'count_macs',
    'count_parameters',
    'describe_complexity',
    'failures',
    'format_report',
    'format_table',
    'make_cases',
    'modules_table',
]
