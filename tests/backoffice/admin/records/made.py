"""Exports that a worker makes, as staff have them made."""

import re

from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.urls import reverse

from backoffice.changes import files
from backoffice.exports.made import ExportFile
from tests.backoffice.admin.lists.test_exports import unread


def ask(client, *args, **kwargs):
    """Have an export made in the background, and return it."""
    response = unread(client, *args, _background="1", **kwargs)
    assert response.status_code == 302, response.context["form"].errors
    pk = re.search(r"/exportfile/(\d+)/change/$", response.url)[1]
    return ExportFile.objects.get(pk=pk)


def right(action, model):
    return Permission.objects.get(codename=f"{action}_{model._meta.model_name}")


def run_worker():
    call_command("worker", "--batch", "--no-startup-delay", verbosity=0)


def fresh(made):
    return ExportFile.objects.select_related("change").get(pk=made.pk)


def page(client, made):
    return client.get(reverse("admin:backoffice_exportfile_change", args=[made.pk]))


def fetch(client, made):
    return client.get(reverse("admin:backoffice_exportfile_file", args=[made.pk]))


def content(response):
    return b"".join(response.streaming_content)


def kept():
    """What lies where the files of exports lie: copies of it, where that is a bucket."""
    return [files.fetch(*key.split("/")) for key in files.stored()]
