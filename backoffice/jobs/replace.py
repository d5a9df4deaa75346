"""Another file in place of an import's: the columns and what was decided come along."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.profiles import OPTIONS
from backoffice.imports.decided import digest
from backoffice.imports.mapping import MappingError
from backoffice.imports.options import Options
from backoffice.jobs.opening import open_job
from backoffice.jobs.steps import create_job, discarded_if_it_fails

KEPT = (*OPTIONS, "profile", "headers_key")


@dataclass
class Replaced:
    """job: the new import · kept: how many decisions hold · dropped: of rows that are gone."""

    job: Change
    kept: int = 0
    dropped: list[Decision] = field(default_factory=list)


def replace_file(
    job: Change, blocks: Iterable[bytes], *, file_name: str, user: Any = None
) -> Replaced:
    """Make an import of another file, with the choices of `job`, which is cancelled.

    What was decided about values and causes stays; what was decided about a row stays where
    that row, or one like it in all mapped columns, is in the file.

    Raises ReaderError if the new file can't be read, and JobStopped if `job` has moved on.
    """
    options = {name: value for name, value in job.file.options.items() if name in KEPT}
    new = create_job(job.file.resource_class, blocks, file_name=file_name, user=user, **options)
    with discarded_if_it_fails(new):
        new.file.lines = open_job(new, any_header=True).approximate_rows
        new.file.save(update_fields=["lines"])
        replaced = Replaced(new)
        decisions = list(_decisions(job, replaced))
        with transaction.atomic():
            Decision.objects.bulk_create(decisions)
            if not job.cancel():
                raise JobStopped
    replaced.kept = len(decisions)
    return replaced


def _decisions(job: Change, replaced: Replaced) -> Iterator[Decision]:
    """Those of `job` that hold for the new file; the others are noted as dropped."""
    of_lines: dict[int, list[Decision]] = defaultdict(list)
    for decision in job.file.decisions.all():
        decision.pk, decision.file = None, replaced.job.file
        if decision.line is None:
            yield decision
        else:
            of_lines[decision.line].append(decision)
    places = _places(job, replaced.job, set(of_lines)) if of_lines else {}
    for line, decisions in sorted(of_lines.items()):
        for decision in decisions:
            if line not in places:
                replaced.dropped.append(decision)
                continue
            decision.line, cells = places[line]
            if not decision.field:
                decision.value = cells
            yield decision


def _places(job: Change, new: Change, lines: set[int]) -> dict[int, tuple[int, str]]:
    """Where the rows `lines` of the old file are in the new one: the row and its digest.

    In the same row of both, or in the only one that is not taken; a row is taken once.
    """
    try:
        was = {line: mark for line, mark, _cells in _rows(job) if line in lines}
        wanted = set(was.values())
        found: dict[str, dict[int, str]] = defaultdict(dict)
        for line, mark, cells in _rows(new):
            if mark in wanted:
                found[mark][line] = digest(cells)
    except MappingError:  # its columns are others
        return {}
    places: dict[int, tuple[int, str]] = {}
    for line, mark in was.items():
        if line in found[mark]:
            places[line] = line, found[mark].pop(line)
    for line, mark in was.items():
        if line not in places and found[mark]:
            places[line] = found[mark].popitem()
    return places


def _rows(job: Change) -> Iterator[tuple[int, str, list[str]]]:
    """Each row's number, a mark of what its mapped columns have, and its cells."""
    source = open_job(job)
    imported = Options.of(job.file.options).start(job.file.resource_class, source)
    columns = [i for i in imported.mapping.columns.values() if i < len(source.headers)]
    for chunk in source.chunks():
        for line, cells, _problem in chunk:
            text = "\x1f".join([cells[i].strip() for i in columns if i < len(cells)])
            yield line, hashlib.blake2b(text.encode(errors="replace")).hexdigest(), cells
