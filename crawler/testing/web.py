"""A stand-in for the public web on loopback: virtual hosts, plain and TLS, every request logged.

`open_web` serves inside the caller's trio loop, `serving` on a thread of its own. Either gives a `Web` that tells a
crawler where to connect (`resolve`) and whom to trust (`ca_bundle`). What is answered stands in a `Plan`; no page and
no site is known here.
"""

from __future__ import annotations

import socket
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import h11
import trio
import trustme

from crawler.testing.answer import Fault, StandInAnswer, StandInPlan, StandInRequest, split
from crawler.testing.wire import CLIENT_WENT, Connection

LOOPBACK = "127.0.0.1"
BACKLOG = 1024  # connections; a crawler opens one per host at once
DEFAULT_PORTS = {"http": 80, "https": 443}


class Web:
    """A running stand-in web. Plans may be changed while it runs with `put`."""

    def __init__(self, plan: StandInPlan) -> None:
        self._plan = plan
        self._answers = {split(url): answer for url, answer in plan.answers.items()}
        self._hits: Counter[tuple[str, str, str]] = Counter()
        self._open: Counter[str] = Counter()
        self._recent: dict[str, deque[float]] = {host: deque() for host in plan.walls}
        self.log: list[StandInRequest] = []
        """Every request in the order of arrival."""
        self.resolve: dict[str, str] = {}
        """`[fetch] resolve`: "host:port" of every host of the plan -> where it is served."""
        self.ca_bundle = Path()
        """`[fetch] ca_bundle`: a PEM file."""

    def put(self, url: str, answer: StandInAnswer) -> None:
        """The world changes: from now on this URL of a host of the plan answers otherwise."""
        self._answers[split(url)] = answer
        self._hits.pop(split(url), None)

    def asked(self, url: str) -> list[StandInRequest]:
        """The requests that one URL has seen."""
        key = split(url)
        return [request for request in list(self.log) if (request.scheme, request.host, request.target) == key]

    def served(self) -> set[tuple[str, str]]:
        """(scheme, host) of all that is served or refused; a host on default ports is there with both schemes."""
        plan = self._plan
        named = {host for _, host, _ in self._answers}
        named |= {*plan.walls, *plan.refused, *plan.untrusted, *plan.handlers}
        both = {(scheme, host) for scheme in DEFAULT_PORTS for host in named if not _has_port(host)}
        return both | {(scheme, host) for scheme, host, _ in self._answers if _has_port(host)}

    async def converse(self, stream: trio.SSLStream[trio.SocketStream] | trio.SocketStream) -> None:
        """Answer one client until it goes away."""
        connection = Connection(stream)
        scheme = "https" if isinstance(stream, trio.SSLStream) else "http"
        try:
            while (asked := await connection.next_request()) and await self._answer(connection, scheme, asked):
                pass
        except CLIENT_WENT:
            pass
        finally:
            await connection.aclose()

    async def _answer(self, connection: Connection, scheme: str, asked: h11.Request) -> bool:
        """Answer one request; False where the connection is of no use afterwards."""
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in asked.headers)
        host = _without_default_port(scheme, dict(headers).get("host", ""))
        self._open[host] += 1
        try:
            request = StandInRequest(
                at=trio.current_time(),
                scheme=scheme,
                host=host,
                target=asked.target.decode("latin-1"),
                method=asked.method.decode("latin-1"),
                headers=headers,
                in_flight=self._open[host],
            )
            answer = self._choose(request)
            status = _status(answer, request) if isinstance(answer, StandInAnswer) else 0
            self.log.append(replace(request, status=status))
            if isinstance(answer, Fault):
                await connection.fail(answer)
                return False
            await trio.sleep(answer.delay)
            await connection.send(answer, request, status)
            return True
        finally:
            self._open[host] -= 1

    def _choose(self, request: StandInRequest) -> StandInAnswer | Fault:
        """Which answer a request meets: the host's wall first, then the URL's first failures, then its answer."""
        wall = self._plan.walls.get(request.host)
        if wall is not None:
            recent = self._recent[request.host]
            recent.append(request.at)
            while recent[0] < request.at - wall.per:
                recent.popleft()
            if len(recent) > wall.requests:
                return wall.answer
        if handler := self._plan.handlers.get(request.host):
            return handler(request)
        key = (request.scheme, request.host, request.target)
        other = ("http" if request.scheme == "https" else "https", request.host, request.target)
        answer = self._answers.get(key) or self._answers.get(other) or self._plan.otherwise
        self._hits[key] += 1
        return answer.fail_with if self._hits[key] <= answer.fail_first else answer


