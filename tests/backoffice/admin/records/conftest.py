import pytest

from library.models import Library
from tests.backoffice.admin.pages import perm
from tests.factories import make_user


@pytest.fixture
def data(settings, tmp_path):
    """A folder of its own for what is kept."""
    settings.DATA_DIR = tmp_path
    settings.DATA_MIN_FREE = 0
    return tmp_path


@pytest.fixture
def ann(data, client):
    """She is signed in, and may export libraries."""
    rights = [perm("view", Library), perm("export", Library)]
    user = make_user(username="ann", permissions=rights)
    client.force_login(user)
    return user
