"""`crawler explain URL|FILE`: how the rules judge one page, row by row."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, load_sites_of
from crawler.cli.output import rich_text
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.core.model import Fetch, Link, Page, Verdict
    from crawler.core.settings import Settings
    from crawler.judge import TraceStep
    from crawler.sites import Sites

SHOWN = 120  # characters of a matched text


@click.command("explain")
@click.argument("target", metavar="URL|FILE")
@click.option("--url", help="The address that FILE was saved from; rules and identity depend on it.")
@click.option("--status", type=click.IntRange(100, 999), default=200, show_default=True, help="Status FILE came with.")
@click.option("--fetch", "anew", is_flag=True, help="Fetch URL now, also when the archive has it.")
@global_options
def command(options: GlobalOptions, *, target: str, url: str | None, status: int, anew: bool) -> int:
    """Run one page through the rules and show each row tried, what matched, and the verdict.

    FILE is a saved page; URL is taken from the archive where it is kept, else fetched (nothing is recorded).
    """
    from crawler.core.url import is_http
    from crawler.crawl.checker import document_of, examine, site_of
    from crawler.judge.explain import explain
    from crawler.notes.links import link_of

    settings = options.settings()
    sites = load_sites_of(settings)
    if Path(target).is_file():
        link, fetched = from_file(Path(target), url, status, sites)
    elif is_http(target):
        link = link_of(target, sites)
        fetched = (None if anew else from_archive(link, settings)) or fetch_now(link, settings, sites)
    else:
        raise UsageError(f"{target!r} is neither a file nor a URL")
    _, page, verdict = examine(link, fetched, sites)
    steps = explain(link, fetched, document_of(fetched), site_of(link, fetched, sites))
    sys.stdout.write(rich_text(*describe(link, fetched, page, verdict, steps)))
    return 0


def from_file(file: Path, url: str | None, status: int, sites: Sites) -> tuple[Link, Fetch]:
    """A saved page, as if it had been answered just now."""
    from crawler.cli.work import now
    from crawler.core.model import Fetch
    from crawler.notes.links import link_of
    from crawler.page import read_page
    from crawler.page.document import Document

    body = file.read_bytes()
    if url is None:
        url = read_page(Document(body, "text/html", ""), None, "").canonical_url
        if not url:
            raise UsageError(f"{file} does not tell its address; give it with --url")
    link = link_of(url, sites)
    headers = (("Content-Type", "text/html"),)
    return link, Fetch(link.fetch_url, link.fetch_url, now(), status=status, headers=headers, body=body)


def from_archive(link: Link, settings: Settings) -> Fetch | None:
    """The newest kept answer of a link, None where none has bytes."""
    from crawler.cli.work import open_archive

    with open_archive(settings, "explain", write=False) as archive:
        kept = [archive.fetched(capture.id) for capture in archive.captures(link.canonical_url) if capture.raw]
    return next((fetched for fetched in reversed(kept) if fetched is not None), None)


def fetch_now(link: Link, settings: Settings, sites: Sites) -> Fetch:
    """One polite GET, recorded nowhere."""
    import random

    import trio

    from crawler.cli.work import now
    from crawler.crawl.job import politeness_for
    from crawler.fetch import open_fetcher

    async def ask() -> Fetch:
        politeness = politeness_for(settings, sites)
        async with open_fetcher(settings.fetch, politeness, now=now, random=random.random) as fetcher:
            return await fetcher(link.fetch_url)

    return trio.run(ask)


def describe(link: Link, fetched: Fetch, page: Page, verdict: Verdict, steps: Sequence[TraceStep]) -> list[object]:
    """The answer, the rows in the order in which they were tried, and what came of it."""
    from rich.text import Text

    from crawler.report.clean import plain, redacted

    answered = str(fetched.status or f"{fetched.failure} ({fetched.error})")
    lines: list[object] = [
        Text(redacted(plain(link.url)), style="bold"),
        Text(f"site {link.site}, identity {redacted(link.canonical_url)}"),
        Text(f"answered {answered}, {len(fetched.body)} bytes, from {redacted(plain(fetched.final_url))}"),
        *(Text(f"  {hop.status} {redacted(plain(hop.url))}", style="dim") for hop in fetched.redirects),
        Text(),
    ]
    for step in steps:
        lines.append(Text(f"{'HIT ' if step.hit else ' no '} {step.rule}", style="bold green" if step.hit else ""))
        for seen in step.conditions:
            what = f"       {'+' if seen.holds else '-'} {seen.condition}: {plain(seen.saw)[:SHOWN]}"
            lines.append(Text(what, style="dim"))
    evidence = verdict.evidence
    facts = {
        "verdict": f"{verdict.state} ({verdict.reason}), confidence {verdict.confidence}",
        "rule": f"{evidence.rule}: {evidence.matched}",
        "limited": evidence.limited,
        "unknown notice": evidence.notice,
        "moved to": verdict.moved_to or "",
        "title": page.title,
        "text": f"{len(page.text)} characters: {page.text[:SHOWN]}" if page.text else "",
    }
    shown = [Text(f"{name:>15}  {redacted(plain(value))}") for name, value in facts.items() if value]
    return [*lines, Text(), *shown]
