from tests.backoffice.imports.conftest import saved  # noqa: F401 -- a fixture
