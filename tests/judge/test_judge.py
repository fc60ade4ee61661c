"""From a fetch to a verdict: failures, statuses, what users accept, and pages that no rule foresaw."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import ConfigError
from crawler.core.model import Confidence, Cut, Failure, Fetch, Link, Proof, Redirect, State, Verdict
from crawler.judge import explain, judge
from crawler.judge.verdicts import MAX_MATCHED
from crawler.page.document import Document
from crawler.sites import Site, load_sites

URL = "https://blog.example.com/post/7"
LINK = Link(URL, URL, URL, "blog", "blog.example.com", "blog")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULES: dict[str, Any] = {
    "hosts": ["blog.example.com"],
    "error_zone": [".error"],
    "hidden": [".a11y"],
    "follow_only": r"https://blog\.example\.com/post/\d+",
    "kind": [{"name": "post", "url": r"https://blog\.example\.com/post/(?P<id>\d+)"}],
    "page": {"text": ".body"},
    "value": {"page_id": {"css": "article", "attr": "data-id"}, "moved": {"css": "a.moved", "attr": "href"}},
    "row": [
        {"id": "wall", "state": "blocked", "reason": "captcha", "status": [200, 503], "markup": "challenge.js"},
        {"id": "moved", "state": "suspect", "reason": "account-migrated", "filled": "moved", "follow": "moved"},
        {"id": "other", "state": "unknown", "reason": "other-article", "differs": {"page_id": "{id}"}},
        {"id": "part", "state": "alive", "reason": "content", "has": [".body", ".fold"], "limited": "folded"},
        {"id": "post", "state": "alive", "reason": "content", "has": ".body"},
        {"id": "deleted", "state": "dead", "reason": "deleted-by-author", "notice": ["文章已被作者删除，帐号仍在"]},
    ],
}


def site(**changes: Any) -> Site:
    found = load_sites([("blog.toml", RULES | changes)]).named("blog")
    assert found is not None
    return found


BLOG = site()


def fetched(
    html: str | bytes = "", status: int = 200, final_url: str = URL, content_type: str = "text/html; charset=utf-8"
) -> Fetch:
    body = html if isinstance(html, bytes) else html.encode()
    return Fetch(URL, final_url, NOW, status=status, body=body, headers=(("Content-Type", content_type),))


def judged(fetch: Fetch, rules: Site | None = BLOG, accept: tuple[int, ...] = ()) -> Verdict:
    return judge(LINK, fetch, Document(fetch.body, fetch.header("content-type"), fetch.final_url), rules, accept)


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_is_never_death_but_for_a_malformed_url(failure: Failure) -> None:
    verdict = judged(Fetch(URL, URL, NOW, failure=failure, error="why"))
    assert verdict.reason == failure.reason
    assert (verdict.state is State.DEAD) == (failure is Failure.MALFORMED_URL)
    assert verdict.state is not State.ALIVE
    assert (verdict.evidence.error, verdict.evidence.rule) == ("why", f"failure/{failure.value}")


def test_a_broken_server_that_shows_the_asked_content_proves_nothing_and_a_404_stays_one() -> None:
    page = f"<article data-id=7><div class=body>{'words ' * 100}</div></article>"
    shown, broken, gone = (
        judged(fetched(html, status)) for html, status in ((page, 500), ("<h1>Oops</h1>", 500), (page, 404))
    )
    assert (shown.state, shown.reason, shown.evidence.proof) == (State.SUSPECT, "server-error", Proof.CLIENT)
    assert (broken.state, broken.evidence.proof) == (State.SUSPECT, Proof.HOST)
    assert gone.state is State.DEAD


def test_what_was_never_asked_is_unchecked() -> None:
    states = {
        judged(Fetch(URL, URL, NOW, failure=f)).state for f in (Failure.NOT_PUBLIC, Failure.HELD_BACK, Failure.ROBOTS)
    }
    assert states == {State.UNCHECKED}


@pytest.mark.parametrize("rules", [BLOG, None], ids=["with rules", "without rules"])
@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (404, State.DEAD, "not-found"),
        (410, State.DEAD, "gone"),
        (401, State.BLOCKED, "login-required"),
        (403, State.BLOCKED, "forbidden"),
        (429, State.BLOCKED, "rate-limited"),
        (451, State.BLOCKED, "unavailable-for-legal-reasons"),
        (444, State.BLOCKED, "forbidden"),
        (521, State.BLOCKED, "forbidden"),
        (999, State.BLOCKED, "forbidden"),
        (400, State.SUSPECT, "client-error"),
        (500, State.SUSPECT, "server-error"),
        (503, State.SUSPECT, "server-error"),
        (304, State.UNKNOWN, "unexpected-status"),
    ],
)
def test_a_status_speaks_where_no_row_does(rules: Site | None, status: int, state: State, reason: str) -> None:
    verdict = judged(fetched("<p class=body>x", status), rules)
    assert (verdict.state, verdict.reason) == (state, reason)
    assert verdict.evidence.http_status == status


def test_death_by_status_waits_for_a_second_look() -> None:
    assert judged(fetched(status=404)).confidence is Confidence.MEDIUM


def test_a_status_that_the_user_accepts_is_alive_before_anything_else() -> None:
    assert judged(fetched("challenge.js", 503), accept=(503,)).reason == "accepted-status"
    assert judged(fetched(status=404), accept=(503,)).state is State.DEAD


def test_the_first_row_that_holds_decides() -> None:
    verdict = judged(fetched("<script src=challenge.js></script><div class=body>x</div>"))
    assert (verdict.reason, verdict.evidence.rule) == ("captcha", "blog/wall")


def test_a_row_speaks_of_other_statuses_only_where_it_says_so() -> None:
    assert judged(fetched("challenge.js", 503)).reason == "captcha"
    assert judged(fetched("challenge.js", 404)).reason == "not-found"


def test_content_that_is_not_the_asked_one_proves_nothing() -> None:
    assert judged(fetched("<article data-id=7><p class=body>x")).state is State.ALIVE
    assert judged(fetched("<article data-id=8><p class=body>x")).reason == "other-article"
    assert judged(fetched("<article><p class=body>x")).state is State.ALIVE


def test_a_notice_is_known_whatever_its_width_spaces_and_letters() -> None:
    verdict = judged(fetched("<p class=error> 文章已被作者删除,\n账号仍在 。</p>"))
    assert verdict.reason == "deleted-by-author"
    assert verdict.evidence.matched == ".error: 文章已被作者删除, 账号仍在 。"


def test_the_words_of_a_notice_elsewhere_mean_nothing() -> None:
    words = "文章已被作者删除，帐号仍在"
    page = f"<!-- {words} --><title>{words}</title><script>'{words}'</script><p>{words}</p>"
    assert judged(fetched(page)).reason == "no-rule-matched"


def test_a_notice_that_nobody_knows_is_unknown_and_reported_in_its_words() -> None:
    verdict = judged(fetched(f"<p class=error>{'此页去了远方。' * 200}</p>"))
    assert (verdict.state, verdict.reason) == (State.UNKNOWN, "unseen-notice")
    assert verdict.evidence.notice.startswith("此页去了远方。")
    assert len(verdict.evidence.notice) <= MAX_MATCHED


def test_a_part_says_why_and_how_much_is_seen() -> None:
    verdict = judged(fetched("<div class=body>一二 三</div><div class=fold></div>"))
    assert verdict.evidence.limited == "folded: 3 characters visible"


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("https://blog.example.com/post/8#top", "https://blog.example.com/post/8"),
        ("/post/8", "https://blog.example.com/post/8"),
        ("https://evil.example/post/8", None),
        ("javascript:alert(1)", None),
        ("https://blog.example.com/post/7", None),
        ("http://[", None),
    ],
)
def test_only_another_article_of_the_site_is_followed(target: str, followed: str | None) -> None:
    verdict = judged(fetched(f'<a class=moved href="{target}">x</a>'))
    assert (verdict.state, verdict.follow) == (State.SUSPECT, followed)


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "text/html", "empty-page"),
        (b" \n ", "text/html", "empty-page"),
        (b"\x00\xff" * 50, "text/html", "not-html"),
        (b"%PDF-1.7", "application/pdf", "not-html"),
        (b"<p>caf\xe9 \xff\xfe</p>", "text/html; charset=utf-8", "no-rule-matched"),
        (b"<p class=bo", "text/html", "no-rule-matched"),
        (b"<div>" * 15_000, "text/html", "no-rule-matched"),  # deeper than any stack; more costs its square
    ],
)
def test_a_strange_body_on_a_site_with_rules_is_unknown_with_the_reason(
    body: bytes, content_type: str, reason: str
) -> None:
    verdict = judged(fetched(body, content_type=content_type))
    assert (verdict.state, verdict.reason) == (State.UNKNOWN, reason)


def test_other_pages_of_a_site_are_judged_as_on_any_host_where_its_file_says_so() -> None:
    about = replace(LINK, canonical_url="https://blog.example.com/about", fetch_url="https://blog.example.com/about")
    fetch = replace(fetched("<title>About</title><p>" + "All about us. " * 50), final_url=about.fetch_url)
    document = Document(fetch.body, "text/html")
    assert judge(about, fetch, document, site(other_pages="generic")).state is State.ALIVE
    assert judge(about, fetch, document, BLOG).state is State.UNKNOWN


def test_a_short_link_of_another_host_asks_for_what_it_led_to() -> None:
    short = replace(LINK, canonical_url="https://t.example/x", fetch_url="https://t.example/x", host="t.example")
    fetch = fetched("<article data-id=8><p class=body>x")
    assert judge(short, fetch, Document(fetch.body, "text/html"), BLOG).reason == "other-article"


def test_evidence_is_one_line_with_the_way_there() -> None:
    hop = Redirect(302, URL)
    verdict = judged(replace(fetched("<p class=error>a\nb</p>"), redirects=(hop,)))
    assert verdict.evidence.redirects == (hop,)
    assert verdict.evidence.matched == ".error: a b"


def test_explain_tries_every_condition_of_each_row_up_to_the_hit() -> None:
    fetch = fetched("<article data-id=7><p class=body>x")
    steps = explain(LINK, fetch, Document(fetch.body, "text/html"), BLOG)
    assert [(step.rule, step.hit) for step in steps] == [
        ("blog/wall", False), ("blog/moved", False), ("blog/other", False), ("blog/part", False), ("blog/post", True),
    ]  # fmt: skip
    part = {check.condition: check for check in steps[3].conditions}
    assert (part["has"].holds, part["has"].saw) == (False, "nothing at .fold")
    assert part["status"].saw == "status 200"


def test_explain_has_nothing_to_say_of_failures_and_foreign_hosts() -> None:
    document = Document(b"", "")
    assert explain(LINK, Fetch(URL, URL, NOW, failure=Failure.TIMEOUT), document, BLOG) == []
    assert explain(LINK, fetched("x"), document, None) == []


def test_a_selector_that_check_site_would_have_refused_is_our_error() -> None:
    with pytest.raises(ConfigError, match="bad selector"):
        judged(fetched("<p>x"), site(row=[{"id": "a", "state": "dead", "reason": "gone", "has": "p["}]))


@given(st.binary(max_size=400), st.sampled_from([200, 204, 301, 403, 404, 500]), st.text(max_size=20))
def test_any_answer_at_all_has_a_verdict(body: bytes, status: int, content_type: str) -> None:
    fetch = fetched(body, status, content_type=content_type)
    assert judged(fetch).reason
    assert judged(fetch, None).reason


LONG = "<article class=body data-id=7>" + "<p>Words that a reader reads, and some more of them.</p>" * 20 + "</article>"


@pytest.mark.parametrize("rules", [BLOG, None], ids=["with rules", "without rules"])
@pytest.mark.parametrize("cut", [cut for cut in Cut if cut])
def test_a_page_whose_text_came_before_it_was_cut_is_alive_and_limited(rules: Site | None, cut: Cut) -> None:
    verdict = judged(replace(fetched(LONG), cut=cut), rules)
    assert verdict.state is State.ALIVE
    assert verdict.evidence.limited.startswith(f"cut: {cut}")


@pytest.mark.parametrize("cut", [cut for cut in Cut if cut])
@pytest.mark.parametrize(
    "fetch", [fetched(""), fetched("<html><head>"), fetched(b"%PDF", content_type="application/pdf")]
)
def test_a_part_that_says_too_little_is_unknown_never_worse(fetch: Fetch, cut: Cut) -> None:
    verdict = judged(replace(fetch, cut=cut), None)
    assert (verdict.state, verdict.evidence.http_status) == (State.UNKNOWN, 200)


def test_a_notice_counts_also_in_a_part_and_a_status_stands() -> None:
    notice = "<div class=error>文章已被作者删除，帐号仍在</div>"
    assert judged(replace(fetched(notice), cut=Cut.RESET)).state is State.DEAD
    assert judged(replace(fetched("", status=404), cut=Cut.RESET), None).state is State.DEAD
