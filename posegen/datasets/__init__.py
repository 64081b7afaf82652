"""Annotation files, pairs, the pair dataset and its transforms."""

from .annotations import (
    Annotations,
    read_annotations,
    read_pairs,
    write_annotations,
    write_pairs,
)

__all__ = [
    'Annotations',
    'read_annotations',
    'read_pairs',
    'write_annotations',
    'write_pairs',
]
