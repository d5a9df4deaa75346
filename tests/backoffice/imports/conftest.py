"""Imports of any model."""

import pytest

from tests.backoffice.imports.running import counted, run
from tests.everything.resources import RESOURCES


@pytest.fixture
def load(write_csv):
    """`load(model, *rows)` imports rows, the first of them headers; counts and rejects."""

    def load(model, *rows, **options):
        counts, rejects = run(RESOURCES[model], write_csv(*rows), **options)
        return counted(counts), rejects

    return load
