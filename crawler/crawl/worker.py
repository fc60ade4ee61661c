"""What runs inside a reader process: the rules loaded once, each page under its own limits of CPU and memory.

A page past its limits ends the process, which its parent sees; nothing here speaks to the world. Limits that a platform
does not know are left out: the parent's limit of wall time stands in any case.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from crawler.crawl.forkserver import MODULES
from crawler.crawl.lanes import Sent
from crawler.crawl.tasks import PageReading, ProbeTask, ReadTask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.core.model import Verdict
    from crawler.crawl.kept_tasks import KeptTask
    from crawler.crawl.saved_tasks import SavedReading, SavedTask
    from crawler.sites import Sites

S = TypeVar("S")
T = TypeVar("T")
Encoded = bytes | list[Any]

RETIRE_BYTES = 256 * 1024 * 1024  # resident memory after a page at which a worker makes place for a fresh one
RETIRE_PAGES = 5_000  # read by one worker; guess, so that what a parser forgets to free never adds up
KEPT_BYTES = 32 * 1024 * 1024  # freed memory that a worker keeps; the most that glibc takes from its heap at once
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_ENCODER: Final = msgspec.msgpack.Encoder()
PAGE_SIZE = 4096  # bytes; the unit of /proc/self/statm on all that Linux runs on here


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one page: seconds of CPU, and bytes of memory above what the worker holds when it starts."""

    seconds: float
    memory: int


@dataclass(slots=True)
class _Worker:
    sites: Sites
    limits: Limits | None  # None: this is the program's own process, which must not end
    pages: int = 0


_worker: _Worker | None = None


def start(documents: Sequence[tuple[str, Mapping[str, Any]]], limits: Limits) -> bool:
    """Make this process a reader: rules loaded, memory bounded, deaf to the terminal's Ctrl-C."""
    from crawler.sites import load_sites

    global _worker  # noqa: PLW0603 (a worker process serves one pool; what it loads once is its own)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # the parent ends the run in good order, and closes the pipe
    _worker = _Worker(load_sites(documents, tried=True), limits)
    _warm_up()
    _keep_freed_memory()
    _bound_memory(limits.memory)
    return True


def start_in_line(sites: Sites) -> None:
    """Make the program's own process a reader, where no other can be had."""
    global _worker  # noqa: PLW0603 (one pool reads at a time)
    _worker = _Worker(sites, None)


def _warm_up() -> None:
    """Import what the first page would wait for."""
    import importlib

    for module in MODULES:
        importlib.import_module(module)


def _keep_freed_memory() -> None:
    """Let the allocator keep what a page of some MB freed for the next one.

    glibc gives it back to the system, and every page of it is faulted in again: 9 ms for a page of 2.4 MB, which takes
    5 ms to read (measured in a virtual machine; less elsewhere). Other libraries are left as they are.
    """
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
        mallopt(parameter, KEPT_BYTES)


def _bound_memory(extra: int) -> None:
    """No page may take more than `extra` bytes of address space above what is held now."""
    try:
        import resource

        held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * PAGE_SIZE
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = held + extra
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return


def ready() -> None:
    """Nothing: a process that answers this has loaded its rules."""


def sees(sent: Sent) -> bool:
    """Whether what was sent arrives here, and an answer may be put in its place."""
    try:
        return sent.answer(sent.fetch()) == sent.size
    except OSError:
        return False


def read_one(task: ReadTask, body: Sent | None = None) -> PageReading:
    """Read one answer within the limits; past the CPU seconds the process dies of SIGPROF. Raises MemoryError.

    `body` is that of the answer, where it came by another way than its task. Its records are packed without limits.
    """
    from crawler.crawl.examine import read, with_records  # whoever only calls these functions by name needs no parser

    assert _worker is not None
    _worker.pages += 1
    if body is not None:
        task = task.with_body(body.fetch())
    return with_records(task, call_limited(read, task, _worker.sites))


