"""Each fenced block of the documentation is run, or compared with what it speaks of.

A block's language says how: CHECKS has a function for each. What can't be is named in UNCHECKED
with the reason; a block that is in neither fails.
"""

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.blocks import CHECKS
from tests.docs import DOCS, Block, manage_py, read_blocks, run_prompt
from tests.factories import make_library

ROOT = DOCS.parent
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted(DOCS.rglob("*.md")),
]
BLOCKS = [block for page in PAGES for block in read_blocks(page)]
#: Pages whose blocks tests of their own run, all of them.
ELSEWHERE = {
    "docs/tutorial.md": "tests/test_tutorial.py",
    "docs/how-to/use-in-another-project.md": "tests/test_another_project.py",
}
#: By page and first line, why nothing can check a block.
UNCHECKED = {
    ("docs/explanation/architecture.md", "management     commands: parse, call, report"): (
        "a drawing; import-linter proves the layers"
    ),
    (
        "docs/explanation/exports.md",
        "list or FilterSet ─ rows ─ escape ─ format ─ response or file",
    ): "a drawing",
    (
        "docs/explanation/imports.md",
        "upload ─ reader ─ mapping ─ clean ─ staging table ─ set checks ─┬─ review: every row,"
        " decisions",
    ): "a drawing",
}
#: Programs of the reader's system, and why a test does not run them.
SYSTEM = {
    "createdb": "makes a database of a server that is not ours",
    "createuser": "makes a role of a server that is not ours",
    "git": "the repository's address is the reader's",
    "install": "makes folders in /srv and /var/lib",
    "journalctl": "reads the journal of services that are not here",
    "openssl": "prints something else each time",
    "systemctl": "restarts services that are not here",
    "useradd": "makes a user of the system",
}
#: Runs the commands that come, a line each as JSON, and agrees to what they ask.
RUN = """
import builtins, contextlib, io, json, sys, traceback
import django
from django.core.management import execute_from_command_line
from django.db import connections
django.setup()
from backoffice.jobs import workers
answers = {"restore": "restore", "DATABASE_URL": "sqlite:///moved.sqlite3"}
builtins.input = lambda question: next((answers[w] for w in answers if w in question), "yes")
for line in sys.stdin:
    words, told, code = json.loads(line), io.StringIO(), 0
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        try:
            if words[0] == "check":  # the guide has it run while a worker runs
                workers.give_sign()
            execute_from_command_line(["manage.py", *words])
        except SystemExit as end:
            code = end.code
        except BaseException:
            code = traceback.format_exc()
        if words[0] == "check":
            workers.sign_off()
        connections.close_all()
    print(json.dumps([code, told.getvalue() + str(code)]), flush=True)
"""
PREPARE = """
from django.contrib.auth.models import User
from backoffice.changes.profiles import Profile
Patron.objects.create(pk=7, name="Eve Example", library=Library.objects.first())
Profile.objects.create(
    name="NAME", model="library.Library", owner=User.objects.create_superuser("root"),
    resource="library.resources.LibraryResource")
"""
TABLE = "name,address,state,phone_number,zip_code\nRye,1 Main St,NY,914-231-3160,10580\n"


def page_of(block):
    return block.page.relative_to(ROOT).as_posix()


def place(block):
    return f"{page_of(block)}:{block.line}"


def by_page(*languages):
    """The pages that have such blocks, each with them."""
    pages = {}
    for block in BLOCKS:
        if block.language in languages and page_of(block) not in ELSEWHERE:
            pages.setdefault(page_of(block), []).append(block)
    return [pytest.param(blocks, id=page) for page, blocks in pages.items()]


# Commands -------------------------------------------------------------------------------------


