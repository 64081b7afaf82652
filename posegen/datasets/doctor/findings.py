"""What the doctor has to say: findings, and all of them as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SEVERITIES = ('error', 'warning', 'note')
NUM_NAMED = 3  # examples that are spelt out; the rest is counted
_WIDTH = 100
_FIXED_SPACE = '\N{NO-BREAK SPACE}'
_SINGULAR = {
    **{'have': 'has', 'are': 'is', 'do': 'does', 'carry': 'carries'},
    **{'turn': 'turns', 'join': 'joins', 'lie': 'lies', 'cannot': 'cannot'},
}


@dataclass(frozen=True)
class Finding:
    """One kind of problem, with everything that has it.

    Attributes:
        severity: 'error' (training stops, or learns what is wrong), 'warning' (probably
            not what was meant) or 'note' (good to know).
        kind: short name of the problem, the same in every report.
        message: one sentence with names and numbers.
        cure: what to do, with the command where there is one; '' for notes that ask for
            nothing.
        examples: the first few of what has the problem.
        count: how many have it.
    """

    severity: str
    kind: str
    message: str
    cure: str = ''
    examples: tuple[str, ...] = ()
    count: int = 1

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(
                f'severity must be one of {SEVERITIES}, got {self.severity}'
            )


def group(
    severity: str, kind: str, items: Sequence[str], message: str, cure: str = ''
) -> list[Finding]:
    """One finding for all items, or none where there is no item.

    Args:
        severity: see :class:`Finding`.
        kind: see :class:`Finding`.
        items: names or sentences; the first few become the examples.
        message: ``{n}`` becomes the number of items.
        cure: see :class:`Finding`.
    """
    if not items:
        return []
    message = message.replace('{n}', f'{len(items):,}')
    if len(items) == 1:
        message = _in_singular(message)
    examples = tuple(items[:NUM_NAMED])
    return [Finding(severity, kind, message, cure, examples, len(items))]


def _in_singular(message: str) -> str:
    """'1 images have' -> '1 image has'; other sentences stay."""
    found = re.search(
        r'(?<![\w.,])1 ((?:annotated )?image|row|line|pair|archive)s\b', message
    )
    if not found:
        return message
    rest = message[found.end() :]
    verb = re.search('|'.join(rf'\b{verb}\b' for verb in _SINGULAR), rest)
    if verb:
        rest = rest[: verb.start()] + _SINGULAR[verb[0]] + rest[verb.end() :]
    return f'{message[: found.start()]}1 {found[1]}{rest}'


@dataclass
class Report:
    """Everything that was looked at and found.

    Attributes:
        title: what was examined.
        facts: one line for each split: how much of it there is.
        findings: in the order they were found.
    """

    title: str
    facts: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings in; those that are there already are not repeated."""
        self.findings += [f for f in findings if f not in self.findings]

    def count(self, severity: str) -> int:
        """Number of findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def healthy(self) -> bool:
        """Whether there is no error; warnings and notes do not count."""
        return self.count('error') == 0

    def to_text(self) -> str:
        """The report for a terminal: errors first, each with its cure, then a sum."""
        lines = [self.title, *(f'  {fact}' for fact in self.facts), '']
        for severity in SEVERITIES:
            for finding in self.findings:
                if finding.severity == severity:
                    lines += [*_finding_lines(finding), '']
        return '\n'.join([*lines, self._sum()])

    def _sum(self) -> str:
        if not self.findings:
            return 'Nothing is wrong.'
        counts = [
            f'{n} {severity}{"s" * (n != 1)}'
            for severity in SEVERITIES
            if (n := self.count(severity))
        ]
        return ', '.join(counts) + ('; no error' * self.healthy) + '.'


def _finding_lines(finding: Finding) -> list[str]:
    head = f'{finding.severity.upper():<8}'
    text = f'[{finding.kind}] {finding.message}'
    lines = _wrap(text, head, ' ' * 8)
    lines += [f'{" " * 10}{example}' for example in finding.examples]
    rest = finding.count - len(finding.examples)
    if finding.examples and rest > 0:
        lines.append(f'{" " * 10}... and {rest:,} more')
    return lines + (_wrap(finding.cure, '     -> ', ' ' * 8) if finding.cure else [])


def _wrap(text: str, first: str, others: str) -> list[str]:
    """Lines of limited width; a command in backticks stays whole, to be copied."""
    text = re.sub(r'`[^`]*`', lambda match: match[0].replace(' ', _FIXED_SPACE), text)
    lines = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_FIXED_SPACE, ' ') for line in lines]
