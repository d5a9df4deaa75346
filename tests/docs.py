"""Runs the examples of a page of documentation, in order.

Three kinds of fenced block are run here: `pycon` (what the Python prompt shows), `console`
(a shell's, each command behind `$ `) and `python` (a file of the reader's project, its path
in a comment on the first line); tests/test_examples.py has the others. Outputs are compared as
doctest does with ELLIPSIS and NORMALIZE_WHITESPACE; one that differs fails with the line of the
page.
"""

import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands.shell import Command as ShellCommand

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCS = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True)
class Block:
    """A fenced block: `line` is its first line of text, counted from 1 as editors do."""

    page: Path
    section: str
    language: str
    line: int
    text: str


def read_blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, each with the heading of level 2 that it stands under."""
    blocks, section, fence, language = [], "", None, ""
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if fence is not None:
            if line.strip() == "```":
                text = textwrap.dedent("\n".join(lines[fence : number - 1])) + "\n"
                blocks.append(Block(page, section, language, fence + 1, text))
                fence = None
        elif line.lstrip().startswith("```"):
            fence, language = number, line.strip().removeprefix("```")
        elif line.startswith("## "):
            section = line.removeprefix("## ").strip()
    assert fence is None, f"{page}:{fence}: the fence is never closed"
    return blocks


def fail(page, line, source, expected, got):
    pytest.fail(
        f"{page}:{line}: the example\n{source}\nshould give\n{expected}\nand gives\n{got}",
        pytrace=False,
    )


def run_prompt(blocks, shell):
    """Run the `pycon` and `console` blocks; `shell(command)` gives a command's output.

    All `pycon` blocks share the namespace that `manage.py shell` gives.
    """
    namespace = ShellCommand().get_namespace(verbosity=0)
    for block in blocks:
        if block.language == "pycon":
            namespace = _run_pycon(block, namespace)
        elif block.language == "console":
            run_console(block, shell)


def _run_pycon(block, namespace):
    examples = doctest.DocTestParser().get_examples(block.text)
    assert examples, f"{block.page}:{block.line}: no example in this block"
    test = doctest.DocTest(examples, namespace, str(block.page), str(block.page), 0, block.text)
    try:
        doctest.DebugRunner(optionflags=FLAGS).run(
            test, out=io.StringIO().write, clear_globs=False
        )
    except doctest.DocTestFailure as failure:
        example, got = failure.example, failure.got
    except doctest.UnexpectedException as error:
        example, got = error.example, "".join(traceback.format_exception(*error.exc_info))
    else:
        return test.globs
    fail(block.page, block.line + example.lineno, example.source, example.want, got)


def run_console(block, shell):
    """Run a `console` block's commands and compare what each prints."""
    example = r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)"  # a backslash: it goes on below
    for match in re.finditer(example, block.text, re.MULTILINE):
        command, expected = match.groups()
        try:
            got = shell(command)
        except Exception:
            got = traceback.format_exc()
        if not doctest.OutputChecker().check_output(expected, got, FLAGS):
            line = block.line + block.text[: match.start()].count("\n")
            fail(block.page, line, command, expected, got)


def manage_py(command: str) -> str:
    """What `python manage.py …` prints, run here: it sees the test's own transaction."""
    python, manage, *argv = shlex.split(command.replace("\\\n", " "))
    assert (python, manage) == ("python", "manage.py"), command
    with redirect_stdout(io.StringIO()) as out:
        try:
            call_command(*argv)
        except CommandError as error:
            out.write(f"CommandError: {error}\n")
    return out.getvalue()


class EmptyFolder:
    """A reader's own project: commands run in `folder` in processes of their own."""

    def __init__(self, folder):
        self.folder = folder
        kept = {
            k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "DEBUG")
        }
        bin_folder = str(Path(sys.executable).parent)
        self.environ = kept | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}

    def run(self, blocks):
        for block in blocks:
            if block.language == "python":
                self.add(block)
            elif block.language == "console":
                run_console(block, self.shell)

    def add(self, block):
        """Add a `python` block to the end of the file that its first line names."""
        path = self.folder / block.text.splitlines()[0].removeprefix("# ")
        assert path.exists(), f"{block.page}:{block.line}: there is no {path}"
        with path.open("a", encoding="utf-8") as file:
            file.write(block.text)

    def shell(self, command):
        if command.startswith("cd "):
            self.folder /= command.removeprefix("cd ")
            return ""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout
