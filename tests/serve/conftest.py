"""Without the extra the viewer is not tested, aloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the viewer's extra is missing: pip install 'linkhealth-crawler[serve]'")
pytest.importorskip("hypercorn", reason="the viewer's extra is missing: pip install 'linkhealth-crawler[serve]'")

from viewer_stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made
