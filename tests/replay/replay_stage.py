"""An archive made by the real command line from the demonstration's web, and the tools of others that replay it."""

from __future__ import annotations

import http.server
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from browsing import missing

from crawler.archive import Archive
from crawler.archive.interchange.source import CaptureReader, ExportedPage
from crawler.testing import scene
from crawler.testing.web import serving

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-replay"  # made by `make replay-tools`: pywb is under the GPL and large, so it lives apart
PYWB = TOOLS / "bin" / "wayback"
VIEWER = TOOLS / "replaywebpage"  # ui.js and sw.js of the npm package
PATIENCE = 60.0  # seconds; a tool that takes longer hangs
LINKS = (
    *(article.url for articles in scene.WEIXIN_ALIVE.values() for article in articles),
    scene.ZHIHU_COLUMN.url,
    scene.ZHIHU_ANSWER.url,
    *(article.url for article in (*scene.BLOG_ALIVE, scene.GBK)),
    f"{scene.BLOG}/posts/attention-from-scratch",  # redirected
    f"{scene.SHORT}whisperSmall",  # deleted
)


@dataclass(frozen=True)
class Kept:
    """What was kept, and the folder that it was exported to."""

    folder: Path
    pages: tuple[ExportedPage, ...]

    @property
    def wacz(self) -> Path:
        """The one file of `--wacz`."""
        return self.folder / "kept.wacz"

    @property
    def warcs(self) -> list[Path]:
        """The files of `--warc`."""
        return sorted((self.folder / "warc").glob("*.warc.gz"))

    @property
    def segments(self) -> list[Path]:
        """The archive's own files."""
        return sorted((self.folder / "archive").rglob("*.warc.gz"))

    def page(self, url: str) -> ExportedPage:
        """The capture of one link."""
        return next(page for page in self.pages if page.capture.url == url)


def keep(folder: Path) -> Kept:
    """Run the crawler over the demonstration's pages, every picture wanted, and export what it kept."""
    (folder / "note.md").write_text("\n\n".join(LINKS), encoding="utf-8")
    with serving(scene.plan(), folder / "ca.pem") as web:
        resolve = "\n".join(f"{json.dumps(host)} = {json.dumps(where)}" for host, where in web.resolve.items())
        (folder / "crawler.toml").write_text(
            '[archive]\nimages = "all"\ncodec = "gz"\n[fetch]\ninterval = 0\ntimeout = 5\nca_bundle = "ca.pem"\n'
            '[host."*.qq.com"]\ninterval = 0\n[host."*.zhihu.com"]\ninterval = 0\n'
            f"[fetch.resolve]\n{resolve}\n",
            encoding="utf-8",
        )
        run(folder, sys.executable, "-m", "crawler", "run", "note.md")
    run(folder, sys.executable, "-m", "crawler", "export", "--wacz", "kept.wacz", "--warc", "warc", "--html", "html")
    with Archive.open(folder / "archive", write=False) as archive:
        return Kept(folder, tuple(CaptureReader(archive).captures()))


def run(folder: Path, *command: str) -> str:
    """Run a program to its end; it has to succeed. Its output."""
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@contextmanager
def pywb(folder: Path, collections: dict[str, list[str]]) -> Iterator[str]:
    """pywb replaying collections (name -> arguments of `wb-manager add`); where it listens."""
    pywb_python()
    for name, arguments in collections.items():
        run(folder, str(PYWB.with_name("wb-manager")), "init", name)
        run(folder, str(PYWB.with_name("wb-manager")), "add", name, *arguments)
    port = free_port()
    command = [str(PYWB), "--bind", "127.0.0.1", "--port", str(port), "--threads", "4"]
    with (folder / "pywb.log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as tool:
        try:
            wait_for(port, tool, folder / "pywb.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            tool.kill()


def pywb_python() -> Path:
    """The interpreter that can import pywb."""
    if not PYWB.exists():
        missing("pywb is missing, replay by it is not tested", "make replay-tools")
    return PYWB.with_name("python")


def free_port() -> int:
    """A port of loopback where nothing listened a moment ago."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        return int(nobody.getsockname()[1])


def wait_for(port: int, tool: subprocess.Popen[bytes], log: Path) -> None:
    """Until somebody listens."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and tool.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"pywb does not answer: {log.read_text(errors='replace')}")


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder and parts of them, as a viewer of WACZ asks for them; the rest is the library's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One part if one is asked for."""
        path = Path(self.translate_path(self.path))
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not asked or not path.is_file():
            return super().do_GET()
        size = path.stat().st_size
        first, last = asked[1], asked[2]
        begin = int(first) if first else max(size - int(last or 0), 0)
        end = min(int(last) if first and last else size - 1, size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{end}/{size}")
        self.send_header("Content-Length", str(end - begin + 1))
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.end_headers()
        with path.open("rb") as file:
            file.seek(begin)
            self.wfile.write(file.read(end - begin + 1))
        return None

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


MAKER = re.compile(r"(?!fonts\.)(.+\.)?(google|googleapis|gvt1|gvt2|gstatic)\.com")  # whom Chromium calls unasked


@dataclass
class Outside:
    """The world outside, to a browser that has this for a proxy: nothing is there, and every call is noted."""

    asked: list[str] = field(default_factory=list)  # "http://host/path", or "host:port" of an encrypted call

    def strangers(self) -> set[str]:
        """The hosts that were asked for something, other than the maker of the browser."""
        hosts = {urlsplit(target if "://" in target else f"https://{target}").hostname or "" for target in self.asked}
        return {host for host in hosts if not MAKER.fullmatch(host)}

    def handler(self, *arguments: Any) -> http.server.BaseHTTPRequestHandler:
        """One call."""
        asked = self.asked

        class Refusing(http.server.BaseHTTPRequestHandler):
            def __getattr__(self, name: str) -> Any:
                if not name.startswith("do_"):
                    raise AttributeError(name)
                asked.append(self.path)
                return partial(self.send_error, 502)

            def log_message(self, *args: Any) -> None:
                pass

        return Refusing(*arguments)


@contextmanager
def listening(handler: Any) -> Iterator[int]:
    """A server on a thread of its own; its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser that goes away is no news
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
