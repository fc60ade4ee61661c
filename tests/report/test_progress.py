"""Progress: the slowest slot decides what is left, and logs are not flooded."""

import io
import sys

import pytest
from samples import NOW, alive, dead_weixin, link

from crawler.core.model import Check, Fetch, Page, Politeness, Slot, State, Verdict
from crawler.report.figures import duration, size
from crawler.report.progress import LineProgress, Pace, Silent, open_progress
from crawler.schedule.plan import Plan


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def plan_of(**slots: tuple[int, float]) -> Plan:
    return Plan(
        tuple(
            Slot(
                key,
                key,
                Politeness(key, interval=interval),
                tuple(link(f"https://{key}/{i}", key) for i in range(count)),
            )
            for key, (count, interval) in slots.items()
        )
    )


def check_of(site: str, state: State = State.ALIVE) -> Check:
    written = link(f"https://{site}/x", site)
    _, history = alive() if state is State.ALIVE else dead_weixin()
    fetch = Fetch(written.url, written.url, NOW, status=200)
    return Check(written, NOW, fetch, Page(), Verdict(state, "x"), history)


def test_the_slowest_slot_decides_what_is_left() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.begin(plan_of(weixin=(100, 5.0), zhihu=(10, 3.0)))
    assert pace.left() == 500
    clock.now += 10
    pace.count(check_of("zhihu"))
    assert pace.left() == 500
    for _ in range(99):
        pace.count(check_of("weixin"))
    clock.now += 890
    assert pace.left() == pytest.approx(9 * 900)


def test_a_look_that_nobody_planned_makes_the_total_grow() -> None:
    pace = Pace(Clock())
    pace.begin(plan_of(weixin=(1, 5.0)))
    pace.count(check_of("weixin"))
    pace.count(check_of("zhihu", State.DEAD))
    assert (pace.done, pace.total, pace.tally()) == (2, 2, "1 dead, 1 alive")


def test_lines_come_after_ten_seconds_or_a_hundred_links_and_at_the_end() -> None:
    lines: list[str] = []
    clock = Clock()
    watch = LineProgress(lines.append, Pace(clock))
    watch.planned(plan_of(weixin=(203, 1.0)))
    for i in range(203):
        clock.now += 11 if i == 100 else 0.01
        watch.checked(check_of("weixin"))
    assert [line.split(":")[0] for line in lines[1:]] == ["100/203", "101/203", "201/203", "203/203"]
    assert lines[0] == "203 links to check, 3 min 23 s at least\n"
    assert lines[-1] == "203/203: 203 alive\n"


def test_with_nothing_to_do_nothing_is_said() -> None:
    lines: list[str] = []
    LineProgress(lines.append, Pace(Clock())).planned(Plan())
    assert lines == []


def test_quiet_is_quiet() -> None:
    with open_progress(quiet=True) as watch:
        watch.planned(plan_of(weixin=(1, 1.0)))
        watch.checked(check_of("weixin"))
    assert isinstance(watch, Silent)


def test_without_a_terminal_plain_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with open_progress() as watch:
        watch.planned(plan_of(weixin=(1, 1.0)))
        watch.checked(check_of("weixin"))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == "1/1: 1 alive"


def test_on_a_terminal_a_bar_shows_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    with open_progress() as watch:
        watch.planned(plan_of(weixin=(2, 1.0)))
        watch.checked(check_of("weixin", State.DEAD))
    assert "1/2" in screen.getvalue()
    assert "1 dead" in screen.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (68_315, "18 h 58 min"), (86_403, "1 d"), (7200, "2 h"), (200_000, "2 d 7 h")],
)
def test_durations_have_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (5 * 2**40, "5.0 TB")])
def test_sizes_are_in_powers_of_1024(count: int, text: str) -> None:
    assert size(count) == text
