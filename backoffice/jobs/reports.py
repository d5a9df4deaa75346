"""What a feed's owner is told about an import."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.changes.models import Change

Status = Change.Status


def report_of(job: Change) -> str:
    """What became of the import, in sentences."""
    lines = [str(job)]
    if job.error:
        lines.append(job.error)
    elif job.status == Status.CANCELLED:
        lines.append(_("Cancelled. Nothing was written."))
    elif job.applied_at:
        lines.append(_("Written."))
    elif job.is_applicable and job.file.was_touched:
        lines.append(_("Checked. Staff went on with it on its page; it is written from there."))
    elif job.is_applicable:
        lines.append(_("Checked. It waits on its page for somebody else to have it written."))
    elif job.rejected:
        lines.append(
            _("Nothing was written: no row was right. Mend them on the import's page.")
        )
    else:
        lines.append(_("There was nothing to write."))
    if job.counts:
        lines.append(f"{job.counts}.")
    lines += [
        ngettext(
            "%(field)s: %(message)s (row %(line)d)",
            "%(field)s: %(message)s (%(rows)d rows, the first is row %(line)d)",
            rows,
        )
        % {"field": field or _("Row"), "message": message, "rows": rows, "line": line}
        for rows, field, message, line in job.file.said_causes
    ]
    lines += job.file.found.get("warnings", [])
    return "\n".join(lines) + "\n"
