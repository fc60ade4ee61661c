"""`crawler search`: full text over what was kept."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, output_options, pair_outputs
from crawler.cli.output import rich_text, write_outputs

if TYPE_CHECKING:
    from crawler.archive import Hit

FORMATS = ("terminal", "tsv", "json")


class SearchCommand(click.Command):
    """A command whose words may begin with a minus: `crawler search link -rot`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Words that must not occur go behind a `--`, where click takes nothing for an option."""
        end = args.index("--") if "--" in args else len(args)
        excluded = [arg for arg in args[:end] if is_excluded_word(arg)]
        others = [arg for arg in args[:end] if not is_excluded_word(arg)]
        return super().parse_args(ctx, [*others, "--", *excluded, *args[end + 1 :]])


def is_excluded_word(arg: str) -> bool:
    """Whether an argument is `-word`, and neither an option nor short options written together: -q, -qv, -ftsv."""
    return bool(re.match(r"-[^-]", arg)) and not re.fullmatch(rf"-(?:[qvh]+|[fo]|f(?:{'|'.join(FORMATS)}))", arg)


@click.command("search", cls=SearchCommand)
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Show at most so many.")
@click.option("--snapshots", is_flag=True, help="Name every snapshot that matches, also of a page that still does.")
@output_options(*FORMATS)
@global_options
def command(
    options: GlobalOptions, *, query: tuple[str, ...], limit: int, snapshots: bool, formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:  # fmt: skip
    """Search title, author, text and your own note titles of all kept pages; Chinese needs no spaces.

    What pages say now comes first, then the snapshots of pages that said it on other days, each with its date.

    Words must all occur; "a phrase" in quotes occurs as it stands; word* is a prefix; -word must not occur.
    site:weixin, state:dead, before:2024-06-01 and after:2024-06-01 narrow the search.
    """
    from crawler.crawl.context import open_archive

    render = {"terminal": render_terminal, "tsv": render_tsv, "json": render_json}
    pairs = pair_outputs(formats, outputs, "terminal" if sys.stdout.isatty() else "tsv", render)
    settings = options.settings()
    with open_archive(settings, "search", write=False, there=True) as archive:
        hits = archive.search(" ".join(query), limit=limit, snapshots=snapshots)
    write_outputs(pairs, lambda name: render[name](hits))
    if not hits:
        options.say("crawler: nothing found")
    return 0


def render_terminal(hits: list[Hit]) -> str:
    """Title, address and the found words in their sentence, marked."""
    from rich.text import Text

    from crawler.core.display import plain, redacted, spaced

    lines = []
    for hit in hits:
        snippet = Text(spaced(hit.snippet), style="dim")
        for start, end in hit.spans:
            snippet.stylize("bold not dim reverse", start, end)
        about = f"  {hit.captured_at:%Y-%m-%d}  {hit.site}  {hit.state}{'' if hit.current else '  earlier text'}"
        lines += [Text(redacted(plain(hit.title)) or "(no title)", style="bold") + Text(about, style="dim")]
        lines += [Text(redacted(plain(hit.url)), style="cyan"), snippet, Text()]
    return rich_text(*lines)


def render_tsv(hits: list[Hit]) -> str:
    """One snapshot a line: url, time kept, site, state, title, snippet."""
    from crawler.core.display import cell, plain, redacted

    rows = (
        (hit.url, f"{hit.captured_at:%Y-%m-%dT%H:%M:%SZ}", hit.site, hit.state, hit.title, hit.snippet) for hit in hits
    )
    return "".join("\t".join(cell(redacted(plain(str(value)))) for value in row) + "\n" for row in rows)


def render_json(hits: list[Hit]) -> str:
    """The hits with their marked spans, best first."""
    import msgspec

    from crawler.core.display import redacted
    from crawler.core.url import redact
    from crawler.report.clean import escaped_json

    shown = [
        replace(hit, url=redact(hit.url), canonical_url=redact(hit.canonical_url), title=redacted(hit.title))
        for hit in hits
    ]
    return escaped_json(msgspec.json.format(msgspec.json.encode(shown), indent=1)) + "\n"
