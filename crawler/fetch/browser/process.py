"""An installed Chromium as a process: where it is, how it is started, and that nothing of it is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import trio

from crawler.core.errors import BrowserError
from crawler.fetch.browser.pipe import BrowserGone, Pipe, Refused

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
INSTALL = "install Chromium or Chrome (Debian: apt-get install chromium), or name it in CRAWLER_BROWSER"
START = 30.0  # seconds; a cold start of a large profile on a slow disk takes ten
CLOSING = 5.0  # seconds to write its profile and end, before it is killed

QUIET = (  # nothing but the page: no updates, no sync, no way round the tunnel
    "--headless=new", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
    "--disable-breakpad", "--disable-dev-shm-usage", "--disable-quic", "--disable-popup-blocking", "--mute-audio",
    "--no-pings", "--password-store=basic", "--use-mock-keychain", "--window-size=1280,1600",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--proxy-bypass-list=<-loopback>",
)  # fmt: skip

# The protocol speaks on descriptors 3 and 4: the shell moves the pair of pipes there.
SHELL = ("/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null', "sh")


@dataclass(frozen=True, slots=True)
class Setup:
    """Which browser, and how it is started."""

    program: str
    proxy: str  # the only way out: "http://127.0.0.1:1234"
    profile: str = ""  # an absolute path; "": a fresh one that is thrown away
    trusted_keys: tuple[str, ...] = ()  # base64 of the SHA-256 of public keys whose certificates are accepted


def find_browser(environment: Mapping[str, str]) -> str:
    """The program to run: CRAWLER_BROWSER, else the first that is installed. Raises BrowserError."""
    named = environment.get("CRAWLER_BROWSER", "")
    if named:
        if found := shutil.which(named):
            return found
        raise BrowserError(f"CRAWLER_BROWSER={named} is no program; {INSTALL}")
    path = environment.get("PATH")
    installed = (shutil.which(name, path=path) for name in (*NAMES, *MAC))
    if found := next(filter(None, installed), None):
        return found
    raise BrowserError(f"no browser was found; {INSTALL}")


def command_line(setup: Setup, profile: str) -> list[str]:
    """The program with its flags."""
    flags = [*QUIET, "--remote-debugging-pipe", f"--user-data-dir={profile}", f"--proxy-server={setup.proxy}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # as root Chromium refuses to start with its sandbox
    if setup.trusted_keys:
        flags.append(f"--ignore-certificate-errors-spki-list={','.join(setup.trusted_keys)}")
    return [setup.program, *flags, "about:blank"]


@asynccontextmanager
async def open_browser(setup: Setup, largest: int) -> AsyncIterator[Pipe]:
    """A running browser until the block ends. Raises BrowserError where it does not start.

    `largest` is how many bytes one message may have: a page's whole HTML is one.
    """
    with TemporaryDirectory(prefix="crawler-browser-", ignore_cleanup_errors=True) as temporary:
        profile = setup.profile or temporary
        process = await trio.lowlevel.open_process(
            [*SHELL, *command_line(setup, profile)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        pipe = Pipe(process.stdin, process.stdout, largest)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pipe.listen)
                await _await_start(pipe, setup)
                yield pipe
                await _close(pipe, process)
                nursery.cancel_scope.cancel()
        finally:
            await _end(process)


async def _await_start(pipe: Pipe, setup: Setup) -> None:
    try:
        with trio.fail_after(START):
            await pipe.ask("Browser.getVersion")
    except (trio.TooSlowError, BrowserGone, Refused):
        hint = "is it running with this profile already? close it first" if setup.profile else "does it start by hand?"
        raise BrowserError(f"{setup.program} does not start in headless mode; {hint}") from None


async def _close(pipe: Pipe, process: trio.Process) -> None:
    """Ask it to end by itself, so that it writes its profile."""
    with trio.move_on_after(CLOSING):
        try:
            await pipe.ask("Browser.close")
        except (BrowserGone, Refused):
            pass
        await process.wait()


async def _end(process: trio.Process) -> None:
    """Kill what is left of it: it was started in a session of its own, so the whole group is ours."""
    with trio.CancelScope(shield=True):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                await stream.aclose()
