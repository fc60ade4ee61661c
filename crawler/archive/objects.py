"""Sealed segments as objects of a store: listed, uploaded and checked, read in ranges.

With `conditional`, which changes small objects under conditions, the one module that knows the library (obstore, the
extra `s3`). Every call has a deadline and few retries; what goes wrong is one line that names the store's URL and never
a key. When segments are moved is `offload`'s business, how they are read like any other `tiers`'.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from crawler.archive import disk
from crawler.core.errors import ArchiveDamaged, ConfigError, StoreError, StoreRefused
from crawler.core.files import sync_folder
from crawler.core.url import redact

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Client

T = TypeVar("T")

PART: Final = 5 * 1024 * 1024  # bytes of an upload sent at a time: the least that S3 takes
CHUNK: Final = 4 * 1024 * 1024  # bytes of a download asked for at a time
TIMEOUT: Final = 60.0  # seconds for one request, its body included: 85 kB/s is fast enough for a part
CONNECT_TIMEOUT: Final = 10.0  # seconds
RETRIES: Final = 2  # after the first; of timeouts, lost connections and 5xx
RETRY_UNTIL: Final = 60.0  # seconds from the first attempt after which none is begun
DEADLINE: Final = 300.0  # seconds for a question in all, retries and 100 pages of a listing included; uploads have none
REST: Final = 30.0  # seconds in which a store that did not answer is not asked again
MAX_OBJECTS: Final = 100_000  # listed at most: 1 GB each makes 100 TB
WRITER: Final = "writer.lock"
KEYS: Final = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,200}\.warc\.(?:gz|zst)")
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_ROLE: Final = re.compile(r"169\.254\.|latest/api/token")  # where the library asks for a machine's role: it has no keys


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A sealed segment in the store. `digest`: SHA-256 in hex of its bytes, "" where nobody here has read them yet."""

    name: str
    size: int
    etag: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ObjectListing:
    """What lies below the store's URL: segments by name, and names of what is none."""

    segments: dict[str, StoredObject]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """A file that is to be uploaded. `etag`: what S3 calls these bytes when they come in parts of `PART`."""

    size: int
    digest: str
    etag: str


def measured(file: IO[bytes]) -> Measured:
    """Size and checksums of a file, read from its beginning; it stands at its beginning again afterwards."""
    whole = hashlib.sha256()
    parts: list[bytes] = []
    size = 0
    file.seek(0)
    while piece := file.read(PART):
        size += len(piece)
        whole.update(piece)
        parts.append(hashlib.md5(piece, usedforsecurity=False).digest())
    file.seek(0)
    joined = hashlib.md5(b"".join(parts), usedforsecurity=False)
    etag = parts[0].hex() if len(parts) == 1 else f"{joined.hexdigest()}-{len(parts)}"
    return Measured(size, whole.hexdigest(), etag)


