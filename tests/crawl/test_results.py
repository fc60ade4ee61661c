"""Assembling a report: order, what is new, and what stands for links that nothing is known of."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from samples import DAY, NOW, RUN, STARTED, alive, dead_weixin, full_report, link

from crawler.core.model import History, Link, State
from crawler.core.results import ChangeKind
from crawler.crawl.results import build_report


def history_of(written: Link, state: State, before: State | None = None) -> History:
    changed = NOW if before else None
    return History(written.canonical_url, NOW - DAY, state=state, reason="x", previous_state=before, changed_at=changed)


def report_of(*pairs: tuple[Link, History]):  # type: ignore[no-untyped-def]
    return build_report(RUN, [w for w, _ in pairs], {h.canonical_url: h for _, h in pairs}, NOW)


@given(
    st.lists(
        st.tuples(st.sampled_from(State), st.sampled_from(["weixin", "zhihu", "other"]), st.integers(1, 9)), max_size=20
    )
)
def test_findings_are_sorted_by_state_then_site_then_path_then_line(rows: list[tuple[State, str, int]]) -> None:
    links = [link(f"https://h/{i}", site, (f"{i % 3}.md", line, "")) for i, (_, site, line) in enumerate(rows)]
    pairs = [(written, history_of(written, row[0])) for written, row in zip(links, rows, strict=True)]
    order = list(State)
    keys = [
        (order.index(f.history.state), f.link.site, f.link.occurrences[0].path, f.link.occurrences[0].line)
        for f in report_of(*pairs).findings
    ]
    assert keys == sorted(keys)


def test_a_link_without_history_is_unchecked_and_never_checked() -> None:
    written = link("https://new.example/", "other", ("a.md", 1, ""))
    (finding,) = build_report(RUN, [written], {}, NOW).findings
    assert (finding.history.state, finding.history.reason) == (State.UNCHECKED, "never-checked")


def test_a_link_is_placed_by_the_first_place_that_it_is_written_in() -> None:
    late, early = (
        link("https://a/", "other", ("z.md", 1, ""), ("a.md", 9, "")),
        link("https://b/", "other", ("b.md", 1, "")),
    )
    report = report_of((early, history_of(early, State.DEAD)), (late, history_of(late, State.DEAD)))
    assert [f.link.url for f in report.findings] == ["https://a/", "https://b/"]


def test_death_after_life_is_newly_dead_and_at_the_first_check_found_dead() -> None:
    a, b = link("https://a/", "other"), link("https://b/", "other")
    report = report_of((a, history_of(a, State.DEAD, State.SUSPECT)), (b, history_of(b, State.DEAD, State.UNCHECKED)))
    assert [(c.kind, c.canonical_url) for c in report.changes] == [
        (ChangeKind.NEWLY_DEAD, "https://a/"),
        (ChangeKind.FOUND_DEAD, "https://b/"),
    ]


def test_life_after_death_is_news() -> None:
    written, history = alive()
    (change,) = report_of((written, history)).changes
    assert (change.kind, change.before, change.after) == (ChangeKind.BACK_FROM_THE_DEAD, "dead", "alive")


def test_a_first_check_that_finds_a_link_in_order_is_no_news() -> None:
    written = link("https://a/", "other")
    assert report_of((written, history_of(written, State.ALIVE, State.UNCHECKED))).changes == ()


def test_what_changed_before_the_run_is_no_news() -> None:
    written, history = dead_weixin()
    old = replace(history, changed_at=STARTED - timedelta(seconds=1))
    assert report_of((written, old)).changes == ()


def test_the_same_news_is_told_once() -> None:
    report = full_report()
    again = build_report(
        RUN,
        [f.link for f in report.findings],
        {f.history.canonical_url: f.history for f in report.findings},
        NOW,
        changes=report.changes,
    )
    assert again.changes == report.changes
