"""The index of what look-alikes share: it leads to all that look alike, on both databases."""

import pytest
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.deployment import check_alike_indexes
from backoffice.tables import alike as index
from backoffice.tables.alike import (
    UNKNOWN,
    AlikeForm,
    AlikeIndex,
    has_index,
    looking_alike,
    looking_up,
)
from backoffice.tables.planner import are_few
from backoffice.tables.table import Table
from backoffice.tables.texts import alike, codes
from library.models import Book, Library, Patron

pytestmark = pytest.mark.django_db

TITLE = Book._meta.get_field("title")
#: With what folds into other letters, joins the letter before, or shows nothing.
text = st.text(
    st.sampled_from(
        "abAB19 '\"’-–´`\u00a0\u200b\u00ad\teé\u0301\u0307ÉÑñŞßſıİĳŉКкЙйΣςＡﬁ½名\u0027%_\\{"
    ),
    max_size=6,
)
few = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def stored(titles):
    """Books of these titles, whatever a form would say to them."""
    Book.objects.all().delete()
    Book.objects.bulk_create(Book(title=title) for title in titles)


def forms(titles):
    """`{title: what the index has of it}`."""
    stored(titles)
    return dict(Book.objects.annotate(form=AlikeForm("title")).values_list("title", "form"))


def found(wanted):
    sql, params = looking_up(Table(Book), TITLE, "live.title", [UNKNOWN, *wanted])
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [title for (title,) in cursor.fetchall()]


@few
@given(titles=st.sets(text, max_size=20))
def test_its_form_is_what_look_alikes_share_or_unknown(titles):
    for title, form in forms(titles).items():
        assert form in (alike(title), UNKNOWN)


@few
@given(new=st.sets(text, max_size=4), live=st.lists(text, max_size=20))
def test_whatever_looks_alike_is_found_once(new, live):
    stored(live)
    wanted = set(map(alike, new)) - {UNKNOWN}
    titles = found(wanted)
    assert {title for title in live if alike(title) in wanted} <= set(titles)
    assert len(titles) <= len(live)


def test_each_letter_that_it_knows_is_folded_as_look_alikes_are():
    known = " ".join((index.LETTERS, index.QUOTES, index.DASHES, "21-7e"))
    titles = [
        f"{before}{chr(code)}{after}"
        for code in codes(known)
        for before, after in (("", ""), ("e", "E"), ("É", "1"), ("x ", " x"))
    ]
    made = forms(titles)
    if connection.vendor == "sqlite":  # knows ASCII alone
        made = {title: form for title, form in made.items() if title.isascii()}
    assert len(made) > 250
    assert made == {title: alike(title) for title in made}


def test_a_text_without_a_form_is_unknown():
    odd = ["two  blanks", " edge", "edge ", "Ma\u200bin", "Zoe\u0308", "½", "名", ""]
    assert set(forms(odd).values()) == {UNKNOWN}


def plan(sql, params):
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        cursor.execute(explain + sql, params)
        return str(cursor.fetchall())


def test_the_index_is_used_though_nobody_analyzed_it():
    stored(f"Title {n}" for n in range(2_000))
    assert "book_title_alike" in plan(*looking_up(Table(Book), TITLE, "live.title", ["a", "b"]))


@pytest.mark.parametrize(("model", "name"), [(Book, "title"), (Patron, "name")])
def test_the_index_alone_says_what_is_shared(model, name):
    table, field = Table(model), model._meta.get_field(name)
    others = [model._meta.get_field("library")] if model is Patron else []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    said = plan(looking_alike(table, field, "live.id", others), [])
    looks = f"{model._meta.model_name}_{name}_alike"
    if connection.vendor == "postgresql":
        assert f"Index Only Scan using {looks}" in said
        assert f"Index Scan using {looks} on library_{model._meta.model_name} live" in said
    else:
        assert said.count(f"USING INDEX {looks}") == 2


def test_an_index_that_is_not_there_or_not_declared_is_not_used(monkeypatch):
    assert has_index(Table(Book), TITLE)
    assert check_alike_indexes() == []
    assert not has_index(Table(Library), Library._meta.get_field("address"))
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX book_title_alike")
    assert not has_index(Table(Book), TITLE)
    (warning,) = check_alike_indexes()
    assert (warning.id, "library.Book (title)" in warning.msg) == ("backoffice.W119", True)
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert check_alike_indexes() == []  # of tables that are still to be made


def test_rows_are_few_beside_ten_times_as_many():
    stored(str(n) for n in range(31))
    assert are_few(3, Table(Book))
    assert not are_few(4, Table(Book))


@pytest.mark.parametrize("kind", [AlikeIndex, models.Index])
def test_a_migration_can_be_written_of_it(kind):
    _path, expressions, _kwargs = kind(AlikeForm("title"), name="x").deconstruct()
    assert expressions == (AlikeForm("title"),)
    assert AlikeForm("title") != AlikeForm("name")
