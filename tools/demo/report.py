"""Writes the demo's comparison picture and its table in Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from posegen.codecs import pair_stem
from posegen.datasets import read_annotations, read_pairs
from posegen.evaluation import ScoreTable
from posegen.utils.images import read_image
from posegen.visualization import comparison_sheet, draw_pose, save_image

COLUMNS = ('source', 'target pose', 'result', 'target')
PAIRS_PER_ROW = 2
NOTE = (
    'Copied sources are real pictures of the same people, so their Frechet distance '
    'is near 0 whatever the pose: it tells how real pictures look, not whether the '
    'pose is right.'
)


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='synthetic set')
    parser.add_argument('--results', type=Path, required=True, help='folder of results')
    parser.add_argument('--scores', type=Path, required=True, help='json of evaluate')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--pairs', type=int, default=8, help='pairs to show')
    return parser.parse_args()


def spread(pairs: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Pairs at even distances in their list, so none is chosen by its result."""
    places = np.linspace(0, len(pairs) - 1, min(count, len(pairs)))
    return [pairs[place] for place in places.round().astype(int)]


def comparison(data: Path, results: Path, count: int) -> np.ndarray:
    """Sources, target poses, results and targets of some test pairs.

    Args:
        data: a synthetic set with its test split.
        results: folder of ``<source stem>___<target stem>.png``.
        count: number of pairs.

    Returns:
        The sheet, uint8 (H, W, 3) RGB.
    """
    annotations = read_annotations(data / 'synthetic-annotation-test.csv')
    keypoints = dict(zip(annotations.names, annotations.keypoints))
    pairs = spread(read_pairs(data / 'synthetic-pairs-test.csv'), count)
    panels: list[np.ndarray | None] = []
    for source, target in pairs:
        truth = read_image(data / 'test' / target)
        result = results / f'{pair_stem(source, target)}.png'
        panels.append(read_image(data / 'test' / source))
        panels.append(draw_pose(keypoints[target], truth.shape[:2]))
        panels += [read_image(result), truth]
    width = len(COLUMNS) * min(PAIRS_PER_ROW, len(pairs))
    panels += [None] * (-len(panels) % width)
    rows = [panels[i : i + width] for i in range(0, len(panels), width)]
    return comparison_sheet(rows, COLUMNS * (width // len(COLUMNS)))


def main() -> None:
    """Write both files."""
    args = parse_args()
    picture = args.out / 'comparison.png'
    save_image(picture, comparison(args.data, args.results, args.pairs))
    table = ScoreTable.from_json(args.scores.read_text(encoding='utf-8'))
    text = f'{table.to_markdown()}\n{NOTE}\n'
    (args.out / 'table.md').write_text(text, encoding='utf-8')
    print(f'written: {picture}, {args.out / "table.md"}')


if __name__ == '__main__':
    main()
