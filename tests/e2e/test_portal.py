"""A line that answers for everybody, through the real command line, sockets and TLS: such a run counts for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing.answer import StandInAnswer, StandInPlan, redirect

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

SUBJECTS = "ferry river harbour island lighthouse bridge canal railway mountain forest village market".split()
HOSTS = [f"www.{subject}.example" for subject in SUBJECTS]
URLS = [f"https://{host}/post" for host in HOSTS]
LINE_FAULTY = 3  # the exit code of a run that is not believed


def article(subject: str) -> StandInAnswer:
    words = f"Whoever has seen the {subject} once comes back to the {subject} in another year. " * 12
    return StandInAnswer(
        f"<title>The {subject}</title><article><h1>The {subject}</h1><p>{words}</p></article>".encode()
    )


ALIVE = {url: article(subject) for url, subject in zip(URLS, SUBJECTS, strict=True)}
WELCOME = StandInAnswer(
    b"<title>Hotel Seaview</title><h1>Welcome</h1><p>Accept the terms of Hotel Seaview to go online.</p>"
)
PORTAL = "https://login.seaview.example/?from=x"

LINES = {
    "a page in the place of every page": StandInPlan(answers={}, otherwise=WELCOME),
    "a redirect to a portal": StandInPlan(answers={PORTAL: WELCOME}, otherwise=redirect(PORTAL)),
    "a certificate that is the portal's": StandInPlan(answers={}, otherwise=WELCOME, untrusted=frozenset(HOSTS)),
    "a filter that says 404": StandInPlan(
        answers={}, otherwise=StandInAnswer(b"<h1>Seaview filter</h1><p>This site is not served here.</p>", status=404)
    ),
    "a filter that says 403": StandInPlan(
        answers={}, otherwise=StandInAnswer(b"<h1>Seaview filter</h1><p>This site is not served here.</p>", status=403)
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_what_a_line_says_for_everybody_is_not_believed(staged: Callable[..., Stage], line: str) -> None:
    home = staged(StandInPlan(answers=ALIVE))
    home.note("links.md", "\n\n".join(URLS))
    before = home.report("run")
    assert set(before.states.values()) == {"alive"}

    away = staged(LINES[line])  # the same folder
    there = away.report("run", "--all", code=LINE_FAULTY)
    assert (there.whole["run"]["network"], there.whole["run"]["stopped_by"]) == ("down", "network-down")
    assert there.verdicts == before.verdicts
    found = away.crawler("search", "Seaview")
    assert found.stdout == ""

    back = staged(StandInPlan(answers=ALIVE)).report("run", "--all")
    assert back.verdicts == before.verdicts
    assert away.crawler("search", "lighthouse").returncode == 0
