"""The benchmarks run; what they measure is not for a test to judge."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report

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
