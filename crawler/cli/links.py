"""`crawler links`: extract, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, output_options, pair_outputs, paths_argument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.core.model import Occurrence

COLUMNS = ("path", "line", "column", "url", "kind", "note_title")


@click.command("links")
@paths_argument
@click.option("--code", is_flag=True, help="Include links inside code.")
@output_options("tsv", "json")
@global_options
def command(
    options: GlobalOptions, paths: tuple[Path, ...], code: bool, formats: tuple[str, ...], outputs: tuple[Path, ...]
) -> int:
    """List every link of the notes with its place, kind and the title the author wrote for it.

    The format tsv has no header line; its columns are file, line, column, url, kind, note title.
    """
    from crawler.cli.output import write_outputs
    from crawler.notes.files import note_paths
    from crawler.notes.links import read_notes

    settings = options.settings()
    notes = read_notes(note_paths(paths, settings.notes), settings.notes, code=code)
    for skipped in notes.skipped:
        options.say(f"crawler: {skipped.path} is skipped: {skipped.why}")
    found = notes.occurrences
    render = {"tsv": render_tsv, "json": render_json}
    write_outputs(pair_outputs(formats, outputs, "tsv"), lambda name: render[name](found))
    return 0


def render_tsv(found: Iterable[Occurrence]) -> str:
    """One occurrence a line; tabs and newlines inside a value become a space."""
    return "".join("\t".join(_field(getattr(o, name)) for name in COLUMNS) + "\n" for o in found)


def render_json(found: Iterable[Occurrence]) -> str:
    """The occurrences of the report's schema, with their URL."""
    import msgspec

    rows = [{name: getattr(o, name) for name in COLUMNS} for o in found]
    return msgspec.json.format(msgspec.json.encode(rows), indent=1).decode() + "\n"


def _field(value: object) -> str:
    return " ".join(str(value).splitlines()).replace("\t", " ")
