from __future__ import annotations

import math

import pytest
import torch

from posegen.models.losses import (
    ChoiceTruthLoss,
    FlowTruthLoss,
    ParsingTruthLoss,
    VisibilityTruthLoss,
)
from posegen.models.losses.truth import part_regions, require_truth
from posegen.utils.errors import DataError

SIZE = (8, 6)
PARTS = ('head', 'torso', 'leg')


@pytest.fixture
def truth() -> dict:
    """Rows 0-1 head, 2-4 torso, 5-6 leg, 7 background; column 0 is hidden."""
    labels = torch.tensor([1, 1, 2, 2, 2, 3, 3, 0], dtype=torch.uint8)
    labels = labels[None, :, None].repeat(2, 1, SIZE[1])
    visibility = torch.ones(2, *SIZE, dtype=torch.bool)
    visibility[..., 0] = False
    flow = torch.randn(2, 2, *SIZE, generator=torch.Generator().manual_seed(0))
    return dict(flow=flow, visibility=visibility, part_labels=labels)


def flows(flow, level=0):
    return {part: {level: flow.clone()} for part in PARTS}


class TestFlow:
    def test_the_truth_costs_eps(self, truth):
        loss = FlowTruthLoss(weight=2.0, eps=0.25)
        assert loss(flows(truth['flow']), **truth).item() == pytest.approx(0.5)

    def test_is_the_distance_in_pixels_of_the_image(self, truth):
        off = truth['flow'] + torch.tensor([3.0, 4.0])[:, None, None]
        loss = FlowTruthLoss(weight=1.0, eps=1e-3)
        assert loss(flows(off), **truth).item() == pytest.approx(5, abs=1e-5)

    def test_coarse_flow_counts_in_its_own_pixels(self, truth):
        truth['flow'] = torch.full_like(truth['flow'], 4.0)
        half = {part: {1: torch.full((2, 2, 4, 3), 2.0)} for part in PARTS}
        assert FlowTruthLoss(1.0, eps=1e-3)(half, **truth).item() < 2e-3

    def test_each_part_is_judged_on_its_own_pixels(self, truth):
        predicted = flows(truth['flow'])
        predicted['leg'][0] += 100
        with_leg = FlowTruthLoss(1.0, eps=1e-3)(predicted, **truth).item()
        # 2 of 7 rows are leg.
        assert with_leg == pytest.approx(100 * math.sqrt(2) * 2 / 7, rel=1e-4)

    @pytest.mark.parametrize('hidden', [0.0, 0.5])
    def test_hidden_pixels_have_their_weight(self, truth, hidden):
        predicted = flows(truth['flow'])
        for levels in predicted.values():
            levels[0][:, 0, :, 0] += 10  # the hidden column
        found = FlowTruthLoss(1.0, hidden, eps=1e-4)(predicted, **truth).item()
        assert found == pytest.approx(10 * hidden / (5 + hidden), abs=1e-3)

    def test_one_part_is_the_whole_person(self, truth):
        body = {'body': {0: truth['flow'] + 1}}
        found = FlowTruthLoss(1.0, eps=1e-4)(body, **truth).item()
        assert found == pytest.approx(math.sqrt(2), rel=1e-4)

    def test_samples_without_truth_do_not_count(self, truth):
        predicted = flows(truth['flow'])
        for levels in predicted.values():
            levels[0][1] += 50
        has_truth = torch.tensor([True, False])
        loss = FlowTruthLoss(1.0, eps=1e-3)
        assert loss(predicted, **truth, has_truth=has_truth).item() < 2e-3
        assert loss(predicted, **truth, has_truth=~has_truth).item() > 50

    def test_no_sample_with_truth_costs_nothing(self, truth):
        predicted = {p: {0: truth['flow'].clone().requires_grad_()} for p in PARTS}
        loss = FlowTruthLoss(1.0)(predicted, **truth, has_truth=torch.zeros(2).bool())
        loss.backward()
        assert loss.item() == 0 and not predicted['head'][0].grad.any()

    def test_refuses_unknown_parts(self, truth):
        with pytest.raises(ValueError, match=r"no label for the parts \['arm'\]"):
            predicted = {p: {0: truth['flow']} for p in ('head', 'arm')}
            FlowTruthLoss()(predicted, **truth)


