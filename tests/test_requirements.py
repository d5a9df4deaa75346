"""What is installed is written down, with hashes, and the site needs no more than that."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDED = PROJECT["project"]["dependencies"]
EXTRAS = {
    f"requirements-{name}.txt": NEEDED + packages
    for name, packages in PROJECT["project"]["optional-dependencies"].items()
}
GROUPS = {
    f"requirements-{name}.txt": packages
    for name, packages in PROJECT["dependency-groups"].items()
}
LISTS = {"requirements.txt": NEEDED, **EXTRAS, **GROUPS}
LISTS["requirements-dev.txt"] = [
    *(package for packages in EXTRAS.values() for package in packages),
    *GROUPS["requirements-dev.txt"],
]


def normal(name):
    """The name that a package is compared by, without its extras."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def requirements(name):
    """The blocks of a requirements file: the requirement, and its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = re.sub(r"^ *#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
    return [line.split() for line in lines]


def versions(name):
    pairs = (words[0].split("==") for words in requirements(name))
    return {normal(package): version for package, version in pairs}


@pytest.mark.parametrize("name", LISTS)
def test_a_file_has_what_the_list_says_each_with_its_version_and_hashes(name):
    found = versions(name)
    for listed in LISTS[name]:
        package, version = listed.split("==")
        assert found[normal(package)] == version, "run: make requirements"
    for requirement, *rest in requirements(name):
        assert "==" in requirement
        assert any(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in rest)
    assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_the_tests_run_with_the_versions_of_the_site():
    for extra in EXTRAS:
        assert versions("requirements.txt").items() <= versions(extra).items()
        assert versions(extra).items() <= versions("requirements-dev.txt").items()


def imported(tree):
    """The packages that a module imports, also within functions; not those of its types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]
        yield from imported(node)


def test_what_the_site_imports_is_in_the_list():
    paths = [path for name in ("backoffice", "library") for path in (ROOT / name).rglob("*.py")]
    names = {
        name
        for path in [*paths, ROOT / "manage.py", ROOT / "gunicorn.conf.py"]
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
    }
    names -= sys.stdlib_module_names | {"backoffice", "library"}
    listed = {normal(each.partition("==")[0]) for name in EXTRAS for each in LISTS[name]}
    distributions = packages_distributions()
    assert "django" in names
    assert [each for each in names if listed.isdisjoint(map(normal, distributions[each]))] == []


#: Starts the site where only the packages of sys.argv[1] can be found.
START = """
import json
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

listed = set(json.loads(sys.argv[1]))
absent = {
    name
    for name, distributions in packages_distributions().items()
    if listed.isdisjoint(each.lower().replace("_", "-") for each in distributions)
}
assert "pytest" in absent

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in absent:
            return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder

import django
import gunicorn.app.wsgiapp
from django.core.management import call_command
from django.test import Client

django.setup()
call_command("check")
for path in Path("backoffice/management/commands").glob("[a-z]*.py"):
    import_module("backoffice.management.commands." + path.stem)
assert Client().get("/admin/login/").status_code == 200
print("started")
"""


def test_the_site_starts_with_the_packages_of_the_first_file_alone(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", START, json.dumps(list(versions("requirements.txt")))],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "DATA_DIR": str(tmp_path),
            "DEBUG": "on",  # without it, static files have to be collected first
            "ALLOWED_HOSTS": "testserver",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stdout.strip().endswith("started"), run.stderr


ANSWERS = {  # what pip-audit says, what is said of it, and the exit code
    "none": (
        {"dependencies": [{"name": "a", "version": "1", "vulns": []}]},
        "1 packages, with 0 known",
        0,
    ),
    "one": (
        {
            "dependencies": [
                {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
            ]
        },
        "a 1: X-1, mended in 2",
        1,
    ),
    "silent": (
        {"dependencies": [{"name": "a", "skip_reason": "not found"}]},
        "NOT looked up, because the database of vulnerabilities did not answer: a",
        2,
    ),
    "unreachable": (None, "names: ConnectionError: refused", 2),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_audit_says_what_it_could_not_look_up(case, tmp_path):
    answer, sentence, code = ANSWERS[case]
    said = (
        f"print({json.dumps(answer)!r})"
        if answer
        else "raise SystemExit('ConnectionError: refused')"
    )
    (tmp_path / "pip_audit.py").write_text(said)
    run = subprocess.run(
        [sys.executable, ROOT / ".ci/audit.py", "requirements.txt"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert sentence in run.stdout
    assert run.returncode == code
