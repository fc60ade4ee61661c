"""A writer to be killed: keeps looks for ever and prints each acknowledged batch. Run by test_store_crash."""

import random
import sys
from datetime import timedelta
from pathlib import Path

from store_samples import NOW, check_of, clock, open_archive

from crawler.archive import Archive


def write_for_ever(archive: Archive, seed: int) -> None:
    generator = random.Random(seed)
    assert archive._writer is not None
    archive._writer.shelf.max_size = 300_000  # so that kills hit the change from one segment to the next as well
    number = 0
    while True:
        batch = []
        for _ in range(generator.randint(1, 4)):
            number += 1
            text = f"{seed} {number} 语音"
            body = generator.randbytes(generator.randint(1, 30_000)) + text.encode()
            batch.append(check_of(f"{seed}-{number}", text=text, body=body, at=NOW + timedelta(seconds=number)))
        snapshots = archive.record(batch)
        acknowledged = [f"{s.id} {check.page.text}" for s, check in zip(snapshots, batch, strict=True) if s]
        sys.stdout.write("\n".join(acknowledged) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with open_archive(Path(sys.argv[1]), codec=sys.argv[2], at=clock()()) as opened:
        write_for_ever(opened, int(sys.argv[3]))
