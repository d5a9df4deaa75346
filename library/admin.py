"""The admin of the library's models: declarations only."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from backoffice.admin.base import ModelAdmin, StackedInline, TabularInline
from backoffice.admin.forms.glance import MapLink, PhoneLink
from backoffice.admin.lists.columns import RelatedCount
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.admin.start.declared import Attention, TileMap
from library.fields import US_LAYOUT
from library.filtersets import (
    BookFilterSet,
    LibrarianFilterSet,
    LibraryFilterSet,
    PatronFilterSet,
)
from library.models import Book, Librarian, Library, Patron
from library.resources import BookResource, LibrarianResource, LibraryResource, PatronResource

admin.site.site_title = admin.site.site_header = _("Library back office")
admin.site.index_title = _("Branches, patrons, librarians and titles")


class LibrarianInline(StackedInline):
    model = Librarian


class PatronInline(TabularInline):
    model = Patron
    extra = 1


@admin.register(Library)
class LibraryAdmin(ModelAdmin):
    list_display = (
        "name",
        "address",
        "state",
        "zip_code",
        "phone_number",
        "librarian",
        RelatedCount("patron", _("patrons")),
        RelatedCount("book", _("books")),
    )
    list_filter = [("state", InUseFilter)]
    list_select_related = ("librarian",)
    search_fields = ("name", "address", "zip_code", "phone_number")
    search_help_text = _("Name, address, ZIP code or phone number")
    ordering = ("name",)
    inlines = (LibrarianInline, PatronInline)
    at_a_glance = (
        MapLink("address", "state", "zip_code"),
        PhoneLink("phone_number"),
        "librarian",
        "patron",
        "book",
    )
    related_filter_horizontal = ("book_set",)
    resource_classes = (LibraryResource,)
    filterset_class = LibraryFilterSet
    tile_map = TileMap("state", US_LAYOUT)
    attention = (
        Attention(
            "librarian=no",
            ngettext_lazy("library has no librarian", "libraries have no librarian", "n"),
        ),
        Attention(
            "patron_count_max=0",
            ngettext_lazy("library has no patrons", "libraries have no patrons", "n"),
        ),
        Attention(
            "looks_like_another=yes",
            ngettext_lazy("library looks like another", "libraries look like another", "n"),
        ),
    )


@admin.display(description=_("state"), ordering="library__state")
def state(member: Patron | Librarian) -> str:
    return member.library.get_state_display()


@admin.register(Patron)
class PatronAdmin(ModelAdmin):
    list_display = ("name", "library", state)
    list_filter = [("library__state", InUseFilter)]
    list_select_related = ("library",)
    search_fields = ("name", "library__name")
    search_help_text = _("Name of the patron or of the library")
    ordering = ("name",)
    autocomplete_fields = ("library",)
    resource_classes = (PatronResource,)
    filterset_class = PatronFilterSet


@admin.register(Librarian)
class LibrarianAdmin(ModelAdmin):
    list_display = ("name", "library", state)
    list_filter = [("library__state", InUseFilter)]
    list_select_related = ("library",)
    search_fields = ("name", "library__name")
    search_help_text = _("Name of the librarian or of the library")
    ordering = ("name",)
    autocomplete_fields = ("library",)
    resource_classes = (LibrarianResource,)
    filterset_class = LibrarianFilterSet


@admin.register(Book)
class BookAdmin(ModelAdmin):
    list_display = ("title", RelatedCount("libraries", _("libraries")))
    list_filter = [("libraries__state", InUseFilter)]
    search_fields = ("title",)
    search_help_text = _("Title")
    ordering = ("title",)
    filter_horizontal = ("libraries",)
    at_a_glance = ("libraries",)
    resource_classes = (BookResource,)
    filterset_class = BookFilterSet
    attention = (
        Attention(
            "library_count_max=0",
            ngettext_lazy("book is in no library", "books are in no library", "n"),
        ),
        Attention(
            "looks_like_another=yes",
            ngettext_lazy("book looks like another", "books look like another", "n"),
        ),
    )
