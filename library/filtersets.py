"""Which rows: the filters that lists, exports and the command line share."""

import django_filters as filters

from library.fields import us_states
from library.models import Book, Librarian, Library, Patron


class LibraryFilterSet(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")
    address = filters.CharFilter(lookup_expr="icontains")
    state = filters.MultipleChoiceFilter(choices=us_states)
    phone_number = filters.CharFilter(lookup_expr="startswith")
    zip_code = filters.CharFilter(lookup_expr="startswith")

    class Meta:
        model = Library
        fields = ("name", "address", "state", "phone_number", "zip_code")


class PatronFilterSet(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")
    state = filters.MultipleChoiceFilter(field_name="library__state", choices=us_states)

    class Meta:
        model = Patron
        fields = ("name", "library", "state")


class LibrarianFilterSet(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")
    state = filters.MultipleChoiceFilter(field_name="library__state", choices=us_states)

    class Meta:
        model = Librarian
        fields = ("name", "library", "state")


class BookFilterSet(filters.FilterSet):
    title = filters.CharFilter(lookup_expr="icontains")
    state = filters.MultipleChoiceFilter(
        field_name="libraries__state", choices=us_states, distinct=True
    )

    class Meta:
        model = Book
        fields = ("title", "libraries", "state")
