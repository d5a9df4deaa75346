"""The filters that lists, exports and the command line share."""

from typing import Any

from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.filters.filterset import FilterSet
from backoffice.filters.related import HasRelatedFilter, ReferenceFilter, RelatedCountFilter
from backoffice.filters.values import AnyOfFilter, TextFilter
from library.fields import phone_number_prefix, us_states
from library.models import Book, Librarian, Library, Patron

area_code_validator = RegexValidator(
    r"\A[2-9][0-9]{2}\Z", _("An area code has three digits; the first is 2–9.")
)


class PhoneNumberFilter(TextFilter):
    """Filters by the beginning of a phone number, however people write it."""

    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        filtered: QuerySet[Any] = super().filter(queryset, phone_number_prefix(value))
        return filtered


class LibraryFilterSet(FilterSet):
    name = TextFilter()
    address = TextFilter()
    state = AnyOfFilter(choices=us_states)
    zip_code = TextFilter(lookup_expr="istartswith")
    area_code = TextFilter(
        "phone_number",
        "istartswith",
        label=_("Area code"),
        max_length=3,
        validators=[area_code_validator],
    )
    phone_number = PhoneNumberFilter(lookup_expr="istartswith")
    librarian = HasRelatedFilter(label=_("Librarian"))
    patron_count = RelatedCountFilter("patron", label=_("Number of patrons"))
    book = ReferenceFilter(label=_("Holds the book"))

    class Meta:
        model = Library
        fields = ()


class MemberFilterSet(FilterSet):
    aliases = {"state": "library__state"}

    name = TextFilter()
    library = ReferenceFilter(label=_("Library"))
    library__state = AnyOfFilter(choices=us_states, label=_("State"))


class PatronFilterSet(MemberFilterSet):
    class Meta:
        model = Patron
        fields = ()


class LibrarianFilterSet(MemberFilterSet):
    class Meta:
        model = Librarian
        fields = ()


class BookFilterSet(FilterSet):
    aliases = {"state": "libraries__state"}

    title = TextFilter()
    libraries = ReferenceFilter(label=_("In the library"))
    libraries__state = AnyOfFilter(choices=us_states, label=_("In the state"))
    library_count = RelatedCountFilter("libraries", label=_("Number of libraries"))

    class Meta:
        model = Book
        fields = ()
