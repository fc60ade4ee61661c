"""The DevTools protocol over a pair of pipes: questions with answers, and events in between.

JSON messages that end with a zero byte; https://chromedevtools.github.io/devtools-protocol/ tells their names.
Nothing here knows what is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import trio

READ = 256 * 1024  # bytes asked of the pipe at once


class BrowserGone(Exception):
    """The browser ended, or sends what is no message; `why` is one line."""


class Refused(Exception):
    """The browser could not do what it was asked; its words."""


class Pipe:
    """One browser's end. `listen` must run beside whoever asks; `heard` is called with each event."""

    def __init__(self, send: trio.abc.SendStream, receive: trio.abc.ReceiveStream, largest: int) -> None:
        self._send = send
        self._receive = receive
        self._largest = largest
        self._answers: dict[int, Mapping[str, Any] | None] = {}
        self._arrived: dict[int, trio.Event] = {}
        self._last = 0
        self._gone = ""
        self._writing = trio.Lock()
        self.heard: Callable[[str, Mapping[str, Any]], None] = lambda _method, _params: None

    async def ask(self, method: str, params: Mapping[str, Any] | None = None, session: str = "") -> Mapping[str, Any]:
        """The result of a command. Raises BrowserGone, Refused."""
        if self._gone:
            raise BrowserGone(self._gone)
        self._last += 1
        ident = self._last
        message = {"id": ident, "method": method, "params": dict(params or {})}
        if session:
            message["sessionId"] = session
        arrived = self._arrived[ident] = trio.Event()
        try:
            async with self._writing:
                await self._send.send_all(json.dumps(message).encode() + b"\0")
            await arrived.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise BrowserGone(self._gone or "the browser ended") from None
        finally:
            del self._arrived[ident]
        answer = self._answers.pop(ident, None)
        if answer is None:
            raise BrowserGone(self._gone)
        if "error" in answer:
            raise Refused(f"{method}: {_text(answer['error'])}")
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    async def listen(self) -> None:
        """Read until the browser ends; then everybody who waits hears of it."""
        rest = bytearray()
        searched = 0
        try:
            while data := await self._receive.receive_some(READ):
                rest += data
                if len(rest) > self._largest:
                    self._gone = f"a message of over {self._largest >> 20} MB"
                    return
                while (end := rest.find(b"\0", searched)) >= 0:
                    self._take(bytes(rest[:end]))
                    del rest[: end + 1]
                    searched = 0
                searched = len(rest)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._gone = self._gone or "the browser ended"
            for arrived in self._arrived.values():
                arrived.set()

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        match message:
            case {"id": int(ident)} if ident in self._arrived:
                self._answers[ident] = message
                self._arrived[ident].set()
            case {"method": str(method), "params": dict(params)}:
                self.heard(method, params)


def _text(error: object) -> str:
    message = error.get("message", "") if isinstance(error, dict) else error
    return " ".join(str(message).split())[:200]


def mapping(value: object) -> Mapping[str, Any]:
    """A value of a message where it is an object, else an empty one: a browser may leave any part out."""
    return value if isinstance(value, dict) else {}
