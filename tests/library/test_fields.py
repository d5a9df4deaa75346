"""What the fields accept, what they make of it, and what they refuse."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.forms import modelform_factory
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from localflavor.us.us_states import STATES_NORMALIZED

from library.fields import (
    PhoneNumberField,
    USStateField,
    _us_states,
    clean_phone_number,
    phone_number_prefix,
    phone_number_searched,
    restore_leading_zeros,
    us_state_code,
    us_states,
)
from library.models import Library
from tests.factories import make_library

digits = st.characters(min_codepoint=ord("0"), max_codepoint=ord("9"))
two_to_nine = st.sampled_from("23456789")
three_digits = st.builds(str.__add__, two_to_nine, st.text(digits, min_size=2, max_size=2))
four_digits = st.text(digits, min_size=4, max_size=4)

USUAL_FORMS = (
    "{}-{}-{}",
    "({}) {}-{}",
    "({}){}-{}",
    "({}) {} {}",
    "{}.{}.{}",
    "{} {} {}",
    "{}/{}-{}",
    "{}{}{}",
    "{}-{}{}",
    " {}-{}-{} ",
    "1-{}-{}-{}",
    "1 ({}) {}-{}",
    "1{}{}{}",
    "+1 {} {} {}",
    "+1{}{}{}",
    "+1 ({}) {}-{}",
    "+1-{}-{}-{}",
)


def library(**fields):
    """A library that isn't stored, right in everything but what the test changes."""
    return Library(
        **{
            "name": "New York Public Library",
            "address": "455 5th Ave",
            "state": "NY",
            "phone_number": "212-222-6559",
            "zip_code": "10016",
        }
        | fields
    )


def refused(obj):
    """The names of the fields that `full_clean()` refuses."""
    with pytest.raises(ValidationError) as refusal:
        obj.clean_fields()
    return set(refusal.value.message_dict)


# Phone numbers ------------------------------------------------------------------------


@pytest.mark.parametrize("form", USUAL_FORMS)
def test_a_usual_way_of_writing_a_number_is_cleaned(form):
    assert clean_phone_number(form.format("212", "222", "6559")) == "212-222-6559"


@given(three_digits, three_digits, four_digits, st.sampled_from(USUAL_FORMS))
def test_ten_digits_clean_to_the_same_in_any_usual_form(area, exchange, line, form):
    assert clean_phone_number(form.format(area, exchange, line)) == f"{area}-{exchange}-{line}"


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[-+().x 0-9]{7,24}", fullmatch=True)))
def test_cleaning_twice_changes_nothing(value):
    try:
        cleaned = clean_phone_number(value)
    except ValidationError:
        return
    assert clean_phone_number(cleaned) == cleaned


@pytest.mark.parametrize("extension", ["0", "7", "12", "012", "99999"])
@pytest.mark.parametrize(
    "sign", [" x", "x", " x ", " ext. ", " ext ", " extension ", "#", ";ext="]
)
def test_an_extension_is_kept(sign, extension):
    cleaned = clean_phone_number(f"(212) 222-6559{sign}{extension}")
    assert cleaned == f"212-222-6559 x{extension}"
    assert clean_phone_number(cleaned) == cleaned


@pytest.mark.parametrize(
    ("odd", "cleaned"),
    [
        ("800-FLOWERS", "800-356-9377"),
        ("1-800-flowers", "800-356-9377"),
        ("(800) NYC-LIBS", "800-692-5427"),
        ("tel:+1-212-222-6559", "212-222-6559"),
        ("212–222–6559", "212-222-6559"),
        ("２１２-222-6559", "212-222-6559"),
        ("212-222-6559 x١٢", "212-222-6559 x12"),
        ("212-222-6559\n", "212-222-6559"),
        ("+1 876 555 0123", "876-555-0123"),
    ],
)
def test_an_odd_form_is_cleaned(odd, cleaned):
    assert clean_phone_number(odd) == cleaned


