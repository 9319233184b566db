from pathlib import Path

import pytest

from tests.unit.control.repository import Repository, new_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A checkout in which nothing was frozen yet."""
    return new_repository(tmp_path)


@pytest.fixture
def frozen(repository: Repository) -> Repository:
    """A checkout with a first freeze."""
    repository.bootstrap()
    return repository
