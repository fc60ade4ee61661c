"""`crawler links`: extract, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, output_options, pair_outputs, paths_argument
from crawler.cli.streams import is_workflow, say
from crawler.core.display import address_cell, cell, path_cell, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.core.model import Occurrence
    from crawler.notes.links import NotesRead

COLUMNS = ("path", "line", "column", "url", "kind", "note_title")


@click.command("links")
@paths_argument
@click.option("--code", is_flag=True, help="Include links inside code.")
@click.option("--ignore", multiple=True, metavar="PATTERN", help="Leave out links that match; may be repeated.")
@output_options("tsv", "json")
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    code: bool,
    ignore: tuple[str, ...],
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """List every link of the notes with its place, kind and the title the author wrote for it.

    The format tsv has no header line; its columns are file, line, column, url, kind, note title. With --verbose, what
    [notes] ignore and rewrite did, and what misspelt targets probably mean, is said on stderr.
    """
    import msgspec

    from crawler.cli.output import write_outputs
    from crawler.crawl.extraction import guarded
    from crawler.notes.files import note_paths
    from crawler.notes.links import read_notes

    settings = options.settings()
    chosen = msgspec.structs.replace(settings.notes, ignore=(*settings.notes.ignore, *ignore))
    with guarded(settings) as extract:
        notes = read_notes(note_paths(paths, chosen), chosen, code=code, extract=extract)
    for skipped in notes.skipped:
        (say if skipped.unseen else options.say)(f"crawler: {skipped.path} is skipped: {skipped.why}")
    for damaged in notes.damaged:
        say(f"crawler: {damaged.path}: {damaged.why}; its links are read all the same")
    if options.verbose:
        explain(options, notes)
    found = notes.occurrences
    render = {"tsv": render_tsv, "json": render_json}
    hide = redacted if sys.stdout.isatty() or is_workflow() else str  # a program gets what the notes hold
    write_outputs(pair_outputs(formats, outputs, "tsv", render), lambda name: hide(render[name](found)))
    return 0


def explain(options: GlobalOptions, notes: NotesRead) -> None:
    """Say which rule left a link out or rewrote it, and what a target that leads nowhere probably means."""
    from crawler.notes.targets import probable

    for occurrence in (o for note in notes.read for o in note.occurrences):
        place = f"{occurrence.path}:{occurrence.line}:{occurrence.column}"
        chosen = notes.choice.decide(occurrence)
        if chosen.after is None:
            options.say(f"crawler: {place}: {occurrence.url} is left out by {chosen.rule}")
        elif chosen.rule:
            options.say(f"crawler: {place}: {occurrence.url} is {chosen.after.url} by {chosen.rule}")
        elif meant := probable(occurrence.url):
            options.say(f"crawler: {place}: {occurrence.url} leads nowhere; {meant} was probably meant")


def render_tsv(found: Iterable[Occurrence]) -> str:
    """One occurrence a line; tabs and newlines inside a value become a space, and no spreadsheet reads a formula."""
    return "".join("\t".join(_field(name, getattr(o, name)) for name in COLUMNS) + "\n" for o in found)


def render_json(found: Iterable[Occurrence]) -> str:
    """The occurrences of the report's schema, with their URL."""
    import msgspec

    from crawler.report.clean import escaped_json

    rows = [{name: getattr(o, name) for name in COLUMNS} for o in found]
    return escaped_json(msgspec.json.format(msgspec.json.encode(rows), indent=1)) + "\n"


def _field(name: str, value: object) -> str:
    text = str(value)
    if name == "url" and text.startswith(("http:", "https:")):
        return address_cell(text)
    # An address never begins as a formula does; a target that does is the name of a file.
    return path_cell(text) if name in ("path", "url") else cell(text)
