"""A transport of httpx's as one of ours: for tests and simulations whose web is a function from request to response.

The program itself never uses it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpcore
import httpx

from crawler.fetch.request import Headers, WireRequest

SHARED = {
    *("ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutException", "ConnectError", "ReadError"),
    *("WriteError", "NetworkError", "ProxyError", "LocalProtocolError", "RemoteProtocolError", "ProtocolError"),
}
_FRAMING = {"content-length", "transfer-encoding"}


class HttpxTransport:
    """What `PooledTransport` is, over any `httpx.AsyncBaseTransport`."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def send(self, request: WireRequest) -> HttpxResponse:
        """Raises what the transport raises."""
        asked = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=httpx.ByteStream(request.body),
            extensions={"slot": request.slot, "timeout": {"connect": request.connect_timeout}},
        )
        try:
            return HttpxResponse(await self._inner.handle_async_request(asked))
        except httpx.TransportError as error:
            raise as_httpcore(error) from error

    async def close_slot(self, slot: str) -> None:
        """Nothing is kept here."""

    async def aclose(self) -> None:
        """Close the transport."""
        await self._inner.aclose()


def as_httpcore(error: httpx.TransportError) -> Exception:
    """The error of the same name in httpcore, which httpx took its names from."""
    names = (kind.__name__ for kind in type(error).__mro__)
    kind: type[Exception] = next((getattr(httpcore, name) for name in names if name in SHARED), httpcore.NetworkError)
    return kind(str(error))


class HttpxResponse:
    """An answer of httpx's."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: AsyncIterator[bytes] | None = None
        self.status = response.status_code
        self.headers: Headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw)

    @property
    def framed(self) -> bool:
        """Whether HTTP tells where the body ends."""
        return any(name.lower() in _FRAMING for name, _ in self.headers)

    async def read(self) -> bytes:
        """Some bytes, b"" at the end."""
        if self._chunks is None:
            assert isinstance(self._response.stream, httpx.AsyncByteStream)
            self._chunks = self._response.stream.__aiter__()
        try:
            while (chunk := await anext(self._chunks, None)) is not None:
                if chunk:
                    return chunk
        except httpx.TransportError as error:
            raise as_httpcore(error) from error
        return b""

    async def aclose(self) -> None:
        """Done with it."""
        await self._response.aclose()
