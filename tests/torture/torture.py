"""What the torture tests share: the failing disk, the log of its calls, power cuts made from the log, and the property.

The property: everything that was acknowledged is found again, or its loss is named.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "archive"))

from store_samples import later  # noqa: E402  # the path was just made

from crawler.archive import Archive, verify  # noqa: E402
from crawler.core.errors import ArchiveDamaged  # noqa: E402
from crawler.core.settings import ArchiveSettings  # noqa: E402

ROUNDS = int(os.environ.get("CRAWLER_TORTURE", "0"))  # rounds of each test; 0: the slice of the ordinary suite
SEED = int(os.environ.get("CRAWLER_SEED", "0"))  # of the first round
FAR = 4000  # days after which everything written here lies in the past
SECTOR = 512


def rounds(what: str, few: int) -> Iterator[int]:
    """Seeds of a test, each printed: `few` in the ordinary suite."""
    for seed in range(SEED, SEED + (ROUNDS or few)):
        sys.stdout.write(f"{what} seed {seed}\n")
        yield seed


def built_shim(folder: Path) -> Path:
    """The failing disk as a library; skipped aloud where there is no compiler, or where it cannot be preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("NOT TESTED: no C compiler for the failing disk; `apt-get install gcc libc6-dev` enables it")
    library = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "shim.c"), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED: the failing disk does not compile: {done.stderr.splitlines()[:1]}")
    return library


