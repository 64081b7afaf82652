"""Writes the demo's comparison picture and its table in Markdown."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from posegen.datasets import read_annotations, read_pairs
from posegen.evaluation import ScoreRow, ScoreTable
from posegen.visualization import comparison_sheet, draw_pose, save_image

COLUMNS = ('source', 'target pose', 'result', 'target')


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='synthetic set')
    parser.add_argument('--results', type=Path, required=True, help='folder of results')
    parser.add_argument('--scores', type=Path, required=True, help='json of evaluate')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--rows', type=int, default=6, help='pairs to show')
    return parser.parse_args()


def read_image(path: Path) -> np.ndarray:
    """A file as uint8 (H, W, 3) RGB."""
    with Image.open(path) as image:
        return np.array(image.convert('RGB'))


def comparison(data: Path, results: Path, rows: int) -> np.ndarray:
    """Pairs at even distances in the test list, so none is chosen by its result.

    Args:
        data: a synthetic set with its test split.
        results: folder of ``<source stem>___<target stem>.png``.
        rows: number of pairs.

    Returns:
        The sheet, uint8 (H, W, 3) RGB.
    """
    annotations = read_annotations(data / 'synthetic-annotation-test.csv')
    keypoints = dict(zip(annotations.names, annotations.keypoints, strict=True))
    pairs = read_pairs(data / 'synthetic-pairs-test.csv')
    shown = np.linspace(0, len(pairs) - 1, min(rows, len(pairs))).round().astype(int)
    sheet = []
    for source, target in (pairs[index] for index in shown):
        truth = read_image(data / 'test' / target)
        result = results / f'{Path(source).stem}___{Path(target).stem}.png'
        sheet.append(
            [
                read_image(data / 'test' / source),
                draw_pose(keypoints[target], truth.shape[:2]),
                read_image(result),
                truth,
            ]
        )
    return comparison_sheet(sheet, COLUMNS)


def read_table(scores: Path) -> ScoreTable:
    """The table that ``posegen evaluate --json`` wrote."""
    rows = json.loads(scores.read_text(encoding='utf-8'))['rows']
    return ScoreTable(tuple(ScoreRow(**row) for row in rows))


def main() -> None:
    """Write both files."""
    args = parse_args()
    picture = args.out / 'comparison.png'
    save_image(picture, comparison(args.data, args.results, args.rows))
    markdown = read_table(args.scores).to_markdown()
    (args.out / 'table.md').write_text(markdown, encoding='utf-8')
    print(f'written: {picture}, {args.out / "table.md"}')


if __name__ == '__main__':
    main()
