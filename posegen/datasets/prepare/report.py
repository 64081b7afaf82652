"""What a prepare run found, and what it did not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from posegen.utils.image_files import write_whole

MISSING_FILE = 'missing.txt'
_NAMED = 5  # names on the screen; all are in the file


@dataclass(frozen=True)
class Count:
    """How many of something there are.

    Attributes:
        what: 'images', 'annotated', 'pairs'.
        expected: by the user's lists; None where no list tells.
        found: in the prepared folder.
        published: in the published set.
    """

    what: str
    expected: int | None
    found: int
    published: int


@dataclass
class SplitReport:
    """One split.

    Attributes:
        name: 'train' or 'test'.
        counts: of images, of joints, of pairs.
        missing: (name, reason) of each image that is not there or has no joints.
        notes: sentences on what else is worth knowing.
    """

    name: str
    counts: list[Count] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Report:
    """A whole run.

    Attributes:
        out: the prepared folder.
        splits: one report each.
        notes: sentences on the set.
        unchanged: everything was there already.
    """

    out: Path
    splits: list[SplitReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchanged: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not any(split.missing for split in self.splits)

    def text(self) -> str:
        """The report for the screen, without a line break at its end."""
        lines = [f'{"":8}{"":11}{"expected":>10}{"found":>10}{"published":>11}']
        for split in self.splits:
            for i, count in enumerate(split.counts):
                name = split.name if i == 0 else ''
                lines.append(f'{name:8}{count.what:11}{_numbers(count)}')
        lines += [f'{s.name}: {note}' for s in self.splits for note in s.notes]
        lines += self.notes
        for split in self.splits:
            lines += _name_some(split)
        return '\n'.join([*lines, self._verdict()])

    def write_missing(self) -> None:
        """Write, or remove, the file with all that is missing: split, name, reason."""
        path = self.out / MISSING_FILE
        if self.complete:
            path.unlink(missing_ok=True)
            return
        rows = (
            f'{split.name}\t{name}\t{reason}\n'
            for split in self.splits
            for name, reason in split.missing
        )
        write_whole(path, ''.join(rows).encode())

    def _verdict(self) -> str:
        if self.complete:
            done = 'nothing to do' if self.unchanged else 'done'
            return f'{self.out} is complete ({done})'
        count = sum(len(split.missing) for split in self.splits)
        return f'{self.out} lacks {count:,} (all named in {self.out / MISSING_FILE})'


def _numbers(count: Count) -> str:
    expected = '-' if count.expected is None else f'{count.expected:,}'
    return f'{expected:>10}{count.found:>10,}{count.published:>11,}'


def _name_some(split: SplitReport) -> list[str]:
    lines = [f'  {name}: {reason}' for name, reason in split.missing[:_NAMED]]
    if lines:
        lines.insert(0, f'{split.name} lacks {len(split.missing):,}:')
    rest = len(split.missing) - _NAMED
    return lines + ([f'  and {rest:,} more'] if rest > 0 else [])
