"""A database role with few rights imports as long as it may make temporary tables."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from backoffice.deployment import check_pool
from backoffice.tables.scratch import Scratch, session
from library.models import Library

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")
ROLE = "desk_of_tests"


@pytest.fixture
def role(transactional_db):
    """A role that may read and write the rows of all tables, and no more."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE ROLE {ROLE};
            GRANT USAGE ON SCHEMA public TO {ROLE};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
            GRANT SELECT, USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
            """
        )
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    owner, connections["default"] = connections["default"], connection.copy()
    connections["default"].settings_dict["OPTIONS"] |= {"assume_role": ROLE}
    yield ROLE, database, owner
    connections["default"].close()
    connections["default"] = owner
    with owner.cursor() as cursor:
        cursor.execute(f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC")
        cursor.execute(f"DROP OWNED BY {ROLE}")
        cursor.execute(f"DROP ROLE {ROLE}")


def test_a_role_that_may_only_write_rows_imports_or_is_told_what_it_lacks(role, tmp_path):
    name, database, owner = role
    path = tmp_path / "libraries.csv"
    lines = (f"Branch {i},{i} Main St,NY,212-222-6559,10001" for i in range(12_000))
    path.write_text("\n".join(["name,address,state,phone_number,zip_code", *lines]))
    needs = f"GRANT TEMPORARY ON DATABASE {database.strip(chr(34))} TO {name}"
    with pytest.raises(CommandError, match=needs) as refused:
        call_command("import", "library.Library", path, interactive=False)
    assert refused.value.returncode == 2
    assert [message.id for message in check_pool()] == ["backoffice.W111"]

    with owner.cursor() as cursor:
        cursor.execute(f"GRANT TEMPORARY ON DATABASE {database} TO {name}")
    connections["default"].close()
    call_command("import", "library.Library", path, interactive=False)
    assert Library.objects.count() == 12_000
    call_command("undo_import", Library.history.first().history_change_id, interactive=False)
    assert Library.objects.count() == 0


@pytest.mark.django_db
def test_a_pool_that_is_set_is_believed_also_where_none_can_be_seen(settings):
    settings.DATABASE_POOL = "transaction"
    another = connection.copy()
    try:
        assert session(another).is_lent
    finally:
        another.close()


@pytest.mark.django_db
def test_long_names_stay_apart():
    scratch = Scratch(connection)
    names = [scratch.name(f"import_candidates_{'x' * 60}{n}") for n in range(2)]
    for name in names:
        scratch.create(name, "(line int)")
    assert len(set(names)) == 2
    scratch.drop(*names)
