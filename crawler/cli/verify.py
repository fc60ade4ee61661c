"""`crawler verify`: whether the archive agrees with itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.core.counts import Counted
from crawler.core.display import cell, message, path_cell
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.archive import VerifyReport


@click.command("verify")
@click.option("--repair", is_flag=True, help="Take in what the index does not know, and move torn ends aside.")
@click.option("--yes", is_flag=True, help="With --repair: also give up what cannot be read any more.")
@click.option("--rebuild", is_flag=True, help="Make the index anew from the segments, check history included.")
@click.option(
    "--trust-store",
    is_flag=True,
    help="Of segments in the object store compare only size and ETag with those of the upload; fetch none.",
)
@global_options
def command(options: GlobalOptions, *, repair: bool, yes: bool, rebuild: bool, trust_store: bool) -> int:
    """Check every record's digest, every row's record and every segment's end of the archive.

    Ends with 0 when all is clean, also when the index only lags behind the segments; with 1 when damage was found,
    also when it was repaired; with 2 when there is no archive, or no index that can be read. Nothing that can be read
    is ever cut or deleted: torn ends are moved into files of their own. What --repair could mend only by giving up
    something that was acknowledged it lists, and does only with --yes. Segments in the object store ([archive] store)
    are fetched whole, once, to be read; with --trust-store only their size and ETag are compared with those of the
    upload, which costs no transfer and finds no damage that the store itself does not know of.
    """
    from crawler.archive import holds_archive, verify
    from crawler.crawl.context import utc_now as now
    from crawler.crawl.readers import process_count

    if yes and not repair:
        raise UsageError("--yes says how far --repair may go; give both")
    if rebuild and trust_store:
        raise UsageError("--rebuild reads every segment, and --trust-store none in the store; give one of them")
    settings = options.settings()
    path = Path(settings.archive.path)
    if not holds_archive(path, settings.archive.store):
        raise UsageError(f"{path} holds no archive; name one with --archive")
    report = verify(
        path, repair=repair, yes=yes, rebuild=rebuild, trust_store=trust_store, options=settings.archive, now=now,
        processes=process_count(settings.read),
    )  # fmt: skip
    for damage in report.damage:
        done = "repaired" if damage.repaired else "damaged"
        click.echo(f"{path_cell(message(damage.where))}\t{cell(message(damage.what))}\t{done}")
    for notice in report.notices:
        options.say(f"crawler: {notice}")
    options.say(summary(report))
    if advice := advise(report, repair=repair, trust_store=trust_store):
        options.say(f"crawler: {advice}")
    return 2 if report.unusable else 0 if report.clean else 1


def summary(report: VerifyReport) -> str:
    """One line of figures."""
    return (
        f"crawler: {Counted(report.segments):segment}, {Counted(report.records):record}"
        f", {Counted(report.captures):capture}"
        + (f", {Counted(report.orphans):record} without a row (harmless)" if report.orphans else "")
        + (", index rebuilt" if report.rebuilt else "")
        + (": clean" if report.clean else f": {Counted(len(report.damage)):damaged place}")
    )


def advise(report: VerifyReport, *, repair: bool, trust_store: bool) -> str:
    """What is safe to do next, "" for nothing."""
    left = [damage for damage in report.damage if not damage.repaired]
    losing = [damage for damage in left if damage.loses]
    if report.unusable or not left:
        return ""
    if repair and losing:
        return (
            f"{Counted(len(losing))} of these can be mended only by giving up what was acknowledged: put the segments"
            " back from a backup, or do it with `crawler verify --repair --yes`"
        )
    if trust_store:
        return (
            "nothing in the store was read: `crawler verify` without --trust-store fetches these segments and tells"
            " what of them is whole"
        )
    if not repair:
        return "`crawler verify --repair` mends what can be mended without a loss, and lists what cannot"
    return ""
