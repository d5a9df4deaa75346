"""The benchmarks run; what they measure is not for a test to judge."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from benchmarks import consortium, report
from benchmarks.rows import Sizes, fill
from library.models import Book, Librarian, Library, Patron

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_benchmarks_run_and_write_their_report(tmp_path):
    report = tmp_path / "RESULTS.md"
    arguments = ["--rows", "200", "--repeat", "1", "--only", "sqlite", "--ten"]
    environment = os.environ | {"EXTRA_APPS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments, "--output", str(report)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: so few rows miss most bounds
    assert not done.stderr, done.stderr
    text = report.read_text(encoding="utf-8")
    assert "| 200 new libraries, in key order ÷ raw |" in text
    assert "| 200 new libraries, shuffled ÷ raw |" in text
    assert "into 200 others ÷ into none" in text
    assert "ten times the rows ÷ once, peak RSS" in text
    assert "| books: links written ÷ listed | 1×" in text
    assert "200 libraries to CSV ÷ raw" in text


def test_a_report_says_of_which_code_it_is(tmp_path):
    path = tmp_path / "RESULTS.md"
    report.write(path, report.EXPORTS, [], stock_rows=1, repeat=1, compared=1, links=3)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    if head.returncode:
        pytest.skip("this is no checkout")
    said = re.search(r"^- \d{4}-\d\d-\d\d, commit (\w+)(-dirty)?$", path.read_text(), re.M)
    assert head.stdout.startswith(said[1])


def test_each_benchmark_rewrites_its_own_section_of_the_report(tmp_path):
    path = tmp_path / "RESULTS.md"
    sizes = {"repeat": 1, "compared": 1, "links": 3}
    report.write(path, report.IMPORTS, [], stock_rows=111, **sizes)
    report.write(path, report.EXPORTS, [], stock_rows=222, **sizes)
    report.write(path, report.IMPORTS, [], stock_rows=333, **sizes)
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^# .*", text, re.MULTILINE) == [
        "# Imports, measured",
        "# Exports, measured",
    ]
    assert "222" in text
    assert "333" in text
    assert "111" not in text


@pytest.mark.slow
def test_the_pages_are_measured_into_a_section_of_their_own(tmp_path):
    report = tmp_path / "RESULTS.md"
    report.write_text("# Imports, measured\n\nas they were\n", encoding="utf-8")
    arguments = ["--rows", "120", "--small", "60", "--repeat", "1", "--only", "sqlite"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pages", *arguments, "--output", str(report)],
        cwd=ROOT,
        env=os.environ | {"EXTRA_APPS": "", "DATABASE_URL": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: a page was slow for once
    text = report.read_text(encoding="utf-8")
    assert text.startswith("# Imports, measured\n\nas they were\n\n# Pages, measured\n")
    assert "| SQLite | libraries, last page |" in text
    assert "statements**" not in text


@pytest.mark.slow
def test_staff_work_while_a_file_is_written(tmp_path):
    report = tmp_path / "RESULTS.md"
    sizes = ["--rows", "150", "--others", "150", "--imported", "50"]
    arguments = [*sizes, "--staff", "2", "--seconds", "8", "--output", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.staff", *arguments],
        cwd=ROOT,
        env=os.environ | {"EXTRA_APPS": "", "DATABASE_URL": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: a page was slow for once
    text = report.read_text(encoding="utf-8")
    assert "| SQLite | page |" in text
    assert "otherwise" not in text


@pytest.mark.django_db(transaction=True)
def test_a_consortium_has_few_branches_with_many_patrons_and_titles(superuser):
    sizes = Sizes(libraries=11, patrons=40, books=20, links=3)
    fill(connection, sizes)
    assert (Library.objects.count(), Librarian.objects.count()) == (11, 11)
    # As many patrons again are those of one library, and all titles are there.
    assert Patron.objects.count() == 80
    assert Library.objects.get(pk=1).book_set.count() == Book.objects.count() == 20
    assert Book.objects.get(pk=1).libraries.count() == 11
    assert Book.objects.get(pk=20).libraries.count() in (3, 4)
    addresses = {page.name: address for page, address in consortium.addresses(sizes)}
    assert len(addresses) > 60
    assert addresses["search: libraries, one"] == "/admin/library/library/?q=library+10"