class TestVisibility:
    def test_matches_the_entropy_by_hand(self, truth):
        half = {part: {0: torch.full((2, 1, *SIZE), 0.5)} for part in PARTS}
        found = VisibilityTruthLoss(weight=3.0)(half, **truth).item()
        assert found == pytest.approx(3 * math.log(2))

    def test_right_maps_cost_nothing(self, truth):
        right = {
            part: {0: (region & truth['visibility']).float()[:, None]}
            for part, region in part_regions(PARTS, truth['part_labels']).items()
        }
        assert VisibilityTruthLoss()(right, **truth).item() < 2e-4
        wrong = {part: {0: 1 - levels[0]} for part, levels in right.items()}
        found = VisibilityTruthLoss()(wrong, **truth).item()
        assert found == pytest.approx(-math.log(1e-4), rel=1e-3)

    def test_coarse_cells_are_judged_by_their_share(self, truth):
        truth['visibility'][:] = False
        truth['visibility'][:, 0, 0] = True  # a quarter of the first cell
        values = []
        for guess in (0.2, 0.25, 0.3):
            maps = {part: {1: torch.full((2, 1, 4, 3), 1e-4)} for part in PARTS}
            maps['head'][1][:, :, 0, 0] = guess
            values.append(VisibilityTruthLoss()(maps, **truth).item())
        assert values[1] < min(values[0], values[2])

    def test_samples_without_truth_do_not_count(self, truth):
        maps = {part: {0: torch.full((2, 1, *SIZE), 0.5)} for part in PARTS}
        for levels in maps.values():
            levels[0][1] = 0.999
        has_truth = torch.tensor([True, False])
        loss = VisibilityTruthLoss()(maps, **truth, has_truth=has_truth)
        assert loss.item() == pytest.approx(math.log(2))


class TestParsing:
    def parsing(self, truth, share):
        """Logarithms of ``share`` for the true region, the rest spread evenly."""
        shares = torch.full((2, 4, *SIZE), (1 - share) / 3)
        labels = truth['part_labels'].long()[:, None]
        return shares.scatter(1, labels, share).log()

    @pytest.mark.parametrize('share', [0.25, 0.5, 0.9])
    def test_is_the_cross_entropy(self, truth, share):
        loss = ParsingTruthLoss(weight=2.0)
        found = loss(self.parsing(truth, share), PARTS, **truth).item()
        assert found == pytest.approx(-2 * math.log(share), rel=1e-5)

    def test_coarse_cells_are_judged_by_their_shares(self, truth):
        truth['part_labels'][:] = 0
        truth['part_labels'][:, ::2] = 2  # every other row
        halves = torch.full((2, 4, 4, 3), 1e-6)
        halves[:, 0] = halves[:, 2] = 0.5
        found = ParsingTruthLoss()(halves.log(), PARTS, **truth).item()
        assert found == pytest.approx(math.log(2), rel=1e-5)

    def test_samples_without_truth_do_not_count(self, truth):
        parsing = self.parsing(truth, 0.5)
        parsing[1] = -100
        has_truth = torch.tensor([True, False])
        found = ParsingTruthLoss()(parsing, PARTS, **truth, has_truth=has_truth)
        assert found.item() == pytest.approx(math.log(2), rel=1e-5)


