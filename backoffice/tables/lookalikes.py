"""Records of one model whose keys look alike: by an index, or by reading the keys twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import compress, count
from typing import Any, cast

from backoffice.tables.alike import UNKNOWN, has_index, looking_alike, looking_up
from backoffice.tables.table import ModelField, Table
from backoffice.tables.texts import alike_all, is_text

FEW = 20_000  # numbers that are kept as they are; of more, only marks are kept
MARKS = 33_554_393  # bytes; a prime, because numbers of similar texts have bits in common
CHUNK = 5_000
Key = tuple[Any, ...]


class Known:
    """The numbers that were added, or most likely so: of many, as marks. Memory is bounded."""

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._marks: bytearray | None = None

    def __bool__(self) -> bool:
        return bool(self._few) or self._marks is not None

    def add(self, numbers: Sequence[int]) -> list[int]:
        """Add them; return those that were known before, or stand twice among them."""
        repeated = []
        if self._marks is None and len(self._few) + len(numbers) > FEW:
            few, self._few, self._marks = self._few, set(), bytearray(MARKS)
            self.add(list(few))
        if (marks := self._marks) is None:
            for number in numbers:
                if number in self._few:
                    repeated.append(number)
                self._few.add(number)
            return repeated
        for number in numbers:
            place = number % MARKS
            if marks[place]:
                repeated.append(number)
            else:
                marks[place] = 1
        return repeated

    def places(self, numbers: Sequence[int]) -> list[int]:
        """The places of those in `numbers` that are known."""
        if self._marks is None:
            known: Iterator[int] = map(self._few.__contains__, numbers)
        else:
            known = map(self._marks.__getitem__, map(MARKS.__rmod__, numbers))
        return list(compress(count(), known))


def read_chunks(table: Table, sql: str, params: Sequence[Any] = ()) -> Iterator[list[Key]]:
    """The rows of a SELECT, some thousand at a time."""
    with table.connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def groups_of_lookalikes(table: Table, match: Sequence[str]) -> list[list[Any]]:
    """The primary keys of the records whose match keys look alike, group by group.

    Memory is bounded but for what is found.
    """
    fields = [cast(ModelField, table.opts.get_field(name)) for name in match]
    by = next((f for f in fields if is_text(f) and has_index(table, f)), None)
    found = _by_reading_all(table, fields) if by is None else _by_index(table, fields, by)
    groups: dict[Key, list[Any]] = defaultdict(list)
    for pk, key in found.items():
        groups[key].append(pk)
    return [sorted(pks) for pks in groups.values() if len(pks) > 1]


def _by_index(table: Table, fields: Sequence[ModelField], by: ModelField) -> dict[Any, Key]:
    """`{primary key: key}` of those that may look alike, by the index of the field `by`."""
    others = [field for field in fields if not is_text(field)]
    columns = ", ".join(f"live.{table.column(f)}" for f in (table.pk_field, *fields))
    unknown = _read(table, fields, *looking_up(table, by, columns, [UNKNOWN]))
    place = fields.index(by)
    forms = {key[place].decode(errors="ignore") for key in unknown.values()}
    found = _read(table, fields, looking_alike(table, by, columns, others)) | unknown
    known = sorted(forms - {UNKNOWN})
    for at in range(0, len(known), CHUNK):
        part = known[at : at + CHUNK]
        found |= _read(table, fields, *looking_up(table, by, columns, part))
    return found


def _by_reading_all(table: Table, fields: Sequence[ModelField]) -> dict[Any, Key]:
    """`{primary key: key}` of those that may look alike."""
    columns = ", ".join(map(table.column, [table.pk_field, *fields]))
    everything = f"SELECT {columns} FROM {table.name}"
    once, twice = Known(), Known()
    for keys in _keys(table, fields, everything):
        numbers = list(map(hash, keys.values()))
        twice.add(once.add(numbers))
    found: dict[Any, Key] = {}
    for keys in _keys(table, fields, everything):
        rows = list(keys.items())
        found.update(rows[place] for place in twice.places([hash(key) for _pk, key in rows]))
    return found


def _read(
    table: Table, fields: Sequence[ModelField], sql: str, params: Sequence[Any] = ()
) -> dict[Any, Key]:
    chunks = _keys(table, fields, sql, params)
    return {pk: key for keys in chunks for pk, key in keys.items()}


def _keys(
    table: Table, fields: Sequence[ModelField], sql: str, params: Sequence[Any] = ()
) -> Iterator[dict[Any, Key]]:
    """`{primary key: key}` of a SELECT, the texts in the form that look-alikes share."""
    for rows in read_chunks(table, sql, params):
        pks, *values = zip(*rows, strict=True)
        folded = [
            alike_all(texts, field) if is_text(field) else texts
            for texts, field in zip(values, fields, strict=True)
        ]
        yield dict(zip(pks, zip(*folded, strict=True), strict=True))
