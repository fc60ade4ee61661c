"""`crawler explain URL|FILE`: how the rules judge one page, rule by rule; or whether all site files are sound."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.output import rich_text
from crawler.core.counts import Counted
from crawler.core.display import message
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.crawl.explain import Explanation

SHOWN = 120  # characters of a matched text


@click.command("explain")
@click.argument("target", metavar="URL|FILE", required=False)
@click.option("--url", help="The address that FILE was saved from; rules and identity depend on it.")
@click.option("--status", type=click.IntRange(100, 999), default=200, show_default=True, help="Status FILE came with.")
@click.option("--fetch", "anew", is_flag=True, help="Fetch URL now, also when the archive has it.")
@click.option("--check-sites", is_flag=True, help="Try every site file, shipped and yours, and all its examples.")
@global_options
def command(
    options: GlobalOptions, *, target: str | None, url: str | None, status: int, anew: bool, check_sites: bool
) -> int:
    """Run one page through the rules and show each rule tried, what matched, and the verdict.

    FILE is a saved page; URL is taken from the archive where it is kept, else fetched (nothing is recorded).
    """
    from crawler.crawl.explain import ExplainOptions, explain

    if check_sites:
        return check(options.settings())
    if target is None:
        raise UsageError("explain what? name a URL or a saved page, or give --check-sites")

    found = explain(options.settings(), target, ExplainOptions(url, status, anew))
    sys.stdout.write(rich_text(*describe(found)))
    return 0


def check(settings: Settings) -> int:
    """Say whether every site file can be used and does what its examples promise; 1 where one does not."""
    from crawler.crawl.explain import check_site_files

    checked = check_site_files(settings)
    for problem in checked.problems:
        sys.stdout.write(f"{message(str(problem))}\n")
    counts = f"{Counted(checked.files):site file}, {Counted(checked.rules):rule}, {Counted(checked.examples):example}"
    sys.stdout.write(
        f"{counts}: {Counted(len(checked.problems)):problem}\n" if checked.problems else f"{counts}: all is well\n"
    )
    return 1 if checked.problems else 0


def describe(found: Explanation) -> list[object]:
    """The answer, the rules in the order in which they were tried, and what came of it."""
    from rich.text import Text

    from crawler.core.display import plain, redacted

    link, fetched, page, verdict, steps = found.link, found.fetched, found.page, found.verdict, found.steps
    answered = redacted(plain(str(fetched.status or f"{fetched.failure} ({fetched.error})")))
    lines: list[object] = [
        Text(redacted(plain(link.url)), style="bold"),
        Text(f"site {link.site}, identity {redacted(plain(link.canonical_url))}"),
        Text(f"answered {answered}, {Counted(len(fetched.body)):byte}, from {redacted(plain(fetched.final_url))}"),
        *(Text(f"  {hop.status} {redacted(plain(hop.url))}", style="dim") for hop in fetched.redirects),
        Text(),
    ]
    for step in steps:
        lines.append(Text(f"{'HIT ' if step.hit else ' no '} {step.rule}", style="bold green" if step.hit else ""))
        for seen in step.conditions:
            what = f"       {'+' if seen.holds else '-'} {seen.condition}: {redacted(plain(seen.saw))[:SHOWN]}"
            lines.append(Text(what, style="dim"))
    evidence = verdict.evidence
    facts = {
        "verdict": f"{verdict.state} ({verdict.reason}), confidence {verdict.confidence}",
        "rule": f"{evidence.rule}: {evidence.matched}",
        "limited": evidence.limited,
        "unknown notice": evidence.notice,
        "moved to": verdict.moved_to or "",
        "title": page.title,
        "text": f"{Counted(len(page.text)):character}: {page.text[:SHOWN]}" if page.text else "",
    }
    shown = [Text(f"{name:>15}  {redacted(plain(value))}") for name, value in facts.items() if value]
    return [*lines, Text(), *shown]
