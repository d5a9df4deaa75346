"""What a ModelAdmin says about the start page.

Its `attention` has an `Attention` for each kind of row that somebody should look at.
`state_map` names a field of states of the US: the page has a map of how many rows each has.
`on_start_page = False` leaves the model's figures out.
"""

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
