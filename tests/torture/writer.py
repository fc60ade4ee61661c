"""A writer under torture: ARCHIVE ACK CODEC SEED BATCHES. Appends a line to ACK for each capture that was acknowledged.

TORTURE_STORE is the URL of an object store to which sealed segments go at the end.
An error of ours is survived as a run would: it is printed, and the next batch is tried.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "archive"))

from store_samples import NOW, check_of, make_terms, open_archive

from crawler.archive import Archive
from crawler.core.errors import ArchiveError

HOSTS = ("mp.weixin.qq.com", "zhuanlan.zhihu.com")
STORE = os.environ.get("TORTURE_STORE", "")


def write(path: Path, ack: int, codec: str, seed: int, batches: int) -> None:
    generator = random.Random(seed)
    with (
        open_archive(path, codec=codec, at=NOW + timedelta(days=seed), store=STORE) as archive,
        deferring(archive, really=bool(seed % 2)) as made,
    ):
        assert archive._writer is not None
        archive._writer.shelf.max_size = 60_000  # so that segments change often
        for number in range(batches):
            batch = []
            for n in range(generator.randint(1, 4)):
                text = f"{seed} {number} {n} 语音"
                body = generator.randbytes(generator.randint(1, 12_000)) + text.encode()
                at = NOW + timedelta(days=seed, seconds=number)
                batch.append(check_of(f"{seed}-{number}-{n}", text=text, body=body, at=at, run=f"run-{seed}"))
            try:
                archive.record(batch)
            except ArchiveError as error:
                sys.stdout.write(f"{type(error).__name__}: {error}\n")
                continue
            os.write(ack, "".join(f"{check.page.text}\n" for check in batch).encode())
            if number % 5 == 4:
                made()
        if STORE:
            for _ in archive.offload():
                pass


@contextmanager
def deferring(archive: Archive, *, really: bool) -> Iterator[Callable[[], None]]:
    """Search terms made late, as a run and an import have them made, but in one process; or at once."""
    if not really:
        yield lambda: None
        return

    def tried() -> None:
        try:
            make_terms(terms)
        except ArchiveError as error:
            sys.stdout.write(f"{type(error).__name__}: {error}\n")

    with archive.deferring_terms() as terms:
        yield tried


if __name__ == "__main__":
    place, acknowledged, codec, seed, batches = sys.argv[1:]
    fd = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        write(Path(place), fd, codec, int(seed), int(batches))
    except ArchiveError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        sys.exit(error.exit_code)
