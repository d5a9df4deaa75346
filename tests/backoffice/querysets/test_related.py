"""Related rows, also where a foreign key leads to another field than the key."""

import pytest

from backoffice.querysets.related import (
    counts_of,
    has_at_least,
    leads_to,
    number_of,
    number_of_few,
)
from tests.everything.models import Pointing, Texts

pytestmark = pytest.mark.django_db


def test_rows_that_are_referred_to_by_a_code_have_their_related_rows():
    Texts.objects.create(code="none")
    row = Texts.objects.create(code="some")
    for code in ("one", "other"):
        Pointing.objects.create(code=code, to_code=row)
    Pointing.objects.create(code="blank")
    relation, related = Texts._meta.get_field("pointing"), Pointing.objects.all()
    assert dict(counts_of(relation, related).values_list("_row", "_number")) == {row.pk: 2}
    for number in (number_of, number_of_few):
        numbers = Texts.objects.annotate(n=number(relation, related)).values_list("code", "n")
        assert dict(numbers) == {"none": 0, "some": 2}
    for exists in (leads_to(relation, related), has_at_least(relation, related, 2)):
        assert [each.code for each in Texts.objects.filter(exists)] == ["some"]
