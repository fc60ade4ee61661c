"""`crawler mark`: a person's word on a link."""

from __future__ import annotations

import click

from crawler.cli.options import GlobalOptions, global_options


@click.command("mark")
@click.argument("url")
@click.argument("word", type=click.Choice(["fine", "dead", "clear"]))
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@global_options
def command(options: GlobalOptions, *, url: str, word: str, wait: bool) -> int:
    """Say that a link is fine or dead, whatever checks conclude; `clear` takes it back.

    The word is kept in the archive and stands above every check. The link goes on being checked, and reports show what
    the checks conclude beneath the word.
    """
    from crawler.core.display import plain, redacted
    from crawler.core.model import Word
    from crawler.crawl.context import open_context
    from crawler.crawl.marking import mark

    settings = options.settings()
    with open_context(settings, "mark", write=True, wait=wait) as context:
        history = mark(context, url, None if word == "clear" else Word(word))
    click.echo(f"{history.state} ({history.reason})\t{redacted(plain(history.url or url))}")
    return 0
