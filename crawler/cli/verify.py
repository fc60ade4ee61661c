"""`crawler verify`: does the archive agree with itself?"""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.options import GlobalOptions, global_options


@click.command("verify")
@click.option("--repair", is_flag=True, help="Cut torn tails and drop rows that point nowhere.")
@click.option("--rebuild", is_flag=True, help="Make the index anew from the segments, check history included.")
@global_options
def command(options: GlobalOptions, *, repair: bool, rebuild: bool) -> int:
    """Check every record's digest, every row's record and every segment's tail of the archive.

    Ends with 0 when all is clean, 1 when damage was found, also when it was repaired.
    """
    from crawler.archive.verify import verify

    settings = options.settings()
    told = verify(Path(settings.archive.path), repair=repair, rebuild=rebuild)
    for damage in told.damage:
        click.echo(f"{damage.where}\t{damage.what}\t{'repaired' if damage.repaired else 'damaged'}")
    options.say(
        f"crawler: {told.segments} segments, {told.records} records, {told.captures} captures"
        + (f", {told.orphans} records without a row (harmless)" if told.orphans else "")
        + (", index rebuilt" if told.rebuilt else "")
        + (": clean" if told.clean else f": {len(told.damage)} damaged places")
    )
    if told.damage and not repair and not rebuild:
        options.say("crawler: `crawler verify --repair` mends what can be mended")
    return 0 if told.clean else 1
