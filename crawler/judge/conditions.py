"""The conditions of verdict rules: each verb once, as a small function of the facts and what the rule wants.

A condition says whether it holds and what it saw, so that `explain` can show it. Conditions decide nothing together:
that is `site_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.core.counts import Counted
from crawler.judge.facts import MAX_TEXT, Facts, wording_in
from crawler.page.values import fill, select
from crawler.sites.schema import Rule
from crawler.sites.steps import compiled

HOMES = re.compile(r"(?i)/*(?:(?:index|default|home)(?:\.[a-z]{3,5})?/?)?")
MAX_SAW = 120  # characters shown of what a condition saw


@dataclass(frozen=True, slots=True)
class Tried:
    """One condition of a rule on one page."""

    condition: str  # the rule's key
    holds: bool
    saw: str  # what was found, or what was looked for in vain; one line


Outcome = tuple[bool, str]


def tried(rule: Rule, facts: Facts) -> Iterator[Tried]:
    """The conditions that a rule states, cheapest first, each looked at only when asked for."""
    yield Tried("status", *_status(facts, rule.status))
    for key, check in CONDITIONS:
        wanted = getattr(rule, key)
        if wanted not in ((), {}, "", None):
            holds, saw = check(facts, wanted)
            yield Tried(key, holds, " ".join(saw.split())[:MAX_SAW])


def _status(facts: Facts, wanted: tuple[int | str, ...]) -> Outcome:
    status = facts.fetch.status or 0
    holds = any(status == w or str(w) == f"{status // 100}xx" for w in wanted or ("2xx",))
    return holds, f"status {status}"


def _kind(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    return facts.kind in wanted, f"kind {facts.kind or 'none'}"


def _header(facts: Facts, wanted: Mapping[str, str]) -> Outcome:
    seen = {name: facts.fetch.header(name) for name in wanted}
    holds = all(compiled(pattern).search(seen[name]) for name, pattern in wanted.items())
    return holds, ", ".join(f"{name}: {value}" for name, value in seen.items())


def _asked_url(facts: Facts, wanted: str) -> Outcome:
    return bool(compiled(wanted).search(facts.link.fetch_url)), facts.link.fetch_url


def _final_url(facts: Facts, wanted: str) -> Outcome:
    return bool(compiled(wanted).search(facts.final_url)), facts.final_url


def _redirected_home(facts: Facts, wanted: bool) -> Outcome:
    moved = is_home(facts.final_url) and not is_home(facts.link.fetch_url)
    return moved is wanted, facts.final_url


def is_home(url: str) -> bool:
    """Whether a URL is the first page of its host."""
    parts = urlsplit(url)
    return HOMES.fullmatch(parts.path) is not None


def _bytes_over(facts: Facts, wanted: int) -> Outcome:
    return len(facts.document.body) > wanted, f"{Counted(len(facts.document.body)):byte}"


def _bytes_under(facts: Facts, wanted: int) -> Outcome:
    return len(facts.document.body) < wanted, f"{Counted(len(facts.document.body)):byte}"


def _markup(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    html = facts.document.html
    found = next((string for string in wanted if string in html), "")
    return bool(found), f"markup: {found or 'none of it'}"


def _has(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    missing = next((css for css in wanted if not select(facts.document, fill(css, facts.ids))), "")
    return not missing, f"nothing at {missing}" if missing else ", ".join(wanted)


def _lacks(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    found = next((css for css in wanted if select(facts.document, fill(css, facts.ids))), "")
    return not found, f"found {found}" if found else f"nothing at {', '.join(wanted)}"


def _says(facts: Facts, wanted: Mapping[str, tuple[str, ...]]) -> Outcome:
    saw = []
    for css, wordings in wanted.items():
        said = next((text for text in facts.texts(css) if wording_in(text, wordings)), "")
        if not said:
            return False, f"{css}: {' | '.join(facts.texts(css)[:3]) or 'nothing'}"
        saw.append(f"{css}: {said}")
    return True, ", ".join(saw)


def _notice(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    for css, text in facts.zone:
        if wording_in(text, wanted):
            return True, f"{css}: {text}"
    return False, "error zone: " + (" | ".join(text for _, text in facts.zone) or "empty")


def _title(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    title = facts.document.title[:MAX_TEXT]
    return bool(wording_in(title, wanted)), f"title: {title}"


def _visible(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    found = wording_in(facts.beginning, wanted)
    return bool(found), f"visible text: {found or facts.visible[:60]}"


def _visible_over(facts: Facts, wanted: int) -> Outcome:
    return facts.visible_characters > wanted, f"{facts.visible_characters} visible characters"


def _visible_under(facts: Facts, wanted: int) -> Outcome:
    return facts.visible_characters < wanted, f"{facts.visible_characters} visible characters"


def _equals(facts: Facts, wanted: Mapping[str, str]) -> Outcome:
    seen = {name: facts.value(name) for name in wanted}
    return all(seen[n] == fill(w, facts.ids) for n, w in wanted.items()), _shown(seen)


def _differs(facts: Facts, wanted: Mapping[str, str]) -> Outcome:
    seen = {name: facts.value(name) for name in wanted}
    return any(seen[n] and seen[n] != fill(w, facts.ids) for n, w in wanted.items()), _shown(seen)


def _matches(facts: Facts, wanted: Mapping[str, str]) -> Outcome:
    seen = {name: facts.value(name) for name in wanted}
    return all(compiled(pattern).fullmatch(seen[name]) for name, pattern in wanted.items()), _shown(seen)


def _filled(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    seen = {name: facts.value(name) for name in wanted}
    return all(seen.values()), _shown(seen)


def _empty(facts: Facts, wanted: tuple[str, ...]) -> Outcome:
    seen = {name: facts.value(name) for name in wanted}
    return not any(seen.values()), _shown(seen)


def _shown(seen: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value[:60] or 'nothing'}" for name, value in seen.items())


# Every key of `Rule` that is a condition, cheapest first; `status` goes before them all.
CONDITIONS: tuple[tuple[str, Callable[[Facts, Any], Outcome]], ...] = (
    ("kind", _kind),
    ("header", _header),
    ("asked_url", _asked_url),
    ("final_url", _final_url),
    ("redirected_home", _redirected_home),
    ("bytes_over", _bytes_over),
    ("bytes_under", _bytes_under),
    ("markup", _markup),
    ("title", _title),
    ("has", _has),
    ("lacks", _lacks),
    ("says", _says),
    ("notice", _notice),
    ("equals", _equals),
    ("differs", _differs),
    ("matches", _matches),
    ("filled", _filled),
    ("empty", _empty),
    ("visible", _visible),
    ("visible_over", _visible_over),
    ("visible_under", _visible_under),
)
TELLING = ("notice", "says", "title", "visible", "markup", "final_url", "has", "equals", "filled", "matches", "header")
