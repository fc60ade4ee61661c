"""What is kept of a check, decided without a disk."""

import dataclasses

import pytest
from store_samples import check_of, failed_check

from crawler.archive.keep import NOTICE_LIMIT, Keep, Known, decide
from crawler.core.model import Cut, State

ALIVE = check_of("a")
PAYLOAD = "sha256:one"


def known(**changes: object) -> Known:
    base = Known(7, 7, notice=False, state="alive", reason="ok", content=ALIVE.page.digest, payload=PAYLOAD)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]  # test shorthand


def test_a_living_page_seen_for_the_first_time_is_kept_whole() -> None:
    assert decide(ALIVE, PAYLOAD, [], "changed") == Keep(raw=True, text=True)


def test_without_raw_only_text_is_kept() -> None:
    assert decide(ALIVE, PAYLOAD, [], "none") == Keep(text=True)


@pytest.mark.parametrize("keep_raw", ["changed", "none"])
def test_unchanged_text_is_a_revisit_without_bytes(keep_raw: str) -> None:
    assert decide(ALIVE, "sha256:other", [known()], keep_raw) == Keep(revisit_of=7)  # type: ignore[arg-type]


def test_with_all_new_bytes_of_unchanged_text_are_kept() -> None:
    assert decide(ALIVE, "sha256:other", [known()], "all") == Keep(revisit_of=7, raw=True)


def test_with_all_equal_bytes_point_at_the_record_that_has_them() -> None:
    later = known(id=9, base=7, payload="sha256:two")
    assert decide(ALIVE, "sha256:two", [known(), later], "all") == Keep(revisit_of=7, raw=True, same_bytes=9)


def test_a_text_that_came_back_is_a_revisit_of_the_old_one() -> None:
    assert decide(ALIVE, PAYLOAD, [known(), known(id=8, base=8, content="x")], "changed") == Keep(revisit_of=7)


def test_a_page_without_text_is_told_apart_by_its_bytes() -> None:
    picture = check_of("a", text="")
    assert decide(picture, PAYLOAD, [known(content="sha256:other")], "changed") == Keep(raw=True)
    assert decide(picture, PAYLOAD, [known(content=PAYLOAD)], "changed") == Keep(revisit_of=7)


def test_not_modified_is_a_revisit_of_the_newest_page() -> None:
    check = check_of("a", status=304, body=b"")
    assert decide(check, "", [known(), known(id=8, base=8)], "changed") == Keep(revisit_of=8)
    assert decide(check, "", [], "changed") is None


def test_what_nobody_knows_is_kept_with_its_bytes() -> None:
    assert decide(check_of("a", state=State.UNKNOWN), PAYLOAD, [], "changed") == Keep(raw=True, text=True)


def test_a_guess_that_a_page_is_gone_keeps_bytes_and_searches_nothing() -> None:
    assert decide(check_of("a", state=State.SUSPECT), PAYLOAD, [], "changed") == Keep(raw=True)
    assert decide(check_of("a", state=State.SUSPECT, status=503), PAYLOAD, [], "changed") is None


def test_the_first_notice_of_a_death_is_kept_and_never_again() -> None:
    notice = check_of("a", state=State.DEAD, reason="deleted-by-author")
    assert decide(notice, PAYLOAD, [], "changed") == Keep(notice=True, raw=True)
    assert decide(notice, PAYLOAD, [known(notice=True, reason="deleted-by-author")], "all") is None
    assert decide(notice, PAYLOAD, [known(notice=True, reason="not-found")], "all") is not None
    assert decide(notice, PAYLOAD, [], "none") is None


def test_a_notice_of_megabytes_is_not_kept() -> None:
    assert decide(check_of("a", state=State.DEAD, body=b"x" * (NOTICE_LIMIT + 1)), PAYLOAD, [], "changed") is None


@pytest.mark.parametrize("check", [check_of("a", state=State.BLOCKED), failed_check("a"), check_of("a", body=b"")])
def test_walls_failures_and_empty_bodies_are_not_kept(check: object) -> None:
    assert decide(check, "", [], "all") is None  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", [cut for cut in Cut if cut])
def test_a_cut_body_is_kept_where_there_is_nothing_else_and_displaces_nothing(cut: Cut) -> None:
    part = dataclasses.replace(ALIVE, fetch=dataclasses.replace(ALIVE.fetch, cut=cut))
    assert decide(part, PAYLOAD, [], "changed") == Keep(raw=True, text=True)
    assert decide(part, "sha256:other", [known(content="sha256:whole")], "all") is None


def test_what_a_browser_read_is_not_displaced_by_the_page_without_its_scripts() -> None:
    read = dataclasses.replace(ALIVE.history, rendered=True)
    shell = dataclasses.replace(check_of("a", state=State.UNKNOWN), history=read)
    assert decide(shell, "sha256:other", [known()], "all") is None
    assert decide(shell, "sha256:other", [], "all") is not None, "nothing else is there"
    again = dataclasses.replace(
        ALIVE, history=read, fetch=dataclasses.replace(ALIVE.fetch, headers=(("X-Rendered-By", "Chrome"),))
    )
    assert decide(again, "sha256:other", [known()], "all") is not None
