"""Mending notes: which address should stand where a broken one does, and the edit that writes it.

Pure: decides on what is remembered, and rewrites text that somebody else read and will write. An edit replaces
exactly the characters of one URL; nothing else of a note changes, and code is never touched. The exception is a dead
bare link whose copy is a file: prose cannot hold a path, so that a link is written beside it (`BareStyle`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import accumulate, zip_longest
from string import Formatter

from crawler.core.errors import NotesError, UsageError
from crawler.core.model import Confidence, Finding, History, Kind, Note, Occurrence, State, Suggestion
from crawler.notes.extract import occurrences
from crawler.notes.formats import format_of

MAX_PROOFS = 50  # readings of one note; more edits than that which cannot stand there are a strange note
CONTEXT = 3  # unchanged lines round a change in a unified diff; what `diff -u` and git print


# Parameters that only tell where a reader came from, on any site. Sites' own are in their files.
TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_[ce]id|_hs(?:enc|mi)|spm|vd_source", re.IGNORECASE
)


def drop_parameters(url: str, tracking: re.Pattern[str] = TRACKING) -> str:
    """The URL without query parameters whose whole name `tracking` matches; the rest stays letter for letter."""
    rest, hash_sign, fragment = url.partition("#")
    base, mark, query = rest.partition("?")
    kept = [part for part in query.split("&") if not tracking.fullmatch(part.partition("=")[0])]
    if not mark or len(kept) == query.count("&") + 1:
        return url
    return f"{base}{mark if kept else ''}{'&'.join(kept)}{hash_sign}{fragment}"


class Why(StrEnum):
    """What an edit mends; the values are those of `--only`."""

    DEAD = "dead"
    MOVED = "moved"
    HTTPS = "https"
    TRACKING = "tracking"


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
    drop_tracking: Callable[[str], str] = field(default=drop_parameters)

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


@dataclass(frozen=True, slots=True)
class Edit:
    """Write `new` where a note's text has `old`, at start:end (code points)."""

    path: str
    start: int
    end: int
    old: str
    new: str
    why: tuple[Why, ...]
    url: str  # what the new text means, i.e. what extracting again gives
    free: bool = False  # the text between start and end may hold any links afterwards, `url` among them


def propose(occurrence: Occurrence, finding: Finding, options: MendOptions, around: str = "") -> Edit | None:
    """The edit that mends one occurrence, None where nothing is to be done or can be done safely.

    `around` is the note's text; without it an angle bracket or quote beside the URL cannot be seen.
    """
    if (
        occurrence.kind in _NEVER
        or _is_reference(occurrence)
        or around[occurrence.start : occurrence.end] not in ("", occurrence.raw)
    ):
        return None
    target, why = _target(occurrence.url, finding, options)
    if why == (Why.HTTPS,) and occurrence.raw[:5].lower() == "http:":
        raw = occurrence.raw
        return Edit(occurrence.path, occurrence.start, occurrence.end, raw, f"{raw[:4]}s{raw[4:]}", why, target)
    if why and occurrence.kind in (Kind.BARE, Kind.AUTOLINK) and not _SCHEME.match(target):
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
    old, target = text[start:end], _escaped(portable(copy), Kind.INLINE, in_angles=False)
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


# A reference is mended at its definition, a local target by its author; code is quoted, not linked.
_NEVER = frozenset({Kind.CODE, Kind.LOCAL, Kind.REFERENCE})


def _is_reference(occurrence: Occurrence) -> bool:
    """Whether the target stands elsewhere, at a definition: `[text][label]`, and for pictures `![text][label]`."""
    picture = occurrence.kind is Kind.IMAGE and occurrence.raw.startswith("![")
    return occurrence.kind is Kind.REFERENCE or picture


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
    if Why.TRACKING in only and (shorter := options.drop_tracking(url)) != url:
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


