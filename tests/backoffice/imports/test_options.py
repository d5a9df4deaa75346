"""What was chosen for an import reaches the engine, from a page as from the command line."""

import inspect
import json
from dataclasses import fields, replace

import pytest

from backoffice.imports.engine import Import
from backoffice.imports.options import Options
from backoffice.jobs.opening import job_import
from backoffice.jobs.steps import check_job, create_job
from backoffice.readers.source import open_source
from library.models import Library
from library.resources import LibraryResource

CHOSEN = Options(
    format="csv",
    encoding="cp1252",
    delimiter=";",
    header_row=2,
    overrides={"name": "Bibliothek"},
    constants={"state": "NY", "zip_code": "10016", "address": "1 Street"},
    match=("name",),
    clear_blank=True,
    nothing=("-4",),
    alike="new",
    repairs=("zip_zeros",),
    only="new",
    protected=("state",),
    values={"phone_number": {"?": "212-222-6559"}},
)
FILE = "x\nBibliothek;Phone\nZoë;?\n".encode("cp1252")


def parameters(function):
    return set(inspect.signature(function).parameters)


def test_each_option_of_the_engine_can_be_chosen():
    given = {"path", "file_name", "known", "limits", "reach"}
    given |= {"resource_class", "source", "decided"}
    wanted = (parameters(open_source) | parameters(Import)) - given - {"keep_blank"}
    assert wanted | {"clear_blank", "on_error"} == {field.name for field in fields(Options)}


def test_options_are_kept_as_json():
    assert Options.of({"sheet": "", "on_error": "abort", "headers_key": "x"}) == Options()
    kept = Options.of(json.loads(json.dumps(CHOSEN.as_dict())))
    assert kept.as_dict() == json.loads(json.dumps(CHOSEN.as_dict()))
    whole = replace(CHOSEN, sheet="Sheet 1", on_error="skip", mirror=["state=NY"])
    assert all(
        getattr(whole, field.name) != getattr(Options(), field.name)
        for field in fields(Options)
    )


@pytest.mark.django_db
def test_a_job_is_read_as_was_chosen(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    job = create_job(LibraryResource, [FILE], file_name="f.txt", **CHOSEN.as_dict())
    check_job(job)
    job.refresh_from_db()
    assert (job.new, job.error) == (1, "")
    with job_import(job) as imported:
        assert imported.match == ("name",)
        assert imported.nothing >= {"-4"}
        assert set(imported.repairs) == {"zip_code"}
        assert (imported.keep_blank, imported.only, imported.protected) == (
            *(False, "new", ["state"]),
        )
        imported.apply()
    assert Library.objects.values_list("name", "state", "phone_number").get() == (
        *("Zoë", "NY", "212-222-6559"),
    )
