"""What most domains say at once, and did not say before, comes from whoever answers for everybody."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Evidence, History, State
from crawler.schedule.stretch import Hijack, Seen, Stretch, seen_as

NOW = datetime(2026, 6, 1, tzinfo=UTC)


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
    assert Hijack(frozenset({"203.0.113.9"}), "200:find.p").has(["203.0.113.9"], "200:find.other-words")


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


def words(n: int, *, before: str = "other", status: int = 404, title: str = "", at: float = 0.0) -> Seen:
    """A check of domain n that says what nobody else says, by its sort alone the same; `before` as of `one`."""
    said = one(n, f"{status}:{title}.words{n}", before=before, at=at)
    return Seen(said.at, said.domain, said.said, said.remembered, said.changed, said.alive, changed_sort=said.changed,
                doubted=before == "doubted")  # fmt: skip


def doubted(n: int, said: str = "404:p") -> Seen:
    return Seen(NOW, f"d{n}.example", said, remembered=False, changed=False, alive=False, doubted=True)


@pytest.mark.parametrize("page", [{"status": 404}, {"status": 503}, {"status": 200, "title": "hotel"}])
def test_errors_of_one_status_and_pages_of_one_title_are_of_one_sort_whatever_words_they_hold(
    page: dict[str, str],
) -> None:
    found = stretch(*(words(n, **page) for n in range(8)))  # type: ignore[arg-type]
    assert not any(found.believes(words(n, **page).said, NOW) for n in range(8))  # type: ignore[arg-type]


def test_half_of_the_living_domains_may_die_at_once_with_pages_of_their_own() -> None:
    found = stretch(*(words(n, status=404 if n % 2 else 200, title=f"t{n}") for n in range(12)))
    assert all(found.believes(words(n).said, NOW) for n in range(1, 12, 2))
    assert found.few == set()


def test_dead_links_and_new_ones_make_no_sort() -> None:
    for before in ("dead", "new"):
        found = stretch(*(words(n, before=before) for n in range(20)))
        assert all(found.believes(words(n).said, NOW) for n in range(20))


def test_what_says_nearly_the_page_that_everybody_gave_is_not_believed_either() -> None:
    odd = words(99, at=40.0)
    found = stretch(
        *(one(n, "404:.p", at=n) for n in range(9)), *(one(n, f"200:.{n}", at=20.0) for n in range(9, 14)), odd
    )
    assert not found.believes(odd.said, odd.at)
    assert found.believes(odd.said, odd.at + timedelta(minutes=5))


def test_on_a_first_run_a_sort_says_nothing() -> None:
    new = [words(n, before="new") for n in range(9)]
    assert stretch(*new).doubtful == set()
    assert stretch(*new, impossible="404:.others").believes(new[0].said, NOW)


def test_few_living_domains_with_one_sort_leave_it_open() -> None:
    found = stretch(*(words(n) for n in range(3)))
    assert (found.few, found.alone) == ({"404"}, {"404"})
    assert found.is_open(words(0).said)
    assert stretch(words(0, status=200, title="a"), words(1, status=200, title="b")).few == set()


def test_what_is_said_by_all_who_lived_is_alone_until_one_of_them_speaks_against() -> None:
    assert stretch(*(one(n, "404:.p") for n in range(4))).alone == {"404:.p"}
    assert stretch(*(one(n, "404:.p") for n in range(3)), one(3, "200:.own", before="same")).alone == set()
    assert stretch(*(one(n, "404:.p") for n in range(3)), one(3, "failure:timeout")).alone == {"404:.p"}
    assert stretch(one(0, "404:.p"), one(1, "404:.p")).alone == set()


def test_what_was_not_believed_once_is_open_when_most_say_it_again() -> None:
    found = stretch(*(doubted(n) for n in range(5)))
    assert (found.few, found.alone) == ({"404:p"}, {"404:p"})
    assert stretch(*(doubted(n) for n in range(5)), one(9, "200:own", before="same")).alone == set()
    sorts = stretch(*(doubted(n, f"404:.words{n}") for n in range(5)))
    assert (sorts.few, sorts.alone) == ({"404"}, {"404"})


def test_an_outage_that_few_domains_had_is_believed_the_second_time() -> None:
    found = stretch(*(doubted(n) for n in range(4)))
    assert (found.few, found.alone) == (set(), set())
    assert found.believes("404:p", NOW)


def remembered(said: str, *, doubted: bool = False, state: State = State.ALIVE, status: int = 200) -> History:
    return History(
        "https://a.example/", NOW, state=state, checked_at=NOW, said=said, evidence=Evidence(http_status=status),
        doubted_at=NOW if doubted else None,
    )  # fmt: skip


def test_a_check_is_held_against_what_its_link_said_when_it_was_believed_last() -> None:
    def told(said: str, before: History) -> tuple[bool, bool, bool, bool]:
        found = seen_as(NOW, "a.example", said, before)
        return found.changed, found.changed_sort, found.alive, found.doubted

    assert told("200:t.a", remembered("200:t.a")) == (False, False, True, False)
    assert told("200:t.b", remembered("200:t.a")) == (True, False, True, False)
    assert told("200:u.b", remembered("200:t.a")) == (True, True, True, False)
    assert told("404:t.b", remembered("200:t.a", doubted=True)) == (False, False, False, True)
    assert told("200:t.a", remembered("200:t.a", doubted=True)) == (False, False, False, False)
    assert told("404:t.b", remembered("404:t.a", doubted=True, state=State.DEAD)) == (False, False, False, False)


def test_a_memory_with_a_fingerprint_of_the_older_form_tells_by_its_status() -> None:
    gone = remembered("404:0123456789abcdef", state=State.DEAD, status=404)
    assert not seen_as(NOW, "a.example", "404:t.a", gone).changed
    found = seen_as(NOW, "a.example", "404:t.a", remembered("200:0123456789abcdef"))
    assert (found.changed, found.changed_sort) == (True, True)
    found = seen_as(NOW, "a.example", "200:t.a", remembered("200:0123456789abcdef"))
    assert (found.changed, found.changed_sort) == (True, False)
