"""The viewer as an ASGI application: its addresses, and nothing else.

The addresses are a contract: reports, mails and feeds lead to them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from crawler.serve.actions import (
    UPLOADS,
    acting,
    import_action,
    mark_action,
    mend_action,
    rearchive_action,
    undo_action,
)
from crawler.serve.guard import FrontDoor
from crawler.serve.mends import Mends
from crawler.serve.pages.doing import mend_page, task_page
from crawler.serve.pages.link import diff_page, link_page
from crawler.serve.pages.links import feed_page, links_page
from crawler.serve.pages.notes import note_page, notes_page
from crawler.serve.pages.runs import help_page, runs_page
from crawler.serve.pages.search import search_page
from crawler.serve.pages.snapshots import copy_page, picture_page, raw_page, text_page
from crawler.serve.pages.start import start_page
from crawler.serve.rendering import STATIC, THEMES, asset
from crawler.serve.tasks import Tasks
from crawler.serve.viewer import Viewer, Visit, endpoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from crawler.serve.access import Access
    from crawler.serve.actions import Action
    from crawler.serve.library import Library
    from crawler.serve.viewer import Page

PAGES: Final[dict[str, Page]] = {
    "/": start_page,
    "/notes": notes_page,
    "/notes/{path:path}": note_page,
    "/links": links_page,
    "/link": link_page,
    "/search": search_page,
    "/snapshot/{ident:int}": copy_page,
    "/snapshot/{ident:int}/text": text_page,
    "/snapshot/{ident:int}/raw": raw_page,
    "/snapshot/{ident:int}/picture/{number:int}": picture_page,
    "/diff": diff_page,
    "/runs": runs_page,
    "/waiting": help_page,
    "/feed.xml": feed_page,
    "/mend": mend_page,
    "/task/{number:int}": task_page,
}
ACTIONS: Final[dict[str, Action]] = {
    "/do/rearchive": rearchive_action,
    "/do/import": import_action,
    "/do/mark": mark_action,
    "/do/mend": mend_action,
    "/do/undo": undo_action,
}
YEAR: Final = 365 * 86_400  # seconds; how long a browser keeps our own files, whose address changes with them
_LOCAL: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20]{0,4000}")  # an address of ours, to go back to


def make_app(library: Library, access: Access, tasks: Tasks | None = None) -> ASGIApp:
    """The whole viewer, guard included."""
    viewer = Viewer(library, access, tasks or Tasks(library.refresh), Mends(library, access))
    routes = [Route(path, endpoint(viewer, page), methods=["GET"]) for path, page in PAGES.items()]
    routes += [Route(path, acting(viewer, action), methods=["POST"]) for path, action in ACTIONS.items()]
    routes += [
        Route("/health", health, methods=["GET"]),
        Route("/static/{name}", static, methods=["GET"]),
        Route("/set", choose, methods=["GET"]),
    ]

    async def unknown(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 403:
            return Visit(viewer, request).problem(status, "not_ours", help_key="not_ours_help")
        key = "not_found" if status == 404 else "bad_request"
        return Visit(viewer, request).problem(status, key, help_key="not_found_help")

    async def broken(request: Request, _: Exception) -> Response:
        return Visit(viewer, request).problem(500, "internal", help_key="internal_help")

    app = Starlette(routes=routes, exception_handlers={HTTPException: unknown, 500: broken})
    app.router.redirect_slashes = False
    app.state.language = library.settings.report.language
    return FrontDoor(WithSession(app, access), access, UPLOADS)


class WithSession:
    """Turns the token of an address into a cookie, so that it leaves the address bar and every link."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a reader that brought the token to the same page without it."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            request = Request(scope)
            if "token" in request.query_params:
                await self._without_token(request)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _without_token(self, request: Request) -> Response:
        target = request.url.remove_query_params("token")
        address = target.path + (f"?{target.query}" if target.query else "")
        response = RedirectResponse(address if _LOCAL.fullmatch(address) else "/", 303)
        if request.state.authorised:
            response.set_cookie(self._access.cookie, self._access.token, httponly=True, samesite="strict", path="/")
        return response


async def health(_: Request) -> Response:
    """`GET /health`."""
    return JSONResponse({"ok": True})


async def static(request: Request) -> Response:
    """Our own style and script, by the names that we know; no path reaches the disk."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404)
    headers = {"Cache-Control": f"public, max-age={YEAR}, immutable"} if "v" in request.query_params else {}
    return Response(asset(name), media_type=STATIC[name], headers=headers)


async def choose(request: Request) -> Response:
    """`GET /set?theme=&lang=&next=`: the reader's theme and language, kept in cookies; back to where they were."""
    back = request.query_params.get("next", "/")
    response = RedirectResponse(back if _LOCAL.fullmatch(back) else "/", 303)
    theme, language = request.query_params.get("theme"), request.query_params.get("lang")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=YEAR, httponly=True, samesite="lax", path="/")
    elif theme == "auto":
        response.delete_cookie("theme", path="/")
    if language in ("en", "zh"):
        response.set_cookie("lang", language, max_age=YEAR, httponly=True, samesite="lax", path="/")
    return response
