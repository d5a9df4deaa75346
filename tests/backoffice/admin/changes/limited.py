"""What the tests of users with limits share: their rights, pages, and imports."""

from django.urls import reverse

from backoffice.jobs.steps import apply_job, check_job, create_job
from library.resources import BookResource, LibraryResource, PatronResource

RIGHTS = [
    f"library.{action}{model}"
    for model in ("library", "patron", "librarian", "book")
    for action in ("view_", "add_", "change_", "delete_", "export_", "view_historical")
]
RESOURCES = {"library": LibraryResource, "patron": PatronResource, "book": BookResource}


def page(name, *args, model="patron"):
    return reverse(f"admin:library_{model}_{name}", args=args)


def create(text, user=None, model="patron", **options):
    """Text with a header, as an import that is not checked yet."""
    options = {"overrides": {}, **options}
    file_name = f"{model}.csv"
    return create_job(
        RESOURCES[model], [text.encode()], file_name=file_name, user=user, **options
    )


def checked(*args, **kwargs):
    job = create(*args, **kwargs)
    check_job(job)
    job.refresh_from_db()
    return job


def written(*args, **kwargs):
    job = checked(*args, **kwargs)
    apply_job(job)
    job.refresh_from_db()
    assert job.status == "done", job.error
    return job


def names(model):
    return sorted(map(str, model.objects.all()))
