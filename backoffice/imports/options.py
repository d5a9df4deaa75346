"""What was chosen for an import, on its way from a page or the command line to the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from backoffice.imports.decided import NOTHING, Decided
from backoffice.imports.engine import Import
from backoffice.imports.mapping import ColumnMissing
from backoffice.imports.rows import Only
from backoffice.imports.twins import Alike
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.readers.header import first_rows
from backoffice.readers.source import Source, open_source
from backoffice.resources.resource import Resource


@dataclass(frozen=True)
class Options:
    """The options of `open_source` and of `Import`, in values that JSON has.

    What is not chosen is as the engine has it by default.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    match: Sequence[str] = ()
    clear_blank: bool = False
    nothing: Sequence[str] = ()
    alike: str = Alike.REJECT
    repairs: Sequence[str] = ()
    only: str = Only.BOTH
    protected: Sequence[str] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mirror: Sequence[str] = ()
    on_error: str = "abort"

    @classmethod
    def of(cls, chosen: Mapping[str, Any]) -> Self:
        """Those that are among `chosen`, where they are not blank."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: chosen[name] for name in names & set(chosen) if chosen[name]})

    def as_dict(self) -> dict[str, Any]:
        """Those that were chosen."""
        return {name: value for name, value in asdict(self).items() if value}

    def open(
        self,
        resource_class: type[Resource],
        path: Path,
        file_name: str | None = None,
        *,
        any_header: bool = False,
    ) -> Source:
        """The file as it was asked to be read. Raises ReaderError and OSError.

        any_header: take the first row for the header where it is not known which it is.
        """
        known = {**resource_class.spellings(), "--map": tuple(self.overrides.values())}
        return open_source(
            path,
            file_name=file_name,
            format=self.format,
            encoding=self.encoding,
            delimiter=self.delimiter,
            sheet=self.sheet,
            header_row=None if any_header else self.header_row,
            known={} if any_header else known,
        )

    def start(
        self,
        resource_class: type[Resource],
        source: Source,
        decided: Decided = NOTHING,
        reach: Reach = EVERYTHING,
    ) -> Import:
        """The import of the source. Raises MappingError; it shows rows where they help."""
        try:
            return self._start(resource_class, source, decided, reach)
        except ColumnMissing as error:
            raise ColumnMissing(f"{error} {first_rows(source.first_rows)}") from error

    def _start(
        self, resource_class: type[Resource], source: Source, decided: Decided, reach: Reach
    ) -> Import:
        return Import(
            resource_class,
            source,
            overrides=self.overrides,
            constants=self.constants,
            match=self.match,
            keep_blank=not self.clear_blank,
            nothing=self.nothing,
            alike=self.alike,
            repairs=self.repairs,
            only=self.only,
            protected=self.protected,
            values=self.values,
            mirror=self.mirror,
            decided=decided,
            reach=reach,
        )
