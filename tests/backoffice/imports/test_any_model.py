"""Any model is imported right: keys, defaults, references, links."""

import uuid

import pytest

from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from backoffice.resources.resource import Resource
from tests.backoffice.imports.running import counted, run
from tests.everything import models as everything
from tests.everything.factories import make_row
from tests.everything.resources import RESOURCES
from tests.factories import make_user

pytestmark = pytest.mark.django_db


class TestKeys:
    @pytest.mark.parametrize(
        "name", ["AutoKey", "SmallKey", "UuidKey", "TextKey", "DatabaseKey"]
    )
    def test_new_rows_have_keys_of_their_own_and_are_found_again(self, load, name):
        model = getattr(everything, name)
        old = make_row(model, code="B", name="old")
        rows = ["code", "name"], ["A", "a"], ["B", "b"], ["C", "c"]
        assert load(model, *rows) == ((2, 1, 0, 0), [])
        assert load(model, *rows) == ((0, 0, 3, 0), [])
        assert dict(model.objects.values_list("code", "name")) == {"A": "a", "B": "b", "C": "c"}
        old.refresh_from_db()
        assert old.name == "b"
        records = {
            r.code: (r.history_type, r.pk) for r in model.history.all() if r.name != "old"
        }
        assert {code: kind for code, (kind, _pk) in records.items()} == {
            "A": "+",
            "B": "~",
            "C": "+",
        }
        for row in model.objects.all():
            assert row.history.latest().instance.pk == row.pk

    def test_keys_are_of_their_type(self, load):
        load(everything.UuidKey, ["code"], ["A"], ["B"])
        keys = list(everything.UuidKey.objects.values_list("pk", flat=True))
        assert all(isinstance(key, uuid.UUID) and key.version == 4 for key in keys)
        assert len(set(keys)) == 2
        load(everything.DatabaseKey, ["code"], ["A"], ["B"])
        keys = list(everything.DatabaseKey.objects.values_list("pk", flat=True))
        assert len(set(keys)) == 2
        assert all(len(key) == 32 for key in keys)

    def test_a_number_is_a_key_too(self, load):
        assert load(everything.NumberKey, ["code", "name"], ["7", "a"], ["8", "b"])[0][0] == 2
        assert load(everything.NumberKey, ["code", "name"], ["7", "a"], ["8", "c"])[0] == (
            0,
            1,
            1,
            0,
        )
        assert everything.NumberKey.objects.get(pk=8).name == "c"

    def test_a_key_can_be_another_row_s(self, load):
        for code in "AB":
            make_row(everything.TextKey, code=code)
        rows = ["text", "name"], ["A", "a"], ["B", "b"]
        assert load(everything.OneToOneKey, *rows) == ((2, 0, 0, 0), [])
        assert load(everything.OneToOneKey, *rows) == ((0, 0, 2, 0), [])
        assert everything.OneToOneKey.objects.get(pk="B").name == "b"

    def test_a_key_that_nothing_gives_is_missing(self, write_csv):
        class NameResource(Resource):
            class Meta:
                model = everything.TextKey
                fields = ("code", "name")
                import_id_fields = ("name",)

        make_row(everything.TextKey, code="A", name="a")
        path = write_csv(["name"], ["a"], ["b"])
        counts, rejects = run(NameResource, path)
        assert counted(counts) == (0, 0, 1, 1)
        assert rejects == [
            "row 3, code: A new record needs it, and the file has no such column."
        ]

    def test_a_key_is_kept_and_no_other_row_gets_it(self, write_csv):
        class NameResource(Resource):
            class Meta:
                model = everything.TextKey
                fields = ("code", "name")
                import_id_fields = ("name",)

        make_row(everything.TextKey, code="A", name="a")
        make_row(everything.TextKey, code="B", name="b")
        path = write_csv(["code", "name"], ["Z", "a"], ["B", "c"], ["D", "d"], ["D", "e"])
        counts, rejects = run(NameResource, path)
        assert counted(counts) == (1, 0, 0, 3)
        assert "a record keeps its key" in rejects[0]
        assert "row 3, code 'B': Belongs to another record" in rejects[1]
        assert "Repeats row 4" in rejects[2]

    def test_counted_keys_may_be_given_or_left_blank(self, write_csv):
        class IdResource(Resource):
            class Meta:
                model = everything.SmallKey
                fields = ("id", "code", "name")
                import_id_fields = ("id",)

        row = make_row(everything.SmallKey, code="A", name="a")
        free = row.pk + 50
        path = write_csv(
            ["id", "code", "name"], [row.pk, "A", "x"], ["", "B", "b"], [free, "C", "c"]
        )
        counts, rejects = run(IdResource, path)
        assert (counted(counts), rejects) == ((2, 1, 0, 0), [])
        assert everything.SmallKey.objects.get(pk=free).code == "C"
        assert everything.SmallKey.objects.get(code="B").pk not in (row.pk, free, None)
        assert make_row(everything.SmallKey).pk > free