_UNSAFE = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # all but RFC 3986's characters
_ENTITY = re.compile(r"&(?=#?[A-Za-z0-9]+;)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")
_INNER_SCHEME = re.compile(r"(?<=http|ttps)(?<![/=]http)(?<![/=]https):(?=//)")  # read as a second bare URL
_JOINS = re.compile(r"[^\x00-\x7f]|https?://", re.IGNORECASE)  # what could be read on as part of a URL before it
_TRAILING = re.compile(r"[.,:;!*_~'()\[\]]+$")  # what a reader of bare URLs takes for the sentence's punctuation


def portable(url: str) -> str:
    """The same address in characters that every syntax can carry: others percent-encoded, as browsers send them."""
    return _UNSAFE.sub(lambda found: _percent(found[0]), url)


def write_url(url: str, occurrence: Occurrence, around: str = "") -> tuple[str, str] | None:
    """How a URL is written in the place of an occurrence, and what that reads as; None where it cannot stand."""
    raw = occurrence.raw
    angled = raw.startswith("<") and raw.endswith(">")
    beside = around[occurrence.start - 1 : occurrence.start] + around[occurrence.end : occurrence.end + 1]
    form = format_of(occurrence.path)
    if form is None or form.encoded is None:
        return None
    meaning = _encode(portable(url), form.encoded) if form.encoded else _fitting(portable(url), occurrence.kind)
    if occurrence.kind in (Kind.BARE, Kind.FRONT_MATTER) and _JOINS.match(around, occurrence.end):
        meaning = _ending_clearly(meaning)
    if not meaning:
        return None
    written = meaning if form.encoded else _escaped(meaning, occurrence.kind, in_angles=angled or beside == "<>")
    return (f"<{written}>" if angled else written), meaning


def _fitting(url: str, kind: Kind) -> str:
    """The URL with percent-encoding for what a place has no other escape for; "" where it cannot stand there."""
    match kind:
        case Kind.BARE | Kind.AUTOLINK | Kind.FRONT_MATTER if not _SCHEME.match(url):
            return ""  # a path is no link there
        case Kind.BARE | Kind.FRONT_MATTER:  # the comma is for YAML's [list, of, URLs]
            return _encode(url, ";'()[]*~" if kind is Kind.BARE else ";'()[]*~,")
        case Kind.AUTOLINK:
            return _encode(url, ";")
        case Kind.HTML:
            return _encode(url, "'")
        case _:
            return url


def _escaped(url: str, kind: Kind, *, in_angles: bool) -> str:
    match kind:
        case Kind.INLINE | Kind.IMAGE | Kind.DEFINITION:
            written = _ENTITY.sub("&amp;", url)
            return written if in_angles or _is_balanced(written) else re.sub(r"[()]", r"\\\g<0>", written)
        case Kind.HTML:
            return url.replace("&", "&amp;")
        case _:
            return url


def _encode(url: str, characters: str) -> str:
    """Percent-encode some characters behind the host, and punctuation at the end; an empty query goes."""
    host = found[0] if (found := _AUTHORITY.match(url)) else ""
    rest = url.removeprefix(host).rstrip("?#&")
    rest = re.sub(f"[{re.escape(characters)}]", lambda found: _percent(found[0]), rest)
    rest = _INNER_SCHEME.sub("%3A", rest)
    return host + _TRAILING.sub(lambda found: _percent(found[0]), rest)


def _ending_clearly(url: str) -> str:
    """A bare URL that cannot run into the prose right behind it; "" where only a space could part them."""
    url = re.sub(r"[=\-]+$", lambda found: _percent(found[0]), url)
    host = found[0] if (found := _AUTHORITY.match(url)) else ""
    return host if url == f"{host}/" else "" if url.endswith("/") else url


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def _is_balanced(url: str) -> bool:
    """Whether Markdown reads the parentheses of a bare destination as we do: balanced, and not deep."""
    depth = 0
    for character in url:
        depth += (character == "(") - (character == ")")
        if not 0 <= depth <= 3:  # CommonMark asks for three levels at least
            return False
    return depth == 0


