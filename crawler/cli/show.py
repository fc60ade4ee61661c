"""`crawler show URL`: what is remembered and kept of one link."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.output import rich_text
from crawler.cli.streams import shown_text
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.archive import Archive, PastCheck
    from crawler.core.model import History, Snapshot
    from crawler.report.words import Language


@click.command("show")
@click.argument("url")
@click.option("--text", "what", flag_value="text", help="The text of the newest snapshot.")
@click.option("--html", "what", flag_value="html", help="Its readable copy.")
@click.option("--raw", "what", flag_value="raw", help="Its bytes as they were served.")
@click.option("--diff", "what", flag_value="diff", help="What changed between two snapshots, by sentence.")
@click.option("--snapshot", "ids", type=int, multiple=True, help="This snapshot instead; twice for --diff.")
@global_options
def command(options: GlobalOptions, *, url: str, what: str | None, ids: tuple[int, ...]) -> int:
    """Show the states, checks and snapshots of one link, or print a snapshot's text, readable copy or bytes."""
    from crawler.crawl.context import open_archive, sites_of

    settings = options.settings()
    identity = sites_of(settings).identify(url)
    with open_archive(settings, "show", write=False, there=True) as archive:
        history = archive.history(identity.canonical_url)
        if history is None:
            raise UsageError(f"the archive knows no link {url}; `crawler links` lists what your notes hold")
        snapshots = archive.snapshots(identity.canonical_url)
        if what is None:
            checks = archive.checks(identity.canonical_url, 0 if options.verbose else 20)
            sheet = sheet_of(history, checks, snapshots, settings.report.language, settings.serve.public)
            sys.stdout.write(render_screen(sheet) if sys.stdout.isatty() else render_lines(sheet))
            return 0
        if what == "diff":
            return show_diff(archive, snapshots, ids)
        return print_snapshot(archive, what, chosen(snapshots, ids))


def chosen(snapshots: Sequence[Snapshot], ids: tuple[int, ...]) -> Snapshot:
    """The wanted snapshot, else the newest one."""
    found = [s for s in snapshots if not ids or s.id == ids[-1]]
    if not found:
        known = ", ".join(str(s.id) for s in snapshots)
        raise UsageError(f"no such snapshot; this link has: {known}" if known else "nothing was kept of this link yet")
    return found[-1]


def print_snapshot(archive: Archive, what: str, snapshot: Snapshot) -> int:
    """Print one form of a snapshot to stdout: exactly as it is kept on a pipe, harmless on a terminal."""
    if what == "text":
        sys.stdout.write(shown_text(archive.text(snapshot.id).rstrip("\n") + "\n"))
        return 0
    kept = archive.readable(snapshot.id) if what == "html" else archive.body(snapshot.id)
    if kept is None:
        raise UsageError(f"snapshot {snapshot.id} has no {'readable copy' if what == 'html' else 'raw bytes'} kept")
    if sys.stdout.isatty():
        sys.stdout.write(shown_text(for_terminal(kept, snapshot)))
        return 0
    sys.stdout.flush()
    sys.stdout.buffer.write(kept if isinstance(kept, bytes) else kept.encode())
    return 0


def for_terminal(kept: str | bytes, snapshot: Snapshot) -> str:
    """The same as text; bytes that are none are for files alone."""
    if isinstance(kept, str):
        return kept
    if b"\0" in kept:
        raise UsageError(f"snapshot {snapshot.id} is no text; send it to a file: crawler show … --raw > FILE")
    return kept.decode("utf-8", "replace")


