"""What a reader of keypoints found beside the joints."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Filled by readers for whoever tells the user.

    Attributes:
        passed_over: places of entries without joints: null, boxes, hands alone.
        sizes: (height, width) that the file states, by name of the picture.
        outside: joints that were left out as they lie outside their picture.
    """

    passed_over: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    outside: int = 0
