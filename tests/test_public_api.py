"""What a script may use of the package: the names of `crawler`, and the example in its docstring."""

import doctest
import pickle
import subprocess
import sys
from datetime import UTC, datetime

import crawler
from crawler.core.model import Check, Fetch, Link, Page, State, Verdict
from crawler.schedule.history import first_seen


def test_the_example_in_the_docstring_is_true() -> None:
    result = doctest.testmod(crawler)
    assert (result.failed, result.attempted > 5) == (0, True)


def test_every_public_name_is_there_and_no_other() -> None:
    assert sorted(crawler.__all__) == sorted({*crawler._HOME, "__version__"})
    for name in crawler.__all__:
        assert getattr(crawler, name) is not None


def test_importing_the_package_imports_none_of_its_rooms() -> None:
    code = "import sys, crawler; print(sorted(m for m in sys.modules if m.startswith('crawler.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_crosses_from_crawling_to_recording_can_be_pickled() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    url = "https://a.example/"
    link = Link(url, url, url, "other", "a.example", "a.example")
    fetch = Fetch(url, url, now, status=200, headers=(("Content-Type", "text/html"),), body=b"<p>words")
    check = Check(link, now, fetch, Page(text="words"), Verdict(State.ALIVE, "ok"), first_seen(url, url, now))
    assert pickle.loads(pickle.dumps(check)) == check
