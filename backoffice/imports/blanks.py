"""What blank cells clear, and what links new records lack: counted, to be told apart."""

from collections.abc import Iterator, Mapping, Sequence

from django.db.models import CharField, TextField
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.imports.checks import Checks
from backoffice.imports.clean import Column


def count_cleared(checks: Checks, columns: Sequence[Column]) -> dict[str, int]:
    """By column, from how many records a blank cell takes the value, or all links.

    Of a check, before anything is written. What rows are matched by is not cleared.
    """
    clearing = [
        column
        for column in columns
        if not (column.keep_blank or column.protected or column.name in checks.match)
    ]
    counts = _values_cleared(
        checks, [c for c in clearing if c.model_field in checks.rows.fields]
    )
    counts |= {c.name: _links_cleared(checks, c) for c in clearing if c.kind == "references"}
    return {c.name: counts[c.name] for c in clearing if counts.get(c.name)}


def _values_cleared(checks: Checks, columns: Sequence[Column]) -> dict[str, int]:
    if not columns:
        return {}
    cleared = []
    for column in columns:
        name = checks.table.column(column.model_field)
        is_text = isinstance(column.model_field, CharField | TextField)
        blank = f"nullif({{}}.{name}, '')" if is_text else f"{{}}.{name}"
        cleared.append(
            f"count(CASE WHEN {blank.format('staged')} IS NULL"
            f" AND {blank.format('live')} IS NOT NULL THEN 1 END)"
        )
    (counts,) = checks.table.fetch(
        f"""
        SELECT {", ".join(cleared)} FROM {checks.staging.plan} plan
        JOIN ({checks.rows.staged()}) staged ON staged.line_ = plan.line
        JOIN {checks.table.name} live ON live.{checks.table.pk} = plan.pk
        WHERE plan.action = 'updated'
        """
    )
    return {column.name: int(n) for column, n in zip(columns, counts, strict=True)}


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
    checks: Checks, columns: Sequence[Column], titles: Mapping[str, str], new: int
) -> list[str]:
    """Sentences for staff. titles: of what a file may have · new: how many records are."""
    return [
        *_about_cleared(checks, columns, titles),
        *_about_links(checks, columns, titles, new),
    ]


def _about_cleared(
    checks: Checks, columns: Sequence[Column], titles: Mapping[str, str]
) -> Iterator[str]:
    if cleared := count_cleared(checks, columns):
        yield (
            _("Blank cells clear what is stored: %s.")
            % "; ".join(
                ngettext("%(name)s of %(count)d record", "%(name)s of %(count)d records", count)
                % {"name": titles[name], "count": count}
                for name, count in cleared.items()
            )
        )


def _about_links(
    checks: Checks, columns: Sequence[Column], titles: Mapping[str, str], new: int
) -> Iterator[str]:
    given = {column.name for column in columns}
    for field in checks.table.opts.many_to_many if new else ():
        if field.name in titles and field.name not in given and not field.blank:
            yield ngettext(
                "%(count)d new record has no %(other)s: the file has no column for %(name)s.",
                "%(count)d new records have no %(other)s: the file has no column for %(name)s.",
                new,
            ) % {
                "count": new,
                "other": field.related_model._meta.verbose_name,
                "name": titles[field.name],
            }
