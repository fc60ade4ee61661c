"""`[notes] ignore` and `rewrite`."""

import pytest

from crawler.core.errors import ConfigError
from crawler.core.model import Kind, Occurrence
from crawler.core.settings import NotesSettings
from crawler.notes.choice import Choice


def written(url: str, kind: Kind = Kind.INLINE) -> Occurrence:
    return Occurrence("a.md", 1, 1, url, url, kind)


def choice(*ignore: str, **rewrite: str) -> Choice:
    return Choice.of_settings(NotesSettings(ignore=ignore, rewrite=rewrite))


def test_a_pattern_leaves_out_urls_and_local_targets_and_says_which_it_was() -> None:
    chosen = choice(r"^https://a\.example/", r"\.png$")
    found = [written("https://a.example/x"), written("https://b.example/x"), written("x.png", Kind.LOCAL)]
    assert chosen.of(found) == [found[1]]
    assert chosen.decide(found[2]).rule == r"[notes] ignore '\\.png$'"


def test_the_first_rewriting_that_matches_acts() -> None:
    chosen = choice(**{"^/docs/": "https://docs.example/", "^/": "https://other.example/", r"/(\w+)\.old$": r"/\1.new"})
    found = chosen.of([written("/docs/x", Kind.LOCAL), written("/y", Kind.LOCAL), written("https://a.example/z.old")])
    assert [(o.url, o.kind, o.raw) for o in found] == [
        ("https://docs.example/x", Kind.INLINE, "/docs/x"),
        ("https://other.example/y", Kind.INLINE, "/y"),
        ("https://a.example/z.new", Kind.INLINE, "https://a.example/z.old"),
    ]


def test_an_address_of_ones_own_site_may_stand_for_a_file() -> None:
    (found,) = choice(**{"^https://me.example/": "/"}).of([written("https://me.example/img/a.png")])
    assert (found.url, found.kind) == ("/img/a.png", Kind.LOCAL)


def test_what_is_ignored_is_seen_before_and_after_rewriting() -> None:
    chosen = choice("^https://docs", "^/secret", **{"^/docs/": "https://docs.example/"})
    assert chosen.of([written("/docs/x", Kind.LOCAL), written("/secret", Kind.LOCAL)]) == []


@pytest.mark.parametrize(
    "settings",
    [NotesSettings(ignore=("(",)), NotesSettings(rewrite={"(": "x"}), NotesSettings(rewrite={"a": r"\1"})],
)
def test_patterns_that_cannot_be_are_told_in_one_line(settings: NotesSettings) -> None:
    with pytest.raises(ConfigError, match=r"\[notes\] (ignore|rewrite)") as told:
        Choice.of_settings(settings)
    assert "\n" not in str(told.value)
