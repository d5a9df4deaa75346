"""Imports and exports: the columns, the match keys, and how other systems name the columns.

The synonyms in capitals are the headers of the Public Libraries Survey's outlet file
(Institute of Museum and Library Services, "PLS Data File Documentation").
"""

from django.utils.translation import gettext_lazy as _

from backoffice.resources.related import RelatedColumn
from backoffice.resources.resource import Repair, Resource
from library.fields import restore_leading_zeros
from library.models import Book, Librarian, Library, Patron


class LibraryResource(Resource):
    synonyms = {
        "name": ("LIBNAME", "library", "library name", "branch", "branch name", "outlet"),
        "address": ("street", "street address", "address line 1"),
        "state": ("STABR", "state code"),
        "phone_number": ("PHONE", "telephone", "tel"),
        "zip_code": ("ZIP", "postal code", "postcode"),
    }
    examples = {
        "name": "Main Library",
        "address": "1 Main Street",
        "state": "NY",
        "phone_number": "212-222-6559",
        "zip_code": "10016",
    }
    related = {
        "librarian": RelatedColumn("librarian__name", _("librarian")),
        "number_of_patrons": RelatedColumn("patron", _("number of patrons")),
        "number_of_books": RelatedColumn("book", _("number of books")),
    }
    repairs = {
        "zip_zeros": Repair(
            "zip_code",
            restore_leading_zeros,
            _("Restore ZIP codes that lost their leading zero"),
        )
    }

    class Meta:
        model = Library
        fields = ("name", "address", "state", "phone_number", "zip_code")
        import_id_fields = ("name", "zip_code")


class PatronResource(Resource):
    synonyms = {
        "name": ("patron", "patron name", "member", "reader", "borrower"),
        "library": ("LIBNAME", "library name", "branch", "home library", "home branch"),
    }
    examples = {"name": "Ann Reader", "library": "Main Library"}
    related = {
        "library_state": RelatedColumn("library__state", _("state of the library")),
        "library_zip_code": RelatedColumn("library__zip_code", _("ZIP code of the library")),
        "library_phone": RelatedColumn("library__phone_number", _("phone of the library")),
    }

    class Meta:
        model = Patron
        fields = ("name", "library")
        import_id_fields = ("name", "library")


class LibrarianResource(Resource):
    synonyms = {
        "name": ("librarian", "librarian name", "head librarian"),
        "library": ("LIBNAME", "library name", "branch"),
    }
    examples = {"name": "Ben Keeper", "library": "Main Library"}
    related = {
        "library_state": RelatedColumn("library__state", _("state of the library")),
        "library_zip_code": RelatedColumn("library__zip_code", _("ZIP code of the library")),
        "library_phone": RelatedColumn("library__phone_number", _("phone of the library")),
    }

    class Meta:
        model = Librarian
        fields = ("name", "library")
        import_id_fields = ("library",)


class BookResource(Resource):
    synonyms = {
        "title": ("book", "book title", "name"),
        "libraries": ("library", "branches", "branch", "held by", "holdings"),
    }
    examples = {"title": "Pride and Prejudice", "libraries": "Main Library|Seaford"}
    related = {"number_of_libraries": RelatedColumn("libraries", _("number of libraries"))}

    class Meta:
        model = Book
        fields = ("title", "libraries")
        import_id_fields = ("title",)
