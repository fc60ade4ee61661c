"""Sealed segments go to the object store that `[archive] store` names.

A use case, callable without a terminal. How a segment is moved is the archive's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.core.errors import ArchiveError
from crawler.crawl.observer import SILENT, Observer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.archive import Moved
    from crawler.crawl.context import Context
    from crawler.crawl.run import RunResult


def offload(context: Context, *, keep_local: bool | None = None) -> Iterator[Moved]:
    """Move what is sealed and still in the folder; each segment comes back when it is moved, or cannot be.

    `keep_local` (default: the setting) leaves files where they are. Raises StoreError; what came before it is done.
    """
    return context.archive.offload(keep_local=keep_local)


def offload_after(result: RunResult, context: Context, observer: Observer = SILENT) -> None:
    """The last step of a run: what fails is a line, and is done by the next one. Nobody waits for it after a signal."""
    store = context.settings.archive.store
    if not store or result.report.run.stopped_by in ("signal", "network-down"):
        return
    try:
        for one in offload(context):
            if one.problem:
                observer.warn(f"segment {one.name} stays here: {one.problem}")
            else:
                observer.say(f"segment {one.name} ({one.size} bytes) moved to {store}")
    except ArchiveError as error:
        observer.warn(f"{error}: sealed segments stay here, and the next run or `crawler offload` tries again")