class TestDefaults:
    def test_what_the_file_does_not_give(self, load):
        assert load(everything.Given, ["code"], ["A"], ["B"]) == ((2, 0, 0, 0), [])
        a, b = everything.Given.objects.order_by("pk")
        assert (a.text, a.number, a.mapping, a.by_database) == ("given", 7, {}, 42)
        assert (a.text_by_database, a.digit, a.lowered) == ("base", 7, "agiven")
        assert a.at_by_database is not None
        assert a.unlike != b.unlike
        assert a.history.get().unlike == a.unlike

    def test_what_the_file_gives_is_taken(self, load):
        load(everything.Given, ["code", "number", "by_database"], ["A", "3", "4"])
        row = everything.Given.objects.get()
        assert (row.number, row.by_database, row.digit) == (3, 4, 3)
        unlike = row.unlike
        load(everything.Given, ["code", "number"], ["A", "15"])
        row.refresh_from_db()
        assert (row.number, row.digit, row.unlike) == (15, 5, unlike)

    def test_moments_are_one_for_all_rows(self, load):
        load(everything.Moments, ["code"], ["A"], ["B"])
        a, b = everything.Moments.objects.order_by("pk")
        assert (a.added_at, a.changed_at) == (b.added_at, b.changed_at)
        load(everything.Moments, ["code", "date"], ["A", "2026-01-02"])
        changed = everything.Moments.objects.get(pk=a.pk)
        assert changed.added_at == a.added_at
        assert changed.changed_at > a.changed_at

    def test_required_fields_are_missed_each(self, load):
        (new, *_others, rejected), rejects = load(everything.Required, ["code"], ["A"])
        assert (new, rejected) == (0, 1)
        assert len(rejects) == 7

    def test_odd_names(self, load):
        rows = (
            [
                "code",
                "order",
                "group",
                "select",
                "line",
                "pk_of",
                "quoted",
                "ünïcode",
                "friends",
            ],
            ["A", "1", "g", "s", "2", "3", "q", "ü", ""],
            ["B", "1", "g", "s", "2", "3", "q", "ü", "A"],
        )
        assert load(everything.Odd, *rows) == ((2, 0, 0, 0), [])
        assert load(everything.Odd, *rows) == ((0, 0, 2, 0), [])
        row = everything.Odd.objects.get(code="B")
        assert (row.line, row.pk_of, row.quoted, row.ünïcode) == (2, 3, "q", "ü")


class TestReferences:
    def test_by_the_column_that_they_point_to(self, load):
        targets = {
            "to_uuid": make_row(everything.UuidKey),
            "to_text": make_row(everything.TextKey),
            "to_number": make_row(everything.NumberKey),
            "to_auto": make_row(everything.AutoKey),
            "to_database": make_row(everything.DatabaseKey),
            "to_code": make_row(everything.Texts),
            "to_proxy": make_row(everything.Place),
            "one": make_row(everything.AutoKey),
            "one_to_uuid": make_row(everything.UuidKey),
        }
        user = make_user(username="ann")
        rows = (
            ["code", "to_user", *targets],
            ["A", "ann", *(target.code for target in targets.values())],
            ["B", *[""] * (1 + len(targets))],
        )
        assert load(everything.Pointing, *rows) == ((2, 0, 0, 0), [])
        row = everything.Pointing.objects.get(code="A")
        assert row.to_user == user
        for name, target in targets.items():
            assert getattr(row, name).pk == target.pk, name
        assert load(everything.Pointing, *rows) == ((0, 0, 2, 0), [])

    def test_previews_show_them(self, write_csv):
        texts, uuid_key = make_row(everything.Texts), make_row(everything.UuidKey)
        path = write_csv(
            ["code", "to_code", "to_uuid", "parent"],
            ["A", texts.code, uuid_key.code, ""],
            ["B", "", "", "A"],
        )
        source = open_source(path)
        with Import(RESOURCES[everything.Pointing], source) as imported:
            imported.check()
            a, b = imported.changes()
        assert a.new == ("A", uuid_key.code, texts.code, "")
        assert b.new == ("B", "", "", "A")

    def test_a_one_to_one_belongs_to_one_row(self, load):
        one = make_row(everything.AutoKey)
        outcome, rejects = load(
            everything.Pointing, ["code", "one"], ["A", one.code], ["B", one.code]
        )
        assert outcome == (1, 0, 0, 1)
        assert "Repeats row 2" in rejects[0]

    def test_a_parent_may_stand_earlier_in_the_file(self, load):
        make_row(everything.Pointing, code="root")
        rows = (
            ["code", "parent"],
            ["A", "root"],
            ["B", "A"],
            ["C", "B"],
            ["D", ""],
        )
        assert load(everything.Pointing, *rows) == ((4, 0, 0, 0), [])
        parents = dict(everything.Pointing.objects.values_list("code", "parent__code"))
        assert parents == {"root": None, "A": "root", "B": "A", "C": "B", "D": None}
        assert load(everything.Pointing, *rows) == ((0, 0, 4, 0), [])
        record = everything.Pointing.objects.get(code="C").history.get()
        assert record.parent.code == "B"

    def test_a_row_that_is_there_gets_a_parent_that_is_new(self, load):
        row = make_row(everything.Pointing, code="B")
        assert load(everything.Pointing, ["code", "parent"], ["A", ""], ["B", "A"]) == (
            (1, 1, 0, 0),
            [],
        )
        row.refresh_from_db()
        assert row.parent.code == "A"

    def test_a_parent_that_stands_later_or_is_the_row_itself_is_refused(self, load):
        outcome, rejects = load(
            everything.Pointing, ["code", "parent"], ["A", "B"], ["B", ""], ["C", "C"]
        )
        assert outcome == (1, 0, 0, 2)
        assert rejects == [
            "row 2, parent 'B': Row 3 of the file creates it, and stands no earlier than this"
            " one. Put it before.",
            "row 4, parent 'C': Row 4 of the file creates it, and stands no earlier than this"
            " one. Put it before.",
        ]

    def test_who_refers_to_a_row_that_is_rejected_is_rejected(self, load):
        one = make_row(everything.AutoKey, code="one")
        make_row(everything.Pointing, code="taken", one=one)
        outcome, rejects = load(
            everything.Pointing,
            ["code", "parent", "one"],
            ["A", "", "one"],
            ["B", "A", ""],
            ["C", "B", ""],
            ["D", "", ""],
        )
        assert outcome == (1, 0, 0, 3)
        assert "row 3, parent 'A': Row 2 of the file was to create it" in rejects[1]
        assert "row 4, parent 'B': Row 3 of the file was to create it" in rejects[2]


