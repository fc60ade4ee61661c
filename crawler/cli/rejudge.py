"""`crawler rejudge`: the archive under today's rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.output import rich_text
from crawler.core.counts import Counted

if TYPE_CHECKING:
    from crawler.crawl.rejudge import Rejudged


@click.command("rejudge")
@click.argument("url", required=False)
@click.option("--write", is_flag=True, help="Record what changed; without it, only print.")
@global_options
def command(options: GlobalOptions, *, url: str | None, write: bool) -> int:
    """Judge all kept pages, or those of URL, again with today's rules; no request is sent.

    Prints one line for each capture that is read otherwise now: when it was taken, old and new verdict, rule, URL.
    """
    from crawler.crawl.context import open_context
    from crawler.crawl.rejudge import rejudge

    with open_context(options.settings(), "rejudge", write=write) as context:
        result = rejudge(context, url, write=write)
    for found in result.changed:
        sys.stdout.write(rich_text(describe(found)))
    done = "corrected" if write else "would be corrected with --write"
    options.say(
        f"crawler: {Counted(result.judged):capture} judged again, {Counted(len(result.changed))} read otherwise,"
        f" {Counted(result.corrected):link} {done}"
    )
    return 0


def describe(found: Rejudged) -> object:
    """One line: time, what was said, what is said now and by which rule, URL, and a title that changed."""
    from rich.text import Text

    from crawler.core.display import plain, redacted

    was, now = found.capture, found.verdict
    parts = [f"{was.at:%Y-%m-%d}"]
    if found.state_changed:
        parts.append(f"{was.state} ({was.reason}) -> {now.state} ({now.reason}) by {now.evidence.rule}")
    if found.title != was.title:
        parts.append(f"title {was.title!r} -> {found.title!r}")
    parts.append(redacted(was.url))
    return Text("\t".join(plain(part) for part in parts))
