"""The report at a terminal: what can be copied stays whole, and little is said where there is little to say."""

from dataclasses import replace

import pytest
from rich.cells import cell_len
from samples import (
    NOW,
    RUN,
    WEIXIN,
    dead_weixin,
    down_report,
    full_report,
    link,
    living_report,
    suspect,
)

from crawler.core.model import State
from crawler.core.results import ChangeKind, Report
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions
from crawler.report.terminal import MAX_FINDINGS, MAX_PLACES


def written(report: Report, **options: object) -> str:
    return FORMATS["terminal"].render(report, ReportOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_addresses_and_places_are_never_wrapped_and_all_else_fits(width: int) -> None:
    text = written(full_report(), width=width, verbose=True)
    for line in text.splitlines():
        copyable = "://" in line or ":" in line.rpartition("/")[2] or "markdown:" in line or ".md:" in line
        assert copyable or cell_len(line) <= width or width == 40, line
    assert any(line.strip().startswith(WEIXIN) for line in text.splitlines())
    assert any(line.strip() == "notes/we ird|`na,me`:%[x].md:3:1" for line in text.splitlines())


def test_without_colour_no_escape_sequence_is_written_and_with_colour_only_ours() -> None:
    assert "\x1b" not in written(full_report())
    coloured = written(full_report(), colour=True)
    assert "\x1b[" in coloured
    assert "\x1b]" not in coloured
    assert "[bold red]rich[/]" in coloured


def test_wechat_and_zhihu_stand_first_among_the_dead() -> None:
    text = written(full_report())
    dead = text[text.index("Dead (4)") :]
    assert dead.index("mp.weixin.qq.com") < dead.index("zhuanlan.zhihu.com") < dead.index("/images/cbow.png")


def test_what_changed_stands_before_what_is_dead_and_suspect() -> None:
    text = written(full_report())
    assert (
        text.index("What changed") < text.index("Dead (4)") < text.index("Suspect, not") < text.index("title differs")
    )


def test_blocked_and_unknown_are_counted_and_listed_on_request() -> None:
    assert "AbCdEfGhIjKlMnOpQrStUv" not in written(full_report())
    assert "AbCdEfGhIjKlMnOpQrStUv" in written(full_report(), verbose=True)


def test_long_lists_are_cut_and_say_so() -> None:
    pairs = []
    for i in range(MAX_FINDINGS + 7):
        _, history = suspect()
        written_link = link(f"https://blog.example/{i}", "other", ("a.md", i + 1, f"Title {i}"))
        pairs.append((written_link, replace(history, canonical_url=written_link.canonical_url, changed_at=None)))
    report = build_report(RUN, [w for w, _ in pairs], {h.canonical_url: h for _, h in pairs}, NOW)
    assert "… and 7 more" in written(report)
    assert "… and 7 more" not in written(report, verbose=True)


def test_a_link_of_many_notes_shows_some_of_them() -> None:
    example, history = dead_weixin()
    places = tuple((f"{i}.md", i + 1, "") for i in range(MAX_PLACES + 3))
    many = replace(link(example.url, "weixin", *places), canonical_url=example.canonical_url)
    assert "… and 3 more" in written(build_report(RUN, [many], {history.canonical_url: history}, NOW))


def test_deaths_at_the_first_check_are_only_counted_as_news() -> None:
    example, history = dead_weixin()
    first = replace(history, previous_state=State.UNCHECKED)
    text = written(build_report(RUN, [example], {history.canonical_url: first}, NOW))
    assert text.count("词向量的前世今生：从 one-hot 到 word2vec\n") == 1
    assert "dead at the first check: 1" in text
    assert ChangeKind.FOUND_DEAD.value == "found-dead"


def test_a_run_without_network_claims_nothing() -> None:
    assert "No dead links" not in written(down_report())
    assert "No network" in written(down_report())
    assert "No dead links." in written(living_report())


def many(count: int) -> Report:
    pairs = []
    for i in range(count):
        example, history = dead_weixin() if i % 2 else suspect()
        one = replace(link(f"https://a.example/{i}", example.site, (f"{i % 817}.md", i + 1, f"Title {i}")))
        pairs.append((one, replace(history, canonical_url=one.canonical_url, changed_at=NOW if i % 3 else None)))
    return build_report(RUN, [w for w, _ in pairs], {h.canonical_url: h for _, h in pairs}, NOW)


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_of_very_many_links_fits_two_screens_and_ends_with_counts_and_paths(width: int) -> None:
    text = written(many(12_000), width=width, archive="my/archive", html_file="my/report.html")
    lines = text.splitlines()
    assert len(lines) <= 105
    assert "… and 5,984 more: --verbose lists all" in text
    ending = "\n".join(lines[-8:])
    assert "6,000 dead · 6,000 suspect · all links: 12,000" in ending
    assert "HTML report: my/report.html" in ending
    assert "Archive: my/archive" in ending
    assert "crawler fix" in ending


def test_verbose_lists_all_of_very_many_links() -> None:
    text = written(many(1000), verbose=True)
    assert all(f"https://a.example/{i}\n" in text for i in range(1000))


def test_what_died_last_night_stands_before_what_was_dead_before() -> None:
    _, history = dead_weixin()
    links = [replace(link(f"https://a.example/{i}", "weixin", ("a.md", i + 1, f"T{i}"))) for i in range(9)]
    histories = {w.url: replace(history, canonical_url=w.url, changed_at=NOW if i == 7 else None)
                 for i, w in enumerate(links)}  # fmt: skip
    text = written(build_report(RUN, links, histories, NOW))
    assert text.index("[new] T7") < text.index("T0")
    assert "[new] T0" not in text


def test_a_report_without_findings_ends_with_the_counts_and_proposes_nothing() -> None:
    text = written(living_report(), archive="archive")
    assert text.splitlines()[-2:] == ["1 alive · all links: 1", "Archive: archive"]