class TestLinks:
    def test_to_every_kind_of_key(self, load):
        rows = {
            "plain": make_row(everything.AutoKey),
            "to_uuid": make_row(everything.UuidKey),
            "to_text": make_row(everything.TextKey),
            "groups": make_row(everything.Group),
        }
        lines = ["code", *rows], ["A", *(row.code for row in rows.values())]
        assert load(everything.Linked, *lines) == ((1, 0, 0, 0), [])
        linked = everything.Linked.objects.get()
        for name, row in rows.items():
            assert list(getattr(linked, name).all()) == [row], name
        assert load(everything.Linked, *lines) == ((0, 0, 1, 0), [])
        membership = everything.Membership.objects.get()
        assert (membership.role, membership.since) == ("member", None)

    def test_links_that_are_kept_keep_their_columns(self, load):
        a, b, c = (make_row(everything.Group, code=code) for code in "abc")
        linked = make_row(everything.Linked, code="L")
        linked.groups.add(a, b, through_defaults={"role": "head"})
        assert load(everything.Linked, ["code", "groups"], ["L", "b|c"]) == ((0, 1, 0, 0), [])
        roles = everything.Membership.objects.values_list("group__code", "role")
        assert dict(roles) == {"b": "head", "c": "member"}
        assert a not in linked.groups.all()
        assert c in linked.groups.all()

    def test_friends_are_so_both_ways(self, load):
        old = make_row(everything.Linked, code="old")
        row = make_row(everything.Linked, code="A", friends=[old])
        rows = ["code", "friends"], ["A", "B|C"], ["B", "A"], ["C", ""]
        assert load(everything.Linked, *rows) == ((2, 1, 0, 0), [])
        b, c = (everything.Linked.objects.get(code=code) for code in "BC")
        assert set(row.friends.all()) == {b, c}
        assert set(b.friends.all()) == set(c.friends.all()) == {row}
        assert not old.friends.exists()
        assert load(everything.Linked, *rows) == ((0, 0, 3, 0), [])

    def test_rows_follow_rows_of_the_same_file(self, load):
        rows = ["code", "follows"], ["A", "B"], ["B", "A|C"], ["C", ""]
        assert load(everything.Linked, *rows) == ((3, 0, 0, 0), [])
        follows = everything.Linked.follows.through.objects.values_list(
            "from_linked__code", "to_linked__code"
        )
        assert set(follows) == {("A", "B"), ("B", "A"), ("B", "C")}
        assert load(everything.Linked, *rows) == ((0, 0, 3, 0), [])


def test_a_model_without_history_is_imported(load):
    key = make_row(everything.AutoKey)
    rows = ["code", "name", "plain"], ["A", "a", key.code]
    assert load(everything.Unkept, *rows) == ((1, 0, 0, 0), [])
    assert load(everything.Unkept, *rows) == ((0, 0, 1, 0), [])


def test_a_proxy_is_imported_as_its_model(load):
    assert load(everything.QuietPlace, ["code", "name"], ["A", "a"]) == ((1, 0, 0, 0), [])
    assert everything.Place.objects.get().name == "a"
