"""Model fields for what an American library writes down: states, phones, ZIP codes."""

import functools
import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.choices import BaseChoiceIterator
from django.utils.translation import gettext_lazy as _
from localflavor.us import models as us_models
from localflavor.us.us_states import STATE_CHOICES

zip_code_validator = RegexValidator(
    r"\A[0-9]{5}(-[0-9]{4})?\Z",
    _("Enter a ZIP code of 5 digits, or ZIP+4: 08542 or 08542-3214."),
)


_WITHOUT_ZEROS = re.compile(r"(\d{3,4})(?:\.0+)?((?:-\d{4})?)", re.ASCII)


def restore_leading_zeros(text):
    """`8542`, as a spreadsheet leaves a ZIP code that begins with 0, made `08542` again.

    ZIP codes begin with 0 in New England, New Jersey and Puerto Rico; the least is 00501.
    """
    match = _WITHOUT_ZEROS.fullmatch(text)
    return match[1].zfill(5) + match[2] if match else text


@functools.cache
def us_states():
    return tuple((code, str(name)) for code, name in STATE_CHOICES)


class _StatesOnce(BaseChoiceIterator):
    """The states, translated and sorted at the first look instead of at every look.

    A lazy iterator and not a tuple, because translations aren't ready while models load.
    """

    def __iter__(self):
        return iter(us_states())


class USStateField(us_models.USStateField):
    """localflavor's field without the 0.9 ms that its lazy choices cost at every access."""

    default_error_messages = {
        "invalid_choice": _("“%(value)s” is no US state: write its two-letter code, like NY."),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.choices = _StatesOnce()


# The North American Numbering Plan (nationalnanpa.com, "NPA" and "NXX" codes): area code
# and exchange start with 2–9. The forms below are the usual ways to write ten digits.
_USUAL_FORM = re.compile(
    r"\(?([2-9][0-9]{2})\)?[ .\-/]{0,2}([2-9][0-9]{2})[ .\-]?([0-9]{4})", re.ASCII
)
_LOOKS_LIKE_A_CODE = re.compile(r"-?\d{1,2}", re.ASCII)


def clean_phone_number(value: str) -> str:
    """`value` as `212-222-6559`, or `212-222-6559 x12` where it names an extension.

    Raises ValidationError, with what would be right, for what is no North American number.
    """
    value = value.strip()
    if match := _USUAL_FORM.fullmatch(value):
        return "-".join(match.groups())
    if _LOOKS_LIKE_A_CODE.fullmatch(value):
        raise ValidationError(
            _("This is a code, not a number; write it like 212-222-6559."), code="code"
        )
    return _clean_odd_form(value)


def _clean_odd_form(value):
    """What the pattern doesn't read: `+1 …`, letters, extensions, by Google's rules."""
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
    """The beginning of a number as it is stored: `(212) 22` as `212-22`."""
    digits = "".join(re.findall("[0-9]", text)).removeprefix("1")
    if not digits or re.search(r"[^0-9 ()./+-]", text):
        return text
    return "-".join(filter(None, (digits[:3], digits[3:6], digits[6:])))


class PhoneNumberField(models.CharField):
    """A North American phone number, cleaned to `212-222-6559`; 20 characters.

    As always in Django, only `full_clean()`, forms and imports clean; `save()` stores what
    it is given.
    """

    description = _("North American phone number")
    #: What cleaning leaves as it is.
    canonical = re.compile(r"\A[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}\Z")

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_length", 20)
        super().__init__(*args, **kwargs)

    def clean(self, value, model_instance):
        value = self.to_python(value)
        if value not in self.empty_values:
            value = clean_phone_number(value)
        return super().clean(value, model_instance)

    def formfield(self, **kwargs):
        # What is typed may be longer than what is stored: `+1 (212) 222-6559 ext. 5`.
        return super().formfield(**{"max_length": 40} | kwargs)
