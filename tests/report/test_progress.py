"""Progress: the slowest slot decides what is left, and logs are not flooded."""

import io
import sys
from dataclasses import replace

import pytest
from samples import NOW, alive, dead_weixin, link

from crawler.core.model import Check, Failure, Fetch, Page, State, Verdict
from crawler.core.results import SlotGivenUp
from crawler.core.slots import Politeness, Slot
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


def test_links_of_slots_that_were_given_up_leave_the_estimate() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.begin(plan_of(weixin=(5760, 5.0), walled=(9000, 5.0), closed=(400, 5.0)))
    for site in ("walled", "closed"):
        for _ in range(3):
            clock.now += 400
            pace.count(check_of(site))
        pace.left_alone(SlotGivenUp(site, "captcha", (9000 if site == "walled" else 400) - 3))
    for _ in range(480):
        pace.count(check_of("weixin"))
    assert pace.total == 5760 + 6
    assert duration(pace.left()) == "7 h 20 min"


def test_with_no_answer_from_anybody_no_state_is_counted() -> None:
    pace = Pace(Clock())
    pace.begin(plan_of(weixin=(9, 5.0)))
    silent = check_of("weixin", State.DEAD)
    silent = replace(silent, fetch=Fetch(silent.fetch.url, silent.fetch.url, NOW, failure=Failure.TIMEOUT))
    pace.count(silent)
    assert pace.tally() == "no answer from anybody yet"
    pace.count(check_of("weixin"))
    assert pace.tally() == "1 dead, 1 alive"


def test_words_give_way_where_there_is_little_room() -> None:
    pace = Pace(Clock())
    pace.states.update({State.DEAD: 1093, State.SUSPECT: 12, State.ALIVE: 9000})
    pace.answered = True
    assert pace.tally() == "1,093 dead, 12 suspect, 9,000 alive"
    assert pace.tally(24) == "1,093 dead, 12 suspect"
    assert pace.tally(3) == ""


def test_a_long_first_run_says_how_long_why_and_how_to_try_a_part() -> None:
    lines: list[str] = []
    plan = replace(plan_of(weixin=(6466, 5.0), zhihu=(10, 3.0)), first=True)
    LineProgress(lines.append, Pace(Clock())).planned(plan)
    assert lines[0].startswith("6,476 links to check, 8 h 58 min at least (6,466 of weixin at 5 s each).")
    assert "--max-links 50" in lines[0]
    LineProgress(lines.append, Pace(Clock())).planned(replace(plan, first=False))
    assert lines[1] == "6,476 links to check, 8 h 58 min at least\n"


@pytest.mark.parametrize("columns", ["80", "40"])
def test_count_and_bar_survive_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", columns)
    clock = Clock()
    with open_progress(clock=clock) as watch:
        watch.planned(plan_of(weixin=(12000, 5.0)))
        for state in State:
            clock.now += 1
            check = check_of("weixin")
            watch.checked(replace(check, history=replace(check.history, state=state)))
    last = screen.getvalue().split("\r")[-2]
    assert "6/12000" in screen.getvalue()
    assert "━" in screen.getvalue()
    assert "…" not in last


def test_a_check_that_nobody_planned_makes_the_total_grow() -> None:
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


def test_with_quiet_nothing_is_told_while_it_runs() -> None:
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
