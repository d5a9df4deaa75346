"""The admin of the library's models: declarations only."""

from django.contrib import admin

from backoffice.admin.base import ModelAdmin
from library.models import Book, Librarian, Library, Patron


class PatronInline(admin.TabularInline):
    model = Patron
    extra = 1


class LibrarianInline(admin.StackedInline):
    model = Librarian


@admin.register(Library)
class LibraryAdmin(ModelAdmin):
    list_display = ("name", "address", "state", "zip_code", "phone_number")
    search_fields = ("name", "address", "zip_code")
    ordering = ("name",)
    inlines = (LibrarianInline, PatronInline)


@admin.register(Patron)
class PatronAdmin(ModelAdmin):
    list_display = ("name", "library")
    list_select_related = ("library",)
    search_fields = ("name", "library__name")
    ordering = ("name",)
    autocomplete_fields = ("library",)


@admin.register(Librarian)
class LibrarianAdmin(ModelAdmin):
    list_display = ("name", "library")
    list_select_related = ("library",)
    search_fields = ("name", "library__name")
    ordering = ("name",)
    autocomplete_fields = ("library",)


@admin.register(Book)
class BookAdmin(ModelAdmin):
    list_display = ("title",)
    search_fields = ("title",)
    ordering = ("title",)
    filter_horizontal = ("libraries",)
