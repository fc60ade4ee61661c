"""Mending notes: which address should stand where a broken one does, and the edit that writes it.

Pure: decides on what is remembered. An edit replaces exactly the characters of one URL; nothing else of a note changes,
and code is never touched. The exception is a dead bare link whose copy is a file: prose cannot hold a path, so that a
link is written beside it (`BareStyle`). How an address is spelled in its place is `writing`'s, how edits are made and
proven `edits`', and how they are shown `patches`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter

from crawler.core.errors import UsageError
from crawler.core.model import Confidence, History, Kind, Occurrence, State
from crawler.core.results import Finding, Suggestion
from crawler.notes.edits import Edit, Why, refers
from crawler.notes.formats import format_of
from crawler.notes.writing import escaped, has_scheme, portable, write_url

# Parameters that only tell where a reader came from, on any site. Sites' own are in their files.
TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_[ce]id|_hs(?:enc|mi)|spm|vd_source", re.IGNORECASE
)


def drop_parameters(url: str) -> str:
    """The URL without query parameters whose whole name `TRACKING` matches; the rest stays letter for letter."""
    rest, hash_sign, fragment = url.partition("#")
    base, mark, query = rest.partition("?")
    kept = [part for part in query.split("&") if not TRACKING.fullmatch(part.partition("=")[0])]
    if not mark or len(kept) == query.count("&") + 1:
        return url
    return f"{base}{mark if kept else ''}{'&'.join(kept)}{hash_sign}{fragment}"


class BareStyle(StrEnum):
    """How a copy that is a file is offered for a bare link; the values are those of `--bare`."""

    BELOW = "below"  # the address stays, a line below leads to the copy
    LINK = "link"  # the address becomes a link to the copy, with the author's title as its text


@dataclass(frozen=True, slots=True)
class MendOptions:
    """What may be mended, and how."""

    only: frozenset[Why] = frozenset({Why.DEAD, Why.MOVED, Why.HTTPS})
    prefer: tuple[str, ...] = ("snapshot", "wayback")  # kinds of suggestion for the dead, best first
    template: str = ""  # address of a kept copy, with {id} {url} {timestamp}; "": the suggestion's own
    bare: str = BareStyle.BELOW  # or a template with {url}, {copy} and {title}
    unconfirmed: bool = False  # mend also what one check alone calls dead

    def mends_dead(self, history: History) -> bool:
        """Whether a dead link may be given another address: its death is confirmed, or one check is enough."""
        return Why.DEAD in self.only and (self.unconfirmed or history.confidence is Confidence.HIGH)

    def __post_init__(self) -> None:
        try:
            names = {name for _, name, _, _ in Formatter().parse(self.template) if name is not None}
        except ValueError as error:
            raise UsageError(f"the template {self.template!r} cannot be read: {error}") from error
        if unknown := names - {"id", "url", "timestamp"}:
            raise UsageError(f"the template names {sorted(unknown)}; it may use {{id}}, {{url}} and {{timestamp}}")
        if self.bare not in set(BareStyle):
            try:
                self.bare.format(url="", copy="", title="")
            except (ValueError, LookupError) as error:
                raise UsageError(
                    f"--bare {self.bare!r}: it may use {{url}}, {{copy}} and {{title}} ({error})"
                ) from error
            if "{copy}" not in self.bare:
                raise UsageError('--bare is "below", "link", or a template with {copy}')


def propose(occurrence: Occurrence, finding: Finding, options: MendOptions, around: str = "") -> Edit | None:
    """The edit that mends one occurrence, None where nothing is to be done or can be done safely.

    `around` is the note's text; without it an angle bracket or quote beside the URL cannot be seen.
    """
    if (
        occurrence.kind in _NEVER
        or refers(occurrence)
        or around[occurrence.start : occurrence.end] not in ("", occurrence.raw)
    ):
        return None
    target, why = _target(occurrence.url, finding, options)
    if why == (Why.HTTPS,) and occurrence.raw[:5].lower() == "http:":
        raw = occurrence.raw
        return Edit(occurrence.path, occurrence.start, occurrence.end, raw, f"{raw[:4]}s{raw[4:]}", why, target)
    if why and occurrence.kind in (Kind.BARE, Kind.AUTOLINK) and not has_scheme(target):
        return _beside(occurrence, target, why, options.bare, around)
    found = write_url(target, occurrence, around) if why else None
    if found is None or found[0] == occurrence.raw:
        return None
    return Edit(occurrence.path, occurrence.start, occurrence.end, occurrence.raw, found[0], why, found[1])


_COPY = "kept copy"  # `titles` knows it: such a line is no title
_VALUE_BEFORE = re.compile(r"(?:[=:]|\b(?:from|import))[ \t]*[\"']\Z")
_LINE_MARKS = re.compile(r"(?P<quote>[ \t>]*)(?P<list>(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?<?\Z")


def _beside(occurrence: Occurrence, copy: str, why: tuple[Why, ...], style: str, text: str) -> Edit | None:
    """The edit that offers a file for a bare link of Markdown, by style; None in formats without such links."""
    form = format_of(occurrence.path)
    if not text or form is None or form.name not in ("Markdown", "MDX"):
        return None
    if _VALUE_BEFORE.search(text, max(occurrence.start - 20, 0), occurrence.start):
        return None  # a value of data, or of a tag that Markdown does not take for one
    angled = text[occurrence.start - 1 : occurrence.start] + text[occurrence.end : occurrence.end + 1] == "<>"
    start, end = (occurrence.start - 1, occurrence.end + 1) if angled else (occurrence.start, occurrence.end)
    old, target = text[start:end], escaped(portable(copy), Kind.INLINE, in_angles=False)
    title = re.sub(r"([\[\]\\])", r"\\\1", occurrence.note_title or occurrence.url)
    if style == BareStyle.LINK:
        new = f"[{title}]({target})"
    elif style == BareStyle.BELOW:
        begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
        marks = _LINE_MARKS.match(text[begin:start])
        alone = marks is not None and not text[end:].partition("\n")[0].strip()
        newline = "\r\n" if "\r\n" in text else "\n"
        indent = marks["quote"] + " " * len(marks["list"] or "") if marks else ""
        new = f"{old}{newline}{indent}[{_COPY}]({target})" if alone else f"{old} ([{_COPY}]({target}))"
    else:
        new = style.format(url=old, copy=target, title=title)
    return Edit(occurrence.path, start, end, old, new, why, portable(copy), free=True)


# A reference is mended at its definition (`refers`), a local target by its author; code is quoted, not linked.
_NEVER = frozenset({Kind.CODE, Kind.LOCAL})


def _target(url: str, finding: Finding, options: MendOptions) -> tuple[str, tuple[Why, ...]]:
    """Where the link should lead, with the reasons; the same address and no reason where all is well."""
    history, only = finding.history, options.only
    if history.state is State.DEAD:
        copy = _copy_of(finding, options) if options.mends_dead(history) else ""
        return (copy, (Why.DEAD,)) if copy else (url, ())
    if history.state is not State.ALIVE:
        return url, ()
    why: list[Why] = []
    moved = history.moved_to or ""
    if moved and not _same_but_https(url, moved) and Why.MOVED in only:
        url, why = _with_fragment(moved, url), [Why.MOVED]
    elif Why.HTTPS in only and any(_same_but_https(url, proof) for proof in _proofs(finding)):
        url, why = f"https{url[4:]}", [Why.HTTPS]
    if Why.TRACKING in only and (shorter := drop_parameters(url)) != url:
        url, why = shorter, [*why, Why.TRACKING]
    return url, tuple(why)


def _with_fragment(moved: str, url: str) -> str:
    """The new address with the fragment of the old one, unless it has its own (RFC 9110, section 10.2.2)."""
    fragment = url.partition("#")[2]
    return f"{moved}#{fragment}" if fragment and "#" not in moved else moved


def _proofs(finding: Finding) -> Iterator[str]:
    """Addresses that a living page was seen under."""
    yield finding.history.moved_to or ""
    yield finding.history.evidence.final_url
    if not finding.history.evidence.redirects:
        yield finding.link.fetch_url


def _same_but_https(url: str, other: str) -> bool:
    """Whether `other` is `url` with http made https; fragments, which are never sent, do not count."""
    plain, secure = url.partition("#")[0], other.partition("#")[0]
    return plain[:5].lower() == "http:" and secure[:6].lower() == "https:" and _rest(plain[5:]) == _rest(secure[6:])


def _rest(rest: str) -> str:
    host, slash, path = rest.removeprefix("//").partition("/")
    return f"{host.lower()}/{path}" if slash else f"{host.lower()}/"


def _copy_of(finding: Finding, options: MendOptions) -> str:
    """The best copy of a dead link, "" where there is none."""
    for kind in options.prefer:
        for suggestion in finding.suggestions:
            if suggestion.kind == kind:
                return _from_template(finding, suggestion, options.template)
    return ""


def _from_template(finding: Finding, suggestion: Suggestion, template: str) -> str:
    snapshot = finding.history.snapshot
    if suggestion.kind != "snapshot" or not template or snapshot is None:
        return suggestion.url
    stamp = f"{snapshot.captured_at:%Y%m%d%H%M%S}"
    return template.format(id=snapshot.id, url=finding.link.url, timestamp=stamp)
