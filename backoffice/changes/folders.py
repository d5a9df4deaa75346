"""`Folder`: a row with files of its own, such as those of an import."""

from pathlib import Path

from django.db import models
from django.utils.translation import gettext_lazy

from backoffice.changes import files


class Folder(models.Model):
    #: The unguessable folder of its files, see `changes.files`; "" where none are kept.
    folder = models.CharField(gettext_lazy("folder"), max_length=64, blank=True)

    class Meta:
        abstract = True

    @property
    def directory(self) -> Path:
        """Where this machine writes its files, before they are `put`."""
        return files.root() / self.folder

    def make_directory(self) -> None:
        """Make a folder whose name can't be guessed and that only this user can read."""
        self.folder = self.folder or files.new_folder()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, name: str) -> None:
        """Give all machines a file of the directory. Raises OSError."""
        files.put(self.folder, name)

    def fetch(self, name: str) -> Path:
        """A file on this machine. Raises FileNotFoundError and other OSErrors."""
        return files.fetch(self.folder, name)

    def remove(self) -> None:
        """Delete all its files; the row stays."""
        if self.folder:
            files.discard(self.folder)
            type(self)._base_manager.filter(pk=self.pk).update(folder="")
            self.folder = ""
