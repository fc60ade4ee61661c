"""`crawler explain URL|FILE`: how the rules judge one page, row by row."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.output import rich_text

if TYPE_CHECKING:
    from crawler.crawl.explain import Explanation

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
    from crawler.crawl.explain import ExplainOptions, explain

    found = explain(options.settings(), target, ExplainOptions(url, status, anew))
    sys.stdout.write(rich_text(*describe(found)))
    return 0


def describe(found: Explanation) -> list[object]:
    """The answer, the rows in the order in which they were tried, and what came of it."""
    from rich.text import Text

    from crawler.report.clean import plain, redacted

    link, fetched, page, verdict, steps = found.link, found.fetched, found.page, found.verdict, found.steps
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