def read_saved_one(task: SavedTask, body: Sent | None = None) -> SavedReading:
    """Look for the pictures of a saved page, and read it, each within the limits; like `read_one`."""
    from crawler.archive.interchange.embedded import with_pictures
    from crawler.archive.interchange.files import FilesBeside
    from crawler.crawl.saved_tasks import SavedReading, task_of, with_records

    if body is not None:
        task = task.with_body(body.fetch())
    page = call_limited(with_pictures, task.page, FilesBeside(Path(task.folder)))
    if task.address is None:
        return SavedReading(page.images, page.shown)
    reading = read_one(task_of(page, task.address))
    return SavedReading(page.images, page.shown, with_records(task, reading))


def read_many(tasks: bytes | list[ReadTask]) -> Encoded:
    """Read some answers, each within the limits; None for what ends in an exception: `read_one` says which.

    Both ways as `encoded` has them.
    """
    return _each(read_one, tasks, ReadTask)


def read_saved(tasks: bytes | list[SavedTask]) -> Encoded:
    """Read some saved pages, like `read_many`."""
    from crawler.crawl.saved_tasks import SavedTask

    return _each(read_saved_one, tasks, SavedTask)


def read_kept(tasks: bytes | list[KeptTask]) -> Encoded:
    """Judge some kept pages, like `read_many`."""
    from crawler.crawl import kept_tasks

    def judge_one(task: KeptTask) -> PageReading:
        assert _worker is not None
        _worker.pages += 1
        return call_limited(kept_tasks.read_kept, task, _worker.sites)

    return _each(judge_one, tasks, kept_tasks.KeptTask)


def _each(work: Callable[[S], object], tasks: bytes | list[S], kind: Any) -> Encoded:  # the type S
    """Some work on each task; None for what ends in an exception."""
    from outcome import Value, capture

    found = [capture(work, task) for task in (_decoder(kind).decode(tasks) if isinstance(tasks, bytes) else tasks)]
    return encoded([one.value if isinstance(one, Value) else None for one in found])


def read_sent(tasks: Sent) -> int | bytes | list[PageReading | None]:
    """The same by a lane, both ways: the size of what lies there now, or the readings, where it cannot take them."""
    readings = read_many(tasks.fetch())
    if isinstance(readings, bytes):
        with suppress(OSError):
            return tasks.answer(readings)
    return readings


def encoded(items: Sequence[T]) -> bytes | list[T]:
    """Tasks or readings as MessagePack, at a fifth of what pickling them costs.

    As they are where they hold half a surrogate pair, which JSON of a page may: then the caller's pickle takes them.
    """
    try:
        return _ENCODER.encode(items)
    except UnicodeEncodeError:
        return list(items)


def decoded_readings(found: Encoded) -> list[PageReading | None]:
    """What `read_many` and `read_kept` returned."""
    return _decoder(PageReading | None).decode(found) if isinstance(found, bytes) else found


def decoded_saved_readings(found: Encoded) -> list[SavedReading | None]:
    """What `read_saved` returned."""
    from crawler.crawl.saved_tasks import SavedReading

    return _decoder(SavedReading | None).decode(found) if isinstance(found, bytes) else found


@lru_cache(maxsize=8)
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[list[Any]]:  # a type, or a union of types
    return msgspec.msgpack.Decoder(list[kind])


def compare_one(task: ProbeTask) -> Verdict | None:
    """Compare an answer with its probe, within the limits of a page."""
    from crawler.crawl.examine import compare_probe

    return call_limited(compare_probe, task)


def call_limited(function: Callable[..., T], *args: object) -> T:
    """Any function on foreign bytes, within the limits of a page. Raises MemoryError, and what the function raises."""
    from selectolax.lexbor import SelectolaxError

    assert _worker is not None
    with _cpu_limit(_worker.limits.seconds) if _worker.limits else nullcontext():
        try:
            return function(*args)
        except SelectolaxError as error:  # the parser fails in one way only: it found no room
            raise MemoryError(str(error)) from None


@contextmanager
def _cpu_limit(seconds: float) -> Iterator[None]:
    """SIGPROF ends the process after so many CPU seconds: also inside of a parser that never returns to Python."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0)


def retire() -> bool:
    """Whether this worker has grown or read enough to make place for a fresh one."""
    assert _worker is not None
    if _worker.pages >= RETIRE_PAGES:
        return True
    try:
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_SIZE
    except (OSError, ValueError):
        return False
    return resident > RETIRE_BYTES