class TestChoice:
    def masks(self, truth, share):
        """``share`` of the weight on the true candidate, the rest spread evenly."""
        masks = torch.full((2, 5, *SIZE), (1 - share) / 4)
        labels = truth['part_labels'].long()
        choice = torch.where(labels > 0, labels + 1, 0)
        choice = torch.where((labels > 0) & ~truth['visibility'], 1, choice)
        return masks.scatter(1, choice[:, None], share)

    @pytest.mark.parametrize('share', [0.2, 0.5, 1.0])
    def test_is_the_log_likelihood(self, truth, share):
        truth['visibility'][:] = True
        masks = self.masks(truth, share)
        found = ChoiceTruthLoss(weight=0.5)(masks, PARTS, **truth).item()
        assert found == pytest.approx(-0.5 * math.log(share), abs=1e-5)

    @pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
    def test_hidden_pixels_are_painted_or_warped(self, truth, share):
        truth['visibility'][:] = False
        truth['part_labels'][:] = 2
        masks = torch.zeros(2, 5, *SIZE)
        masks[:, 1], masks[:, 3] = share, 1 - share
        found = ChoiceTruthLoss()(masks, PARTS, **truth).item()
        assert found == pytest.approx(0, abs=1e-5)
        masks = masks.roll(1, dims=1)  # another part's warp and the one after it
        assert ChoiceTruthLoss()(masks, PARTS, **truth).item() > 0.1

    def test_what_the_source_person_uncovers_is_painted(self, truth):
        masks = torch.zeros(2, 5, *SIZE)
        masks[:, 1] = 1
        truth['part_labels'][:] = 0
        person = torch.ones(2, *SIZE, dtype=torch.bool)
        loss = ChoiceTruthLoss()
        assert loss(masks, PARTS, **truth).item() > 1
        free = loss(masks, PARTS, **truth, near_person=person).item()
        assert free == pytest.approx(0, abs=1e-5)
        source = masks.roll(-1, dims=1)
        free = loss(source, PARTS, **truth, near_person=person).item()
        assert free == pytest.approx(0, abs=1e-5)

    def test_the_source_is_no_choice_on_its_person(self, truth):
        truth['part_labels'][:] = 0
        person = torch.ones(2, *SIZE, dtype=torch.bool)
        people = dict(near_person=person, on_person=person)
        source, painted = torch.zeros(2, 2, 5, *SIZE)
        source[:, 0], painted[:, 1] = 1, 1
        loss = ChoiceTruthLoss()
        assert loss(source, PARTS, **truth, **people).item() > 1
        found = loss(painted, PARTS, **truth, **people).item()
        assert found == pytest.approx(0, abs=1e-5)

    def test_samples_without_truth_do_not_count(self, truth):
        truth['visibility'][:] = True
        masks = self.masks(truth, 0.5)
        masks[1] = 0.2
        has_truth = torch.tensor([True, False])
        found = ChoiceTruthLoss(1.0)(masks, PARTS, **truth, has_truth=has_truth)
        assert found.item() == pytest.approx(math.log(2), abs=1e-5)

    def test_sure_and_wrong_has_a_gradient(self, truth):
        truth['part_labels'][:] = 0
        logits = torch.zeros(2, 5, *SIZE)
        logits[:, 3] = 30
        logits.requires_grad_()
        ChoiceTruthLoss()(logits.softmax(1), PARTS, **truth).backward()
        assert logits.grad.isfinite().all() and (logits.grad[:, 0] < 0).all()

    def test_pixels_of_no_part_are_painted(self, truth):
        truth['part_labels'][:], truth['visibility'][:] = 1, True
        masks = torch.zeros(2, 4, *SIZE)
        masks[:, 1] = 1
        found = ChoiceTruthLoss()(masks, ('torso', 'leg'), **truth).item()
        assert found == pytest.approx(0, abs=1e-5)

    def test_gradient_raises_the_true_candidate(self, truth):
        logits = torch.zeros(2, 5, *SIZE, requires_grad=True)
        ChoiceTruthLoss()(logits.softmax(1), PARTS, **truth).backward()
        assert (logits.grad[:, 0, 7] < 0).all()  # the source, on the background
        assert (logits.grad[:, 1, :7, 0] < 0).all()  # painted, where it is hidden
        assert (logits.grad[:, 2, 0, 1:] < 0).all()  # the head's warp


@pytest.mark.parametrize('key', ['flow', 'visibility', 'part_labels'])
def test_a_batch_without_truth_is_an_error(truth, key):
    del truth[key]
    with pytest.raises(DataError, match=f'losses.flow needs the truth.*no {key}'):
        require_truth(truth, 'losses.flow')
    with pytest.raises(DataError, match='truth_dir'):
        require_truth({}, 'losses.flow')
