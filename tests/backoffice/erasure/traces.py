"""Leaves traces of a person in the database and the files of DATA_DIR; run as a program.

It prints, as JSON, the key of the person and the cookie of somebody who is signed in.
"""

import json
import sys

import django

NAME = "Zenobia Quimby-Vance"
BEFORE = "Zenobia Quimby"


def main():
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from backoffice.filters.models import SavedFilter
    from backoffice.jobs.steps import apply_job, check_job, create_job
    from library.models import Library, Patron
    from library.resources import PatronResource

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    admin = User.objects.create_superuser("admin", password="unused")
    library = Library.objects.create(
        name="Main",
        address="1 Main St",
        state="NY",
        phone_number="212-222-6559",
        zip_code="10001",
    )
    Patron.objects.bulk_create(Patron(name=f"Reader {n}", library=library) for n in range(3000))
    for name in (BEFORE, NAME):
        text = f"name,library\n{name},Main\nBob {name[-5:]},Main\n"
        job = create_job(
            PatronResource, [text.encode()], file_name=f"{name}.csv", user=admin, overrides={}
        )
        check_job(job)
        if name == BEFORE:
            apply_job(job)
    patron = Patron.objects.get(name=BEFORE)
    client = Client()
    client.force_login(admin)
    page = reverse("admin:library_patron_change", args=[patron.pk])
    client.post(page, {"name": NAME, "library": library.pk})
    SavedFilter.objects.create(
        user=admin, model="library.Patron", name="hers", query="name=Zenobia+Quimby-Vance"
    )
    # Rows that were deleted before: their pages are free, and still have what was in them.
    for n in range(500):
        Patron.objects.create(name=f"{NAME} {n}", library=library)
    Patron.objects.filter(name__startswith=f"{NAME} ").delete()
    Patron.history.filter(name__startswith=f"{NAME} ").delete()
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    told = {"pk": patron.pk, "name": settings.SESSION_COOKIE_NAME, "value": cookie}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    django.setup()
    main()
