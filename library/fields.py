"""Model fields for what an American library writes down: states, phones, ZIP codes."""

import functools
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.choices import BaseChoiceIterator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from localflavor.us import models as us_models
from localflavor.us.us_states import STATE_CHOICES, STATES_NORMALIZED

zip_code_validator = RegexValidator(
    r"\A[0-9]{5}(-[0-9]{4})?\Z",
    _("Enter a ZIP code of 5 digits, or ZIP+4: 08542 or 08542-3214."),
)


_ZIP_PLUS_4 = re.compile(r"([0-9]{5})\s*[-\u2010-\u2015\u2212\s]?\s*([0-9]{4})", re.ASCII)


class ZipCodeField(models.CharField[Any, Any]):
    """A ZIP code as text, 5 digits or ZIP+4: `08542`, `08542-3214`; 10 characters.

    Nine digits, and any kind of dash or blank between them, are ZIP+4.
    """

    description = _("US ZIP code")
    #: Values that match need no cleaning.
    canonical = re.compile(r"\A[0-9]{5}(-[0-9]{4})?\Z")

    #: ZIP code and ZIP+4 look alike: the first five digits, as a call without Python code.
    alike = itemgetter(slice(5))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 10)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        # For the database it is a CharField: no table is made anew for what is validation.
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        value = self.to_python(value)
        if isinstance(value, str) and (match := _ZIP_PLUS_4.fullmatch(value.strip())):
            value = "-".join(match.groups())
        return super().clean(value, model_instance)

    def formfield(self, **kwargs: Any) -> Any:
        # People may type more than is stored: `08542 – 3214`.
        said = _("Five digits, as 08542, or nine, as 08542-3214.")
        defaults: dict[str, Any] = {"max_length": 20, "help_text": said}
        return super().formfield(**defaults | kwargs)


_WITHOUT_ZEROS = re.compile(r"(\d{3,4})((?:-?\d{4})?)(?:\.0+)?", re.ASCII)


def restore_leading_zeros(text: str) -> str:
    """Give a ZIP code the leading zeros back that a spreadsheet took off: `8542`, `08542`.

    One of nine digits as well: `85423214` becomes `085423214`, which is ZIP+4.

    ZIP codes begin with 0 in New England, New Jersey and Puerto Rico; the lowest is 00501.
    """
    match = _WITHOUT_ZEROS.fullmatch(text)
    return match[1].zfill(5) + match[2] if match else text


def us_states() -> tuple[tuple[str, str], ...]:
    """The states as choices: code and name in the current language, sorted by name."""
    return _us_states(get_language())


