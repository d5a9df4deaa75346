"""How a fenced block of the documentation is compared with what it speaks of, by its language.

Each function takes the block and a folder that it may write to, and fails where the block is
wrong. tests/test_examples.py calls them.
"""

import ast
import configparser
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from django.conf import settings
from django.contrib import admin
from django.core.management import get_commands, load_command_class
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader

from backoffice.admin.base import TabularInline
from library.models import Library, Patron
from tests.docs import DOCS
from tests.everything.loans.models import Loan

ROOT = DOCS.parent


def actions(name):
    """The options and arguments of a command, as argparse has them. Raises KeyError."""
    command = load_command_class(get_commands()[name], name)
    return command.create_parser("manage.py", name)._actions


def usage(block, folder):
    """`manage.py NAME`, then each argument: in brackets one that may be left out."""
    for line in block.text.splitlines():
        _manage, name, *words = line.removesuffix(" [options]").split()
        arguments = [each for each in actions(name) if not each.option_strings]
        given = [word for word in words if f"[{words[0]}" != word and word != "…]"]
        assert len(given) == len(arguments), f"its arguments are {arguments}"
        for word, argument in zip(given, arguments, strict=True):
            assert word.isupper() or word in argument.choices
            assert word.startswith("[") is (argument.nargs == "?")


# Code -----------------------------------------------------------------------------------------


def statements(source):
    """All statements of a module, those of its classes too, as Python would write them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            yield f"class {node.name}"
        elif isinstance(node, ast.stmt | ast.Call):
            yield ast.unparse(node)


def python(block, folder):
    """All that it says stands in one of the modules that it may be of."""
    own = {"PatronInline": an_inline, "AddSearchIndex": an_operation, "AlikeForm": an_index}
    for word, run in own.items():
        if word in block.text:
            return run(block)
    said = set(statements(block.text))
    modules = [*ROOT.glob("library/**/*.py"), *ROOT.glob("tests/everything/loans/**/*.py")]
    missing = [said - set(statements(path.read_text(encoding="utf-8"))) for path in modules]
    assert not min(missing, key=len), min(missing, key=len)
    return None


def last_of(block):
    """What the last expression of a block is."""
    *before, last = ast.parse(block.text).body
    names = {"models": models}
    exec(ast.unparse(before), names)  # noqa: S102 -- it is ours
    return eval(ast.unparse(last), names)  # noqa: S307


def an_index(block):
    index = last_of(block)
    with transaction.atomic():
        connection.SchemaEditorClass(connection, atomic=False).add_index(Loan, index)
        with connection.cursor() as cursor:
            made = connection.introspection.get_constraints(cursor, Loan._meta.db_table)
        assert made[index.name]["index"]
        transaction.set_rollback(True)


def an_operation(block):
    operation = last_of(block)
    state = MigrationLoader(connection).project_state()
    with transaction.atomic():
        editor = connection.SchemaEditorClass(connection, atomic=False)
        operation.database_forwards("loans", editor, state, state)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                assert definitions(cursor, [operation.name])
        transaction.set_rollback(True)


def an_inline(block):
    names = {"TabularInline": TabularInline, "Patron": Patron}
    exec(block.text, names)  # noqa: S102 -- it is ours
    inline = names["PatronInline"](Library, admin.site)
    assert inline.check() == []
    for name in names["PatronInline"].__dict__:
        assert hasattr(TabularInline, name), name


def css(block, folder):
    theme = (ROOT / "backoffice/static/backoffice/theme.css").read_text()
    for name in re.findall(r"^ *(--[\w-]+):", block.text, re.M):
        assert f"{name}:" in theme, name


# Configuration --------------------------------------------------------------------------------


def documented():
    page = (DOCS / "reference" / "settings.md").read_text()
    return set(re.findall(r"^\| `(\w+)` \|", page, re.M))


def env(block, folder):
    names = {line.split("=", 1)[0] for line in block.text.splitlines()}
    assert names <= documented(), names - documented()


def ini(block, folder):
    """A unit of systemd: what it starts is there, and systemd knows all of its keys."""
    unit = configparser.ConfigParser(interpolation=None, delimiters="=")
    unit.optionxform = str
    unit.read_string(block.text)
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program == "/srv/library/.venv/bin/python"
    if words[0] == "manage.py":
        assert words[1] in get_commands()
    else:
        assert words == ["-m", "gunicorn", "backoffice.wsgi"]
    if shutil.which("systemd-analyze"):
        file = folder / "library.service"
        file.write_text(block.text.replace(program, sys.executable))
        command = ["systemd-analyze", "verify", "--man=no", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # Of others that the machine has, it may complain as well.
        told = [line for line in done.stderr.splitlines() if "library.service" in line]
        assert told == []


def nginx(block, folder):
    """nginx takes it; uploads as large as the site takes pass, as they do in compose.yaml."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    theirs = compose["configs"]["proxy"]["content"].replace("$$", "$")
    for text in (block.text, theirs):
        (size,) = re.findall(r"client_max_body_size (\d+)m;", text)
        most = settings.IMPORT_MAX_BYTES + 1_000_000  # of the form around the file
        assert int(size) * 2**20 >= most
    set_by = r"proxy_set_header (Connection|X-\S+|Authorization)"
    assert re.findall(set_by, block.text) == re.findall(set_by, theirs)
    if not shutil.which("nginx"):
        return
    key, certificate = folder / "key", folder / "certificate"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=library.example.org", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    text = block.text.replace("/etc/ssl/library.pem", str(certificate))
    text = text.replace("/etc/ssl/library.key", str(key)).replace("/var/log/nginx", str(folder))
    file = folder / "nginx.conf"
    file.write_text(f"pid {folder}/pid; events {{}} http {{ {text} }}")
    command = ["nginx", "-t", "-e", str(folder / "errors"), "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def prometheus(block, folder):
    """Its jobs ask where the server answers by default."""
    source = (ROOT / "gunicorn.conf.py").read_text()
    for job in yaml.safe_load(block.text)["scrape_configs"]:
        for each in job["static_configs"]:
            for target in each["targets"]:
                address, port = target.split(":")
                assert address in source
                assert port in source


def sql(block, folder):
    """PostgreSQL takes it; indexes that it makes are those that `migrate` made."""
    if connection.vendor != "postgresql":
        pytest.skip("it is for PostgreSQL")
    text = re.sub(r"--.*", "", block.text).replace("ROLE library", "ROLE CURRENT_USER")
    names = re.findall(r"CREATE INDEX CONCURRENTLY (\w+)", text)
    with transaction.atomic(), connection.cursor() as cursor:
        before = definitions(cursor, names)
        for name in names:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(text.replace(" CONCURRENTLY", ""))
        assert definitions(cursor, names) == before
        transaction.set_rollback(True)


def definitions(cursor, names):
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [names]
    )
    found = dict(cursor.fetchall())
    assert set(found) == set(names)
    return found


CHECKS = {
    "usage": usage,
    "python": python,
    "css": css,
    "env": env,
    "ini": ini,
    "nginx": nginx,
    "yaml": prometheus,
    "sql": sql,
}