@pytest.mark.parametrize(
    "value",
    [
        "212-122-6559",  # exchange starts with 1
        "212-022-6559",
        "112-222-6559",  # area code starts with 1
        "012-222-6559",
        "0212-222-6559",
        "222-6559",
        "212-222-655",
        "212-222-65590",
        "0000000000",
        "911",
        "+44 20 7946 0958",
        "011 44 20 7946 0958",
        "+52 55 1234 5678",
        "800-nyc-books",  # one letter too many
        "212-222-6559 or 212-222-6560",
        "2122226559.0",  # what a spreadsheet makes of it
        "N/A",
        "unknown",
    ],
)
def test_what_is_no_north_american_number_is_refused_with_what_would_be_right(value):
    with pytest.raises(ValidationError, match="212-222-6559") as refusal:
        clean_phone_number(value)
    assert refusal.value.code == "invalid"


@pytest.mark.parametrize("value", ["-4", "-3", "-1", "0", " -9 "])
def test_a_code_for_a_missing_number_is_called_a_code(value):
    with pytest.raises(ValidationError, match="is a code, not a number") as refusal:
        clean_phone_number(value)
    assert refusal.value.code == "code"


def test_full_clean_cleans_and_save_does_not(db):
    obj = make_library(phone_number="(212) 222-6559")
    obj.refresh_from_db()
    assert obj.phone_number == "(212) 222-6559"
    obj.full_clean()
    assert obj.phone_number == "212-222-6559"


def test_save_and_update_store_what_no_form_would_let_in(db):
    obj = make_library()
    obj.phone_number = "800-nyc-books"
    obj.save()
    obj.refresh_from_db()
    assert obj.phone_number == "800-nyc-books"
    Library.objects.update(phone_number="-4")
    obj.refresh_from_db()
    assert refused(obj) == {"phone_number"}


@pytest.mark.parametrize("value", ["", None])
def test_a_phone_number_is_required(value):
    assert refused(library(phone_number=value)) == {"phone_number"}


def test_an_optional_phone_number_may_be_blank():
    assert PhoneNumberField(blank=True).clean("", None) == ""


def test_a_number_given_as_an_integer_is_cleaned():
    assert PhoneNumberField().clean(2122226559, None) == "212-222-6559"


def test_a_number_too_long_to_store_is_refused():
    assert refused(library(phone_number="212-222-6559 x123456789")) == {"phone_number"}


def test_a_form_takes_a_form_of_writing_longer_than_what_is_stored():
    form_class = modelform_factory(Library, fields=["phone_number"])
    form = form_class({"phone_number": "+1 (212) 222-6559 ext. 5"})
    assert form.is_valid(), form.errors
    assert form.instance.phone_number == "212-222-6559 x5"
    form = form_class({"phone_number": "+1 (212) 222-6559 ext. 123456789"})
    assert not form.is_valid()


# States -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["NY", "NJ", "CO", "DC", "PR", "VI", "GU", "AS", "MP"])
def test_states_and_territories_are_accepted(state):
    library(state=state).clean_fields()


@pytest.mark.parametrize("state", ["ny", " NY ", "New York", "new  york", "N.Y.", "N. Y."])
def test_a_state_in_another_spelling_is_its_code(state):
    row = library(state=state)
    row.clean_fields()
    assert row.state == "NY"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Washington, D.C.", "DC"),
        ("Washington DC", "DC"),
        ("WASHINGTON, D. C.", "DC"),
        ("D.C.", "DC"),
        ("Washington", "WA"),
        ("N. Carolina", "NC"),
        ("n carolina", "NC"),
        ("No. Dakota", "ND"),
        ("S.Dakota", "SD"),
        ("So. Carolina", "SC"),
        ("W. Virginia", "WV"),
        ("W.Va.", "WV"),
        ("N. Mexico", "NM"),
        ("N. Hampshire", "NH"),
        ("Cal.", "CA"),
        ("U.S. Virgin Islands", "VI"),
    ],
)
def test_the_ordinary_short_forms_of_states_are_their_codes(written, code):
    row = library(state=written)
    row.clean_fields()
    assert row.state == code


def test_every_spelling_of_localflavor_is_its_code():
    assert {each: us_state_code(each) for each in STATES_NORMALIZED} == STATES_NORMALIZED


NO_STATES = ["ZZ", "New Yorkshire", "N", "", None, "Carolina", "N.", "S. Virginia", "New, York"]


