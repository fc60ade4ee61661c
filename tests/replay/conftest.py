"""One archive and its exports for all tests of replay; they change nothing."""

import pytest
from replay_stage import Kept, keep


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return keep(tmp_path_factory.mktemp("kept"))
