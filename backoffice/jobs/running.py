"""A run of a change: claimed first, and ended with a reason if it fails."""

import contextlib
import logging
from collections.abc import Iterator

from django.db import IntegrityError, OperationalError
from django.utils.translation import gettext as _

from backoffice.changes.models import Change, JobStopped
from backoffice.exports.errors import ExportError
from backoffice.imports.engine import DatabaseMoved, DatabaseRefused
from backoffice.imports.mapping import MappingError
from backoffice.jobs.limits import LimitsGone, OutsideLimits
from backoffice.outages import outage_of
from backoffice.readers.source import ReaderError
from backoffice.tables.scratch import NoScratch
from backoffice.tables.waits import met_lock, was_cut

logger = logging.getLogger(__name__)

Status = Change.Status

#: What stops a step, with a sentence for staff.
STOPS = (
    DatabaseMoved,
    DatabaseRefused,
    ExportError,
    LimitsGone,
    MappingError,
    NoScratch,
    OutsideLimits,
    ReaderError,
)


@contextlib.contextmanager
def running(job: Change, *sources: str, to: str) -> Iterator[None]:
    """Claim `job` for the run in the block; if that raises, fail the job with the reason.

    Where somebody else's lock was in the way, the job can be run again, and that is raised; as
    is what says that PostgreSQL's connection was lost.
    """
    job.take(*sources, to=to, progress=0)
    try:
        yield
    except JobStopped:
        raise
    except STOPS as error:
        reason = str(error)
    except IntegrityError as error:
        reason = _("The database refused it, so nothing was written: %s") % str(error).strip()
    except Exception as error:
        if was_cut(error):
            raise  # another run takes it over, as from a worker that died
        if isinstance(error, OperationalError) and met_lock(error):
            job.status = to
            job.finish(
                Status.FAILED if job.undoes else sources[0],
                error=_("Nothing was written: somebody else was writing there. Try it again."),
            )
            raise
        logger.exception("Change %s failed while %s", job.pk, to)
        reason = _("Something went wrong that is not the file's fault; it is in the log.")
        if outage := outage_of(error):
            reason = f"{outage.title}. {outage.text}"
        elif job.undoes:
            reason = _("It could not be undone; the reason is in the log.")
        elif job.kind == Change.Kind.EXPORT:
            reason = _("The file could not be made; the reason is in the log.")
    else:
        return
    job.status = to  # the status that the transaction set was rolled back
    job.finish(Status.FAILED, error=reason)
