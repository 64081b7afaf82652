"""Pictures of poses, flows and results."""

from posegen.utils.images import save_image
from posegen.visualization.curves import draw_score_curve
from posegen.visualization.flows import (
    flow_to_rgb,
    part_flows_to_rgb,
    visibility_to_rgb,
)
from posegen.visualization.poses import JOINT_COLORS, draw_pose
from posegen.visualization.samples import (
    draw_crops,
    draw_parts_on,
    draw_pose_on,
    pair_sheet,
)
from posegen.visualization.sheets import (
    GRID_COLUMNS,
    comparison_sheet,
    draw_label,
    sample_grid,
)

__all__ = [
    'GRID_COLUMNS',
    'JOINT_COLORS',
    'comparison_sheet',
    'draw_crops',
    'draw_label',
    'draw_parts_on',
    'draw_pose',
    'draw_pose_on',
    'draw_score_curve',
    'flow_to_rgb',
    'pair_sheet',
    'part_flows_to_rgb',
    'sample_grid',
    'save_image',
    'visibility_to_rgb',
]
