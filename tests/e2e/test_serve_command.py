"""`crawler serve` as a process: one line, an address that answers, an end in good order, and clear refusals."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from crawler.archive import Archive

pytest.importorskip("starlette", reason="the viewer's extra is missing: pip install 'linkhealth-crawler[serve]'")
pytest.importorskip("hypercorn", reason="the viewer's extra is missing: pip install 'linkhealth-crawler[serve]'")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("https://a.example/\n", encoding="utf-8")
    (tmp_path / "crawler.toml").write_text(
        '[notes]\npaths = ["notes"]\n[archive]\npath = "archive"\n', encoding="utf-8"
    )
    Archive.open(tmp_path / "archive").close()
    return tmp_path


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "crawler", "serve", "--config", str(folder / "crawler.toml"), *arguments]


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        command(folder, "--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def refused(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        command(folder, *arguments), capture_output=True, text=True, check=False, timeout=60, cwd=folder,
        env={**os.environ, **environment},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_one_line_names_the_address_and_a_signal_ends_it(folder: Path, stop: signal.Signals) -> None:
    with served(folder) as (line, process):
        address, token = line.split("?token=")
        page = httpx.get(address)
        foreign = httpx.get(address, headers={"Host": "evil.example"})
        posted = httpx.post(f"{address}do/rearchive", data={"url": "https://a.example/"})
        with httpx.Client() as browser:
            browser.get(line, follow_redirects=True)
            link = browser.get(f"{address}link?url=https://a.example/").text
        process.send_signal(stop)
        out, error = process.communicate(timeout=60)

    assert line.startswith("http://127.0.0.1:")
    assert len(token) >= 32
    assert page.status_code == 200
    assert foreign.status_code in (400, 421)
    assert posted.status_code == 403
    assert 'name="csrf"' in link
    assert process.returncode == 0
    assert out == error == ""


@pytest.mark.slow
def test_bytes_that_are_not_http_end_their_own_connection_only(folder: Path) -> None:
    with served(folder) as (line, _):
        address = httpx.URL(line)
        for garbage in (b"\x00\xff\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET /\r\n"):
            with socket.create_connection((address.host, address.port or 0), timeout=10) as connection:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(4096)
                assert b"200 OK" not in answer
        assert httpx.get(line, follow_redirects=True).status_code == 200


def test_a_port_that_is_taken_is_exit_2(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, error = refused(folder, "--port", str(taken.getsockname()[1]))

    assert (code, out) == (2, "")
    assert "--port" in error
    assert error.count("\n") == 1


def test_an_address_that_is_not_ours_is_exit_2(folder: Path) -> None:
    assert refused(folder, "--host", "192.0.2.1", "--port", "0")[0] == 2
    assert refused(folder, "--host", "no such host", "--port", "0")[0] == 2


def test_no_archive_is_exit_2_and_says_what_makes_one(folder: Path) -> None:
    code, out, error = refused(folder, "--port", "0", "--archive", str(folder / "none"))

    assert (code, out) == (2, "")
    assert "crawler run" in error
    assert not (folder / "none").exists()


def test_segments_without_their_index_are_exit_2_and_name_the_rebuild(folder: Path) -> None:
    (folder / "archive" / "segments" / "20260101000000-0001.warc.zst").write_bytes(b"")
    (folder / "archive" / "index.sqlite").unlink()

    code, _, error = refused(folder, "--port", "0")

    assert code == 2
    assert "verify --rebuild" in error


def test_an_index_of_a_newer_crawler_or_of_another_program_is_exit_2(folder: Path) -> None:
    with sqlite3.connect(folder / "archive" / "index.sqlite") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    newer = refused(folder, "--port", "0")
    (folder / "archive" / "index.sqlite").write_bytes(b"no database at all" * 100)
    damaged = refused(folder, "--port", "0")

    assert newer[0] == damaged[0] == 2
    assert "update" in newer[2]
    assert "verify --rebuild" in damaged[2]


def test_notes_that_are_not_there_are_exit_2(folder: Path) -> None:
    code, _, error = refused(folder, "--port", "0", str(folder / "nothing"))

    assert code == 2
    assert "nothing" in error


def test_without_the_extra_the_line_says_how_to_install_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "starlette.py").write_text("raise ImportError('hidden')\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "hide"), *sys.path])

    code, _, error = refused(folder, "--port", "0", PYTHONPATH=path)

    assert code == 2
    assert "pip install 'linkhealth-crawler[serve]'" in error


def test_the_configuration_names_host_and_port(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (folder / "crawler.toml").open("a", encoding="utf-8") as file:
            file.write(f'[serve]\nhost = "127.0.0.1"\nport = {port}\n')
        code, _, error = refused(folder)

    assert code == 2
    assert f":{port}" in error
