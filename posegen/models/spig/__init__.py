"""The paper's method: model, generator and the parts that only it uses."""

from posegen.models.spig.components import ConcatFusion
from posegen.models.spig.generator import SPIGGenerator
from posegen.models.spig.model import SPIG

__all__ = [
    'SPIG',
    'ConcatFusion',
    'SPIGGenerator',
]