def _without_default_port(scheme: str, host: str) -> str:
    return host.lower().removesuffix(f":{DEFAULT_PORTS[scheme]}")


def _status(answer: StandInAnswer, request: StandInRequest) -> int:
    unchanged = (answer.etag and request.header("if-none-match") == answer.etag) or (
        answer.last_modified and request.header("if-modified-since") == answer.last_modified
    )
    if unchanged and answer.status == 200:
        return 304
    return 302 if answer.location and answer.status == 200 else answer.status


def _certificates(hosts: set[str], untrusted: frozenset[str], ca_bundle: Path) -> ssl.SSLContext:
    """A server context whose leaf speaks for every host; `untrusted` ones get a leaf of another authority."""
    names = sorted({host.rpartition(":")[0] or host for host in hosts}) or ["stand-in.invalid"]
    context, stranger = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    trusted_ca = trustme.CA()
    trusted_ca.issue_cert(*names).configure_cert(context)
    trusted_ca.cert_pem.write_to_path(str(ca_bundle))
    if untrusted:
        trustme.CA().issue_cert(*names).configure_cert(stranger)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name in untrusted:
            connection.context = stranger

    context.sni_callback = choose
    return context


def _resolve(
    served: set[tuple[str, str]], refused: frozenset[str], ports: dict[str, int], closed: int
) -> dict[str, str]:
    """Where each "host:port" is served; `served` holds (scheme, host), both schemes where the port is the default."""
    found = {}
    for scheme, host in served:
        where = f"{LOOPBACK}:{closed if host in refused else ports[scheme]}"
        found[host if _has_port(host) else f"{host}:{DEFAULT_PORTS[scheme]}"] = where
    return found


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit()


@asynccontextmanager
async def open_web(plan: StandInPlan, ca_bundle: Path) -> AsyncIterator[Web]:
    """Serve a plan until the block ends; `ca_bundle` is the file to write the authority's certificate to."""
    web = Web(plan)
    context = _certificates({host for _, host in web.served()}, plan.untrusted, ca_bundle)
    plain, tls = [(await trio.open_tcp_listeners(0, host=LOOPBACK, backlog=BACKLOG))[0] for _ in range(2)]
    ports = {"http": plain.socket.getsockname()[1], "https": tls.socket.getsockname()[1]}
    with socket.socket() as nobody:  # bound and not listening: whoever connects is refused
        nobody.bind((LOOPBACK, 0))
        web.resolve = _resolve(web.served(), plan.refused, ports, nobody.getsockname()[1])
        web.ca_bundle = ca_bundle
        listeners = [plain, trio.SSLListener(tls, context, https_compatible=True)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, web.converse, listeners)
            yield web
            nursery.cancel_scope.cancel()


@contextmanager
def serving(plan: StandInPlan, ca_bundle: Path) -> Iterator[Web]:
    """The same web on a thread of its own, for callers that are not async or run a loop of their own."""
    ready: Future[tuple[Web, trio.lowlevel.TrioToken, trio.Event]] = Future()
    thread = Thread(target=_serve_on_thread, args=(plan, ca_bundle, ready), name="stand-in web")
    thread.start()
    try:
        web, token, stop = ready.result()
        try:
            yield web
        finally:
            trio.from_thread.run_sync(stop.set, trio_token=token)
    finally:
        thread.join()


def _serve_on_thread(
    plan: StandInPlan, ca_bundle: Path, ready: Future[tuple[Web, trio.lowlevel.TrioToken, trio.Event]]
) -> None:
    async def serve() -> None:
        stop = trio.Event()
        async with open_web(plan, ca_bundle) as web:
            ready.set_result((web, trio.lowlevel.current_trio_token(), stop))
            await stop.wait()

    try:
        trio.run(serve)
    except Exception as error:  # handed to the thread that waits, which raises it
        if ready.done():
            raise
        ready.set_exception(error)
