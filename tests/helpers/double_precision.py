"""Importing this module lets its process compute in float64.

For commands in processes of their own: a config names it in ``custom_imports``, which
are imported before anything is built.
"""

import torch

torch.set_default_dtype(torch.float64)
