"""docs/reference/errors.md has every error that the code has, and no other check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
SOURCES = {path: path.read_text("utf-8") for path in (ROOT / "backoffice").rglob("*.py")}
EXCEPTIONS = ("ReaderError", "HeaderUnknown", "MappingError", "ExportError")


def first_text(node: ast.expr) -> str:
    """What a message surely begins with; "" where that is not written in the call."""
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.Call) and node.args:
        return first_text(node.args[0])
    if isinstance(node, ast.JoinedStr) and node.values:
        return first_text(node.values[0])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def beginnings() -> Iterator[str]:
    """The words before the first value that is filled in, five at most."""
    for source in SOURCES.values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                text = first_text(node.args[0])
                if node.func.id in EXCEPTIONS and text:
                    yield " ".join(re.split(r"%\(|%s|“", text)[0].split()[:5]).rstrip(".,:;")


def test_system_checks_are_those_of_the_code() -> None:
    ids = {
        each
        for text in SOURCES.values()
        for each in re.findall(r'"(backoffice\.[EW]\d+)"', text)
    }
    assert set(re.findall(r"^\| `(backoffice\.[EW]\d+)`", PAGE, re.M)) == ids


def test_every_code_of_a_reject_is_listed() -> None:
    text = "".join(
        source
        for path, source in SOURCES.items()
        if path.parent.name in ("imports", "resources")
    )
    codes = set(re.findall(r"'', '([a-z_]+)',", text))
    codes |= set(re.findall(r'code="([a-z_]+)"', text))
    codes |= set(re.findall(r'^        "([a-z_]+)": _\(', text, re.M))
    table = PAGE.partition("## Rejected rows")[2].partition("What a cell")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.M)
    listed = {code for row in rows for code in re.findall("`([a-z_]+)`", row)}
    assert codes - listed == set()
    assert len(codes) > 10


def test_every_sentence_of_a_refused_file_is_listed() -> None:
    found = set(beginnings())
    assert len(found) > 20
    assert [text for text in sorted(found) if text not in PAGE] == []


def test_every_exit_code_is_listed() -> None:
    commands = "".join(text for path, text in SOURCES.items() if path.parent.name == "commands")
    codes = set(re.findall(r"(?:returncode=|sys\.exit\()(\d)", commands))
    listed = PAGE.partition("## Exit codes")[2]
    assert {"0", "2"} <= codes | {"0"} <= set(re.findall(r"^\| `(\d)`", listed, re.M))
