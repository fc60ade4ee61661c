"""Small objects of a store that are changed under conditions, so that of two who try it one succeeds.

A folder of this machine knows no conditions: there a lock on the file stands for them. What such an object says is
`lease`'s business.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.archive.objects import ObjectStore, status_of
from crawler.core.errors import StoreRefused

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Client

MOST: Final = 1000  # bytes read of what another said of itself


@dataclass(frozen=True, slots=True)
class SmallObject:
    """A small object as it was seen. `age`: seconds since it was written, by the store's clock against ours."""

    text: str
    etag: str = ""
    age: float = 0.0


class Unconditional(StoreRefused):
    """The store cannot be asked to replace only what was seen."""


def create(store: ObjectStore, name: str, text: str) -> SmallObject | None:
    """Make an object; None, and nothing is changed, where it is there."""

    def put(client: Client) -> SmallObject | None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            made = obstore.put(client, name, text.encode("utf-8", "replace"), mode="create")
        except AlreadyExistsError:
            return None
        return SmallObject(text, made["e_tag"] or "")

    return store.ask(put)


def replace(store: ObjectStore, name: str, text: str, seen: SmallObject) -> SmallObject | None:
    """Replace an object that is as it was `seen`; None, and nothing is changed, where it is not.

    Raises Unconditional of a store that cannot be asked so.
    """
    data, folder = text.encode("utf-8", "replace"), store.folder

    def put(client: Client) -> SmallObject | None:
        import obstore
        from obstore.exceptions import PreconditionError

        if folder is not None:
            return SmallObject(text) if _held(folder / name, seen, data) else None
        try:
            made = obstore.put(client, name, data, mode={"e_tag": seen.etag})
        except (PreconditionError, FileNotFoundError):
            return None
        except Exception as error:
            if isinstance(error, NotImplementedError) or status_of(error) in (400, 405, 501):
                raise Unconditional(f"{store.url} does not know If-Match") from error
            raise
        return SmallObject(text, made["e_tag"] or "")

    return store.ask(put)


def look(store: ObjectStore, name: str) -> SmallObject | None:
    """An object, its first `MOST` bytes; None where it is not there."""

    def get(client: Client) -> SmallObject | None:
        import obstore

        try:
            found = obstore.get(client, name)
            said = bytes(obstore.get_range(client, name, start=0, length=min(found.meta["size"], MOST)) or b"")
        except FileNotFoundError:
            return None
        since: datetime = found.meta["last_modified"]
        age = (datetime.now(UTC) - since).total_seconds()
        return SmallObject(said.decode("utf-8", "replace"), found.meta["e_tag"] or "", age)

    return store.ask(get)


def delete(store: ObjectStore, name: str, seen: SmallObject) -> None:
    """Remove an object; in a folder only where it is as it was `seen`: stores know no condition for that."""
    folder = store.folder

    def remove(client: Client) -> None:
        import obstore

        if folder is not None:
            _held(folder / name, seen, None)
            return
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(client, name)

    store.ask(remove)


def _held(path: Path, seen: SmallObject, data: bytes | None) -> bool:
    """Whether a file was as it was `seen`: then it holds `data` now, or is gone with None. One at a time does so."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.read(MOST).decode("utf-8", "replace") != seen.text or not os.fstat(file.fileno()).st_nlink:
                return False
            if data is None:
                path.unlink()
            else:
                file.seek(0)
                file.write(data)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
    except FileNotFoundError:
        return False
    return True
