"""Ordinary YAML: a list of mappings in block style, read event by event with PyYAML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from backoffice.readers.limits import Limits, ReaderError
from backoffice.readers.objects import Objects, Pairs

MOST_BYTES = 100_000_000
MOST_DEPTH = 20
NULL = ("", "~", "null", "Null", "NULL")
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former, in C, is quicker
OPENING = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
CLOSING = (yaml.SequenceEndEvent, yaml.MappingEndEvent)
AROUND = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent)


class BlockYaml(Objects):
    """A file of mappings, each one a row. Raises ReaderError where it isn't.

    Nothing is built that the file does not spell out: aliases, anchors and tags are refused.
    Values are as they are written (`no` and `08542` are texts), but `null` and `~` are blank.
    """

    kind = "YAML"

    def __init__(self, path: Path, limits: Limits) -> None:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise ReaderError(
                f"The file is YAML of {size:,} bytes; the limit is {MOST_BYTES:,}. Export it "
                "as CSV or JSON."
            )
        super().__init__(path, limits)

    def _count(self) -> int:
        with self.path.open("rb") as file:
            return sum(line.lstrip().startswith(b"- ") for line in file)

    def _objects(self) -> Iterator[Pairs]:
        try:
            with self.path.open(encoding=self.encoding) as file:
                yield from self._mappings(_checked(yaml.parse(file, Loader=LOADER)))
        except UnicodeError:
            raise ReaderError("The file is not UTF-8, as YAML must be. Save it anew.") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = f"in line {mark.line + 1:,}, {error.problem}" if mark else error.problem
            raise ReaderError(
                f"The file is YAML that can't be read: {line}. Mend it, or export it as CSV."
            ) from None
        except yaml.YAMLError as error:
            raise ReaderError(f"The file is YAML that can't be read: {error}.") from None

    def _mappings(self, events: Iterator[yaml.Event]) -> Iterator[Pairs]:
        in_list = False
        for event in events:
            if isinstance(event, yaml.MappingStartEvent):
                yield self._mapping(events)
            elif isinstance(event, yaml.SequenceStartEvent) and not in_list:
                in_list = True
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.DocumentEndEvent)):
                in_list = False
            elif not isinstance(event, AROUND):
                raise ReaderError(
                    f"The file is YAML, but no list of mappings: see line {_line(event):,}. "
                    "Export it as CSV."
                )

    def _mapping(self, events: Iterator[yaml.Event]) -> Pairs:
        """The pairs up to the end of the mapping that has begun."""
        pairs: Pairs = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                return pairs
            if not isinstance(event, yaml.ScalarEvent):
                raise ReaderError(
                    f"The file is YAML with a name that is no text, in line {_line(event):,}. "
                    "Export it as CSV."
                )
            if len(pairs) >= self.limits.columns:
                raise ReaderError(
                    f"The mapping that ends near line {_line(event):,} has more than "
                    f"{self.limits.columns:,} names, which is the limit."
                )
            pairs.append((event.value, self._value(next(events), events)))
        return pairs

    @staticmethod
    def _value(event: yaml.Event, events: Iterator[yaml.Event]) -> object:
        """A text or None; an empty list for what is more than one value."""
        if isinstance(event, yaml.ScalarEvent):
            is_null = not event.style and event.value in NULL
            return None if is_null else event.value
        depth = 1
        while depth:
            event = next(events)
            depth += isinstance(event, OPENING) - isinstance(event, CLOSING)
            if depth > MOST_DEPTH:
                raise ReaderError("The file nests lists too deeply to be a table.")
        return []


def _checked(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            kind = "an alias or an anchor (* or &)"
        elif getattr(event, "tag", None) not in (None, "!"):
            kind = "a tag (!)"
        else:
            yield event
            continue
        raise ReaderError(
            f"The file is YAML with {kind} in line {_line(event):,}, which is not read. Write "
            "the values out, or export it as CSV."
        )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
