"""Replacing a file in one step: whole or not at all, never through a link, with the mode it had."""

import os
import stat
import time
from pathlib import Path

import pytest

from crawler.core import files
from crawler.core.files import is_replaceable, replace_file, replacing


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "new") == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(mode)
    replace_file(file, b"new")
    assert (file.read_bytes(), mode_of(file)) == (b"new", mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_an_existing_file_keeps_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    os.chown(file, 12345, 23456)
    replace_file(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_a_symbolic_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"precious")
    link.symlink_to(target)
    replace_file(link, b"new")
    assert target.read_bytes() == b"precious"
    assert (link.read_bytes(), link.is_symlink()) == (b"new", False)


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(file) as stream:
        stream.writelines([b"half", None])  # type: ignore[list-item]  # what fails in the middle
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_bytes_and_name_are_synced_before_the_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    real = os.fsync

    def sync(fd: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(fd).st_mode))
        real(fd)

    monkeypatch.setattr(os, "fsync", sync)
    replace_file(tmp_path / "file", b"x")
    assert synced == [False, True]
    replace_file(tmp_path / "other", b"x", durable=False)
    assert synced == [False, True]


def test_what_a_killed_command_left_is_swept_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / name for name in (f"{files.TEMPORARY}1", f"{files.TEMPORARY}2", ".other"))
    for file in (old, fresh, other):
        file.write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    replace_file(tmp_path / "file", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([fresh.name, other.name, "file"])


def test_temporary_folders_of_killed_commands_are_swept_after_a_day_and_nothing_else_is(tmp_path: Path) -> None:
    kept = ["crawler-browser-new", "other-old", "crawler-import-link", "crawler-base-file"]
    for name in ("crawler-browser-old", "crawler-import-old", "crawler-base-old", "crawler-browser-new", "other-old"):
        (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / "crawler-base-file").write_text("x")
    victim = tmp_path / "victim"
    victim.mkdir()
    (tmp_path / "crawler-import-link").symlink_to(victim)
    two_days = time.time() - 2 * 86400
    for path in tmp_path.iterdir():
        if not path.name.endswith("-new"):
            os.utime(path, (two_days, two_days), follow_symlinks=False)
    files.sweep_temporary_folders(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "victim"])


def test_an_export_that_takes_hours_is_not_swept_by_another(tmp_path: Path) -> None:
    slow = tmp_path / f"{files.TEMPORARY}1"
    slow.write_bytes(b"x")
    hours = time.time() - 6 * 3600
    os.utime(slow, (hours, hours))
    replace_file(tmp_path / "file", b"x")
    assert slow.exists()


def test_a_name_as_long_as_names_may_be_is_written(tmp_path: Path) -> None:
    file = tmp_path / ("长" * 85)
    replace_file(file, b"x")
    assert file.read_bytes() == b"x"


def test_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not is_replaceable(tmp_path / "pipe")
    assert not is_replaceable(Path("/dev/null"))
    assert is_replaceable(tmp_path / "nothing yet")
