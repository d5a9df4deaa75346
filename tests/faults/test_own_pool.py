"""The worker and commands with psycopg's own pool of connections."""

import pytest
from django.db import connection

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL alone has it"),
]


def test_imports_with_a_pool_in_each_process(house, libraries, rows):
    house.environment["DATABASE_POOL"] = "psycopg"
    assert house.json(
        "import json; from django.db import connection as c; c.ensure_connection();"
        "print(json.dumps([c.pool.max_size, c.connection.info.parameter_status('jit')]))"
    ) == [8, None]
    pk = house.start_import(libraries)
    house.start_worker()
    assert house.wait_for_the_end(pk, rows, minutes=2) == ("done", ""), house.log()
    again = house.attempt("import", "library.Library", str(libraries), "--no-input", "--json")
    assert (again.returncode, f'"unchanged": {rows}' in again.stdout) == (0, True), again.stderr
    backup = house.run("backup", str(house.folder / "backups")).strip().rpartition(": ")[2]
    house.run("loaddata", "tutorial")
    # Counted in the database that is made for it, not in the pool's.
    assert "is whole" in house.run("restore", backup, "--verify")
    house.kill_worker()
    house.shell(
        "from backoffice.jobs.workers import Worker; print(Worker.objects.all().delete())"
    )
    # Its own pool is nobody who uses the site.
    assert "Restored" in house.run("restore", backup, "--yes")
