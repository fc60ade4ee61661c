"""The outermost layer of the viewer: refuses what must not come in, and marks what goes out.

Every request passes here first, whatever its path: no page below needs to remember the checks.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from crawler.serve.access import MAX_FORM, Access, Refusal, RequestParts

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Our own pages: scripts, styles and requests of ours only, kept pages in frames, no inline script or style.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would make the Origin of our own forms "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-DNS-Prefetch-Control": "off",  # addresses in a kept page are not even looked up
    "Cache-Control": "private, no-cache",
}


class BodyTooLarge(HTTPException):
    """A body is longer than this address takes."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class FrontDoor:
    """ASGI middleware: host, method, token and size before the app; headers behind it."""

    def __init__(self, app: ASGIApp, access: Access, uploads: dict[str, int] | None = None) -> None:
        """`uploads`: paths that take larger bodies than a form, with how many bytes."""
        self._app = app
        self._access = access
        self._uploads = uploads or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "there are no sockets here"})
        else:
            await self._http(scope, receive, _marked(send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = parts_of(scope)
        limit = self._uploads.get(asked.path, MAX_FORM)
        refusal = self._access.refusal(asked) or _too_large(asked, limit)
        if refusal:
            await _refuse(refusal, scope, receive, send)
            return
        scope.setdefault("state", {})
        scope["state"]["authorised"] = self._access.has_token(asked)
        await self._app(scope, _limited(receive, limit), send)


def parts_of(scope: Scope) -> RequestParts:
    """The parts of an ASGI request that decide."""
    server = scope.get("server") or ("", 0)
    return RequestParts(
        method=scope["method"].upper(),
        path=scope["path"],
        raw_path=scope.get("raw_path") or scope["path"].encode("utf-8", "replace"),
        query=scope.get("query_string", b""),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        local_address=str(server[0] or ""),
    )


def _too_large(asked: RequestParts, limit: int) -> Refusal | None:
    length = asked.header("content-length")
    if length and (not length.isascii() or not length.isdigit() or len(length) > 15):
        return Refusal(HTTPStatus.BAD_REQUEST, "the length of the body is no number")
    if length and int(length) > limit:
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {limit:,} bytes are taken here")
    return None


def _limited(receive: Receive, limit: int) -> Receive:
    """Counts the bytes of a body that tells no length, or a wrong one."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise BodyTooLarge
        return message

    return counted


def _marked(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    extra = {"Allow": "GET, HEAD, POST"} if refusal.status is HTTPStatus.METHOD_NOT_ALLOWED else {}
    if scope["method"] == "POST":
        extra["Connection"] = "close"  # the body was not read, and need not be
    await PlainTextResponse(f"{refusal.why}\n", refusal.status, extra)(scope, receive, send)