@functools.cache
def _us_states(language: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((code, str(name)) for code, name in STATE_CHOICES)


#: The states on a map of tiles, each about where it lies.
US_LAYOUT = """
AK .. .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. .. VT NH
.. WA ID MT ND MN IL WI MI NY RI MA
.. OR NV WY SD IA IN OH PA NJ CT ..
.. CA UT CO NE MO KY WV VA MD DE ..
.. .. AZ NM KS AR TN NC SC DC .. ..
.. .. .. .. OK LA MS AL GA .. .. ..
HI .. .. .. TX .. .. .. .. FL .. ..
"""


#: What may stand for the first word of a name: "Geographic Directional Abbreviations" of USPS
#: Publication 28, appendix B2, with the older No. and So.; N. is read as New as well.
_FIRST_WORDS = {
    "n": ("north", "new"),
    "no": ("north",),
    "s": ("south",),
    "so": ("south",),
    "w": ("west",),
}
#: Spellings that localflavor hasn't: of the Bluebook (table T10.1), and the District's.
_SPELLINGS = STATES_NORMALIZED | {"cal": "CA", "haw": "HI", "washington dc": "DC"}


def us_state_code(value: Any) -> Any:
    """The code of a state that is written in words or in another way: `New York`, `N.Y.`, `ny`.

    What is no spelling of one state alone is returned as it is.
    """
    if not isinstance(value, str):
        return value
    words = re.sub(r"\bwashington,? ?d\.? ?c\b", "washington dc", value.casefold())
    parted = " ".join(words.replace(".", " ").split())
    first, _blank, rest = parted.partition(" ")
    whole = [f"{word} {rest}" for word in _FIRST_WORDS.get(first, ())]
    spellings = (" ".join(words.replace(".", "").split()), parted, parted.replace(" ", ""))
    codes = {_SPELLINGS[each] for each in (*spellings, *whole) if each in _SPELLINGS}
    return str(codes.pop()) if len(codes) == 1 else value


class _StatesOnce(BaseChoiceIterator):
    """The states as choices, translated and sorted once instead of at every access.

    A lazy iterator and not a tuple, because translations aren't ready while models load.
    """

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(us_states())


class USStateField(us_models.USStateField):
    """localflavor's field, with choices that are sorted once.

    localflavor sorts its lazy choices at every access, which takes 0.9 ms.
    """

    default_error_messages = {
        "invalid_choice": _("“%(value)s” is no US state: write its two-letter code, like NY."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choices = _StatesOnce()

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        return super().clean(us_state_code(value), model_instance)


# In the North American Numbering Plan (nationalnanpa.com, "NPA" and "NXX" codes), area code
# and exchange start with 2–9. This matches the usual ways to write the ten digits.
_USUAL_FORM = re.compile(
    r"\(?([2-9][0-9]{2})\)?[ .\-/]{0,2}([2-9][0-9]{2})[ .\-]?([0-9]{4})", re.ASCII
)
_LOOKS_LIKE_A_CODE = re.compile(r"-?\d{1,2}", re.ASCII)


def clean_phone_number(value: str) -> str:
    """Write a phone number as `212-222-6559`, or `212-222-6559 x12` with an extension.

    Raises ValidationError, which says what would be right, if `value` is not a North
    American phone number.
    """
    value = value.strip()
    if match := _USUAL_FORM.fullmatch(value):
        return "-".join(match.groups())
    if _LOOKS_LIKE_A_CODE.fullmatch(value):
        raise ValidationError(
            _("This is a code, not a number; write it like 212-222-6559."), code="code"
        )
    return _clean_odd_form(value)


def _clean_odd_form(value: str) -> str:
    """Clean a number that the pattern doesn't match: `+1 …`, letters, extensions."""
    import phonenumbers  # takes 0.03 s, of each start of a command

    try:
        number = phonenumbers.parse(value, "US", keep_raw_input=False)
    except phonenumbers.NumberParseException:
        number = None
    # As written, leading zeros included: `0212-222-6559` is a slip, not a number.
    digits = phonenumbers.national_significant_number(number) if number else ""
    usual = re.fullmatch(r"([2-9]\d\d)([2-9]\d\d)(\d{4})", digits, re.ASCII)
    if number is None or number.country_code != 1 or not usual:
        raise ValidationError(
            _(
                "This is no North American phone number: write ten digits like 212-222-6559;"
                " area code and exchange start with 2–9."
            ),
            code="invalid",
        )
    cleaned = "-".join(usual.groups())
    extension = phonenumbers.normalize_digits_only(number.extension or "")
    return f"{cleaned} x{extension}" if extension else cleaned


def phone_number_prefix(text: str) -> str:
    """Write the beginning of a number the way it is stored: `(212) 22` as `212-22`."""
    digits = "".join(re.findall("[0-9]", text)).removeprefix("1")
    if not 1 <= len(digits) <= 10 or re.search(r"[^0-9 ()./+-]", text):
        return text
    return "-".join(filter(None, (digits[:3], digits[3:6], digits[6:])))


def phone_number_searched(text: str) -> str:
    """Write a number, or a part that can be nothing else, as stored: `555.0100` as `555-0100`.

    A few digits alone are returned as they are: they may be of an address or a ZIP code.
    """
    digits = "".join(re.findall("[0-9]", text))
    if len(digits) == 7 and re.fullmatch(r"[2-9][0-9]{2}[ .\-]?[0-9]{4}", text):
        return f"{digits[:3]}-{digits[3:]}"
    if len(digits) < 7 and "(" not in text:
        return text
    return phone_number_prefix(text)


class PhoneNumberField(models.CharField[Any, Any]):
    """A North American phone number of up to 20 characters, cleaned to `212-222-6559`.

    As always in Django, `full_clean()`, forms and imports clean the value; `save()` stores
    it as it is.
    """

    description = _("North American phone number")
    #: Values that match need no cleaning.
    canonical = re.compile(r"\A[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}\Z")

    #: A search finds a number in any spelling.
    as_searched = staticmethod(phone_number_searched)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 20)
        super().__init__(*args, **kwargs)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        value = self.to_python(value)
        if value not in self.empty_values:
            value = clean_phone_number(value)
        return super().clean(value, model_instance)

    def formfield(self, **kwargs: Any) -> Any:
        # People may type more than is stored: `+1 (212) 222-6559 ext. 5`.
        said = _("Ten digits, as 212-222-6559; the area code does not begin with 0 or 1.")
        defaults: dict[str, Any] = {"max_length": 40, "help_text": said}
        return super().formfield(**defaults | kwargs)
