"""Rules of any model hold in an import: unique keys, constraints, clean()."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from tests.everything import models as everything
from tests.everything.factories import make_row
from tests.everything.resources import RESOURCES

pytestmark = pytest.mark.django_db


class TestConstraints:
    def test_unique_fields_and_dates(self, load):
        make_row(everything.Unique, code="A", char="a", or_null=1)
        make_row(everything.Unique, code="Z", char="z", for_date="x", date="2026-01-02")
        outcome, rejects = load(
            everything.Unique,
            ["code", "char", "or_null", "for_date", "date"],
            ["B", "a", "", "", ""],
            ["C", "c", "1", "", ""],
            ["D", "d", "", "", ""],
            ["E", "e", "", "x", "2026-01-02"],
            ["F", "f", "", "x", "2026-01-03"],
        )
        assert outcome == (2, 0, 0, 3)
        assert [reject.split(":")[0] for reject in rejects] == [
            "row 2, char 'a'",
            "row 3, or_null '1'",
            "row 5, for_date, date 'x, 2026-01-02'",
        ]

    @pytest.mark.parametrize("model", [everything.Together, everything.Pairs])
    def test_pairs(self, load, model):
        make_row(model, code="A", left=1, right=1)
        outcome, _rejects = load(
            model,
            ["code", "left", "right"],
            ["B", "1", "1"],
            ["C", "1", "2"],
            ["D", "1", ""],
            ["E", "1", ""],
            ["F", "1", "2"],
        )
        assert outcome == (3, 0, 0, 2)

    def test_conditions(self, load):
        make_row(everything.Pairs, code="A", room="x")
        outcome, _rejects = load(
            everything.Pairs,
            ["code", "room", "closed"],
            ["B", "x", "False"],
            ["C", "x", "True"],
            ["D", "y", "False"],
            ["E", "y", "False"],
            ["F", "", "False"],
        )
        assert outcome == (3, 0, 0, 2)

    def test_expressions(self, load):
        make_row(everything.Expressed, code="A", name="Ann", number=11)
        outcome, _rejects = load(
            everything.Expressed,
            ["code", "name", "number"],
            ["B", "ANN", "21"],
            ["C", "ann", "2"],
            ["D", "ann", ""],
        )
        assert outcome == (2, 0, 0, 1)

    def test_nulls_that_are_alike(self, load):
        make_row(everything.NullsAlike, code="A", room="x")
        outcome, _rejects = load(
            everything.NullsAlike,
            ["code", "room", "number"],
            ["B", "x", ""],
            ["C", "y", ""],
            ["D", "y", ""],
        )
        assert outcome == (1, 0, 0, 2)

    def test_checks(self, load):
        row = make_row(everything.Checked, code="A", low=5)
        outcome, rejects = load(
            everything.Checked, ["code", "high"], ["A", "3"], ["B", "3"], ["C", ""]
        )
        assert outcome == (2, 0, 0, 1)
        assert "Low is above high." in rejects[0]
        row.refresh_from_db()
        assert row.high is None


class TestClean:
    def test_it_refuses_a_row_with_its_field_and_message(self, load):
        make_row(everything.Refusing, code="A", low=5)
        outcome, rejects = load(
            everything.Refusing, ["code", "high"], ["A", "3"], ["B", "3"], ["C", "-1"]
        )
        assert outcome == (1, 0, 0, 2)
        assert rejects == [
            "row 2, low: Low is above high.",
            "row 4, low: Low is above high.",
        ]
        assert everything.Refusing.objects.get(code="B").high == 3

    def test_what_it_sets_is_written_and_shown(self, load, write_csv):
        make_row(everything.Warden, code="A", name="old", initials="O")
        rows = ["code", "name", "initials"], ["A", "Ann Lee", ""], ["B", "Bob", "wrong"]
        with Import(RESOURCES[everything.Warden], open_source(write_csv(*rows))) as imported:
            imported.check()
            shown = [change.new for change in imported.changes()]
        assert shown == [("A", "Ann Lee", "AL"), ("B", "Bob", "B")]
        assert load(everything.Warden, *rows) == ((1, 1, 0, 0), [])
        initials = everything.Warden.objects.values_list("code", "initials")
        assert dict(initials) == {"A": "AL", "B": "B"}
        assert load(everything.Warden, ["code", "name"], ["A", "Ann Lee"]) == ((0, 0, 1, 0), [])
        assert load(everything.Warden, *rows) == ((0, 0, 2, 0), [])

    def test_it_may_say_no_without_a_field_and_make_a_key_that_is_taken(
        self, load, monkeypatch
    ):
        def clean(self):
            if self.low == 1:
                raise ValidationError("One is too few.")
            self.code = self.code.upper()

        monkeypatch.setattr(everything.Refusing, "clean", clean)
        make_row(everything.Refusing, code="A")
        outcome, rejects = load(
            everything.Refusing,
            ["code", "low"],
            ["a", "2"],
            ["b", "2"],
            ["B", "3"],
            ["c", "1"],
            alike="new",
        )
        assert outcome == (1, 0, 0, 3)
        assert "Belongs to another record" in rejects[0]
        assert "Repeats row 3" in rejects[1]
        assert rejects[2] == "row 5: One is too few."
        assert set(everything.Refusing.objects.values_list("code", flat=True)) == {"A", "B"}

    def test_it_sees_what_a_row_refers_to_without_a_query_for_each(
        self, load, write_csv, monkeypatch
    ):
        seen = []

        def clean(self):
            seen.append((self.code, self.to_uuid.code, self.parent and self.parent.code))

        monkeypatch.setattr(everything.Pointing, "clean", clean)
        codes = [make_row(everything.UuidKey).code for _i in range(3)]
        rows = [[f"R{i}", codes[i % 3], f"R{i - 1}" if i else ""] for i in range(30)]

        def statements(count):
            everything.Pointing.objects.all().delete()
            seen.clear()
            with CaptureQueriesContext(connection) as queries:
                assert load(
                    everything.Pointing, ["code", "to_uuid", "parent"], *rows[:count]
                ) == ((count, 0, 0, 0), [])
            return len(queries)

        assert statements(3) == statements(30)
        assert seen[1] == ("R1", codes[1], "R0")

    def test_a_model_without_it_is_never_made_an_instance_of(self, load, monkeypatch):
        def refuse(*args, **kwargs):
            raise AssertionError("an instance was read")

        monkeypatch.setattr("backoffice.imports.instances.Instances.clean", refuse)
        assert load(everything.Texts, ["code"], ["A"])[0] == (1, 0, 0, 0)
