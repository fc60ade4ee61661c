"""Kept pages themselves: readable copy, text, raw response and pictures; each so that nothing in it acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from crawler.serve.copies import POLICY, RAW_POLICY, SHOWN, shown_copy
from crawler.serve.viewer import Missing

if TYPE_CHECKING:
    from crawler.archive import Capture
    from crawler.archive.browse import ArchiveBrowser
    from crawler.serve.viewer import Visit

_COPY: Final = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
_RAW: Final = {"Content-Security-Policy": RAW_POLICY}
_ENDINGS: Final = {"text/html": "html", "application/pdf": "pdf", "text/plain": "txt", "application/json": "json"}
MAX_NUMBER: Final = 2**62


def copy_page(visit: Visit) -> Response:
    """`GET /snapshot/ID`. Raises Missing, ArchiveDamaged."""
    with visit.viewer.library.archive() as archive:
        capture = _capture(visit, archive)
        document = shown_copy(archive, capture)
    if document is None:
        return _framed(visit.page("no_copy.html", capture=capture))
    return HTMLResponse(document, headers=_COPY)


def text_page(visit: Visit) -> Response:
    """`GET /snapshot/ID/text`. Raises Missing, ArchiveDamaged."""
    with visit.viewer.library.archive() as archive:
        text = archive.text(_capture(visit, archive).id)
    return PlainTextResponse(text.encode("utf-8", "replace"), headers=_RAW)


def raw_page(visit: Visit) -> Response:
    """`GET /snapshot/ID/raw`: the bytes as they were served, to be saved, never shown; as `text_page` raises."""
    with visit.viewer.library.archive() as archive:
        capture = _capture(visit, archive)
        body = archive.body(capture.id)
    if body is None:
        raise Missing("no_such_snapshot", str(capture.id))
    ending = _ENDINGS.get(capture.content_type.partition(";")[0].strip().lower(), "bin")
    name = f'attachment; filename="snapshot-{capture.id}.{ending}"'
    return Response(body, media_type="application/octet-stream", headers={**_RAW, "Content-Disposition": name})


def picture_page(visit: Visit) -> Response:
    """`GET /snapshot/ID/picture/N`: the N-th picture that was kept with a snapshot. Raises Missing, ArchiveDamaged."""
    with visit.viewer.library.archive() as archive:
        capture = _capture(visit, archive)
        images = archive.images(capture.id)
        number = visit.request.path_params["number"]
        image = images[number - 1] if 1 <= number <= len(images) else None
        body = archive.image(image.digest) if image and image.content_type in SHOWN else None
    if image is None or body is None:
        raise Missing
    return Response(body, media_type=image.content_type, headers=_RAW)


def _capture(visit: Visit, archive: ArchiveBrowser) -> Capture:
    ident = visit.request.path_params["ident"]
    capture = archive.snapshot(ident) if 0 < ident < MAX_NUMBER else None
    if capture is None:
        raise Missing("no_such_snapshot", str(ident)[:100])
    return capture


def _framed(response: Response) -> Response:
    """A page of ours that may stand in our own frame."""
    response.headers["Content-Security-Policy"] = POLICY.replace("style-src", "style-src 'self'")
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
