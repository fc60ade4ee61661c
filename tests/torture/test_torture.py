"""Torture: a failing disk, power cuts, flipped bytes, lost indexes and lost segments, each by seeds.

The ordinary suite runs a slice; `make torture` runs all of it and prints the seeds. A failure names its seed:
`CRAWLER_TORTURE=1 CRAWLER_SEED=N pytest tests/torture -k NAME` repeats it.
"""

import random
import shutil
from pathlib import Path

import pytest
from torture import (
    Writer,
    assert_nothing_lost,
    at_the_end,
    built_shim,
    calls_of,
    found,
    opened,
    power_cuts,
    recovered,
    rounds,
    store_of,
)

from crawler.archive import verify
from crawler.core.errors import ArchiveError

pytestmark = pytest.mark.slow
CODECS = ("zst", "gz")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_shim(tmp_path_factory.mktemp("shim"))


def codec_of(seed: int) -> str:
    return CODECS[seed % 2]


def calls_in_a_run(shim: Path, folder: Path, codec: str) -> int:
    """How many calls a run makes that change or sync something."""
    writer = Writer(shim, folder / "counted", codec)
    done = writer.run(12, log=folder / "count.log")
    assert done.returncode == 0, done.stderr
    return sum(call.op != "A" for call in calls_of(folder / "count.log"))