@dataclass
class Writer:
    """Runs `writer.py` on one archive; what was acknowledged over all its runs."""

    shim: Path
    folder: Path
    codec: str
    runs: int = 0
    store: bool = False  # sealed segments are moved to an object store at the end of each run

    @property
    def ack(self) -> Path:
        """The file of acknowledgements, outside of the archive."""
        return self.folder.with_name(f"{self.folder.name}.ack")

    def run(
        self, batches: int, mode: str = "", at: int = 0, log: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One process; `mode` and `at` as the shim has them."""
        self.folder.mkdir(exist_ok=True)
        if self.store:
            store_of(self.folder).mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "LD_PRELOAD": str(self.shim),
            "TORTURE_FOLDER": f"{self.folder}/",
            "TORTURE_ACK": str(self.ack),
        }
        if self.store:
            environment["TORTURE_STORE"] = settings_of(self.folder).store
        if mode:
            environment |= {"TORTURE_MODE": mode, "TORTURE_AT": str(at)}
        if log:
            environment["TORTURE_LOG"] = str(log)
        arguments = [self.folder, self.ack, self.codec, self.runs, batches]
        self.runs += 1
        command = [sys.executable, "-S", str(HERE / "writer.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)

    def acknowledged(self) -> list[str]:
        """Texts of the captures that were reported as kept, whole lines only."""
        return self.ack.read_text(encoding="utf-8").split("\n")[:-1] if self.ack.exists() else []


def at_the_end() -> datetime:
    """A time when everything that was written here lies in the past."""
    return later(FAR)


def store_of(folder: Path) -> Path:
    """The folder that is an archive's object store, beside it."""
    return folder.with_name(f"{folder.name}.store")


def settings_of(folder: Path) -> ArchiveSettings:
    """With an object store, if the archive has one."""
    store = store_of(folder)
    return ArchiveSettings(store=store.as_uri() if store.exists() else "")


def opened(folder: Path, *, write: bool = True) -> Archive:
    """An archive, at a time when everything that was written here lies in the past."""
    return Archive.open(folder, settings_of(folder), write=write, now=at_the_end)


def found(folder: Path) -> set[str]:
    """Texts of the captures whose text and bytes can both be read."""
    whole = set()
    with opened(folder, write=False) as archive:
        for capture in archive.captures():
            try:
                text, body = archive.text(capture.id), archive.body(capture.id)
            except ArchiveDamaged:
                continue
            if text and body and body.endswith(text.encode()):
                whole.add(text)
    return whole


def recovered(folder: Path) -> tuple[set[str], list[str]]:
    """Open an archive for writing as the next run would, and read it: what is found, and what was told."""
    with opened(folder) as archive:
        told = list(archive.notices)
    return found(folder), told


def assert_nothing_lost(folder: Path, acknowledged: list[str], hint: str) -> None:
    """Everything acknowledged is found, and the archive agrees with itself."""
    whole, told = recovered(folder)
    lost = set(acknowledged) - whole
    assert not lost, f"{hint}: {len(lost)} of {len(acknowledged)} lost, first {min(lost)}; told: {told}"
    report = verify(folder, now=at_the_end, options=settings_of(folder))
    assert report.clean, f"{hint}: {report.damage[:3]}"


# Power cuts


@dataclass(frozen=True)
class Call:
    """One call that the shim logged."""

    op: str
    path: str
    offset: int
    data: bytes


def calls_of(log: Path) -> list[Call]:
    """The log, in order."""
    data, at, calls = log.read_bytes(), 0, []

    def number() -> int:
        nonlocal at
        at += 8
        return int.from_bytes(data[at - 8 : at], sys.byteorder, signed=True)

    while at < len(data):
        op = chr(data[at])
        at += 1
        length = number()
        path = os.fsdecode(data[at : at + length])
        at += length
        offset, length = number(), number()
        calls.append(Call(op, path, offset, data[at : at + length]))
        at += length
    return calls


@dataclass
class Disk:
    """Files as they would be found after a power cut: what was synced, and any part of the rest."""

    safe: dict[str, bytearray] = field(default_factory=dict)  # content that was synced, by the file's first name
    pending: dict[str, list[Call]] = field(default_factory=dict)  # writes and cuts since
    names: dict[str, str] = field(default_factory=dict)  # name on the disk -> the file's first name
    now: dict[str, str] = field(default_factory=dict)  # likewise, as programs see it
    moves: list[tuple[str, str]] = field(default_factory=list)  # changes of names since the folder was synced

    def apply(self, call: Call) -> None:
        """One call more."""
        match call.op:
            case "C":
                key = call.path if call.path not in self.safe else f"{call.path}#{len(self.safe)}"
                self.safe[key], self.pending[key] = bytearray(), []
                self.now[call.path] = key
                self.moves.append(("", call.path))
            case "W" | "T":
                self.pending[self.now[call.path]].append(call)
            case "R":
                to = os.fsdecode(call.data)
                self.now[to] = self.now.pop(call.path)
                self.moves.append((call.path, to))
            case "U":
                self.now.pop(call.path, None)
                self.moves.append((call.path, ""))
            case "S" if call.path in self.now:
                key = self.now[call.path]
                for write in self.pending[key]:
                    _put(self.safe[key], write)
                self.pending[key].clear()
                self._settle_name(call.path)
            case "S":  # a folder
                self.names, self.moves = dict(self.now), []

    def _settle_name(self, path: str) -> None:
        """fsync of a new file brings its name along, as on ext4 and XFS; nothing here relies on more."""

    def cut(self, generator: random.Random) -> dict[str, bytes]:
        """The power goes: any prefix of the changes of names, any subset of the writes, each perhaps torn."""
        names = dict(self.names)
        for old, new in self.moves[: generator.randint(0, len(self.moves))]:
            key = names.pop(old, None) if old else None
            if new:
                names[new] = key or self.now.get(new, "")
        whole = {}
        for name, key in names.items():
            if not key:
                continue
            content = bytearray(self.safe[key])
            for call in self.pending[key]:
                if generator.random() < 0.5:
                    _put(content, _torn(call, generator))
            whole[name] = bytes(content)
        return whole


def _torn(call: Call, generator: random.Random) -> Call:
    """A write of which some sectors arrived."""
    sectors = -(-len(call.data) // SECTOR)
    if call.op != "W" or sectors < 2 or generator.random() < 0.5:
        return call
    length = generator.randint(1, sectors - 1) * SECTOR
    return Call("W", call.path, call.offset, call.data[:length])


def _put(content: bytearray, call: Call) -> None:
    if call.op == "T":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


def power_cuts(
    calls: list[Call], folder: Path, target: Path, generator: random.Random, number: int
) -> Iterator[list[str]]:
    """Archives as cuts at random moments leave them, one after the other in `target`; what was acknowledged before."""
    for _ in range(number):
        stop = generator.randint(1, len(calls))
        disk = Disk()
        acknowledged: list[str] = []
        for call in calls[:stop]:
            if call.op == "A":
                acknowledged += call.data.decode().splitlines()
            else:
                disk.apply(call)
        shutil.rmtree(target, ignore_errors=True)
        (target / "segments").mkdir(parents=True)
        for name, content in disk.cut(generator).items():
            (target / Path(name).relative_to(folder)).write_bytes(content)
        yield acknowledged