def show_diff(archive: Archive, snapshots: Sequence[Snapshot], ids: tuple[int, ...]) -> int:
    """By sentence between two snapshots: the given ones, else the last two that differ."""
    from crawler.cli.diffing import render_diff

    full = [s for s in snapshots if not s.revisit]
    if len(ids) == 2:
        old, new = (next((s for s in snapshots if s.id == i), None) for i in ids)
    else:
        old, new = (full[-2], full[-1]) if len(full) > 1 else (None, None)
    if old is None or new is None:
        raise UsageError("a diff needs two snapshots; name them with --snapshot twice, or archive the link again")
    sys.stdout.write(render_diff(archive.text(old.id), archive.text(new.id), old, new))
    return 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is shown of a link: facts, then rows of snapshots and of checks, each with its header."""

    url: str
    facts: tuple[tuple[str, str], ...]
    snapshots: tuple[tuple[str, ...], ...]
    checks: tuple[tuple[str, ...], ...]


SNAPSHOT_COLUMNS = ("id", "kept at", "characters", "title")
CHECK_COLUMNS = ("at", "state", "reason", "status", "bytes", "rule")


def sheet_of(
    history: History,
    checks: Sequence[PastCheck],
    snapshots: Sequence[Snapshot],
    language: Language = "en",
    public: str = "",
) -> Sheet:
    """What a person wants to know first, then every check and every snapshot; `public`: the viewer's address."""
    from crawler.report.answers import answers_of

    evidence, answers, mark = history.evidence, answers_of(history, language), history.mark
    facts = (
        ("state", f"{history.state} ({history.reason}), confidence {history.confidence}"),
        ("evidence", f"{evidence.rule}: {evidence.matched}".strip(": ")),
        ("proof", " ".join(filter(None, (evidence.proof, f"(agreed: {evidence.agreed})" if evidence.agreed else "")))),
        ("seen", answers.seen),
        ("proves", answers.proves),
        ("settles", answers.settles),
        ("your word", f"{mark.word}, {_time(mark.at)}; checks say {mark.state} ({mark.reason})" if mark else ""),
        ("title", history.page_title),
        ("moved to", history.moved_to or ""),
        ("limited", evidence.limited),
        ("first seen", _time(history.first_seen)),
        ("last check", _time(history.checked_at)),
        ("last alive", _time(history.last_alive)),
        ("failing since", f"{_time(history.first_failed)}, {history.failures} counted" if history.first_failed else ""),
        ("next check", _time(history.next_due) or "now"),
        ("viewer", f"{public.rstrip('/')}/link?url={quote(history.canonical_url, safe='')}" if public else ""),
    )
    return Sheet(
        history.url or history.canonical_url,
        tuple((name, value) for name, value in facts if value),
        tuple(
            (str(s.id), _time(s.captured_at), str(s.text_chars), "(same text)" if s.revisit else s.title)
            for s in snapshots
        ),
        tuple((_time(x.at), x.verdict.value, x.reason, str(x.status or x.error), str(x.bytes), x.rule) for x in checks),
    )


def render_lines(sheet: Sheet) -> str:
    """For a pipe: one thing a line, what it is first, tab-separated, nothing wrapped or cut."""
    from crawler.core.display import cell, plain, redacted

    rows: list[tuple[str, ...]] = [("url", sheet.url), *sheet.facts]
    rows += [("snapshot", *row) for row in sheet.snapshots]
    rows += [("check", *row) for row in sheet.checks]
    return "".join("\t".join(cell(redacted(plain(value))) for value in row) + "\n" for row in rows)


def render_screen(sheet: Sheet) -> str:
    """For a person: a grid of facts, then tables."""
    from rich.table import Table
    from rich.text import Text

    from crawler.core.display import plain, redacted

    head = Table.grid(padding=(0, 2))
    for name, value in sheet.facts:
        head.add_row(Text(name, style="dim"), Text(redacted(plain(value))))
    parts: list[object] = [Text(redacted(plain(sheet.url)), style="bold"), head]
    for title, columns, rows in (
        ("Snapshots", SNAPSHOT_COLUMNS, sheet.snapshots),
        ("Checks", CHECK_COLUMNS, sheet.checks),
    ):
        if rows:
            table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
            for column in columns:
                table.add_column(column, overflow="fold")
            for row in rows:
                table.add_row(*(Text(redacted(plain(cell))) for cell in row))
            parts += [Text(), table]
    return rich_text(*parts)


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
