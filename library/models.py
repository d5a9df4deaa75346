"""The domain: libraries, their patrons and librarians, and the titles they hold."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.history.historical_records import HistoricalRecords
from backoffice.tables.alike import AlikeForm, AlikeIndex
from library.fields import PhoneNumberField, USStateField, ZipCodeField, zip_code_validator


class LibraryManager(models.Manager["Library"]):
    def get_by_natural_key(self, name: str, zip_code: str) -> "Library":
        return self.get(name=name, zip_code=zip_code)


class Library(models.Model):
    name = models.CharField(_("name"), max_length=200)
    address = models.CharField(_("address"), max_length=200)
    state = USStateField(_("state"))
    phone_number = PhoneNumberField(_("phone number"))
    zip_code = ZipCodeField(_("ZIP code"), max_length=10, validators=[zip_code_validator])

    told_apart_by = {"name": ("zip_code", "state")}
    scope = "self"

    objects = LibraryManager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("library")
        verbose_name_plural = _("libraries")
        indexes = [
            # The match key of imports, and the order of lists. It ends with the primary key,
            # so that the index alone finds a page far down a list.
            models.Index(fields=["name", "zip_code", "id"], name="library_name_zip"),
            models.Index(fields=["state", "name"], name="library_state_name"),
            AlikeIndex(AlikeForm("name"), "name", name="library_name_alike"),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, str]:
        return (self.name, self.zip_code)


class PatronManager(models.Manager["Patron"]):
    def get_by_natural_key(
        self, name: str, library_name: str, library_zip_code: str
    ) -> "Patron":
        return self.get(
            name=name, library__name=library_name, library__zip_code=library_zip_code
        )


class Patron(models.Model):
    name = models.CharField(_("name"), max_length=200)
    library = models.ForeignKey(
        Library,
        on_delete=models.CASCADE,
        verbose_name=_("library"),
        db_index=False,  # patron_library_name does more than an index of its own
    )

    told_apart_by = {"name": ("library__name", "library__zip_code")}
    personal = ("name",)
    scope = "library"

    objects = PatronManager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("patron")
        verbose_name_plural = _("patrons")
        indexes = [
            models.Index(fields=["name", "library", "id"], name="patron_name_library"),
            # The patrons of a library, page by page in the order of their names.
            models.Index(fields=["library", "name", "id"], name="patron_library_name"),
            AlikeIndex(AlikeForm("name"), "library", "name", name="patron_name_alike"),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, str, str]:
        return (self.name, *self.library.natural_key())

    natural_key.dependencies = ["library.library"]  # type: ignore[attr-defined]  # for dumpdata


class LibrarianManager(models.Manager["Librarian"]):
    def get_by_natural_key(self, library_name: str, library_zip_code: str) -> "Librarian":
        return self.get(library__name=library_name, library__zip_code=library_zip_code)


class Librarian(models.Model):
    name = models.CharField(_("name"), max_length=200)
    library = models.OneToOneField(Library, on_delete=models.CASCADE, verbose_name=_("library"))

    told_apart_by = {"name": ("library__name", "library__zip_code")}
    personal = ("name",)
    scope = "library"

    objects = LibrarianManager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("librarian")
        verbose_name_plural = _("librarians")
        indexes = [models.Index(fields=["name", "id"], name="librarian_name")]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, str]:
        return self.library.natural_key()

    natural_key.dependencies = ["library.library"]  # type: ignore[attr-defined]  # for dumpdata


class BookManager(models.Manager["Book"]):
    def get_by_natural_key(self, title: str) -> "Book":
        return self.get(title=title)


class Book(models.Model):
    title = models.CharField(_("title"), max_length=200)
    libraries = models.ManyToManyField(Library, verbose_name=_("libraries"))

    scope = "libraries"

    objects = BookManager()
    history = HistoricalRecords(m2m_fields=["libraries"])

    class Meta:
        verbose_name = _("book")
        verbose_name_plural = _("books")
        indexes = [
            models.Index(fields=["title", "id"], name="book_title"),
            AlikeIndex(AlikeForm("title"), "title", name="book_title_alike"),
        ]

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        return (self.title,)
