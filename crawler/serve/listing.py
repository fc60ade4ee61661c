"""The filters of `/links` and `/feed.xml`: from an address to a question, and back.

Pure: an unknown value narrows a list to nothing, it is no error; only a question that is too long is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from crawler.archive.listed import ORDERS, Filters
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

MAX_WORDS: Final = 1_000  # characters of a question
PER_PAGE: Final = 50
MAX_PAGE: Final = 1_000_000
PERIODS: Final = (7, 30, 365)  # days that the start page and the filter `days` offer
NAMES: Final = ("state", "site", "reason", "note", "year", "q", "days", "kept", "order")


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the catalog, and the parameters that say it."""

    filters: Filters
    parameters: Mapping[str, Sequence[str]]  # those that are set, to build other addresses with

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return bool(set(self.parameters) - {"order"})


def question_of(query: QueryParams, now: datetime) -> Question:
    """The filters of an address. Raises UsageError for one that is too long."""
    given = {name: _given(query, name) for name in NAMES}
    given = {name: values for name, values in given.items() if values}
    if any(len(value) > MAX_WORDS for name in ("q", "site", "reason", "year") for value in given.get(name, ())):
        raise UsageError(f"a filter of more than {MAX_WORDS:,} characters is not taken")
    days = whole_number(_one(given, "days"), 36_500)
    order = _one(given, "order")
    filters = Filters(
        states=tuple(given.get("state", ())),
        site=_one(given, "site"),
        reason=_one(given, "reason"),
        note=_one(given, "note"),
        year=_one(given, "year"),
        query=_one(given, "q"),
        since=now - timedelta(days=days) if days else None,
        kept=_one(given, "kept"),
        order=order if order in ORDERS else "state",
    )
    return Question(filters, given)


def _given(query: QueryParams, name: str) -> list[str]:
    values: Iterable[str] = (value.strip() for value in query.getlist(name)[:20])
    if name == "state":
        values = (part.strip() for value in values for part in value.split(",")[:20])
    return list(dict.fromkeys(value for value in values if value))


def _one(given: Mapping[str, Sequence[str]], name: str) -> str:
    values = given.get(name)
    return values[-1] if values else ""


def whole_number(text: str, most: int, default: int = 0) -> int:
    """A number out of an address, between 0 and `most`; the default for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return default
    return min(int(text), most)


@dataclass(frozen=True, slots=True)
class Paging:
    """One page of a list."""

    page: int
    total: int
    size: int = PER_PAGE

    @property
    def pages(self) -> int:
        """How many there are, one at least."""
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        """How many entries stand on the pages before."""
        return (self.page - 1) * self.size


def paging(query: QueryParams, total: int, size: int = PER_PAGE) -> Paging:
    """The page that an address asks for; one that does not exist is the nearest one."""
    wanted = max(1, whole_number(query.get("page", ""), MAX_PAGE, 1))
    return Paging(min(wanted, Paging(1, total, size).pages), total, size)
