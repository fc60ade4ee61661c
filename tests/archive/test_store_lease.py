"""One writer of an object store: live ones keep others out, dead ones do not, and who lost the place notices."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.archive import conditional, lease, objects
from crawler.archive.lease import Lease, written_by
from crawler.archive.objects import ObjectStore
from crawler.core.errors import StoreRefused

OTHER = "other, /archive"
LONG_AGO = (0.0, 0.0)


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    return folder


def never(_: float) -> None:
    raise AssertionError("nobody waits here")


def store(bucket: Path) -> ObjectStore:
    return ObjectStore(bucket.as_uri())


def alive(place: str = "0123456789abcdef", pid: int = 1, beat: int = 1) -> str:
    """What a holder elsewhere says of itself."""
    return f"{OTHER}; alive every 30 s; {place} {pid} abcd {beat}"


def refuses(bucket: Path, sleep: Callable[[float], None] = never) -> None:
    with (
        pytest.raises(StoreRefused, match="is being written by other, /archive: "),
        written_by(store(bucket), "me", sleep),
    ):
        pass


def test_one_writes_to_a_place_at_a_time_and_leaves_nothing(bucket: Path) -> None:
    with written_by(store(bucket), OTHER) as ours:
        ours.prove()
        refuses(bucket)
        assert store(bucket).listing().others == ()
    assert list(bucket.iterdir()) == []


@pytest.mark.parametrize("left", [OTHER, alive(), alive(beat=2)], ids=["old", "new", "newer"])
def test_a_holder_of_a_moment_ago_keeps_others_out(bucket: Path, left: str) -> None:
    (bucket / objects.WRITER).write_text(left)
    refuses(bucket)
    assert (bucket / objects.WRITER).read_text() == left


def test_a_holder_that_gives_no_signs_is_believed_for_a_day(bucket: Path) -> None:
    lock = bucket / objects.WRITER
    lock.write_text(OTHER)
    now = lock.stat().st_mtime
    os.utime(lock, (now, now - lease.FORGOTTEN + 60))
    refuses(bucket)
    os.utime(lock, LONG_AGO)
    with written_by(store(bucket), "me", never):
        assert lock.read_text().startswith("me; ")


def test_what_an_older_crawler_left_of_the_same_folder_is_taken_over_at_once(bucket: Path) -> None:
    (bucket / objects.WRITER).write_text("me")
    with written_by(store(bucket), "me", never):
        pass


def test_a_container_that_was_killed_is_followed_after_minutes(bucket: Path) -> None:
    lock = bucket / objects.WRITER
    lock.write_text(alive())
    os.utime(lock, LONG_AGO)
    slept: list[float] = []
    with written_by(store(bucket), "me", slept.append):
        assert lock.read_text().startswith("me; ")
    assert slept == [lease.WATCHED]
    assert lease.WATCHED + lease.STALE < 600


def test_a_living_holder_whose_clock_is_hours_behind_keeps_its_place(bucket: Path) -> None:
    """Clocks of two machines differ: what looks old is watched, and moves."""
    lock = bucket / objects.WRITER
    lock.write_text(alive())
    os.utime(lock, LONG_AGO)

    def beat(_: float) -> None:
        lock.write_text(alive(beat=2))
        os.utime(lock, LONG_AGO)

    refuses(bucket, beat)
    assert lock.read_text() == alive(beat=2)


def test_a_process_of_this_machine_that_is_gone_is_followed_at_once(bucket: Path) -> None:
    code = f"""
import os
from crawler.archive.objects import ObjectStore
from crawler.archive.lease import Lease
Lease(ObjectStore({bucket.as_uri()!r}), {OTHER!r}).take(None)
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 9
    assert (bucket / objects.WRITER).exists()
    with written_by(store(bucket), "me", never):
        pass


def test_who_stood_still_and_lost_the_place_does_nothing_more_and_leaves_the_other_alone(bucket: Path) -> None:
    lock = bucket / objects.WRITER
    with written_by(store(bucket), "slept") as slept:
        text = lock.read_text().replace(lease._place(), "0" * 16)  # of a machine that cannot be seen from here
        lock.write_text(text)
        os.utime(lock, LONG_AGO)
        slept._seen = conditional.SmallObject(text)
        with written_by(store(bucket), "me", lambda _: None) as mine:
            for _ in range(2):
                with pytest.raises(StoreRefused, match="was taken over"):
                    slept.prove()
            slept.leave()
            mine.prove()
            assert lock.read_text().startswith("me; ")


def test_a_holder_gives_signs_of_life(bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.001)
    ours, over, seen = Lease(store(bucket), "me"), threading.Event(), set[str]()
    ours.take(never)
    thread = threading.Thread(target=ours.beat_until, args=(over,))
    thread.start()
    for _ in range(100_000):
        seen.add((bucket / objects.WRITER).read_text())
        if len(seen) > 3:
            break
    over.set()
    thread.join()
    assert len(seen) > 3
    ours.leave()


def test_an_answer_that_was_lost_does_not_cost_the_place(bucket: Path) -> None:
    ours = Lease(store(bucket), "me")
    ours.take(never)
    before = ours._seen
    ours.prove()
    ours._seen = before  # as if the store's answer to that had not come
    ours.prove()
    ours.leave()
    assert list(bucket.iterdir()) == []


def test_of_two_that_follow_a_dead_one_at_once_one_succeeds(bucket: Path) -> None:
    lock = bucket / objects.WRITER
    lock.write_text(alive())
    os.utime(lock, LONG_AGO)
    won: list[str] = []

    def follow(_: float) -> None:
        other = Lease(store(bucket), OTHER)
        other.take(lambda _: None)
        won.append("other")

    with pytest.raises(StoreRefused, match="is being written"), written_by(store(bucket), "me", follow):
        won.append("me")
    assert won == ["other"]


@pytest.mark.parametrize("heeds", ["not at all", "and replaces all the same"])
def test_a_store_without_if_match_keeps_the_old_way(bucket: Path, monkeypatch: pytest.MonkeyPatch, heeds: str) -> None:
    def replace(where: ObjectStore, name: str, text: str, _: conditional.SmallObject) -> conditional.SmallObject:
        if heeds == "not at all":
            raise conditional.Unconditional("no")
        (bucket / name).write_text(text)
        return conditional.SmallObject(text)

    monkeypatch.setattr(conditional, "replace", replace)
    with written_by(store(bucket), "me", never) as ours:
        ours.prove()
        assert (bucket / objects.WRITER).read_text() == "me"
    assert list(bucket.iterdir()) == []
