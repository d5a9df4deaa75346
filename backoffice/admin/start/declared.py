"""What a ModelAdmin says about the start page.

Its `attention` has an `Attention` for each kind of row that somebody should look at.
Its `tile_map`, if it has one, is a `TileMap`: of how many rows have each value of a field.
`on_start_page = False` leaves the model's figures out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Attention:
    """Rows that somebody should look at, found by filters of the model's FilterSet.

    Args:
        query: the query string of the list that shows them.
        text: what is said after their number, an `ngettext_lazy` with the number `n`.
    """

    query: str
    text: Any


@dataclass(frozen=True)
class TileMap:
    """A map with a tile for each choice of a field, such as the states of a country.

    Args:
        field: the field's name.
        layout: lines of 12 values, each about where it lies; `..` where none does.
    """

    field: str
    layout: str

    def tiles(self, numbers: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
        """`(value, number, shade)` from the upper left on; the value is "" where none lies.

        The shade is 0 for none, and 1 to 4 by the square root of the number.
        """
        most = max(numbers.values(), default=0)
        for value in self.layout.split():
            number = numbers.get(value, 0)
            shade = 1 + min(3, int(4 * (number / most) ** 0.5)) if number else 0
            yield "" if value == ".." else value, number, shade
