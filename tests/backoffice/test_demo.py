"""`manage.py demo` fills a new database, and leaves every other alone."""

import re
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from library.models import Library
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db


def demo(*fixtures):
    out = StringIO()
    call_command("demo", *(fixtures or ["tutorial", "roles", "demo"]), stdout=out)
    return out.getvalue()


def test_a_new_database_gets_the_fixtures_and_a_sign_in_that_works():
    password = re.search(r"demo with the password (\S+)", demo())[1]
    assert authenticate(username="demo", password=password).is_superuser
    assert Library.objects.filter(name="New York Public Library").exists()


def test_run_again_it_keeps_edits_and_shows_no_password():
    demo()
    Library.objects.filter(name="New York Public Library").update(state="NJ")
    output = demo()
    assert Library.objects.get(name="New York Public Library").state == "NJ"
    assert "changepassword demo" in output
    assert "the password" not in output
    assert User.objects.count() == 1


def test_records_that_were_all_deleted_do_not_come_back():
    library = make_library()
    library.delete()
    demo("tutorial")
    assert not Library.objects.exists()


def test_no_sign_in_is_made_beside_a_superuser():
    make_user(username="chief", is_superuser=True)
    assert "The sign-in chief exists already" in demo("tutorial")
    assert not User.objects.filter(username="demo").exists()


def test_a_user_of_that_name_gets_no_power():
    make_user(username="demo")
    assert "no sign-in was made" in demo("tutorial")
    assert not User.objects.filter(is_superuser=True).exists()


def test_a_missing_fixture_leaves_nothing_behind():
    with pytest.raises(CommandError, match="nowhere"):
        demo("tutorial", "nowhere")
    assert not Library.objects.exists()
    assert not User.objects.exists()
