"""What can be chosen about the images that a prepare script writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from posegen.utils.errors import ConfigError
from posegen.utils.image_files import FILE_TYPES, FILTERS

FITS = ('squash', 'crop')


@dataclass(frozen=True)
class ImageOptions:
    """How the raw images become those of the set.

    Attributes:
        size: (height, width) of the images; None keeps that of the raw ones.
        fit: 'squash' takes the whole picture; 'crop' takes columns 40 to 215 of 256,
            which is PATN's view of the square DeepFashion pictures. Then comes the
            resize, which keeps no aspect.
        filter: of the resize, by Pillow's names.
        file_type: 'jpg' or 'png'.
        jpeg_quality: 1 to 100, always with colours at full resolution (4:4:4).
    """

    size: tuple[int, int] | None = (256, 256)
    fit: str = 'squash'
    filter: str = 'bilinear'
    file_type: str = 'jpg'
    jpeg_quality: int = 100

    def check(self) -> None:
        """Raise a ConfigError where a value is none of its choices."""
        for name, choices in (
            ('fit', FITS),
            ('filter', FILTERS),
            ('file_type', tuple(FILE_TYPES)),
        ):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f'{name} must be one of {", ".join(choices)}, '
                    f"got '{getattr(self, name)}'"
                )
        if not 1 <= self.jpeg_quality <= 100:
            raise ConfigError(
                f'jpeg_quality must be from 1 to 100, got {self.jpeg_quality}'
            )

    def record(self) -> dict[str, Any]:
        """The options for the manifest; those that change nothing are None."""
        is_jpeg = self.file_type == 'jpg'
        return {
            'size': list(self.size) if self.size else 'keep',
            'fit': self.fit,
            'filter': self.filter if self.size else None,
            'file_type': self.file_type,
            'jpeg_quality': self.jpeg_quality if is_jpeg else None,
            'jpeg_subsampling': '4:4:4' if is_jpeg else None,
        }
