"""What is wrong or missing in a data folder, and what to do about it."""

from .examine import examine, examine_datasets, examine_folder
from .findings import Finding, Report
from .layouts import Split, recognise, split_of_dataset, splits_of_folder

__all__ = [
    'Finding',
    'Report',
    'Split',
    'examine',
    'examine_datasets',
    'examine_folder',
    'recognise',
    'split_of_dataset',
    'splits_of_folder',
]