class ObjectStore:
    """The store at a URL. Nothing is asked, and the library not imported, before the first call that needs it.

    All methods raise StoreError and StoreRefused; the constructor ConfigError.
    """

    def __init__(self, url: str) -> None:
        check_url(url)
        self.url = url
        self.fetched = 0  # bytes of segments that were read
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._client: Client | None = None
        self._rests: tuple[float, StoreError] | None = None  # until when, after what

    def listing(self) -> ObjectListing:
        """Everything below the URL."""
        segments: dict[str, StoredObject] = {}
        others: list[str] = []
        folder = self._folder
        for name, found in self._ask(_listed if folder is None else lambda client: _listed_folder(client, folder)):
            if _NAME.fullmatch(name) and (folder is None or _is_file(folder / name)):
                segments[name] = found
            elif name != WRITER:
                others.append(name)
        if len(segments) + len(others) >= MAX_OBJECTS:
            raise StoreRefused(f"{self.url} holds {MAX_OBJECTS} objects or more: give the archive a place of its own")
        return ObjectListing(segments, tuple(others))

    def find(self, name: str) -> StoredObject | None:
        """One object as the store describes it; None where there is none."""
        if self._folder is not None and (self._folder / name).exists() and not _is_file(self._folder / name):
            raise StoreRefused(f"{self.url}: {name} is a pipe, a device or a folder there: look what lies there")

        def head(client: Client) -> StoredObject | None:
            import obstore

            try:
                return _described(name, obstore.head(client, name))
            except FileNotFoundError:
                return None

        return self._ask(head)

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of an object, which must reach that far. Raises ArchiveDamaged where it does not, or is not there."""

        def get(client: Client) -> bytes:
            import obstore

            try:
                return bytes(obstore.get_range(client, name, start=offset, length=length))
            except FileNotFoundError as error:
                raise ArchiveDamaged(f"segment {name} is not at {self.url}: put it back from a backup") from error
            except Exception as error:
                if status_of(error) == 416:  # Range Not Satisfiable
                    raise ArchiveDamaged(f"segment {name} at {self.url} ends before byte {offset}") from error
                raise

        data = self._ask(get)
        self.fetched += len(data)
        if len(data) < length:
            raise ArchiveDamaged(f"segment {name} at {self.url} ends before byte {offset + length}")
        return data

    def download(self, one: StoredObject, write: Callable[[bytes], object]) -> str:
        """Hand all bytes of an object to `write`, in order; their SHA-256 in hex."""
        digest = hashlib.sha256()
        for at in range(0, one.size, CHUNK):
            piece = self.range(one.name, at, min(CHUNK, one.size - at))
            digest.update(piece)
            write(piece)
        return digest.hexdigest()

    def upload(self, name: str, file: IO[bytes], made: Measured) -> tuple[StoredObject, bool]:
        """Have the store hold a file's bytes under a name, and see that it does; whether they were sent for that.

        What is there already is never replaced. The store's checksum (ETag) is compared where it is the one that S3
        makes of such parts; where it is not (other stores, encryption by keys of one's own), all is read back. Raises
        ArchiveDamaged where other bytes are there.
        """

        def put(client: Client) -> None:
            import obstore

            obstore.put(client, name, file, chunk_size=PART, max_concurrency=2)

        there = self.find(name)
        is_new = there is None
        if is_new:
            self._ask(put, deadline=None)
            self._settle_file(name)
            there = self.find(name)
        if there is None:
            raise StoreError(f"{self.url} took {name} and does not have it")
        if there.size == made.size and (there.etag == made.etag or self._digest(there) == made.digest):
            return replace(there, digest=made.digest), is_new
        raise ArchiveDamaged(f"{self.url} holds other bytes under this name: it stays here; look what lies there")

    def _settle_file(self, name: str) -> None:
        """Of a store that is a folder of this machine: the object is on the disk, which the library leaves open."""
        if self._folder is not None:
            path = self._folder / name
            with disk.translated(path), path.open("rb") as file:
                os.fsync(file.fileno())
                sync_folder(path.parent)

    @property
    def folder(self) -> Path | None:
        """Where the store is a folder of this machine: that folder."""
        return self._folder

    def ask(self, work: Callable[[Client], T]) -> T:
        """What `work` gets of the library, within the deadline, its errors translated; for `conditional`."""
        return self._ask(work)

    def _digest(self, one: StoredObject) -> str:
        return self.download(one, lambda _: None)

    def _ask(self, work: Callable[[Client], T], *, deadline: float | None = DEADLINE) -> T:
        """What the library answers, its errors translated; after one, the store is left alone for `REST` seconds."""
        if self._rests and time.monotonic() < self._rests[0]:
            raise self._rests[1]
        try:
            client = self._client = self._client or _connected(self.url)
            return _interruptible(lambda: work(client), deadline)
        except (StoreError, ArchiveDamaged, ConfigError):
            raise
        except Exception as error:
            if not _is_foreign(error):
                raise
            meaning = self._meaning(error)
            self._rests = time.monotonic() + REST, meaning
            raise meaning from error

    def _meaning(self, error: Exception) -> StoreError:
        """What an error of the library means, in one line; its text repeats what a server sent, and is not shown."""
        said = str(error)
        status, code = status_of(error), _CODE.search(said)
        answer = f"{status or ''} {code[1] if code else ''}".strip()
        if _ROLE.search(said):
            return StoreRefused(f"no keys for {self.url}: set {KEYS} in the environment")
        if status in (401, 403):
            return StoreRefused(f"{self.url} refuses us ({answer}): check {KEYS}, and what they may do there")
        if status == 404 or isinstance(error, FileNotFoundError) or "No such file" in said:
            return StoreRefused(f"{self.url}: there is no such bucket or folder")
        if status and status < 500:
            return StoreRefused(f"{self.url} answers {answer}: check AWS_REGION and AWS_ENDPOINT_URL")
        if status:
            return StoreError(f"{self.url} answers {answer}")
        if "kind: Timeout" in said or "TimedOut" in said or isinstance(error, TimeoutError):
            return StoreError(f"{self.url} does not answer in time")
        if "kind: Connect" in said:
            return StoreError(f"{self.url} cannot be reached: check AWS_ENDPOINT_URL and the network")
        if "os error 28" in said:  # ENOSPC
            return StoreError(f"{self.url} is full")
        return StoreError(f"{self.url} cannot be read or written")


def check_url(url: str) -> None:
    """Raise ConfigError for what is no URL of a store; what may be a key in it is not repeated."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"[archive] store: a URL without keys and questions is wanted; keys are {KEYS} of the environment"
        )
    if not (parts.scheme == "s3" and parts.netloc) and not (parts.scheme == "file" and url.startswith("file:///")):
        raise ConfigError(
            f'[archive] store: {redact(url)!r} is no store: write "s3://bucket/prefix" or "file:///folder"'
        )