class Site:
    """A throw-away installation on SQLite, as in the guide: one process runs its commands."""

    def __init__(self, folder):
        self.folder, self.numbers = folder, count()
        (given,) = (b.text for b in BLOCKS if b.language == "env" and "ALLOWED_HOSTS" in b.text)
        environ = {
            **dict(line.split("=", 1) for line in given.splitlines()),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "DATA_DIR": str(folder / "data"),
            "EXTRA_APPS": "tests.everything.loans",
            "DJANGO_SUPERUSER_PASSWORD": "tall-purple-giraffe",
            "DJANGO_SUPERUSER_EMAIL": "ann@example.org",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words):
        if words[0] == "createsuperuser":  # asks on a terminal alone
            words = [*words, "--no-input", f"--username=ann{next(self.numbers)}"]
        self.process.stdin.write(f"{json.dumps(words)}\n")
        self.process.stdin.flush()
        code, told = json.loads(self.process.stdout.readline())
        assert not code, told

    def named(self, word):
        """The word with a name of ours in the place of one that the reader chooses."""
        if word == "/backup/FILE":
            return str(next((self.folder / "backup").glob("*.tar")))
        if word == "/backup":
            return str(self.folder / "backup")
        return word


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    (site.folder / "FILE").write_text(TABLE)
    (site.folder / "backup").mkdir()
    with gzip.open(site.folder / "branches.json.gz", "wt") as file:
        file.write("[]")
    for words in (["migrate"], ["loaddata", "roles", "tutorial"], ["shell", "-c", PREPARE]):
        site.run(*words, "-v0")
    yield site
    site.process.communicate()
    assert site.process.returncode == 0


@pytest.mark.parametrize("blocks", by_page("sh"))
def test_the_commands_of_a_page_do_what_they_say(blocks, site):
    for block in blocks:
        for line in block.text.splitlines():
            for command in line.split(" && "):
                try:
                    run_line(shlex.split(command, comments=True), site)
                except AssertionError as error:
                    pytest.fail(f"{place(block)}: {command}\n{error}", pytrace=False)


def run_line(words, site):
    if words[:3] == ["docker", "compose", "run"]:
        services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        assert set(services) & set(words), "there is no such service"
    if "manage.py" in words:
        at = words.index("manage.py")
        site.run(*map(site.named, words[at + 1 :]))
    elif "pip" in words:
        assert (ROOT / words[words.index("-r") + 1]).exists()
    elif words[0] == "make":
        assert words[1] in targets(), "the Makefile has no such target"
    elif words[1:2] == ["-m"]:
        assert words[2] == "venv"
    else:
        assert words[0] in {*SYSTEM, "docker", "cd"}, "this is neither run nor in SYSTEM"


def targets():
    return re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.django_db
@pytest.mark.parametrize("blocks", by_page("console", "csv", "json"))
def test_a_prompt_shows_what_the_page_says(blocks, tmp_path, monkeypatch):
    """Its files have the names that its commands name, in this order."""
    make_library(
        name="Seaford Public Library",
        address="2234 Jackson Ave",
        phone_number="516-221-1334",
        zip_code="11783",
    )
    monkeypatch.chdir(tmp_path)
    commands = "".join(block.text for block in blocks if block.language == "console")
    for kind in ("csv", "json"):
        files = [block for block in blocks if block.language == kind]
        names = list(dict.fromkeys(re.findall(rf"[\w-]+\.{kind}\b", commands)))
        assert len(names) >= len(files), f"{names} are the files that the commands name"
        for block, name in zip(files, names, strict=False):
            (tmp_path / name).write_text(block.text, encoding="utf-8")
    run_prompt(blocks, shell=manage_py)


# All of them ----------------------------------------------------------------------------------

PAGE_BY_PAGE = {"sh", "console", "csv", "json"}


def first_line(block):
    return block.text.splitlines()[0].strip()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "block",
    [
        each
        for each in BLOCKS
        if page_of(each) not in ELSEWHERE and each.language not in PAGE_BY_PAGE
    ],
    ids=place,
)
def test_every_block_is_run_or_compared(block, tmp_path):
    check(block, tmp_path)


def check(block, folder):
    if (page_of(block), first_line(block)) in UNCHECKED:
        return
    assert block.language in CHECKS, (
        f"{place(block)}: say how it is checked by its language, or why not in UNCHECKED"
    )
    CHECKS[block.language](block, folder)


def test_a_new_block_has_to_be_run_or_named(tmp_path):
    for language in ("", "text", "ruby"):
        block = Block(DOCS / "tutorial.md", "", language, 10, "puts 1\n")
        with pytest.raises(AssertionError, match=r"tutorial\.md:10"):
            check(block, tmp_path)


def test_what_is_named_is_there():
    assert set(UNCHECKED) <= {(page_of(block), first_line(block)) for block in BLOCKS}
    for page, test in ELSEWHERE.items():
        assert (ROOT / page).exists()
        assert Path(page).name in (ROOT / test).read_text()
