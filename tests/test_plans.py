"""The plans of PostgreSQL are read as they are, and the page about scale has their numbers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from benchmarks import plans

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"\| .* \| [\d,]+ \|$|\| what \| ms")
PLAN = """\
Insert on plan  (cost=1..2 rows=0) (actual time=3.1..3.1 rows=0 loops=1)
  ->  Nested Loop  (cost=1..2 rows=9) (actual time=0.1..3.0 rows=8 loops=1)
        ->  Seq Scan on import_rows staged (actual time=0.0..0.1 rows=7 loops=1)
              Rows Removed by Filter: 100
        ->  Index Scan using n on library_patron live (actual time=0 rows=2 loops=7)
              Rows Removed by Filter: 3
"""


def test_what_a_plan_reads_are_rows_of_the_live_tables():
    assert plans.rows_read(PLAN) == 7 * (2 + 3)


def test_the_page_about_scale_has_the_numbers_of_the_plans():
    def table(path):
        return list(filter(ROW.match, path.read_text(encoding="utf-8").splitlines()))

    page = table(ROOT / "docs" / "explanation" / "scale.md")
    assert page == table(ROOT / "benchmarks" / "PLANS.md")
    assert len(page) > 10


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the plans are PostgreSQL's")
def test_they_are_written_down(tmp_path):
    path = tmp_path / "PLANS.md"
    arguments = ["--rows", "30000", "--branches", "100", "--output", str(path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.plans", *arguments],
        cwd=ROOT,
        env=os.environ | {"EXTRA_APPS": "", "DATABASE_POOL": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    text = path.read_text(encoding="utf-8")
    assert "| its undo |" in text
    assert "Insert on library_patron" in text
