"""What SQL must know of a model is found, for every kind of key, link and constraint."""

import pytest
from django.db import connection
from django.db.models import CharField, F, Q
from django.db.models.functions import Lower

from backoffice.tables.table import Table
from library.models import Book, Librarian, Library
from tests.everything import models as everything
from tests.everything.factories import make_row
from tests.factories import make_library

pytestmark = pytest.mark.django_db


def test_the_type_of_a_column_that_holds_a_key():
    of_model = {
        everything.UuidKey: "uuid" if connection.vendor == "postgresql" else "char(32)",
        everything.TextKey: "varchar(20)",
        everything.OneToOneKey: "varchar(20)",
        everything.NumberKey: "integer",
        everything.AutoKey: "integer",
        Book: "bigint",
    }
    assert {model: Table(model).key_type for model in of_model} == of_model


def test_generated_columns_are_not_written():
    names = {field.name for field in Table(everything.Given).columns}
    assert {"number", "by_database"} <= names
    assert not names & {"digit", "lowered"}


def test_a_proxy_has_the_columns_and_keys_of_its_model():
    proxy, place = Table(everything.QuietPlace), Table(everything.Place)
    assert proxy.columns == place.columns
    assert proxy.unique_keys == place.unique_keys


def test_links_know_their_further_columns():
    links = {link.field.name: link for link in Table(everything.Linked).links}
    assert links["plain"].is_plain
    assert not links["groups"].is_plain
    assert links["groups"].columns == ('"linked_id"', '"group_id"', '"role"', '"since"')
    assert (links["follows"].source, links["follows"].target) == (
        '"from_linked_id"',
        '"to_linked_id"',
    )
    assert links["to_uuid"].target_field.model is everything.UuidKey


def test_a_percent_sign_in_a_name_is_no_placeholder():
    field = CharField(db_column="share_%s")
    field.set_attributes_from_name("share")
    assert Table(everything.Place).column(field) == '"share_%%s"'


def test_unique_keys_of_every_kind():
    def keys(model):
        return [key for key in Table(model).unique_keys if key.fields != ("code",)]

    assert [key.fields for key in keys(Librarian)] == [("library",)]
    assert [key.fields for key in keys(everything.Together)] == [("left", "right")]
    pair, room = keys(everything.Pairs)
    assert (pair.fields, pair.condition) == (("left", "right"), None)
    assert (room.fields, room.condition) == (("room",), Q(closed=False) & ~Q(room=""))
    (expressed,) = keys(everything.Expressed)
    assert expressed.fields == ("name", "number")
    assert expressed.expressions == (Lower("name"), F("number") % 10)
    (alike,) = keys(everything.NullsAlike)
    assert not alike.nulls_distinct
    assert alike.is_kept_by_database == (connection.vendor == "postgresql")
    *_others, for_date = keys(everything.Unique)
    assert for_date.fields == ("for_date", "date")
    assert not for_date.is_kept_by_database


def test_keys_that_are_reserved_are_nobody_else_s():
    last = make_library().pk
    base = Table(Library).reserve_keys(5, above=last + 10)
    assert base >= last + 10
    if connection.vendor == "postgresql":  # SQLite counts on from what is inserted
        assert make_library().pk == base + 6


def test_the_first_key_of_a_table_is_1():
    table = Table(everything.AutoKey)
    if connection.vendor == "postgresql":  # where a sequence outlives a test
        table.execute(f"ALTER TABLE {table.name} ALTER COLUMN {table.pk} RESTART")
    assert table.reserve_keys(0) == table.last_key() == 0
    assert table.reserve_keys(1) == 0
    if connection.vendor == "postgresql":
        assert make_row(everything.AutoKey).pk == 2


@pytest.mark.parametrize("model", [everything.UuidKey, everything.TextKey, everything.Place])
def test_one_of_several_keys_can_be_chosen(model):
    table = Table(model)
    keys = {make_row(model).pk for _i in range(3)}
    ((key,),) = table.fetch(f"SELECT {table.least(table.pk)} FROM {table.name}")  # noqa: S608
    assert model._meta.pk.to_python(key) in keys


def test_a_default_of_the_database_is_another_each_time():
    table = Table(everything.DatabaseKey)
    sql, params = table.database_default(table.pk_field)
    ((one, other),) = table.fetch(f"SELECT {sql}, {sql}", [*params, *params])
    assert one != other