def _connected(url: str) -> Client:
    try:
        from obstore.store import LocalStore, S3Store
    except ImportError:
        raise ConfigError("[archive] store needs obstore: pip install 'linkhealth-crawler[s3]'") from None
    if url.startswith("file:"):
        return LocalStore.from_url(url)
    endpoint = next(filter(None, map(os.environ.get, _ENDPOINTS)), "")
    return S3Store.from_url(
        url,
        client_options={
            "timeout": timedelta(seconds=TIMEOUT),
            "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT),
            "allow_http": endpoint.startswith("http://"),  # it was written so: a store of one's own network
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_UNTIL)},
    )


def _interruptible(work: Callable[[], T], seconds: float | None) -> T:
    """Work in a thread of its own, so that Ctrl-C is heard: a call of the library ends at its deadline, not before.

    One that is not over after `seconds` is left alone. Raises TimeoutError then.
    """
    if seconds is None and threading.current_thread() is not threading.main_thread():
        return work()
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result(seconds)


def _listed(client: Client) -> list[tuple[str, StoredObject]]:
    """What lies there, `MAX_OBJECTS` at most."""
    import obstore

    described = ((one["path"], _described(one["path"], one)) for batch in obstore.list(client) for one in batch)
    return list(islice(described, MAX_OBJECTS))


def _listed_folder(client: Client, folder: Path) -> list[tuple[str, StoredObject]]:
    """The same of a folder of this machine, which may be any: nothing in the folders within is looked at."""
    import obstore

    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MAX_OBJECTS)]
    return [
        (name, _described(name, obstore.head(client, name)) if _is_file(folder / name) else StoredObject(name, 0))
        for name in sorted(names)
    ]


def _is_file(path: Path) -> bool:
    """Whether it is a segment that can be read, and read to its end."""
    try:
        return bool(_NAME.fullmatch(path.name)) and stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _described(name: str, found: Any) -> StoredObject:
    return StoredObject(name, int(found["size"]), (found["e_tag"] or "").strip('"'))


def _is_foreign(error: Exception) -> bool:
    """Whether the library raised it: errors of its own, and some of Python's."""
    return type(error).__module__.startswith("obstore") or isinstance(error, OSError | ValueError)


def status_of(error: Exception) -> int:
    """The HTTP status that an error tells of, 0 for none."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else 0