@pytest.mark.parametrize("state", NO_STATES)
def test_what_is_no_state_is_refused(state):
    assert refused(library(state=state)) == {"state"}


def test_the_choices_are_sorted_by_name():
    names = [name for _code, name in Library._meta.get_field("state").choices]
    assert names == sorted(names)
    assert len(names) > 50


def test_the_choices_are_resolved_once():
    us_states()
    before = _us_states.cache_info()
    for _ in range(3):
        list(USStateField().choices)
        library().clean_fields()
    after = _us_states.cache_info()
    assert after.misses == before.misses
    assert after.hits >= before.hits + 6


def test_the_choices_are_in_the_language_of_the_page():
    with translation.override("es"):
        assert dict(us_states())["NY"] == "Nueva York"
    assert dict(us_states())["NY"] == "New York"


def test_a_state_has_a_display_name():
    assert library(state="DC").get_state_display() == "District of Columbia"


# ZIP codes ----------------------------------------------------------------------------


@pytest.mark.parametrize("zip_code", ["10016", "08542", "08542-3214", "00601"])
def test_a_zip_code_of_five_or_nine_digits_is_accepted(zip_code):
    library(zip_code=zip_code).clean_fields()


@pytest.mark.parametrize(
    "zip_code",
    [
        "8542",
        "0854232145",
        "08542-",
        "08542-321",
        "08542\n",
        " 08542",
        "0854O",
        "٠٨٥٤٢",
        "",
        None,
    ],
)
def test_what_is_no_zip_code_is_refused(zip_code):
    assert refused(library(zip_code=zip_code)) == {"zip_code"}


@pytest.mark.parametrize(
    "zip_code", ["085423214", "08542 3214", "08542–3214", "08542 — 3214", "08542‑3214"]
)
def test_nine_digits_are_zip_plus_4(zip_code):
    row = library(zip_code=zip_code)
    row.clean_fields()
    assert row.zip_code == "08542-3214"


def test_a_refused_zip_code_says_what_would_be_right():
    with pytest.raises(ValidationError, match="08542 or 08542-3214"):
        library(zip_code="8542").clean_fields()


# Migrations ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["state", "phone_number"])
def test_a_field_is_rebuilt_from_what_a_migration_stores(name):
    field = Library._meta.get_field(name)
    _name, path, args, kwargs = field.deconstruct()
    assert path == f"library.fields.{type(field).__name__}"
    assert "choices" not in kwargs
    rebuilt = type(field)(*args, **kwargs)
    assert rebuilt.deconstruct()[1:] == field.deconstruct()[1:]


def test_the_migrations_are_complete(db):
    call_command("makemigrations", "library", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        ("8542", "08542"),
        ("8542.0", "08542"),
        ("8542-3214", "08542-3214"),
        ("501", "00501"),
        ("85423214", "085423214"),
        ("5011234", "005011234"),
        ("85423214.0", "085423214"),
        ("085423214", "085423214"),
        ("854232", "854232"),
        ("08542", "08542"),
        ("10016.0", "10016.0"),
        ("85", "85"),
        ("", ""),
    ],
)
def test_leading_zeros_of_a_zip_code_are_restored(text, restored):
    assert restore_leading_zeros(text) == restored


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("212", "212"),
        ("(212) 22", "212-22"),
        ("+1 212.222.6", "212-222-6"),
        ("2122226559", "212-222-6559"),
        ("212-222-6559 x12", "212-222-6559 x12"),
        ("-", "-"),
        ("1", "1"),
    ],
)
def test_the_beginning_of_a_phone_number_is_read_however_it_is_written(text, prefix):
    assert phone_number_prefix(text) == prefix


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("(212) 222 6559", "212-222-6559"),
        ("+1 212.222.6559", "212-222-6559"),
        ("222 6559", "222-6559"),
        ("(212) 22", "212-22"),
        ("1212", "1212"),
        ("212-222-6559 10016", "212-222-6559 10016"),
        ("Main 222-6559", "Main 222-6559"),
    ],
)
def test_a_search_knows_a_number_by_its_digits(text, stored):
    assert phone_number_searched(text) == stored