@pytest.mark.parametrize("mode", ["kill", "torn"])
def test_a_death_at_any_call_loses_nothing(shim: Path, tmp_path: Path, mode: str) -> None:
    most = calls_in_a_run(shim, tmp_path, "zst")
    for seed in rounds(f"{mode}", 4):
        generator = random.Random(f"{mode}{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed))
        for _ in range(3):  # a death in recovery as well
            writer.run(12, mode, generator.randint(1, most))
        assert_nothing_lost(writer.folder, writer.acknowledged(), f"{mode} seed {seed}")


@pytest.mark.parametrize("mode", ["eio", "enospc"])
def test_a_call_that_fails_is_told_and_loses_nothing(shim: Path, tmp_path: Path, mode: str) -> None:
    most = calls_in_a_run(shim, tmp_path, "zst")
    for seed in rounds(f"{mode}", 4):
        generator = random.Random(f"{mode}{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed))
        for _ in range(3):
            done = writer.run(12, mode, generator.randint(1, most))
            assert done.returncode in (0, 2, 3), f"{mode} seed {seed}: {done.stderr}"
            assert "Traceback" not in done.stderr, f"{mode} seed {seed}: {done.stderr}"
        assert_nothing_lost(writer.folder, writer.acknowledged(), f"{mode} seed {seed}")


def test_power_cuts_lose_nothing(shim: Path, tmp_path: Path) -> None:
    for seed in rounds("power", 2):
        generator = random.Random(f"power{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed))
        log = tmp_path / f"{seed}.log"
        for _ in range(2):
            assert writer.run(15, log=log).returncode == 0
        calls = calls_of(log)
        for n, acknowledged in enumerate(power_cuts(calls, writer.folder, tmp_path / "cut", generator, 12)):
            assert_nothing_lost(tmp_path / "cut", acknowledged, f"power seed {seed}, cut {n}")


@pytest.mark.parametrize("mode", ["kill", "torn", "eio", "enospc"])
def test_a_death_or_failure_while_segments_move_to_a_store_loses_nothing(shim: Path, tmp_path: Path, mode: str) -> None:
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    for seed in rounds(f"store {mode}", 2):
        generator = random.Random(f"store{mode}{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed))
        assert writer.run(12).returncode == 0
        writer.store = True
        for _ in range(3):
            done = writer.run(1, mode, generator.randint(40, 90))  # the page of a short run is recorded by then
            assert "Traceback" not in done.stderr, f"store {mode} seed {seed}: {done.stderr}"
        assert_nothing_lost(writer.folder, writer.acknowledged(), f"store {mode} seed {seed}")
        assert writer.run(1).returncode == 0
        assert len(list(store_of(writer.folder).iterdir())) > 2
        assert_nothing_lost(writer.folder, writer.acknowledged(), f"store {mode} seed {seed}, moved")


def test_power_cuts_while_segments_move_to_a_store_lose_nothing(shim: Path, tmp_path: Path) -> None:
    """The store is somebody else's, and has what it said that it has."""
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    for seed in rounds("store power", 1):
        generator = random.Random(f"storepower{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed), store=True)
        log = tmp_path / f"{seed}.log"
        for _ in range(2):
            assert writer.run(15, log=log).returncode == 0
        shutil.rmtree(tmp_path / "cut.store", ignore_errors=True)
        shutil.copytree(store_of(writer.folder), tmp_path / "cut.store")
        calls = calls_of(log)
        for n, acknowledged in enumerate(power_cuts(calls, writer.folder, tmp_path / "cut", generator, 12)):
            assert_nothing_lost(tmp_path / "cut", acknowledged, f"store power seed {seed}, cut {n}")


@pytest.fixture(scope="module", params=CODECS)
def archive(request: pytest.FixtureRequest, shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Writer:
    """A whole archive of several segments and runs, to be copied and harmed."""
    writer = Writer(shim, tmp_path_factory.mktemp("whole") / "archive", request.param)
    for _ in range(3):
        assert writer.run(10).returncode == 0
    with opened(writer.folder):
        pass
    return writer


def harmed_copy(archive: Writer, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(archive.folder, folder)
    return folder


def forget_index(folder: Path) -> None:
    for file in folder.glob("index.sqlite*"):
        file.unlink()


@pytest.mark.parametrize("index", ["kept", "lost", "flipped"])
def test_a_flipped_byte_anywhere_costs_no_more_than_its_record_and_is_named(
    archive: Writer, tmp_path: Path, index: str
) -> None:
    for seed in rounds("flip", 5):
        generator = random.Random(f"flip{index}{seed}")
        folder = harmed_copy(archive, tmp_path / "copy")
        segments = sorted((folder / "segments").glob("*.warc.*"))
        victim = folder / "index.sqlite" if index == "flipped" else generator.choice(segments)
        data = bytearray(victim.read_bytes())
        at = generator.randrange(len(data))
        data[at] ^= generator.randint(1, 255)
        victim.write_bytes(data)
        if index == "lost":
            forget_index(folder)
        hint = f"flip seed {seed}: byte {at} of {victim.name}, index {index}"
        told = told_of(folder, hint)
        lost = set(archive.acknowledged()) - found(folder)
        assert len(lost) <= (0 if index == "flipped" else 1), f"{hint}: lost {len(lost)}; told {told}"
        assert not lost or any(victim.name in line for line in told), f"{hint}: lost without a word: {told}"
        for segment in segments:
            assert segment.stat().st_size >= len(data) or segment != victim, f"{hint}: cut"


def told_of(folder: Path, hint: str) -> list[str]:
    """What opening for writing and `verify` say of a harmed archive; mended as far as is possible without a loss."""
    told = []
    try:
        told += recovered(folder)[1]
    except ArchiveError as error:
        told.append(str(error))
    report = verify(folder, repair=True, now=at_the_end)
    told += [f"{damage.where}: {damage.what}" for damage in report.damage]
    if any("rebuild" in line for line in told):
        report = verify(folder, rebuild=True, now=at_the_end)
        told += [f"{damage.where}: {damage.what}" for damage in report.damage]
    return told


def test_an_index_lost_or_older_at_any_point_loses_nothing(shim: Path, tmp_path: Path) -> None:
    for seed in rounds("index", 2):
        generator = random.Random(f"index{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed))
        backups: list[Path | None] = [None]
        for n in range(5):
            assert writer.run(generator.randint(1, 6)).returncode == 0
            backup = tmp_path / f"backup{seed}-{n}"
            shutil.copy(writer.folder / "index.sqlite", backup)
            backups.append(backup)
            if generator.random() < 0.6:
                old = generator.choice(backups)
                forget_index(writer.folder)
                if old is not None:
                    shutil.copy(old, writer.folder / "index.sqlite")
        assert_nothing_lost(writer.folder, writer.acknowledged(), f"index seed {seed}")


def test_segments_lost_and_put_back_in_any_order_lose_nothing(shim: Path, tmp_path: Path) -> None:
    for seed in rounds("segments", 3):
        generator = random.Random(f"segments{seed}")
        writer = Writer(shim, tmp_path / f"archive{seed}", codec_of(seed))
        away = tmp_path / f"away{seed}"
        away.mkdir()
        writer.run(8)
        for _ in range(4):
            for segment in sorted((writer.folder / "segments").glob("*.warc.*")):
                if generator.random() < 0.3:
                    segment.rename(away / segment.name)
            if generator.random() < 0.3:
                forget_index(writer.folder)
            verify(writer.folder, repair=True, yes=generator.random() < 0.5, now=at_the_end)
            writer.run(generator.randint(1, 5))
            for segment in sorted(away.iterdir()):
                if generator.random() < 0.5:
                    segment.rename(writer.folder / "segments" / segment.name)
        for segment in away.iterdir():
            segment.rename(writer.folder / "segments" / segment.name)
        assert_nothing_lost(writer.folder, writer.acknowledged(), f"segments seed {seed}")


def test_archives_merged_at_any_point_lose_nothing(shim: Path, tmp_path: Path) -> None:
    for seed in rounds("merge", 2):
        generator = random.Random(f"merge{seed}")
        one = Writer(shim, tmp_path / f"one{seed}", codec_of(seed))
        two = Writer(shim, tmp_path / f"two{seed}", codec_of(seed + generator.randint(0, 1)), runs=100)
        for writer in (one, two, one):
            writer.run(generator.randint(1, 8))
        for segment in sorted((two.folder / "segments").glob("*.warc.*")):
            shutil.copy(segment, one.folder / "segments")
        one.run(generator.randint(1, 4))
        if generator.random() < 0.5:
            forget_index(one.folder)
        one.run(generator.randint(1, 4))
        assert_nothing_lost(one.folder, one.acknowledged() + two.acknowledged(), f"merge seed {seed}")
