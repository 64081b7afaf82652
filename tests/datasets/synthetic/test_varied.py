from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from posegen.datasets.synthetic.generate import person_generator
from posegen.datasets.synthetic.truth import pair_truth, part_labels
from tests.datasets.synthetic.conftest import SIZE, require_synthetic


@pytest.fixture(scope='module')
def varied():
    require_synthetic()
    from posegen.datasets.synthetic import varied

    return varied


@pytest.fixture(scope='module')
def person(varied):
    """Four views and all twelve pairs of one person."""
    return varied.make_varied_person(person_generator(3, 'train', 1), SIZE, 4, 12)


@pytest.fixture
def stay_in_place(varied, monkeypatch):
    """The camera keeps its place and shows the whole body."""
    monkeypatch.setattr(
        varied, 'next_window', lambda rng, before, own, size: before or own
    )
    monkeypatch.setattr(varied, 'next_framing', lambda rng, usual, size: 'full')


def _uncovered(first, second) -> np.ndarray:
    """Pixels at some distance from the person of either view."""
    covered = np.zeros(SIZE, np.uint8)
    for view in (first, second):
        covered.flat[view.hits.rays] = 1
    return cv2.dilate(covered, np.ones((7, 7), np.uint8)) == 0


def test_the_same_person_whatever_was_made_before(varied):
    size = (64, 32)

    def make(index: int):
        return varied.make_varied_person(
            person_generator(0, 'train', index), size, 2, 2
        )

    alone, _, again = make(1), make(0), make(1)
    for first, second in zip(alone.views, again.views):
        np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(alone.joints, again.joints)
    assert alone.pairs == again.pairs


def test_what_nobody_covers_is_the_same_in_all_views(
    varied, stay_in_place, monkeypatch
):
    monkeypatch.setattr(varied, 'take_picture', lambda rng, scene, capture: scene)
    monkeypatch.setattr(varied, 'cast_shadow', lambda *args: np.zeros(SIZE))
    made = varied.make_varied_person(person_generator(0, 'train', 2), SIZE, 3, 2)
    for first, second in itertools.combinations(made.views, 2):
        free = _uncovered(first, second)
        assert free.mean() > 0.2
        np.testing.assert_array_equal(first.image[free], second.image[free])


def test_cameras_change_little_of_the_place(varied, stay_in_place):
    make = varied.make_varied_person
    people = [make(person_generator(1, 'train', i), SIZE, 2, 2) for i in range(4)]
    views = [person.views for person in people]
    same = [_difference(*pair) for pair in views]
    other = [
        _difference(first[0], second[0])
        for first, second in itertools.combinations(views, 2)
    ]
    assert np.median(same) < 15
    assert np.median(other) > 2 * np.median(same)


def _difference(first, second) -> float:
    free = _uncovered(first, second)
    return np.abs(first.image[free].astype(float) - second.image[free]).mean()


def test_flow_of_a_view_onto_itself_is_zero(person):
    for view in person.views:
        truth = pair_truth(person.figure, view, view)
        assert np.abs(truth.flow).max() < 1e-9
        assert (truth.flow[:, truth.part_labels == 0] == 0).all()
        assert truth.visibility[truth.part_labels > 0].mean() > 0.95


def test_part_labels_agree_through_the_flow(person):
    agreed, total = 0, 0
    for a, b in person.pairs:
        truth = pair_truth(person.figure, person.views[a], person.views[b])
        rows, columns = np.nonzero(truth.visibility)
        dx, dy = truth.flow[:, rows, columns]
        there = np.rint(rows + dy).astype(int), np.rint(columns + dx).astype(int)
        source = part_labels(person.figure, person.views[a])
        near = [
            np.roll(source, (r, c), (0, 1))[there]
            for r in (-1, 0, 1)
            for c in (-1, 0, 1)
        ]
        agreed += (np.stack(near) == truth.part_labels[rows, columns]).any(0).sum()
        total += len(rows)
    assert total > 1000
    assert agreed / total > 0.98


