"""What is written down about a stage: ``stage.json`` in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from posegen.utils.errors import DataError
from posegen.utils.files import StorageError, replacing

FILE_NAME = 'stage.json'


@dataclass
class StageRecord:
    """The state of one stage; all paths are relative to its folder.

    Attributes:
        stage: Its name.
        finished: Whether it ran to its end.
        iterations: Iterations done when this was written.
        max_iterations: Iterations it was asked for.
        seconds: Training time, all interrupted runs together.
        losses: Mean of the last logged losses by name.
        metrics: Values of the last validation.
        validated_at: Iteration of that validation.
        checkpoint: File with the result, once finished.
    """

    stage: str
    finished: bool = False
    iterations: int = 0
    max_iterations: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    validated_at: int = 0
    checkpoint: str | None = None

    def save(self, folder: Path) -> None:
        """Write the record; a crash or a full disk leaves the old one or the new one.

        Args:
            folder: Folder of the stage.

        Raises:
            StorageError: It cannot be written.
        """
        path = folder / FILE_NAME
        text = json.dumps(asdict(self), indent=2) + '\n'
        try:
            with replacing(path) as file:
                file.write(text.encode())
        except OSError as error:
            raise StorageError(
                f'{path} cannot be written: {error.strerror or error}; make room and '
                'go on with --resume'
            ) from error


def read_record(folder: Path) -> StageRecord | None:
    """The record of a folder, or None where there is none.

    Raises:
        DataError: The file is not a record.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        return StageRecord(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise DataError(f'{path} is not the record of a stage: {error}') from error
