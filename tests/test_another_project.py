"""docs/how-to/use-in-another-project.md holds: its project imports, edits, exports and undoes.

The project has a user model of its own and a stock AdminSite, and runs in processes of its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import DOCS

PAGE = DOCS / "how-to" / "use-in-another-project.md"
ROOT = DOCS.parent
EMPTY = (("shop/__init__.py", ""), ("people/__init__.py", ""))
MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
execute_from_command_line(sys.argv)
"""
STAFF = '''\
"""What staff do, page by page."""

import io

from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse
from people.models import Member
from shop.models import Article

setup_test_environment()  # a response has its context then
ann = Member.objects.create_superuser("ann@example.org", "secret")
client = Client()
client.force_login(ann)
LIST = reverse("shop:shop_article_changelist")
assert LIST.startswith("/staff/")


def get(address, **query):
    page = client.get(address, query)
    assert page.status_code == 200, (address, page.status_code)
    return page


def post(address, data):
    page = client.post(address, data, follow=True)
    assert page.status_code == 200, (address, page.status_code)
    assert "/staff/" in page.request["PATH_INFO"]
    return page


def colours():
    return dict(Article.objects.order_by("number").values_list("number", "colour"))


# Import
file = io.BytesIO(b"number,name,colour\\n1,Lamp,red\\n2,Table,red\\n3,Chair,blue\\n")
file.name = "articles.csv"
page = post(reverse("shop:shop_article_import"), {"import_file": file})
data = {field.html_name: field.value() for field in page.context["form"] if field.value()}
page = post(page.request["PATH_INFO"], data)
assert page.context["job"].new == 3, page.text
imported = page.context["job"].pk
page = post(page.request["PATH_INFO"], {"_apply": page.context["review"].state})
assert colours() == {"1": "red", "2": "red", "3": "blue"}, page.text
assert {record.history_user for record in Article.history.all()} == {ann}

# Lists, filters, forms, history
assert "Lamp" in get(LIST).text
assert [str(row) for row in get(LIST, colour="blue").context["cl"].result_list] == ["Chair"]
assert [str(row) for row in get(LIST, q="tab").context["cl"].result_list] == ["Table"]
lamp = Article.objects.get(number="1")
change = reverse("shop:shop_article_change", args=[lamp.pk])
assert "/staff/" in get(change).text
post(change, {"number": "1", "name": "Lamp", "colour": "green"})
history = get(reverse("shop:shop_article_history", args=[lamp.pk]))
assert "ann@example.org" in history.text
saved = reverse("shop:shop_article_save_filter")
post(f"{saved}?colour=red", {"name": "Red ones"})
assert "Red ones" in get(LIST).text

# Edit many, and undo that
ticked = list(Article.objects.values_list("pk", flat=True))
edit = {"action": "edit_selected", "_selected_action": ticked, "change": "colour"}
edit["edit-colour"] = "black"
page = post(LIST, edit | {"_preview": ""})
expected = page.context["expected"]
page = post(LIST, edit | {"_apply": "", "expected": expected})
assert set(colours().values()) == {"black"}, page.text
edited = page.context["job"].pk
undo = reverse("shop:shop_article_import_undo", args=[edited])
get(undo)
post(undo, {})
assert colours() == {"1": "green", "2": "red", "3": "blue"}

# Export
export = reverse("shop:shop_article_export")
form = get(export).context["form"]
data = {name: field.initial or "" for name, field in form.fields.items()}
data |= {"format": "0", "encoding": "utf-8", "resource": ""}
data |= {name: "on" for name in form.fields if name.startswith("articleresource_")}
page = client.post(export, data)
text = b"".join(page.streaming_content).decode()
assert "1,Lamp,green" in text, text

# Delete, and undo the import
page = post(LIST, {"action": "delete_selected", "_selected_action": ticked[:1]})
expected = page.context["expected"]
delete = {"action": "delete_selected", "_selected_action": ticked[:1], "post": "yes"}
post(LIST, delete | {"expected": expected})
assert Article.objects.count() == 2
post(reverse("shop:shop_article_import_undo", args=[imported]), {})
assert not Article.objects.exists()
print("done")
'''


@pytest.fixture
def project(tmp_path):
    """The page's files in a folder, as `{path: text}` has them."""
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^`(\w+/\w+\.py)`:\n\n```python\n(.*?)^```$", text, re.M | re.S)
    assert len(listed) == text.count("```python")
    for name, code in [*listed, *EMPTY, ("manage.py", MANAGE)]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
    return tmp_path


def run(project: Path, *command: str) -> str:
    """What `python -W error manage.py …` prints."""
    ours = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "DATA_DIR", "DEBUG")
    environ = {k: v for k, v in os.environ.items() if k not in ours}
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *command],
        cwd=project,
        env=environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_project_of_its_own_imports_edits_exports_and_undoes(project):
    run(project, "makemigrations", "people", "shop")
    assert "no issues" in run(project, "check")
    run(project, "migrate", "-v0")
    assert run(project, "shell", "-v0", "-c", STAFF) == "done\n"
    assert (project / "var").is_dir()
