"""Ordinary YAML: a list of mappings in block style, read event by event with PyYAML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

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
                _(
                    "The file is YAML of %(size)s bytes; the limit is %(most_bytes)s. "
                    "Export it as CSV or JSON."
                )
                % {"size": f"{size:,}", "most_bytes": f"{MOST_BYTES:,}"}
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
            raise ReaderError(
                _("The file is not UTF-8, as YAML must be. Save it anew.")
            ) from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = (
                _("in line %(line)s, %(problem)s")
                % {"line": f"{mark.line + 1:,}", "problem": error.problem}
                if mark
                else error.problem
            )
            raise ReaderError(
                _(
                    "The file is YAML that can't be read: %(line)s. Mend it, or export it"
                    " as CSV."
                )
                % {"line": line}
            ) from None
        except yaml.YAMLError as error:
            raise ReaderError(
                _("The file is YAML that can't be read: %(error)s.") % {"error": error}
            ) from None

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
                    _(
                        "The file is YAML, but no list of mappings: see line %(line)s. "
                        "Export it as CSV."
                    )
                    % {"line": f"{_line(event):,}"}
                )

    def _mapping(self, events: Iterator[yaml.Event]) -> Pairs:
        """The pairs up to the end of the mapping that has begun."""
        pairs: Pairs = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                return pairs
            if not isinstance(event, yaml.ScalarEvent):
                raise ReaderError(
                    _(
                        "The file is YAML with a name that is no text, in line %(line)s. "
                        "Export it as CSV."
                    )
                    % {"line": f"{_line(event):,}"}
                )
            if len(pairs) >= self.limits.columns:
                raise ReaderError(
                    _(
                        "The mapping that ends near line %(line)s has more than "
                        "%(columns)s names, which is the limit."
                    )
                    % {"line": f"{_line(event):,}", "columns": f"{self.limits.columns:,}"}
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
                raise ReaderError(_("The file nests lists too deeply to be a table."))
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
            _(
                "The file is YAML with %(kind)s in line %(line)s, which is not read. "
                "Write the values out, or export it as CSV."
            )
            % {"kind": kind, "line": f"{_line(event):,}"}
        )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
