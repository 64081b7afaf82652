"""Names of images of the published sets, from paths in any layout."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DEEPFASHION = re.compile(
    r'(?:^|/)(?:fash?ion)?[-/]?(?P<gender>WOMEN|MEN)[-/]?(?P<category>[A-Za-z_]+?)'
    r'[-/]?id_?(?P<item>\d{8})[-/_]?(?P<look>\d{2})_(?P<number>\d)_?(?P<view>[a-z]+)'
    r'\.(?:jpe?g|png)$',
    re.IGNORECASE,
)
_MARKET1501 = re.compile(r'(?:^|/)(-1|\d{4})_c\d+s\d+_\d+_\d+\.jpg(\.jpg)?$')

DEEPFASHION_EXAMPLE = 'fashionMENShirts_Polosid0000180202_4full.jpg'
MARKET1501_EXAMPLE = '0265_c6s1_056351_01.jpg'


@dataclass(frozen=True)
class DeepFashionName:
    """The parts that name a DeepFashion In-shop image, however it is spelt.

    Attributes:
        gender: 'WOMEN' or 'MEN'.
        category: 'Shirts_Polos'.
        item: 8 digits.
        look: 2 digits, a colour or a variant of the item.
        view: '4full': the number and the word.
    """

    gender: str
    category: str
    item: str
    look: str
    view: str

    @property
    def key(self) -> str:
        """The same for every spelling; some leave out the category's underscores."""
        category = self.category.replace('_', '')
        parts = (self.gender, category, self.item, self.look, self.view)
        return '/'.join(parts).lower()

    @property
    def flat(self) -> str:
        """The published name."""
        return (
            f'fashion{self.gender}{self.category}id{self.item}{self.look}_'
            f'{self.view}.jpg'
        )


def parse_deepfashion(path: str) -> DeepFashionName | None:
    """Read the parts of a path or a name, None if it is no image of the set.

    Known spellings: ``.../WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg`` as the trees
    unpack, below any folder; ``fashionWOMENTees_Tanksid0000796209_1front.jpg`` as the
    published lists have it, with 'fasion' and without the category's underscores too;
    and ``WOMEN-Tees_Tanks-id_00007962-09_1_front.jpg``, as in DeepFashion-MultiModal.

    Args:
        path: with '/' or '\\' between its folders.
    """
    match = _DEEPFASHION.search(path.replace('\\', '/'))
    if match is None:
        return None
    part = match.groupdict()
    number, word = part.pop('number'), part.pop('view').lower()
    gender = part.pop('gender').upper()
    return DeepFashionName(gender=gender, view=f'{number}{word}', **part)


def market1501_key(path: str) -> str | None:
    """The file name of a path, None if it is no image of Market-1501."""
    path = path.replace('\\', '/')
    return path.rpartition('/')[2] if _MARKET1501.search(path) else None
