"""GFLA, "DIST" in the paper's tables: model, generator and its published weights."""

from posegen.models.gfla.generator import GFLAGenerator
from posegen.models.gfla.model import GFLA

__all__ = ['GFLA', 'GFLAGenerator']
