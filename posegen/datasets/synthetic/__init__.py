"""Embedded people: clothed synthetic persons with exact ground truth.

A person is a body of the parametric model `anny <https://pypi.org/project/anny>`_
(Apache-2.0, data CC0) in garments that are cut from, pushed off or hung around the
body's own surface, so that every pixel of one view can be followed into every other
view of the same person. Needs the extra ``posegen[synthetic]``.
"""

from __future__ import annotations

from posegen.datasets.synthetic.generate import SetOptions, generate_set

__all__ = ['SetOptions', 'generate_set']
