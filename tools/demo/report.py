"""Writes the demo's comparison pictures and its table in Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from posegen.codecs import pair_stem
from posegen.datasets import read_annotations, read_pairs
from posegen.evaluation import ScoreTable
from posegen.utils.images import read_image
from posegen.utils.startup import prepare_process
from posegen.visualization import comparison_sheet, draw_pose, save_image

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
    parser.add_argument(
        '--results', nargs='+', required=True, help='[NAME=]DIR, folders of results'
    )
    parser.add_argument('--out', type=Path, required=True, help='picture to write')
    parser.add_argument('--scores', type=Path, help='json of evaluate')
    parser.add_argument('--table', type=Path, help='Markdown to write of the scores')
    parser.add_argument('--pairs', type=int, default=8, help='pairs to show')
    args = parser.parse_args()
    if (args.scores is None) != (args.table is None):
        parser.error('--scores and --table belong together')
    return args


def named(results: Sequence[str]) -> dict[str, Path]:
    """Column title -> folder, of arguments ``[NAME=]DIR``."""
    pairs = (value.rpartition('=') for value in results)
    return {name or 'result': Path(folder) for name, _, folder in pairs}


def spread(pairs: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Pairs at even distances in their list, so none is chosen by its result."""
    places = np.linspace(0, len(pairs) - 1, min(count, len(pairs)))
    return [pairs[place] for place in places.round().astype(int)]


def comparison(data: Path, results: Mapping[str, Path], count: int) -> np.ndarray:
    """Sources, target poses, results and targets of some test pairs.

    Args:
        data: a synthetic set with its test split.
        results: column title -> folder of ``<source stem>___<target stem>.png``.
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
        stem = pair_stem(source, target)
        panels.append(read_image(data / 'test' / source))
        panels.append(draw_pose(keypoints[target], truth.shape[:2]))
        panels += [read_image(folder / f'{stem}.png') for folder in results.values()]
        panels.append(truth)
    columns = ('source', 'target pose', *results, 'target')
    width = len(columns) * min(PAIRS_PER_ROW, len(pairs))
    panels += [None] * (-len(panels) % width)
    rows = [panels[i : i + width] for i in range(0, len(panels), width)]
    return comparison_sheet(rows, columns * (width // len(columns)))


def main() -> None:
    """Write what was asked for."""
    prepare_process()
    args = parse_args()
    save_image(args.out, comparison(args.data, named(args.results), args.pairs))
    if args.scores is not None:
        table = ScoreTable.from_json(args.scores.read_text(encoding='utf-8'))
        args.table.write_text(f'{table.to_markdown()}\n{NOTE}\n', encoding='utf-8')


if __name__ == '__main__':
    main()
