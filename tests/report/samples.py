"""Hand-made reports: every state, Chinese titles, long WeChat addresses, and strings that want to do harm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from crawler.core.model import Confidence, Evidence, History, Kind, Link, Occurrence, Redirect, Snapshot, State
from crawler.core.results import Change, ChangeKind, Health, Report, Round, Run, SlotGivenUp, Suggestion
from crawler.crawl.results import build_report

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
STARTED = NOW - timedelta(minutes=95)
DAY = timedelta(days=1)

WEIXIN = (
    "https://mp.weixin.qq.com/s?__biz=MzA4NTQ1NDkzMw==&mid=2650123456&idx=1"
    "&sn=0a1b2c3d4e5f60718293a4b5c6d7e8f9&chksm=84d19a1bb3a6130d0f1e2d3c4b5a69788796a5b4c3d2e1f0011223344556677&scene=21"
)
BELL = "\x07"
HOSTILE_TITLE = (
    f"\x1b]0;owned{BELL}\x1b[31m红色\x9b2J|<script>alert(1)</script>&amp; [x](javascript:alert(2)) `code` "
    "\u202etxt.exe\u202c\n::error::no \\ * _ [bold red]rich[/] %0A\udc80"
)

RUN = Run(
    id="20260102T012905Z-7f3a",
    command="run",
    started_at=STARTED,
    finished_at=NOW,
    complete=False,
    fetched=412,
    requests=498,
    kept_bytes=18_350_080,
    slots_given_up=(SlotGivenUp("zhihu", "login-required", 137),),
    stopped_by="budget",
    internal_errors=1,
)


def occurrence(path: str, line: int, title: str, url: str, column: int = 1, kind: Kind = Kind.BARE) -> Occurrence:
    return Occurrence(path, line, column, url, url, kind, title, 0, len(url))


def link(url: str, site: str, *places: tuple[str, int, str], canonical: str = "") -> Link:
    host = url.split("/")[2].rpartition("@")[2] if "://" in url else ""
    places_of = tuple(occurrence(path, line, title, url) for path, line, title in places)
    return Link(url, canonical or url, url, site, host, site if site != "other" else host, places_of)


def dead_weixin() -> tuple[Link, History]:
    written = link(
        WEIXIN + "&key=777aa&uin=MTIz&pass_ticket=s3cr3t#rd",
        "weixin",
        ("posts/2016-1-17-word_vectors.markdown", 42, "词向量的前世今生：从 one-hot 到 word2vec"),
        ("posts/2019-7-9-attention_2.markdown", 7, "词向量的前世今生"),
        canonical="https://mp.weixin.qq.com/s?__biz=MzA4NTQ1NDkzMw==&mid=2650123456&idx=1",
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 400 * DAY,
        state=State.DEAD,
        reason="deleted-by-author",
        confidence=Confidence.MEDIUM,
        evidence=Evidence(
            rule="weixin/deleted-by-author",
            matched=".weui-msg__title: 该内容已被发布者删除",
            http_status=200,
            final_url=written.url,
        ),
        checked_at=NOW - timedelta(minutes=20),
        last_alive=NOW - 8 * DAY,
        first_failed=NOW - timedelta(minutes=20),
        failures=1,
        next_due=NOW + 4 * DAY,
        page_title="词向量的前世今生：从 one-hot 到 word2vec",
        title_match=1.0,
        snapshot=Snapshot(17, NOW - 8 * DAY, "词向量的前世今生：从 one-hot 到 word2vec", 8412, "sha256:" + "ab" * 32),
        previous_state=State.ALIVE,
        changed_at=NOW - timedelta(minutes=20),
    )


def dead_zhihu() -> tuple[Link, History]:
    written = link(
        "https://zhuanlan.zhihu.com/p/25110450", "zhihu", ("posts/2018-11-15-Deep_Object_Detection.markdown", 310, "")
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 300 * DAY,
        state=State.DEAD,
        reason="not-found",
        confidence=Confidence.HIGH,
        evidence=Evidence(rule="zhihu/not-found", matched="title: 404 - 知乎", http_status=404, final_url=written.url),
        checked_at=NOW - 3 * DAY,
        first_failed=NOW - 40 * DAY,
        failures=2,
        next_due=NOW + 27 * DAY,
        previous_state=State.SUSPECT,
        changed_at=NOW - 40 * DAY,
    )


def dead_hostile() -> tuple[Link, History]:
    written = link(
        "http://user:hunter2@gone.example/a|b<i>?x=1,2%0A::error",
        "other",
        ("notes/we ird|`na,me`:%[x].md", 3, HOSTILE_TITLE),
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 30 * DAY,
        state=State.DEAD,
        reason="dns-failure",
        confidence=Confidence.HIGH,
        evidence=Evidence(
            rule="generic/confirmed",
            error="getaddrinfo failed for http://user:hunter2@gone.example/\r\nX: \x1b[5mblink",
        ),
        checked_at=NOW - timedelta(minutes=5),
        first_failed=NOW - 9 * DAY,
        failures=3,
        page_title=HOSTILE_TITLE,
        previous_state=State.SUSPECT,
        changed_at=NOW - timedelta(minutes=5),
    )


def suspect() -> tuple[Link, History]:
    written = link(
        "https://blog.example.org/2012/03/deep-link.html",
        "other",
        ("posts/2014-12-28-github_story.markdown", 88, "A deep link"),
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 100 * DAY,
        state=State.SUSPECT,
        reason="redirected-to-home",
        evidence=Evidence(
            rule="generic/home-redirect",
            matched="https://blog.example.org/",
            http_status=200,
            final_url="https://blog.example.org/",
            redirects=(Redirect(301, "https://blog.example.org/2012/03/deep-link.html"),),
        ),
        checked_at=NOW - timedelta(minutes=60),
        last_alive=NOW - 30 * DAY,
        first_failed=NOW - timedelta(minutes=60),
        failures=1,
        next_due=NOW + DAY,
        previous_state=State.ALIVE,
        changed_at=NOW - timedelta(minutes=60),
    )


def blocked() -> tuple[Link, History]:
    written = link(
        "https://mp.weixin.qq.com/s/AbCdEfGhIjKlMnOpQrStUv",
        "weixin",
        ("posts/2024-6-30-essay.markdown", 12, "一篇需要验证的文章"),
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 10 * DAY,
        state=State.BLOCKED,
        reason="captcha",
        evidence=Evidence(rule="weixin/captcha", matched="captcha shell", http_status=200),
        checked_at=NOW - timedelta(minutes=61),
        previous_state=State.UNCHECKED,
        changed_at=NOW - timedelta(minutes=61),
    )


def unknown() -> tuple[Link, History]:
    written = link(
        "https://mp.weixin.qq.com/s/ZzYyXxWwVvUuTtSsRrQqPp", "weixin", ("posts/2024-6-30-essay.markdown", 30, "新措辞")
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 10 * DAY,
        state=State.UNKNOWN,
        reason="no-rule-matched",
        confidence=Confidence.LOW,
        evidence=Evidence(http_status=200, notice="此内容正在被重新审核，敬请期待\x1b[2J"),
        checked_at=NOW - timedelta(minutes=62),
    )


def unchecked() -> tuple[Link, None]:
    return link("https://new.example.net/", "other", ("posts/2026-1-1-new.markdown", 1, "")), None


def alive() -> tuple[Link, History]:
    written = link(
        "https://www.zhihu.com/question/20691338/answer/53910077",
        "zhihu",
        ("posts/2017-6-23-Deep_Learning_8.markdown", 5, "怎样理解反向传播？"),
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 700 * DAY,
        state=State.ALIVE,
        reason="content",
        confidence=Confidence.HIGH,
        evidence=Evidence(rule="zhihu/answer", matched=".RichContent-inner", http_status=200),
        checked_at=NOW - timedelta(minutes=30),
        last_alive=NOW - timedelta(minutes=30),
        next_due=NOW + 14 * DAY,
        page_title="怎样理解反向传播？ - 知乎",
        title_match=0.97,
        previous_state=State.DEAD,
        changed_at=NOW - timedelta(minutes=30),
    )


def differs() -> tuple[Link, History]:
    written = link(
        "https://www.example.com/ml-course",
        "other",
        ("posts/2017-1-29-essay_4.markdown", 9, "机器学习公开课"),
    )
    return written, History(
        written.canonical_url,
        first_seen=NOW - 700 * DAY,
        state=State.ALIVE,
        reason="content",
        evidence=Evidence(rule="generic/text", http_status=200, limited="paid: teaser of 312 characters"),
        checked_at=NOW - 2 * DAY,
        last_alive=NOW - 2 * DAY,
        page_title="Best Online Casino Bonuses 2026",
        title_match=0.0412345,
        moved_to="https://example.com/casino",
    )


def local() -> tuple[Link, History]:
    place = Occurrence(
        "posts/2016-1-17-word_vectors.markdown", 51, 5, "/images/cbow.png", "/images/cbow.png", Kind.LOCAL, "", 900, 916
    )
    written = Link("/images/cbow.png", "/images/cbow.png", "/images/cbow.png", "local", "", "local", (place,))
    return written, History(
        written.canonical_url,
        first_seen=NOW - DAY,
        state=State.DEAD,
        reason="missing-file",
        confidence=Confidence.HIGH,
        evidence=Evidence(rule="local/missing-file", matched="images/cbow.png"),
        checked_at=NOW,
    )


MAKERS = (alive, unchecked, blocked, unknown, suspect, dead_hostile, dead_zhihu, dead_weixin, differs, local)


def full_report() -> Report:
    """Everything at once, given in another order than reports have."""
    pairs = [make() for make in MAKERS]
    weixin = dead_weixin()[0]
    return build_report(
        RUN,
        [written for written, _ in pairs],
        {history.canonical_url: history for _, history in pairs if history is not None},
        NOW,
        suggestions={
            weixin.canonical_url: (
                Suggestion("snapshot", "archive/readable/17.html", NOW - 8 * DAY),
                Suggestion("wayback", "https://web.archive.org/web/20190801000000/" + WEIXIN, NOW - 2345 * DAY),
            )
        },
        changes=(
            Change(
                ChangeKind.TITLE_CHANGED,
                "https://www.example.com/ml-course",
                NOW,
                "机器学习公开课",
                "Best Online Casino",
            ),
        ),
        trend=tuple(
            Health(
                NOW - (30 - i) * DAY,
                (
                    (State.DEAD, 1 + i // 9),
                    (State.SUSPECT, 1 + i % 3),
                    (State.UNKNOWN, 1),
                    (State.BLOCKED, 2),
                    (State.UNCHECKED, max(0, 9 - i)),
                    (State.ALIVE, 2 + i // 4),
                ),
            )
            for i in range(31)
        ),
        rounds=(Round("weixin", 13_663, 68_315.0, 9), Round("zhihu", 5_750, 17_250.0, None)),
        overdue=("https://new.example.net/",),
    )


def empty_report() -> Report:
    """A run over notes without links."""
    return build_report(Run("r", "run", STARTED, NOW), [], {}, NOW)


def living_report() -> Report:
    """A run with nothing to complain about."""
    written, history = alive()
    history = History(history.canonical_url, history.first_seen, state=State.ALIVE, reason="content", checked_at=NOW)
    return build_report(
        Run("r", "run", STARTED, NOW, fetched=1, requests=1), [written], {written.canonical_url: history}, NOW
    )


def down_report() -> Report:
    """A run without network: nothing concluded."""
    written, _ = unchecked()
    run = Run("r", "run", STARTED, NOW, complete=False, network="down", stopped_by="network-down", requests=3)
    return build_report(run, [written], {}, NOW)


def week_report() -> Report:
    """A report with every kind of news of a week, as `crawler report --since 7d` makes it."""
    whole = full_report()
    moved = next(finding for finding in whole.findings if finding.history.moved_to)
    assert moved.history.moved_to
    change = Change(ChangeKind.MOVED, moved.link.canonical_url, NOW - 2 * DAY, moved.link.url, moved.history.moved_to)
    findings = tuple(
        replace(f, history=replace(f.history, snapshot=Snapshot(18, NOW - DAY, f.history.page_title, 900, "sha256:00")))
        if f.history.state is State.ALIVE
        else f
        for f in whole.findings
    )
    return replace(whole, findings=findings, changes=(*whole.changes, change))
