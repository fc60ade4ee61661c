"""What every page is given, and how a page becomes an answer: in a thread, within a time, with errors in words.

No page's own work lives here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from crawler.core.errors import ArchiveDamaged, ArchiveError, NotesError, UsageError
from crawler.serve.rendering import language_of, render

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.report.words import Language
    from crawler.serve.access import Access
    from crawler.serve.library import Library, Lists
    from crawler.serve.mends import Mends
    from crawler.serve.tasks import Tasks

TIME: Final = 30.0  # seconds that a page may take


class Missing(Exception):
    """There is no such thing; `key` is the phrase that says of what kind."""

    def __init__(self, key: str = "not_found", about: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.about = about


@dataclass(frozen=True, slots=True)
class Viewer:
    """One running viewer."""

    library: Library
    access: Access
    tasks: Tasks
    mends: Mends


class Visit:
    """One request to one viewer: what pages read and write."""

    def __init__(self, viewer: Viewer, request: Request) -> None:
        self.viewer = viewer
        self.request = request

    @cached_property
    def lists(self) -> Lists:
        """The lists, the same ones for the whole visit."""
        return self.viewer.library.lists()

    @property
    def language(self) -> Language:
        """The reader's."""
        return language_of(self.request)

    @cached_property
    def now(self) -> datetime:
        """When the page was asked for."""
        return self.viewer.library.now()

    def value(self, name: str, default: str = "") -> str:
        """A parameter of the address, trimmed; the last one of that name."""
        return self.request.query_params.get(name, default).strip()

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A page of ours."""
        return render(self.request, template, self.viewer.access, status=status, **values)

    def problem(self, status: int, key: str, *, about: str = "", help_key: str = "") -> Response:
        """A page that says what is wrong, and what would help."""
        return self.page("problem.html", status=status, key=key, about=about, help_key=help_key)


Page = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(viewer: Viewer, page: Page, seconds: float = TIME) -> Endpoint:
    """A page as an ASGI endpoint: it runs in a thread, so that one slow page holds up no other."""

    async def answer(request: Request) -> Response:
        visit = Visit(viewer, request)
        with anyio.move_on_after(seconds):
            return await anyio.to_thread.run_sync(answered, visit, page, abandon_on_cancel=True)
        return visit.problem(503, "too_slow", help_key="too_slow_help")

    return answer


def answered(visit: Visit, page: Page) -> Response:
    """The page, or the page that says why there is none."""
    try:
        return page(visit)
    except Missing as missing:
        return visit.problem(404, missing.key, about=missing.about, help_key="not_found_help")
    except UsageError as error:
        return visit.problem(400, "bad_request", about=str(error))
    except ArchiveDamaged as error:  # the bytes that were asked for are gone, the rest is not
        return visit.problem(410, "damaged", about=str(error), help_key="damaged_help")
    except ArchiveError as error:
        return visit.problem(503, "archive_error", about=str(error))
    except NotesError as error:  # a form about a note that is no longer what it was, or notes that are gone
        return visit.problem(409 if visit.request.method == "POST" else 503, "notes_error", about=str(error))
