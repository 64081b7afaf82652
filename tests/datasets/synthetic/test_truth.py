from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.truth import (
    PairTruth,
    pair_truth,
    part_labels,
    visible_joints,
)


def _pairs(person) -> list[tuple[int, int, PairTruth]]:
    return [
        (a, b, pair_truth(person.figure, person.views[a], person.views[b]))
        for a, b in person.pairs
    ]


def _followed(truth: PairTruth, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Source pixels (rows, columns) of chosen target pixels, to the nearest."""
    rows, columns = np.nonzero(chosen)
    dx, dy = truth.flow[:, rows, columns]
    return np.rint(rows + dy).astype(int), np.rint(columns + dx).astype(int)


def test_shapes_and_types(person):
    truth = pair_truth(person.figure, person.views[0], person.views[1])
    assert truth.flow.shape == (2, 128, 64)
    assert truth.flow.dtype == np.float32
    assert truth.visibility.shape == truth.part_labels.shape == (128, 64)
    assert truth.visibility.dtype == bool
    assert truth.part_labels.dtype == np.uint8
    assert set(np.unique(truth.part_labels)) <= {0, 1, 2, 3}
    assert not truth.visibility[truth.part_labels == 0].any()
    assert (truth.flow[:, truth.part_labels == 0] == 0).all()


def test_flow_of_a_view_onto_itself_is_zero(person):
    for view in person.views:
        truth = pair_truth(person.figure, view, view)
        assert np.abs(truth.flow).max() < 1e-9
        shown = truth.part_labels > 0
        assert truth.visibility[shown].mean() > 0.97


def test_part_labels_agree_through_the_flow(person):
    agreed, total = 0, 0
    for a, _, truth in _pairs(person):
        inner = truth.visibility & _surrounded(truth.part_labels)
        rows, columns = _followed(truth, inner)
        source = part_labels(person.figure, person.views[a])
        near = [
            source[(rows + r).clip(0, 127), (columns + c).clip(0, 63)]
            for r in (-1, 0, 1)
            for c in (-1, 0, 1)
        ]
        agreed += (np.stack(near) == truth.part_labels[inner]).any(0).sum()
        total += inner.sum()
    assert total > 2000
    assert agreed / total > 0.99


def _surrounded(labels: np.ndarray) -> np.ndarray:
    """Pixels whose four neighbours have the same label."""
    same = np.zeros(labels.shape, bool)
    middle = labels[1:-1, 1:-1]
    same[1:-1, 1:-1] = np.logical_and.reduce(
        [
            labels[:-2, 1:-1] == middle,
            labels[2:, 1:-1] == middle,
            labels[1:-1, :-2] == middle,
            labels[1:-1, 2:] == middle,
        ]
    )
    return same


def test_visible_pixels_look_like_what_they_are_read_from(person):
    followed, stayed = [], []
    for a, b, truth in _pairs(person):
        inner = truth.visibility & _surrounded(truth.part_labels)
        rows, columns = _followed(truth, inner)
        target = person.views[b].image[inner].astype(float)
        source = person.views[a].image.astype(float)
        followed.append(np.abs(source[rows, columns] - target).mean(1))
        stayed.append(np.abs(source[inner] - target).mean(1))
    assert np.concatenate(followed).mean() < 0.6 * np.concatenate(stayed).mean()


def test_following_the_flow_at_a_joint_lands_on_that_joint(person):
    misses = []
    for a, b, truth in _pairs(person):
        source, target = person.joints[a], person.joints[b]
        for joint in np.flatnonzero((source[:, 0] >= 0) & (target[:, 0] >= 0)):
            x, y = target[joint]
            if truth.visibility[y, x]:
                there = np.array([x, y]) + truth.flow[:, y, x]
                misses.append(np.linalg.norm(there - source[joint]))
    # Joints lie inside limbs and under skirts: turning moves the surface past them.
    assert len(misses) > 30
    assert np.median(misses) < 3.5
    assert np.mean(np.array(misses) < 10) > 0.9


def test_a_point_outside_the_sources_picture_is_not_visible(person):
    for _, _, truth in _pairs(person):
        rows, columns = np.nonzero(truth.visibility)
        dx, dy = truth.flow[:, rows, columns]
        assert (columns + dx >= -0.5).all()
        assert (columns + dx < 63.5).all()
        assert (rows + dy >= -0.5).all()
        assert (rows + dy < 127.5).all()


def test_joints_are_whole_pixels_inside_the_picture_or_missing(person):
    for view, joints in zip(person.views, person.joints):
        again = visible_joints(person.figure, view)
        np.testing.assert_array_equal(joints, again)
        missing = (joints == -1).all(1)
        assert ((joints[:, 0] < 0) == missing).all()
        shown = joints[~missing]
        assert ((shown >= 0) & (shown < (64, 128))).all()


@pytest.mark.parametrize('yaw', [0.0, 180.0])
def test_the_back_of_a_head_has_no_eyes(person, yaw):
    from posegen.datasets.synthetic import backgrounds, scene
    from posegen.datasets.synthetic.figure import pose_figure
    from posegen.datasets.synthetic.poses import Arm, Leg, Pose, rotations
    from posegen.datasets.synthetic.render import render_view

    rng = np.random.default_rng(0)
    pose = Pose('standing', (Arm(), Arm()), (Leg(), Leg()))
    figure = person.figure
    posed = pose_figure(figure, rotations(figure.body, pose, yaw))
    camera = scene.sample_camera(rng, posed, (128, 64), upper_allowed=False)
    wall = backgrounds.plain_background(rng, (128, 64))
    light = scene.sample_light(rng, 'plain')
    view = render_view(figure, posed, camera, light, wall)
    joints = visible_joints(figure, view)
    present = joints[:, 0] >= 0
    assert present[[14, 15, 0]].all() == (yaw == 0)
    assert present[[14, 15, 0]].any() == (yaw == 0)
    assert present[[2, 5, 8, 11, 9, 12]].all()
    right, left = joints[2, 0], joints[5, 0]
    assert (right < left) == (yaw == 0)
