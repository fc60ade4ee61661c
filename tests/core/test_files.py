"""Replacing a file in one step: whole or not at all, never through a link, with the mode it had."""

import os
import stat
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


def test_a_name_as_long_as_names_may_be_is_written(tmp_path: Path) -> None:
    file = tmp_path / ("长" * 85)
    replace_file(file, b"x")
    assert file.read_bytes() == b"x"


def test_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not is_replaceable(tmp_path / "pipe")
    assert not is_replaceable(Path("/dev/null"))
    assert is_replaceable(tmp_path / "nothing yet")