def apply(note: Note, edits: Sequence[Edit], current: str | None = None) -> str:
    """The note's text with the edits made. `current`: the text as it is now, where time passed since extraction.

    Raises NotesError, and changes nothing, where the text is not what the edits were made for.
    """
    if current is not None and current != note.text:
        raise NotesError(f"{note.path}: changed since it was read; run the command again")
    parts, at = [], 0
    for edit in sorted(set(edits), key=lambda e: (e.start, e.end)):
        if edit.path != note.path or edit.start < at or note.text[edit.start : edit.end] != edit.old:
            raise NotesError(f"{note.path}: the edit of {edit.old!r} does not fit its text; run the command again")
        parts += [note.text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, note.text[at:]])


def proven(note: Note, edits: Sequence[Edit]) -> list[Edit]:
    """Those edits after which reading the note again gives the intended links, and every other link as it was.

    Escaping is careful, but what stands beside an address (Chinese prose right behind it, another address) may
    still be read as part of it; such an edit is left out. Edits of one note must be proven together.
    """
    before = occurrences(note, code=True)
    kept = sorted(edits, key=lambda edit: edit.start)
    for _ in range(MAX_PROOFS):
        wrong = _first_wrong(before, kept, occurrences(replace(note, text=apply(note, kept)), code=True))
        if wrong is None:
            return kept
        blamed = [edit for edit in kept if edit.start <= wrong]
        kept.remove(blamed[-1] if blamed else kept[0])
    return []


def _first_wrong(before: Sequence[Occurrence], edits: Sequence[Edit], after: Sequence[Occurrence]) -> int | None:
    """Where, in the old text, the first link stands that the new one does not have as intended; `edits` are sorted."""
    meant = {edit.start: edit.url for edit in edits if not edit.free}
    defined = {o.url: meant[o.start] for o in reversed(before) if o.kind is Kind.DEFINITION and o.start in meant}
    free = [edit for edit in edits if edit.free]
    outside = [o for o in before if not any(edit.start <= o.start < edit.end for edit in free)]
    places = _new_places(edits)
    written: dict[int, set[str]] = {edit.start: set() for edit in free}
    others = []
    for new in after:
        inside = next((edit.start for edit, start, end in places if edit.free and start <= new.start < end), None)
        if inside is None:
            others.append(new)
        else:
            written[inside].add(new.url)
    for edit in free:
        if edit.url not in written[edit.start]:
            return edit.start
    for old, found in zip_longest(outside, others):
        if old is None:
            return before[-1].start if before else 0
        expected = defined.get(old.url, old.url) if _is_reference(old) else meant.get(old.start, old.url)
        # A copy may be a file; else another kind means that the syntax round the address broke.
        if found is None or found.url != expected or found.kind not in (old.kind, Kind.LOCAL):
            return old.start
    return None


