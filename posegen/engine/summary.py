"""What a training run has come to, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from posegen.engine.stage_record import StageRecord


def print_summary(records: Sequence[StageRecord], work_dir: str | Path) -> None:
    """Print stages, iterations, time, losses, metrics and where the weights are.

    Args:
        records: The records of the stages.
        work_dir: Folder of the run.
    """
    table = Table(title=Text(f'Results in {work_dir}'))
    for title in ('stage', 'iterations', 'time', 'losses', 'metrics'):
        table.add_column(title)
    for record in records:
        table.add_row(
            record.stage if record.finished else f'{record.stage} (unfinished)',
            f'{record.iterations:,}',
            str(timedelta(seconds=round(record.seconds))),
            format_values(record.losses),
            format_values(record.metrics),
        )
    console = Console()
    console.print(table)
    for record in records:
        if record.checkpoint:
            path = Path(work_dir, record.stage, record.checkpoint)
            text = Text(f'weights of {record.stage}: {path}')  # brackets are no markup
            console.print(text, soft_wrap=True)


def format_values(values: Mapping[str, float]) -> str:
    """One value a line: ``ssim 0.4321``."""
    return '\n'.join(f'{name} {value:.4g}' for name, value in values.items())


def print_metrics(metrics: Mapping[str, float], title: str) -> None:
    """Print the metrics of a test.

    Args:
        metrics: Values by name.
        title: What was tested.
    """
    table = Table('metric', 'value')
    for name, value in metrics.items():
        table.add_row(name, f'{value:.4g}')
    console = Console()
    console.print(Text(title), soft_wrap=True)
    console.print(table)
