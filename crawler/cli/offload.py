"""`crawler offload`: sealed segments to the object store."""

from __future__ import annotations

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.core.counts import Counted
from crawler.core.display import cell, message
from crawler.core.errors import StoreError, UsageError


@click.command("offload")
@click.option("--keep-local", is_flag=True, default=None, help="Leave the files here, too [[archive] keep_local].")
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@global_options
def command(options: GlobalOptions, *, keep_local: bool | None, wait: bool) -> int:
    """Move sealed segments of the archive to the object store that [archive] store names.

    Each is uploaded, its size and checksum there are compared, it is noted in the index, and only then the file here
    is removed. `crawler run` does the same at its end; all commands read such segments from the store, in parts.
    Prints one line for each: name, bytes, what was done. Ends with 1 where the store holds other bytes under the name
    of a segment, which then stays here.
    """
    from crawler.crawl.context import open_context
    from crawler.crawl.offload import offload

    settings = options.settings()
    if not settings.archive.store:
        raise UsageError('[archive] store names no object store: set it to "s3://bucket/prefix" or "file:///folder"')
    done, left = 0, 0
    with open_context(settings, "offload", write=True, wait=wait, there=True) as context:
        try:
            for one in offload(context, keep_local=keep_local):
                what = one.problem or ("uploaded" if one.sent else "was there")
                click.echo(f"{one.name}\t{one.size}\t{cell(message(what))}{', kept here' if one.here else ''}")
                done, left = done + (not one.problem), left + bool(one.problem)
        except StoreError:
            if done:
                options.say(f"crawler: {Counted(done):segment was|segments were} moved before the store failed")
            raise
        if context.archive.store_error and not done:  # there was nothing to move, so nothing asked it again
            raise context.archive.store_error
    rest = f", {left} left here" if left else ""
    options.say(f"crawler: {Counted(done):segment} moved to {settings.archive.store}{rest}")
    return 1 if left else 0