def _new_places(edits: Sequence[Edit]) -> list[tuple[Edit, int, int]]:
    """Each edit with the place of its new text in the new note."""
    places, grown = [], 0
    for edit in edits:
        start = edit.start + grown
        places.append((edit, start, start + len(edit.new)))
        grown += len(edit.new) - (edit.end - edit.start)
    return places


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines first..last-1 (0-based) of the old text, and what becomes of them."""

    first: int
    last: int
    new: tuple[str, ...]


def unified_diff(note: Note, edits: Sequence[Edit]) -> str:
    """The edits as `git apply` and `patch -p1` read them; "" for none. Takes time linear in the note."""
    apply(note, edits)  # refuses what does not fit
    old = note.text.split("\n")
    ends = [*accumulate(len(line) + 1 for line in old)]
    hunks: list[list[_Block]] = []
    for block in _blocks(note, edits, ends):
        if hunks and block.first - hunks[-1][-1].last <= 2 * CONTEXT:
            hunks[-1].append(block)
        else:
            hunks.append([block])
    if not hunks:
        return ""
    lines, grown = [f"--- {_quoted(f'a/{note.path}')}", f"+++ {_quoted(f'b/{note.path}')}"], 0
    for hunk in hunks:
        lines += _hunk(old, hunk, grown)
        grown += sum(len(block.new) - (block.last - block.first) for block in hunk)
    return "\n".join(lines) + "\n"


def patch(note: Note, edits: Sequence[Edit]) -> bytes:
    """`unified_diff` in the note's own bytes, so that `git apply` takes it whatever the encoding; b"" for none.

    Lines are those of the bytes, as git sees them: it knows nothing of UTF-16.
    """
    starts = [*accumulate((len(part.encode(note.encoding)) for part in _between(note.text, edits)), initial=0)]
    ordered = sorted(set(edits), key=lambda edit: edit.start)
    as_bytes = [
        replace(
            edit,
            start=starts[2 * n + 1],
            end=starts[2 * n + 2],
            old=edit.old.encode(note.encoding).decode("latin-1"),
            new=edit.new.encode(note.encoding).decode("latin-1"),
        )
        for n, edit in enumerate(ordered)
    ]
    body = unified_diff(replace(note, text=note.text.encode(note.encoding).decode("latin-1")), as_bytes)
    if not body:
        return b""
    _, _, rest = body.split("\n", 2)
    head = f"--- {_quoted(f'a/{note.path}')}\n+++ {_quoted(f'b/{note.path}')}\n"
    return head.encode("utf-8", "surrogateescape") + rest.encode("latin-1")


def _between(text: str, edits: Sequence[Edit]) -> Iterator[str]:
    """The text cut at every edit: what stands before the first, the first, what stands before the second, ..."""
    at = 0
    for edit in sorted(set(edits), key=lambda edit: edit.start):
        yield text[at : edit.start]
        yield text[edit.start : edit.end]
        at = edit.end


def _blocks(note: Note, edits: Sequence[Edit], ends: list[int]) -> Iterator[_Block]:
    """The changed runs of lines; edits that share a line share a run."""
    runs: list[tuple[int, int, list[Edit]]] = []
    for edit in sorted(set(edits), key=lambda e: e.start):
        first, last = bisect_right(ends, edit.start), bisect_right(ends, max(edit.start, edit.end - 1)) + 1
        if runs and first < runs[-1][1]:
            runs[-1] = (runs[-1][0], last, [*runs[-1][2], edit])
        else:
            runs.append((first, last, [edit]))
    for first, last, inside in runs:
        start = ends[first - 1] if first else 0
        moved = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in inside]
        slice_of_it = replace(note, text=note.text[start : ends[last - 1] - 1])
        yield _Block(first, last, tuple(apply(slice_of_it, moved).split("\n")))


def _hunk(old: list[str], blocks: list[_Block], grown: int) -> Iterator[str]:
    count = len(old) - (old[-1] == "")  # a text that ends with a line feed has no line behind it
    first, last = max(0, blocks[0].first - CONTEXT), min(count, blocks[-1].last + CONTEXT)
    size = last - first + sum(len(block.new) - (block.last - block.first) for block in blocks)
    yield f"@@ -{first + 1},{last - first} +{first + 1 + grown},{size} @@"
    at = first
    for block in blocks:
        yield from (f" {line}" for line in old[at : block.first])
        yield from _marked("-", old[block.first : block.last], at_end=block.last == len(old))
        yield from _marked("+", block.new, at_end=block.last == len(old))
        at = block.last
    yield from _marked(" ", old[at:last], at_end=last == len(old) and at < last)


def _marked(sign: str, lines: Sequence[str], *, at_end: bool) -> Iterator[str]:
    yield from (f"{sign}{line}" for line in lines)
    if at_end:
        yield "\\ No newline at end of file"


def _quoted(path: str) -> str:
    """A path as git writes it: C-quoted where it holds odd characters, with a tab behind one with spaces."""
    if re.search(r'[\x00-\x1f"\\\x7f\ud800-\udfff]', path):
        encoded = path.encode("utf-8", "surrogateescape")
        return '"' + "".join(_octal(byte) for byte in encoded) + '"'
    return f"{path}\t" if " " in path else path


def _octal(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}"
