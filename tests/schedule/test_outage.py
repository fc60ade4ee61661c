"""Whether a run's failures may be believed: a dead line must never make dead links."""

from datetime import UTC, datetime

from crawler.core.model import Evidence, Failure, Fetch, History, Link, Redirect, State
from crawler.schedule.outage import Watch, canaries, is_network_failure, known_hosts

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


def test_a_line_may_be_cut_when_five_domains_fail_after_the_last_answer() -> None:
    watch = watched(set(), answered="a", failed="b c d e")
    assert not watch.may_be_cut
    watch.saw(link("f"), failure())
    assert watch.may_be_cut
    watch.saw(link("g"), answer())
    assert not watch.may_be_cut
