"""How far a job is, as its page and the page's script show it."""

import math
from typing import Any

from django.utils import timezone

from backoffice.changes.models import Change
from backoffice.jobs import tasks, workers

Status = Change.Status
RUNNING = (Status.CHECKING, Status.APPLYING)


def progress_of(job: Change, total: int | None) -> dict[str, Any]:
    """total: about how many rows it has, if that is known."""
    seconds = (timezone.now() - job.started_at).total_seconds() if job.started_at else 0
    rate = job.progress / seconds if seconds > 0 else 0
    left = max(total - job.progress, 0) if total else None
    return {
        "status": "waiting" if job.waiting else job.status,
        "running": bool(job.waiting) or job.status in RUNNING,
        "rows": job.progress,
        "total": total or None,
        "rate": round(rate),
        "seconds_left": math.ceil(left / rate) if rate and left else None,
        "is_read": bool(job.progress) and left == 0,
        "worker_is_missing": bool(job.waiting) and workers.is_missing(),
        "queue_is_away": bool(job.waiting) and tasks.queue_is_away(),
    }
