"""The pages under docs/ say what is so."""

import importlib
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import load_command_class

from tests.blocks import actions, documented
from tests.docs import DOCS

ROOT = DOCS.parent


def test_the_example_app_is_the_one_that_the_tests_install():
    page = (DOCS / "how-to" / "add-a-model.md").read_text(encoding="utf-8")
    for name in ("models", "resources", "filtersets", "admin"):
        source = (ROOT / "tests" / "everything" / "loans" / f"{name}.py").read_text(
            encoding="utf-8"
        )
        assert f"`{name}.py`:\n\n```python\n{source}```" in page


@pytest.mark.parametrize("name", ["import", "export", "undo_import", "erase", "retain"])
def test_every_option_of_a_command_is_listed_and_none_else(name):
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)[1]
    listed = set(re.findall(r"^\| `(--[a-z-]+)` \|", section, re.MULTILINE))
    command = load_command_class("backoffice", name)
    parser = command.create_parser("manage.py", name)
    base = type(command).__mro__[1]().create_parser("manage.py", name)
    common = {option for action in base._actions for option in action.option_strings}
    own = {
        max(action.option_strings, key=lambda option: (len(option), option))
        for action in parser._actions
        if action.option_strings and not common & set(action.option_strings)
    }
    assert listed == own


def test_every_filter_is_listed_and_none_else():
    page = (DOCS / "reference" / "filters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", page, re.MULTILINE)
    listed = {name for row in rows for name in re.findall("[a-z_]+", row)}
    parameters = {
        name
        for model in apps.get_app_config("library").get_models()
        if admin.site.is_registered(model)
        for name in admin.site.get_model_admin(model).filterset_class().parameters
    }
    assert listed == parameters


def pages():
    return [
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
        *DOCS.rglob("*.md"),
    ]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (Path(page).parent / target).exists(), target


def resolves(name):
    """Whether a dotted name is a module, or something that is in one."""
    parts = name.split(".")
    for number in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:number])
        if path.is_dir() or path.with_suffix(".py").is_file():
            found = importlib.import_module(".".join(parts[:number]))
            for part in parts[number:]:
                if not hasattr(found, part):
                    return False
                found = getattr(found, part)
            return True
    return False


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_and_path_of_the_code_exists(page):
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"\bbackoffice(?:\.\w+)*\.[a-z_]\w+(?:\.\w+)*", text)
    paths = re.findall(r"`((?:backoffice|library|tests|benchmarks)/[\w/.-]*)`", text)
    missing = [name for name in names if not resolves(name)]
    assert not missing + [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_within_a_text_is_there_with_its_options(page):
    code = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    for command, rest in re.findall(r"manage\.py (\w+)([^`]*)", "`".join(code)):
        known = {option for each in actions(command) for option in each.option_strings}
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)) <= known, (command, rest)
    for target in re.findall(r"^make ([a-z-]+)", "\n".join(code), re.M):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), target


#: Names in capitals that are no settings: of our code, of Django's, of boto3, of compose.yaml.
OTHERS = {
    "ROW_CODES",
    "SIMPLE_HISTORY_HISTORY_ID_USE_UUID",
    "USERNAME_FIELD",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "POSTGRES_PASSWORD",
    "TLS_CERTIFICATE",
    "TLS_KEY",
}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_that_is_named_is_there(page):
    named = re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", page.read_text(encoding="utf-8"))
    missing = set(named) - documented() - set(dir(settings)) - OTHERS
    assert not missing


def test_every_page_is_in_the_index():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).as_posix()
        assert name == "README.md" or f"({name})" in index
