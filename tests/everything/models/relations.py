"""Every relation: to each kind of key, through a model, to itself, with each `on_delete`."""

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Coded, Owned
from tests.everything.models.fields import Texts
from tests.everything.models.inheritance import QuietPlace, Restaurant
from tests.everything.models.keys import AutoKey, DatabaseKey, NumberKey, TextKey, UuidKey


class Pointing(Owned):
    """Foreign keys and one-to-ones, by what they lead to."""

    to_uuid = models.ForeignKey(UuidKey, models.CASCADE, null=True, blank=True)
    to_text = models.ForeignKey(TextKey, models.CASCADE, null=True, blank=True)
    to_number = models.ForeignKey(NumberKey, models.CASCADE, null=True, blank=True)
    to_auto = models.ForeignKey(AutoKey, models.CASCADE, null=True, blank=True)
    to_database = models.ForeignKey(DatabaseKey, models.CASCADE, null=True, blank=True)
    to_code = models.ForeignKey(
        Texts, models.CASCADE, to_field="code", db_column="code_of", null=True, blank=True
    )
    to_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True)
    to_child = models.ForeignKey(Restaurant, models.CASCADE, null=True, blank=True)
    to_proxy = models.ForeignKey(
        QuietPlace, models.CASCADE, related_name="+", null=True, blank=True
    )
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children"
    )
    limited = models.ForeignKey(
        AutoKey,
        models.CASCADE,
        limit_choices_to={"name": "open"},
        related_name="+",
        null=True,
        blank=True,
    )
    one = models.OneToOneField(
        AutoKey, models.CASCADE, related_name="one", null=True, blank=True
    )
    one_to_uuid = models.OneToOneField(
        UuidKey, models.CASCADE, related_name="one_of", null=True, blank=True
    )

    history = HistoricalRecords()


def lost() -> UuidKey:
    return UuidKey.objects.get_or_create(code="lost")[0]


class Deleting(Owned):
    """Foreign keys, by what becomes of the row when the other is deleted."""

    cascade = models.ForeignKey(
        UuidKey, models.CASCADE, related_name="+", null=True, blank=True
    )
    protect = models.ForeignKey(
        UuidKey, models.PROTECT, related_name="+", null=True, blank=True
    )
    restrict = models.ForeignKey(
        UuidKey, models.RESTRICT, related_name="+", null=True, blank=True
    )
    set_null = models.ForeignKey(
        UuidKey, models.SET_NULL, related_name="+", null=True, blank=True
    )
    set_default = models.ForeignKey(
        UuidKey, models.SET_DEFAULT, related_name="+", default=None, null=True, blank=True
    )
    set_value = models.ForeignKey(
        UuidKey, models.SET(lost), related_name="+", null=True, blank=True
    )
    do_nothing = models.ForeignKey(
        UuidKey,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        null=True,
        blank=True,
    )

    history = HistoricalRecords()


class Group(Coded):
    history = HistoricalRecords()


class Membership(models.Model):
    """The model of a many-to-many with columns beside the two, each with a default."""

    linked = models.ForeignKey("everything.Linked", models.CASCADE)
    group = models.ForeignKey(Group, models.CASCADE)
    role = models.CharField(max_length=20, default="member")
    since = models.DateField(null=True, blank=True)

    class Meta:
        unique_together = [("linked", "group")]

    def __str__(self) -> str:
        return f"{self.linked_id} in {self.group_id}"


class Scored(models.Model):
    """The model of a many-to-many with a column that has no default."""

    linked = models.ForeignKey("everything.Linked", models.CASCADE, related_name="scores")
    group = models.ForeignKey(Group, models.CASCADE)
    score = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.score} of {self.linked_id} in {self.group_id}"


class Linked(Owned):
    """Many-to-manys, by what they lead to and how."""

    plain = models.ManyToManyField(AutoKey, blank=True)
    to_uuid = models.ManyToManyField(UuidKey, blank=True, related_query_name="linked_one")
    to_text = models.ManyToManyField(TextKey, blank=True, related_name="+")
    friends = models.ManyToManyField("self", blank=True)
    follows = models.ManyToManyField(
        "self", blank=True, symmetrical=False, related_name="followers"
    )
    groups = models.ManyToManyField(Group, blank=True, through=Membership)
    scored = models.ManyToManyField(Group, blank=True, through=Scored, related_name="scored_by")

    history = HistoricalRecords(
        m2m_fields=["plain", "to_uuid", "to_text", "friends", "follows", "groups", "scored"]
    )


class Tagged(Coded):
    """Has tags by a GenericRelation."""

    tags = GenericRelation("everything.Tag")

    history = HistoricalRecords()


class Tag(Coded):
    """Of a row of any model: a GenericForeignKey."""

    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True, blank=True)
    object_id = models.BigIntegerField(null=True, blank=True)
    of = GenericForeignKey()

    history = HistoricalRecords()
