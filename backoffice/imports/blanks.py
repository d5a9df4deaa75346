"""What blank cells clear, and what links new records lack: counted, to be told apart."""

from collections.abc import Iterator, Sequence

from django.db.models import CharField, TextField
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.imports.checks import Checks
from backoffice.imports.clean import Column


def count_cleared(checks: Checks, columns: Sequence[Column]) -> dict[str, int]:
    """By column, from how many records a blank cell takes the value, or all links.

    Of a check, before anything is written.
    """
    counts = {
        column.name: _links_cleared(checks, column)
        if column.kind == "references"
        else _values_cleared(checks, column)
        for column in columns
        if not (column.keep_blank or column.protected)
        and (column.kind == "references" or column.model_field in checks.rows.fields)
    }
    return {name: count for name, count in counts.items() if count}


def _values_cleared(checks: Checks, column: Column) -> int:
    name = checks.table.column(column.model_field)
    is_text = isinstance(column.model_field, CharField | TextField)
    blank = f"nullif({{}}.{name}, '')" if is_text else f"{{}}.{name}"
    ((count,),) = checks.table.fetch(
        f"""
        SELECT count(*) FROM {checks.staging.plan} plan
        JOIN ({checks.rows.staged()}) staged ON staged.line_ = plan.line
        JOIN {checks.table.name} live ON live.{checks.table.pk} = plan.pk
        WHERE plan.action = 'updated'
        AND {blank.format("staged")} IS NULL AND {blank.format("live")} IS NOT NULL
        """
    )
    return int(count)


def _links_cleared(checks: Checks, column: Column) -> int:
    link = checks.table.link(column.model_field)
    rows = checks.rows
    ((count,),) = checks.table.fetch(
        f"""
        SELECT count(*) FROM {checks.staging.plan} plan
        WHERE plan.action = 'updated'{rows.accepted("AND", "plan.line")}
        AND NOT EXISTS (SELECT 1 FROM {checks.staging.links_of(column)} listed
                        WHERE listed.line = plan.line)
        AND EXISTS (SELECT 1 FROM {link.table} link WHERE link.{link.source} = plan.pk
                    {rows.sees_link(column, f"link.{link.target}")})
        """
    )
    return int(count)


def told(
    checks: Checks, columns: Sequence[Column], offered: Sequence[str], new: int
) -> list[str]:
    """Sentences for staff. offered: the Resource's fields · new: how many records are."""
    return [*_about_cleared(checks, columns), *_about_links(checks, columns, offered, new)]


def _about_cleared(checks: Checks, columns: Sequence[Column]) -> Iterator[str]:
    if cleared := count_cleared(checks, columns):
        yield (
            _("Blank cells clear what is stored: %s.")
            % "; ".join(
                ngettext("%(name)s of %(count)d record", "%(name)s of %(count)d records", count)
                % {"name": name, "count": count}
                for name, count in cleared.items()
            )
        )


def _about_links(
    checks: Checks, columns: Sequence[Column], offered: Sequence[str], new: int
) -> Iterator[str]:
    given = {column.name for column in columns}
    for field in checks.table.opts.many_to_many if new else ():
        if field.name in offered and field.name not in given and not field.blank:
            yield ngettext(
                "%(count)d new record has no %(other)s: the file has no column for %(name)s.",
                "%(count)d new records have no %(other)s: the file has no column for %(name)s.",
                new,
            ) % {
                "count": new,
                "other": field.related_model._meta.verbose_name,
                "name": field.name,
            }
