"""Whether a run's failures may be believed: a dead line must never make dead links."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Evidence, Failure, Fetch, History, Link, Redirect, State
from crawler.schedule import outage
from crawler.schedule.outage import (
    Hijack,
    Seen,
    Stretch,
    Watch,
    canaries,
    fingerprint,
    is_network_failure,
    known_hosts,
    registrable,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def link(host: str) -> Link:
    url = f"https://{host}/"
    return Link(url, url, url, "other", host, host)


def answer(status: int = 200) -> Fetch:
    return Fetch("u", "u", NOW, status=status)


def failure(what: Failure = Failure.DNS, *redirects: Redirect) -> Fetch:
    return Fetch("u", "u", NOW, failure=what, redirects=redirects)


def watched(known: set[str], answered: str = "", failed: str = "") -> Watch:
    watch = Watch(known)
    for host in answered.split():
        watch.saw(link(host), answer())
    for host in failed.split():
        watch.saw(link(host), failure())
    return watch


def test_when_nothing_can_be_reached_the_run_counts_for_nothing() -> None:
    assert watched(set(), failed="a b").is_down()


def test_one_silent_host_alone_is_believed_on_a_first_run() -> None:
    assert not watched(set(), failed="a").is_down()


def test_one_silent_host_that_was_known_to_answer_is_not_believed_alone() -> None:
    assert watched({"a"}, failed="a").is_down()


def test_a_majority_of_known_hosts_failing_is_our_own_line() -> None:
    assert watched({"a", "b", "c", "d"}, answered="d x y", failed="a b c").is_down()
    assert not watched({"a", "b", "c", "d"}, answered="c d", failed="a b").is_down()


def test_new_hosts_that_fail_say_nothing_of_the_line() -> None:
    assert not watched({"a", "b", "c"}, answered="a b c", failed="x y z u v w").is_down()


def test_with_few_known_hosts_due_a_canary_is_wanted_and_its_answer_settles_it() -> None:
    watch = watched({"a"}, failed="a")
    assert watch.wants_canary()
    watch.known.add("canary")
    watch.saw(link("canary"), answer())
    assert not watch.is_down()


def test_no_canary_is_asked_when_nothing_failed() -> None:
    assert not watched({"a"}, answered="a b").wants_canary()


def test_a_host_that_answers_once_is_not_silent_even_if_another_link_of_it_fails() -> None:
    assert not watched({"a"}, answered="a", failed="a").is_down()


def test_an_answer_that_only_redirects_into_a_failure_still_proves_our_line() -> None:
    assert not is_network_failure(failure(Failure.TIMEOUT, Redirect(302, "https://a/")))
    assert is_network_failure(failure(Failure.TIMEOUT))


def test_failures_that_no_line_explains_are_the_hosts_own() -> None:
    for own in (Failure.TOO_LARGE, Failure.PROTOCOL, Failure.NOT_PUBLIC, Failure.MALFORMED_URL, Failure.REDIRECT_LOOP):
        assert not is_network_failure(failure(own))


def test_a_run_in_complete_silence_is_given_up_only_after_a_while() -> None:
    watch = watched(set(), failed=" ".join("abcdefghij"))
    assert not watch.hopeless(5)
    assert watch.hopeless(90)
    watch.saw(link("z"), answer())
    assert not watch.hopeless(90)


def history(host: str, *, state: State = State.ALIVE, status: int | None = 200, doubted: bool = False) -> History:
    return History(
        f"https://{host}/", NOW, state=state, checked_at=NOW, last_alive=NOW,
        evidence=Evidence(http_status=status), doubted_at=NOW if doubted else None,
    )  # fmt: skip


def test_a_host_is_known_by_its_last_answer_and_doubted_hosts_are_not_known_twice() -> None:
    told = [history("a"), history("b", status=None), history("c", doubted=True), history("d", state=State.DEAD)]
    memory = {h.canonical_url: h for h in told}
    assert known_hosts([link(h) for h in "abcd"], memory) == {"a", "d"}


def test_canaries_are_living_links_of_hosts_not_asked_yet() -> None:
    memory = {h.canonical_url: h for h in (history("a"), history("b"), history("c", state=State.DEAD))}
    assert [x.host for x in canaries([link(h) for h in "abc"], memory, {"a"})] == ["b"]


# --- one page, or one failure, for everybody ---


def shown(host: str, text: str, *, status: int = 200, path: str = "/a", title: str = "") -> str:
    url = f"https://{host}{path}"
    return fingerprint(Fetch(url, url, NOW, status=status), title, text)


def test_the_page_of_a_portal_is_one_page_whatever_host_path_and_clock_it_names() -> None:
    text = "Welcome! You asked for {}, on 2026-06-01 at {}. Your ticket is 0123456789abcdef0123. Please log in."
    pages = {
        shown(f"h{n}.example", text.format(f"h{n}.example/p/{n}", f"0{n}:1{n}:00"), path=f"/p/{n}") for n in range(5)
    }
    assert len(pages) == 1


def test_counters_tickets_and_minutes_left_make_no_two_pages_of_a_portals_one() -> None:
    text = "Room {0} of 400. Session s-{0}f, seat {0}, {0} minutes left at 10.0.0.{0}. Please enter your voucher."
    assert len({shown(f"h{n}.example", text.format(n)) for n in range(1, 30)}) == 1


def test_articles_that_differ_by_their_words_or_by_the_number_in_the_title_are_different_pages() -> None:
    rivers, roads = (shown("a.example", f"Chapter 12: {word} and 40 bridges") for word in ("rivers", "roads"))
    assert rivers != roads
    twelve, thirteen = (shown("a.example", "Rivers and 40 bridges", title=f"Chapter {n}") for n in (12, 13))
    assert twelve != thirteen
    assert shown("a.example", "The same words here", status=404) != shown("a.example", "The same words here")


def test_a_missing_name_says_nothing_that_could_be_everybodys() -> None:
    assert fingerprint(failure(Failure.NO_SUCH_HOST), "", "") == ""
    assert fingerprint(failure(Failure.TIMEOUT), "", "") == "failure:timeout"


def test_domains_are_counted_as_they_are_registered() -> None:
    assert registrable("a.b.example.co.uk") == registrable("example.co.uk") == "example.co.uk"
    assert registrable("me.github.io") != registrable("you.github.io")
    assert (registrable("203.0.113.7"), registrable("")) == ("203.0.113.7", "")


def one(n: int, said: str, *, before: str = "other", at: float = 0.0, domain: str = "") -> Seen:
    """A check of domain n; `before`: alive and said something else, "same", "new", or "dead" and something else."""
    return Seen(
        NOW + timedelta(seconds=at), domain or f"d{n}.example", said, remembered=before != "new",
        changed=before in ("other", "dead"), alive=before in ("other", "same"),
    )  # fmt: skip


def stretch(*checks: Seen, impossible: str = "") -> Stretch:
    found = Stretch(impossible)
    for check in checks:
        found.saw(check)
    found.conclude(checks)
    return found


def test_most_domains_with_one_new_page_are_not_believed() -> None:
    assert not stretch(*(one(n, "200:p") for n in range(5))).believes("200:p", NOW)
    mixed = stretch(*(one(n, "200:p") for n in range(3)), *(one(n, f"200:{n}") for n in range(3, 6)))
    assert mixed.believes("200:p", NOW)


def test_what_most_domains_said_before_is_believed() -> None:
    assert stretch(*(one(n, "failure:timeout", before="same") for n in range(9))).believes("failure:timeout", NOW)


def test_a_thousand_links_of_one_host_are_one_domain() -> None:
    links = stretch(*(one(0, "200:p") for n in range(1000)), *(one(n, f"200:{n}") for n in range(1, 6)))
    assert links.believes("200:p", NOW)


def test_what_lies_more_than_ten_minutes_apart_is_not_held_together() -> None:
    apart = stretch(*(one(n, "200:p", at=n * 200.0) for n in range(12)))
    assert apart.believes("200:p", NOW)
    assert apart.is_open("200:p")


def test_only_the_stretch_in_which_everybody_said_it_is_not_believed() -> None:
    early = [one(0, "404:p", at=0.0, before="dead")]
    usual = [one(n, f"200:{n}", at=60.0 + n) for n in range(1, 30)]
    portal = [one(n, "404:p", at=2000.0 + n) for n in range(6)]
    found = stretch(*early, *usual, *portal)
    assert found.believes("404:p", NOW)
    assert not found.believes("404:p", NOW + timedelta(seconds=2003))


def test_on_a_first_run_only_a_name_that_cannot_exist_tells() -> None:
    new = [one(n, "200:p", before="new") for n in range(9)]
    assert stretch(*new).doubtful == {"200:p"}
    assert stretch(*new).believes("200:p", NOW)
    assert not stretch(*new, impossible="200:p").believes("200:p", NOW)


def test_servers_stock_pages_count_only_for_links_that_were_alive() -> None:
    assert not stretch(*(one(n, "404~:p") for n in range(9))).believes("404~:p", NOW)
    new = stretch(*(one(n, "404~:p", before="new") for n in range(9)), impossible="404~:p")
    assert new.believes("404~:p", NOW)
    assert not new.is_open("404~:p")


def test_few_domains_leave_it_open_and_two_others_are_asked() -> None:
    assert stretch(one(0, "404:p")).few == {"404:p"}
    assert stretch(one(0, "200:p"), one(1, "200:p")).few == {"200:p"}
    assert stretch(one(0, "200:p")).few == set()
    assert stretch(*(one(0, "200:p") for _ in range(3))).few == {"200:p"}
    assert stretch(one(0, "404:p", before="same")).few == set()


def test_511_is_the_network_whatever_is_remembered() -> None:
    assert not stretch(one(0, "511:p", before="same")).believes("511:p", NOW)
    assert stretch(one(0, "511:p"), one(1, "200:a"), one(2, "200:b")).believes("511:p", NOW)


def test_a_hijacked_name_has_the_address_and_the_page_of_a_name_that_cannot_exist() -> None:
    hijack = Hijack(frozenset({"203.0.113.9", "203.0.113.8"}), "200:p")
    assert hijack.has(["203.0.113.9"], "200:p")
    assert not hijack.has(["203.0.113.9"], "200:q")
    assert not hijack.has(["203.0.113.9", "198.51.100.1"], "200:p")
    assert not hijack.has([], "200:p")


def test_a_line_may_be_cut_when_five_domains_fail_after_the_last_answer() -> None:
    watch = watched(set(), answered="a", failed="b c d e")
    assert not watch.may_be_cut
    watch.saw(link("f"), failure())
    assert watch.may_be_cut
    watch.saw(link("g"), answer())
    assert not watch.may_be_cut


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("pqr"), st.floats(0, 300), st.booleans()), max_size=80))
def test_no_stretch_distrusts_what_half_of_the_domains_never_said(
    steps: list[tuple[int, str, float, bool]],
) -> None:
    """Whatever comes in whatever order, a page that at most two of ten domains ever gave is believed."""
    at, found = 0.0, stretch(*(one(n, f"200:own{n}", before="same") for n in range(10)))
    for domain, page, wait, known in steps:
        at += wait / 100
        said = f"200:{page}" if domain < 2 else f"200:own{domain}"
        found.saw(one(domain, said, at=at, before="other" if known else "new"))
    assert all(found.believes(f"200:{page}", NOW + timedelta(seconds=at)) for page in "pqr")


PLAIN_TIMES = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}:\d{2}(?::\d{2})?|\d{1,2} \w{3} \d{4}|\d{9,}|[0-9a-f]{16,}"
)
PLAIN_COUNTERS = re.compile(r"(?<![a-z0-9_-])[a-z0-9_-]*\d[a-z0-9_-]*")
PIECES = st.sampled_from(
    ["2026-06-01", "1.2.2026", "2026年6月1日", "12:30", "7:05:09", "1 jun 2026", "1234567890", "0123456789abcdef",
     "fade", "deadbeefdeadbeefd", "a-1_b", "no-number", "七", "٣", "x٣y", "年", " ", ":", "-", "z", "９" * 9]
)  # fmt: skip


@given(st.lists(PIECES | st.text("0123456789abcdefz文٣ -_:", max_size=20), max_size=20).map("".join))
def test_patterns_that_look_ahead_mask_what_plain_ones_mask(text: str) -> None:
    assert outage._TIMES.sub("#", text) == PLAIN_TIMES.sub("#", text)
    assert outage._COUNTERS.sub("#", text) == PLAIN_COUNTERS.sub("#", text)


def test_of_two_addresses_that_hold_each_other_the_asked_one_is_masked_first() -> None:
    """Readers of one night and of the next hash strings differently: a set of the two had any order."""
    ends = ["https://a.example/posts", "https://a.example/posts/1/", "https://a.example/p", "https://a.example/posts/1"]
    for asked in ends:
        for final in ends:
            own = outage._own_addresses(Fetch(asked, final, NOW, status=200))
            assert own[0] == asked
            assert final in own
