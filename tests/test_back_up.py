"""The commands of docs/how-to/back-up.md bring a database back as it was."""

import os
import shutil
import sqlite3
import subprocess
import sys

from tests.docs import DOCS, read_blocks


def rows(path):
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM branch ORDER BY name")]


def test_a_backup_is_restored_though_files_of_the_database_before_lie_beside_it(tmp_path):
    data, backup = tmp_path / "data", tmp_path / "backup"
    for folder in (data, backup):
        folder.mkdir()
    database = data / "db.sqlite3"
    server = sqlite3.connect(database)
    server.execute("PRAGMA journal_mode=WAL")
    server.execute("CREATE TABLE branch (name)")
    server.execute("INSERT INTO branch VALUES ('Old Mill')")
    server.commit()  # in the file beside it
    (data / "secret_key").write_text("a key")
    (data / "static").mkdir()

    blocks = read_blocks(DOCS / "how-to" / "back-up.md")
    back_up, restore = (block.text for block in blocks if block.language == "sh")
    run(back_up, data, backup)

    server.execute("INSERT INTO branch VALUES ('A mistake')")
    server.execute("CREATE TABLE other (name)")
    server.commit()
    for name in ("db.sqlite3-wal", "db.sqlite3-shm"):  # as a server that was killed leaves them
        shutil.copy(data / name, tmp_path / name)
    server.close()
    for name in ("db.sqlite3-wal", "db.sqlite3-shm"):
        shutil.copy(tmp_path / name, data / name)
    (data / "secret_key").unlink()

    run(restore, data, backup)
    assert rows(database) == ["Old Mill"]
    assert (data / "secret_key").read_text() == "a key"


def run(commands, data, backup):
    """Run the commands of a block, except those of manage.py, with the folders of the test."""
    lines = [line for line in commands.splitlines() if "manage.py" not in line]
    text = "\n".join(lines).replace(".venv/bin/python", sys.executable)
    text = text.replace("/var/lib/library", str(data)).replace("/backup", str(backup))
    subprocess.run(["bash", "-euc", text], check=True, env=os.environ | {"LC_ALL": "C"})
