"""An export: its rows, its file, the check before it, and the log entry about it."""

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, Error
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.exports.formats import Format
from backoffice.exports.names import label_of, on_one_line
from backoffice.exports.rows import Rows, export_chunks
from backoffice.querysets.reading import count_up_to
from backoffice.resources.resource import Resource
from backoffice.tables import replica
from backoffice.trail.record import record

logger = logging.getLogger(__name__)

#: LogEntry's own action flags are 1 to 3: added, changed, deleted.
EXPORTED = 4


@dataclass
class Export:
    """`queryset` through `resource` as a file of `format`.

    names: the fields in their order, all by default · selection: what was filtered, for
    people to read · from_replica: whether rows may be read there · rows: how many were read
    so far.
    """

    resource: Resource
    queryset: Any
    format: Format
    names: list[str] | None = None
    encoding: str = "utf-8"
    selection: str = ""
    from_replica: bool = True
    rows: int = field(default=0, init=False)

    def check(self) -> None:
        """Raise ExportError where there are more rows than the format takes.

        No more than those are counted.
        """
        most = self.format.most_rows
        if most is not None and count_up_to(self.queryset, most + 1) > most:
            raise self.format.too_many()

    def blocks(self) -> Iterator[bytes]:
        """Yield the file as blocks of bytes."""
        self.rows, chunks = 0, self._chunks()
        # Closed at once where it ends early: the log must not be written in its transaction.
        with closing(chunks):
            yield from self.format.blocks(self._counted(chunks), self.encoding)

    def _chunks(self) -> Generator[Rows]:
        """The header and the rows: from the replica, where that has everything.

        If it ends the query before the first rows, they are read from the primary; after them
        it is `replica.Ended`.
        """
        alias = replica.alias_now() if self.from_replica else DEFAULT_DB_ALIAS
        begun = False
        with closing(self._chunks_of(alias)) as chunks:
            try:
                first = list(islice(chunks, 2))
                begun = True
                yield from first
                yield from chunks
                return
            except Error as error:
                if alias != replica.REPLICA or not replica.gave_up(error):
                    raise
                if begun:
                    raise replica.Ended(*error.args) from error.__cause__
        yield from self._chunks_of(DEFAULT_DB_ALIAS)

    def _chunks_of(self, alias: str) -> Generator[Rows]:
        queryset = self.queryset.using(alias) if replica.is_set() else self.queryset
        return export_chunks(self.resource, queryset, self.names)

    def _counted(self, chunks: Iterator[Rows]) -> Iterator[Rows]:
        yield next(chunks)
        for chunk in chunks:
            self.rows += len(chunk)
            yield chunk

    # The log ------------------------------------------------------------------------

    def logged_blocks(self, user: Any = None, address: str | None = None) -> Iterator[bytes]:
        """As `blocks`, with what the trail and the user's log have about who exported what.

        It is written down before the first row goes, and how many went when it ends, in
        whatever way. Python's log has it without what was filtered: that may name somebody.

        address: from where it was asked for.
        """
        who = {"user": user, "name": "" if user else _("command line"), "address": address}
        return self._follow(self._begin(who), who)

    def _begin(self, who: dict[str, Any]) -> LogEntry | None:
        self._record(who, _("Began to export %s.") % self._what())
        user = who["user"]
        if user is None:
            return None
        return LogEntry.objects.create(
            user_id=user.pk,
            content_type=ContentType.objects.get_for_model(self.queryset.model),
            object_repr=self._selected()[:200],
            action_flag=EXPORTED,
            change_message=_("Began to export %s.") % self._what(),
        )

    def _record(self, who: dict[str, Any], message: str, count: int | None = None) -> None:
        record("export", model=self.queryset.model, message=message, count=count, **who)

    def _follow(self, entry: LogEntry | None, who: dict[str, Any]) -> Iterator[bytes]:
        ended = False
        error: Exception | None = None
        try:
            yield from self.blocks()
            ended = True
        except Exception as raised:
            error = raised
            raise
        finally:
            logger.info(
                "%s: %s %d rows of %s as %s",
                who["user"] or who["name"],
                "exported" if ended else "broke off an export after",
                self.rows,
                self.queryset.model._meta.label,
                self.format.name,
            )
            self._end(entry, who, self._outcome(ended, error))

    def _end(self, entry: LogEntry | None, who: dict[str, Any], message: str) -> None:
        try:
            self._record(who, message, self.rows)
            if entry:
                LogEntry.objects.filter(pk=entry.pk).update(change_message=message)
        except Error:  # the file was sent: don't fail at its last block
            logger.exception("The trail does not have how an export ended")

    def _selected(self) -> str:
        what = str(self.queryset.model._meta.verbose_name_plural)
        return f"{what} ({on_one_line(self.selection)})" if self.selection else what

    def _what(self) -> str:
        names = self.names or self.resource.get_export_order()
        columns = ", ".join(label_of(self.resource, name) or name for name in names)
        return f"{self._selected()} as {self.format.name.upper()}: {columns}"

    def _outcome(self, ended: bool, error: Exception | None) -> str:
        what = {"rows": f"{self.rows:,}", "what": self._what()}
        if ended:
            return (
                ngettext(
                    "Exported %(rows)s row of %(what)s.",
                    "Exported %(rows)s rows of %(what)s.",
                    self.rows,
                )
                % what
            )
        what["why"] = on_one_line(error) if error else _("it was not fetched to its end")
        return _("Export broke off (%(why)s) with up to %(rows)s rows of %(what)s.") % what
