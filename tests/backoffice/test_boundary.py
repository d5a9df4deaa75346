"""`backoffice/` says how, for any model: it names none of the domain's. Modules are short."""

import ast
from pathlib import Path

import pytest
from django.apps import apps

BACKOFFICE = Path(apps.get_app_config("backoffice").path)
DOMAIN = apps.get_app_config("library")
MODELS = {model.__name__ for model in DOMAIN.get_models()}
LABELS = {
    label
    for model in DOMAIN.get_models()
    for label in (model._meta.label, model._meta.label_lower)
}
ROOT = BACKOFFICE.parent
MOST_LINES = 400
MODULES = sorted(path for path in BACKOFFICE.rglob("*.py") if "migrations" not in path.parts)


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module]
    return []


def offences(source):
    """Imports of the domain, and its models by name or label; prose is free."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for module in imported(node):
            if module.split(".")[0] == DOMAIN.name:
                yield f"{node.lineno}: imports {module}"
        if isinstance(node, ast.Name) and node.id in MODELS:
            yield f"{node.lineno}: names {node.id}"
        if isinstance(node, ast.Constant) and node.value in MODELS | LABELS:
            yield f"{node.lineno}: names {node.value!r}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(BACKOFFICE)))
def test_a_module_of_the_machinery_names_no_model_of_the_domain(path):
    assert list(offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import library.models",
        "from library.models import Book as B",
        "apps.get_model('library.Book')",
        "x = Patron.objects",
    ],
)
def test_an_offence_is_found(source):
    assert list(offences(source))


def test_templates_of_the_machinery_name_no_model_of_the_domain():
    addresses = [f"{DOMAIN.label}_{name.lower()}" for name in MODELS]
    for path in (BACKOFFICE / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not [address for address in addresses if address in text], path


@pytest.mark.parametrize("folder", ["backoffice", "library", "tests"])
def test_a_module_is_short_enough_to_be_read_in_one_go(folder):
    """Split a longer one by noun. What Django writes is left out."""
    lines = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    }
    assert {path: number for path, number in lines.items() if number > MOST_LINES} == {}
