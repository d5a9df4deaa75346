"""Which profiles are for a file: those made for its headers."""

import pytest

from backoffice.changes.profiles import Profile, headers_key
from library.models import Book, Library

pytestmark = pytest.mark.django_db

HEADERS = ["LIBNAME", "ADDRESS", "ZIP"]


def make_profile(*, model=Library, name="survey", headers=HEADERS):
    return Profile.objects.create(
        name=name,
        model=model._meta.label,
        resource=f"library.resources.{model.__name__}Resource",
        headers=headers,
        headers_key=headers_key(headers),
    )


@pytest.mark.parametrize(
    "headers",
    [HEADERS, HEADERS[::-1], ["libname", "Address ", "zip"], [*HEADERS, "", "error"]],
    ids=["same", "another order", "another case", "a rejects file"],
)
def test_offered_for_its_headers(headers):
    profile = make_profile()
    assert list(Profile.objects.for_model(Library).for_headers(headers)) == [profile]


@pytest.mark.parametrize("headers", [HEADERS[:2], [*HEADERS, "PHONE"]])
def test_not_for_others(headers):
    make_profile()
    assert not Profile.objects.for_model(Library).for_headers(headers)


def test_not_for_another_model():
    make_profile(model=Book)
    assert not Profile.objects.for_model(Library).for_headers(HEADERS)


def test_the_latest_first():
    old, new = make_profile(name="a"), make_profile(name="b")
    assert list(Profile.objects.for_headers(HEADERS)) == [new, old]
    old.save()
    assert list(Profile.objects.for_headers(HEADERS)) == [old, new]


def test_its_resource():
    assert make_profile().resource_class._meta.model is Library
