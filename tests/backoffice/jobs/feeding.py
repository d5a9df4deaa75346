"""What the tests of feeds share: a profile, the rows of its files, and what there is after."""

from backoffice.changes.profiles import Profile
from library.models import Library
from tests.factories import make_user

HEADER = "LIBNAME,ADDRESS,STABR,PHONE,ZIP\n"
MAIN, OTHER, BAD = (
    "Main,1 Street,NY,212-222-6559,10001\n",
    "Other,2 Street,NJ,609-924-9529,08542\n",
    "Bad,3 Street,NY,-4,10001\n",
)
RIGHTS = ["library.add_library", "library.change_library"]


def make_profile(**fields):
    defaults = {
        "name": "Supplier",
        "model": "library.Library",
        "resource": "library.resources.LibraryResource",
        "options": {"overrides": {"name": "LIBNAME"}},
    }
    if "owner" not in fields:
        defaults["owner"] = make_user(permissions=RIGHTS, email="owner@example.org")
    return Profile.objects.create(**defaults | fields)


def names():
    return sorted(library.name for library in Library.objects.all())


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