def test_joints_lie_in_the_picture_near_the_true_ones(person):
    from posegen.datasets.synthetic.truth import visible_joints

    for view, marked in zip(person.views, person.joints):
        found = marked[:, 0] >= 0
        assert ((marked[~found]) == -1).all()
        assert ((marked[found] >= 0) & (marked[found] < (SIZE[1], SIZE[0]))).all()
        true = visible_joints(person.figure, view)
        both = found & (true[:, 0] >= 0)
        assert both.sum() >= 5
        assert np.median(np.abs(marked[both] - true[both])) < 4


def test_some_views_are_close_and_some_show_everything(varied):
    from posegen.datasets.synthetic import framing

    rng = np.random.default_rng(0)
    drawn = [framing.sample_framing(rng, (256, 192)) for _ in range(400)]
    assert set(drawn) == set(framing.FRAMINGS)
    narrow = [framing.sample_framing(rng, (128, 64)) for _ in range(400)]
    assert narrow.count('full') > 1.4 * drawn.count('full')


def test_the_camera_mostly_stands_still(varied):
    from posegen.datasets.synthetic.framing import Window, next_window

    rng = np.random.default_rng(0)
    before, own = Window(1.0, np.zeros(2)), Window(2.0, np.ones(2))
    drawn = [next_window(rng, before, own, SIZE) for _ in range(600)]
    still = np.mean([window is before for window in drawn])
    assert 0.65 < still < 0.8
    moved = [w.shift for w in drawn if w is not before and w is not own]
    assert 0.5 < np.median(np.abs(moved)) < 4
    assert next_window(rng, None, own, SIZE) is own


def test_adaptive_rendering_agrees_with_many_samples(person):
    """The same scene as by four samples everywhere, but for the light's grain."""
    from posegen.datasets.synthetic.adaptive import render_adaptive
    from posegen.datasets.synthetic.render import Light, render_view

    view, wall = person.views[0], np.full((*SIZE, 3), 0.8)
    light = Light(np.array([-0.48, -0.64, 0.6]), 0.7, 0.4, 0.2, np.ones(3))
    scene = (person.figure, view.posed, view.camera, light, wall)
    fast = render_adaptive(*scene, finish=lambda picture: picture)
    slow = render_view(*scene)
    np.testing.assert_array_equal(fast.hits.rays, slow.hits.rays)
    np.testing.assert_array_equal(fast.hits.faces, slow.hits.faces)
    np.testing.assert_allclose(fast.hits.shares, slow.hits.shares, atol=1e-9)
    difference = np.abs(fast.image.astype(float) - slow.image)
    assert difference.mean() < 2.5
    assert np.percentile(difference, 98) < 25


def test_repainted_clothes_cannot_be_taken_for_skin(varied):
    from posegen.datasets.synthetic.fabrics import looks_like_skin
    from posegen.datasets.synthetic.materials import Cloth
    from posegen.datasets.synthetic.people import sample_person
    from posegen.datasets.synthetic.restyle import restyle

    figure = sample_person(person_generator(0, 'test', 0))
    skin = figure.materials['skin'].tone
    rng = np.random.default_rng(0)
    for _ in range(6):
        painted = restyle(rng, figure).materials
        assert painted.keys() == figure.materials.keys()
        for name in {'top', 'bottom', 'outer'} & painted.keys():
            assert isinstance(painted[name], Cloth)
            assert not looks_like_skin(painted[name].fabric.mean, skin)


@pytest.mark.parametrize('kind', ['close', 'pocket', 'wide', 'seated', 'standing'])
def test_poses_keep_the_joint_limits(varied, kind):
    from posegen.datasets.synthetic import varied_poses
    from posegen.datasets.synthetic.poses import limit

    rng = np.random.default_rng(0)
    for _ in range(20):
        pose = varied_poses.sample_varied_pose(rng, lambda pose: False, [kind])
        assert pose.kind == kind
        assert limit(pose) == pose
        assert all(limit(part) == part for part in (*pose.arms, *pose.legs))
