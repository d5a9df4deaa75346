"""One module a subject; each model has a `code`, its match key, unless its key is the point."""

from tests.everything.models.base import Owner
from tests.everything.models.constraints import (
    Checked,
    Deferred,
    Expressed,
    NullsAlike,
    Pairs,
    Refusing,
    Together,
    Unique,
    Warden,
)
from tests.everything.models.defaults import Given, Odd
from tests.everything.models.fields import Chosen, Moments, Numbers, Others, Required, Texts
from tests.everything.models.histories import Hiding, Ordered, PartlyKept, Unkept
from tests.everything.models.inheritance import Bistro, Cafe, Place, QuietPlace, Restaurant
from tests.everything.models.keys import (
    AutoKey,
    DatabaseKey,
    NumberKey,
    OneToOneKey,
    SmallKey,
    TextKey,
    UuidKey,
)
from tests.everything.models.relations import (
    Deleting,
    Group,
    Linked,
    Membership,
    Pointing,
    Scored,
    Tag,
    Tagged,
)

__all__ = [
    "AutoKey",
    "Bistro",
    "Cafe",
    "Checked",
    "Chosen",
    "DatabaseKey",
    "Deferred",
    "Deleting",
    "Expressed",
    "Given",
    "Group",
    "Hiding",
    "Linked",
    "Membership",
    "Moments",
    "NullsAlike",
    "NumberKey",
    "Numbers",
    "Odd",
    "OneToOneKey",
    "Ordered",
    "Others",
    "Owner",
    "Pairs",
    "PartlyKept",
    "Place",
    "Pointing",
    "QuietPlace",
    "Refusing",
    "Required",
    "Restaurant",
    "Scored",
    "SmallKey",
    "Tag",
    "Tagged",
    "TextKey",
    "Texts",
    "Together",
    "Unique",
    "Unkept",
    "UuidKey",
    "Warden",
]
