from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.camera import frame, look, pixel_grid
from posegen.datasets.synthetic.generate import person_generator
from tests.datasets.synthetic.conftest import require_synthetic


@pytest.fixture(scope='module')
def figures():
    require_synthetic()
    from posegen.datasets.synthetic.people import sample_person

    return [sample_person(person_generator(0, 'test', index)) for index in range(8)]


def _hits(figure, yaw: float):
    """What a camera sees of a figure in a walking pose."""
    from posegen.datasets.synthetic.figure import pose_figure
    from posegen.datasets.synthetic.poses import Arm, Leg, Pose, rotations
    from posegen.datasets.synthetic.raycast import Caster
    from posegen.datasets.synthetic.render import cast

    legs = (Leg(swing=22, knee=10), Leg(swing=-15, knee=30))
    pose = Pose('walking', (Arm(lift=60), Arm(lift=20)), legs)
    posed = pose_figure(figure, rotations(figure.body, pose, yaw))
    camera = frame(look(5.0, 0.0, (128, 64)), posed.points, (0.9, 0.94))
    caster = Caster(posed.points, figure.triangles)
    return cast(figure, posed, camera, caster, pixel_grid(camera.size))


def test_everyone_is_dressed(figures):
    """No skin is seen on trunk, hips and thighs; the lining hardly ever."""
    from posegen.datasets.synthetic.people import must_cover

    for figure in figures:
        body = figure.body
        private = body.points[must_cover(body)]
        for yaw in (0.0, 90.0, 180.0, 270.0):
            hits = _hits(figure, yaw)
            names = np.array(figure.material_names)[figure.face_material[hits.faces]]
            samples = figure.samples(hits.faces, hits.shares, 0.01)
            bare = samples.rest[names == 'skin']
            gap = np.abs(bare[:, None] - private[None, ::3]).max(2).min(1)
            assert (gap > 0.002).all()
            assert (names == 'under').mean() < 0.03


def test_everyone_wears_a_top_and_a_bottom(figures):
    for figure in figures:
        names = set(figure.layer_names)
        assert 'top' in names
        assert names & {'bottom', 'skirt'}
        assert 'shoes' in names
        assert 'skin' in names


def test_clothes_cannot_be_taken_for_skin(figures):
    from posegen.datasets.synthetic.fabrics import looks_like_skin

    for figure in figures:
        skin = figure.materials['skin'].tone
        for name in {'top', 'bottom', 'outer'} & set(figure.materials):
            assert not looks_like_skin(figure.materials[name].fabric.mean, skin)


def test_people_differ_and_come_back_with_their_seed(figures):
    from posegen.datasets.synthetic.people import sample_person

    again = sample_person(person_generator(0, 'test', 2))
    np.testing.assert_array_equal(again.points, figures[2].points)
    np.testing.assert_array_equal(again.triangles, figures[2].triangles)
    heights = [figure.body.height for figure in figures]
    assert len(set(heights)) == len(figures)


def test_surfaces_are_sound(figures):
    for figure in figures:
        assert np.isfinite(figure.points).all()
        np.testing.assert_allclose(figure.weights.sum(1), 1, atol=1e-4)
        assert figure.triangles.max() < len(figure.points)
        assert np.isfinite(figure.cloth).all()
        assert set(np.unique(figure.parts)) == {1, 2, 3}


def test_parts_are_where_they_belong(figures):
    for figure in figures:
        heights = figure.points[figure.triangles].mean(1)[:, 2]
        middle = [heights[figure.parts == part].mean() for part in (3, 2, 1)]
        assert middle == sorted(middle)


def test_hanging_cloth_keeps_off_striding_legs(body):
    from posegen.datasets.synthetic.cuts import SkirtShape
    from posegen.datasets.synthetic.poses import Arm, Leg, Pose, rotations
    from posegen.datasets.synthetic.skeleton import bone_transforms, skin
    from posegen.datasets.synthetic.tubes import (
        TUBE_COLUMNS,
        TUBE_RINGS,
        leg_room,
        push_off_legs,
        skirt_tube,
    )

    legs = (Leg(swing=40, knee=40), Leg(swing=-25, knee=30))
    pose = Pose('walking', (Arm(), Arm()), legs)
    transforms = bone_transforms(body, rotations(body, pose))
    tube = skirt_tube(body, SkirtShape(length=1.1, flare=-0.03))
    grid = skin(tube.points, tube.weights, transforms)
    grid = grid.reshape(TUBE_RINGS, TUBE_COLUMNS, 3)
    pushed = push_off_legs(grid, leg_room(body), transforms, ease=0.01)
    hip, knee = (_joint(body, transforms, b) for b in ('upperleg01.L', 'lowerleg01.L'))
    before, after = (_nearest(points, hip, knee) for points in (grid, pushed))
    assert after > before + 0.005
    assert after > 0.05
    np.testing.assert_array_equal(pushed[0], grid[0])


def _joint(body, transforms: np.ndarray, bone: str) -> np.ndarray:
    move = transforms[body.model.bones.index(bone)]
    return move[:, :3] @ body.heads[bone] + move[:, 3]


def _nearest(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """Smallest distance of points from the lower half of a segment."""
    along = end - start
    t = np.clip((points - start) @ along / (along @ along), 0.5, 1)
    return float(np.linalg.norm(points - start - t[..., None] * along, axis=-1).min())
