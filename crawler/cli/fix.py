"""`crawler fix`: propose edits to notes, and make them with --write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, paths_argument
from crawler.cli.streams import is_workflow, shown_text
from crawler.cli.watching import TerminalObserver
from crawler.core.counts import Counted
from crawler.core.errors import UsageError
from crawler.notes.edits import Why
from crawler.notes.mending import BareStyle, MendOptions
from crawler.notes.patches import patch, unified_diff

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.crawl.mend import MendResult


@click.command("fix")
@paths_argument
@click.option("--only", "only", multiple=True, type=click.Choice([str(why) for why in Why]),
              help="Mend only these; may be repeated [dead, moved, https].")  # fmt: skip
@click.option("--copies", metavar="FOLDER|wayback|kept",
              help="Where dead links lead: into a folder that `export --html` wrote, to the Internet Archive, or to "
              "the kept copy in the viewer at [serve] public.")  # fmt: skip
@click.option("--template", default="", help="Address of a kept copy, with {id}, {url} and {timestamp}.")
@click.option("--bare", default=str(BareStyle.BELOW), metavar="below|link|TEMPLATE",
              help="How a bare link gets its copy of --copies: a line below it, a link in its place with the author's "
              "title, or a text with {url}, {copy} and {title} [below].")  # fmt: skip
@click.option("--unconfirmed", is_flag=True, help="Mend also what a single check calls dead.")
@click.option("--write", is_flag=True, help="Make the edits [only print them].")
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    only: tuple[str, ...],
    copies: str | None,
    template: str,
    bare: str,
    unconfirmed: bool,
    write: bool,
) -> int:
    """Propose edits: kept copies for dead links, new addresses for moved ones, https where the page was seen there.

    Prints a unified diff, to be applied in the notes' folder. Edits replace the characters of URLs and nothing else,
    never in code. Dead links get a copy from --copies or --template, or the nearest capture of the Internet Archive
    where [wayback] suggest is set; a bare link whose copy is a file stays, with a link to the file beside it (--bare).
    """
    from crawler.crawl.context import open_context
    from crawler.crawl.mend import propose_edits, write_note

    if copies is not None and template:
        raise UsageError("--copies and --template are two addresses of one copy; give one")
    settings, template, folder = lead_to(copies, options.settings(), template)
    chosen = frozenset(map(Why, only)) or MendOptions().only
    how = MendOptions(only=chosen, template=template, bare=bare, unconfirmed=unconfirmed)
    with open_context(settings, "fix", write=False) as context:
        result = propose_edits(context, paths, how, folder, TerminalObserver(options))
    if result.learned:
        remember(options, result)
    for item in result.mended:
        # A diff for git has the encodings of its files, one for eyes that of the terminal.
        if sys.stdout.isatty() or is_workflow():
            sys.stdout.write(shown_text(unified_diff(item.note, item.edits)))
        else:
            click.echo(patch(item.note, item.edits), nl=False)
    if write:
        for item in result.mended:
            write_note(item)
    summarise(options, result, folder, written=write)
    return 0


def lead_to(copies: str | None, settings: Settings, template: str) -> tuple[Settings, str, Path | None]:
    """Settings, template and folder by which --copies is done. A folder that is there goes before a word.

    Raises UsageError for what is neither.
    """
    import msgspec

    if copies is None or Path(copies).is_dir():
        return settings, template, None if copies is None else Path(copies)
    if copies == "wayback":
        wayback = msgspec.structs.replace(settings.wayback, suggest=True)
        return msgspec.structs.replace(settings, wayback=wayback), template, None
    if copies != "kept":
        raise UsageError(f"--copies {copies} is no folder; `crawler export --html {copies}` writes one")
    public = settings.serve.public.rstrip("/")
    if not public:
        raise UsageError(
            "--copies kept leads to the viewer, and [serve] public names no address of it; `crawler export --html "
            "FOLDER` and --copies FOLDER need none"
        )
    return settings, f"{public}/snapshot/{{id}}", None


def remember(options: GlobalOptions, result: MendResult) -> None:
    """Keep what the Internet Archive answered, so that it is not asked again; a run in the archive goes first."""
    from crawler.core.errors import ArchiveBusy
    from crawler.crawl.context import open_archive

    try:
        with open_archive(options.settings(), "fix", write=True) as archive:
            archive.put_histories(result.learned.values())
    except ArchiveBusy:
        options.say("crawler: another run holds the archive, so what the Internet Archive answered is not remembered")


def summarise(options: GlobalOptions, result: MendResult, copies: Path | None, *, written: bool) -> None:
    """What was done, and how many dead links stay as they are, with what would mend them."""
    edits = [edit for item in result.mended for edit in item.edits]
    hint = "" if written or not edits else "; --write makes them"
    options.say(f"crawler: {Counted(len(edits)):edit} in {Counted(len(result.mended)):note}{hint}")
    if beside := sum(edit.free for edit in edits):
        done = "were" if written else "would be"
        options.say(f"crawler: {Counted(beside):bare link} {done} given a link to the kept copy; --bare says how")
    if result.dead_once:
        links = f"{Counted(result.dead_once):dead link stays|dead links stay}"
        options.say(f"crawler: {links}, as one day alone says so; --unconfirmed mends such links, too")
    if result.dead_without_copy and copies is not None:
        links = f"{Counted(result.dead_without_copy):dead link has|dead links have}"
        options.say(f"crawler: {links} no page in {copies}; `crawler export --html {copies}` writes what is kept")
    elif result.dead_without_copy:
        links = f"{Counted(result.dead_without_copy):dead link has|dead links have}"
        ways = "--copies FOLDER, --copies wayback, --copies kept or --template"
        options.say(f"crawler: {links} no address to offer; give {ways}")
