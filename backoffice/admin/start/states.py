"""The states of the United States as tiles: each about where it lies."""

from collections.abc import Iterator, Mapping

ROWS = """
AK .. .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. .. VT NH
.. WA ID MT ND MN IL WI MI NY RI MA
.. OR NV WY SD IA IN OH PA NJ CT ..
.. CA UT CO NE MO KY WV VA MD DE ..
.. .. AZ NM KS AR TN NC SC DC .. ..
.. .. .. .. OK LA MS AL GA .. .. ..
HI .. .. .. TX .. .. .. .. FL .. ..
"""


def tiles(numbers: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
    """`(code, number, shade)` from the upper left on; the code is "" where no state lies.

    The shade is 0 for none, and 1 to 4 by the square root of the number.
    """
    most = max(numbers.values(), default=0)
    for code in ROWS.split():
        number = numbers.get(code, 0)
        shade = 1 + min(3, int(4 * (number / most) ** 0.5)) if number else 0
        yield "" if code == ".." else code, number, shade
