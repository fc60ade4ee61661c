"""Kept copies turned into the form of an export, by workers that a copy cannot hang.

A copy that no worker gets through is told of, and its text alone stands in its place. What the workers are is the
caller's business; without any, copies are converted in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from crawler.archive.interchange.source import CaptureReader, ExportedPage
from crawler.core import model
from crawler.page import readable_html

S = TypeVar("S")
T = TypeVar("T")

CHUNK = 16  # copies that a worker is handed at a time
CHUNK_SIZE = 2 * 1024 * 1024  # of copies and bytes that a chunk holds in memory

Convert = Callable[[str, Mapping[str, str]], str]  # from a copy, and the paths of its pictures by URL


class TooComplex(Exception):
    """A worker did not get through a copy; why."""


class Workers(Protocol):
    """Where copies are converted."""

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function. Raises TooComplex, and what the function raises."""

    def in_order(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[tuple[S, T]]:
        """Do some work for each item; results come in the order of the items."""


class Here:
    """This process, without limits."""

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call it."""
        return function(*args)

    def in_order(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[tuple[S, T]]:
        """One after the other."""
        return ((item, work(item)) for item in items)


HERE = Here()


@dataclass(frozen=True, slots=True)
class Conversion(Generic[T]):
    """A page to convert, and what its writer needs to know of it afterwards."""

    page: ExportedPage
    pictures: Mapping[str, str]  # paths by URL, as the converted copy names them
    about: T


def converted(
    reader: CaptureReader, convert: Convert, conversions: Iterable[Conversion[T]], workers: Workers
) -> Iterator[tuple[Conversion[T], str]]:
    """Every page with its converted copy, in order; a copy past the limits becomes a line in `reader.damaged`."""
    for chunk, found in workers.in_order(partial(_convert, convert, workers), _chunks(conversions)):
        for job, (made, why) in zip(chunk, found, strict=True):
            if why:
                capture = job.page.capture
                reader.damaged.append(
                    f"{capture.url} of {capture.at:%Y-%m-%d}: its copy is too complex ({why}); its text is in its place"
                )
            yield job, convert(plain_copy(job.page), job.pictures) if why else made


def _chunks(conversions: Iterable[Conversion[T]]) -> Iterator[list[Conversion[T]]]:
    """Pages by the few, since handing one over costs as much as converting a short copy."""
    chunk: list[Conversion[T]] = []
    size = 0
    for job in conversions:
        chunk.append(job)
        size += len(job.page.readable) + (len(job.page.raw.body) if job.page.raw else 0)
        if len(chunk) == CHUNK or size >= CHUNK_SIZE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _convert(convert: Convert, workers: Workers, chunk: Sequence[Conversion[T]]) -> list[tuple[str, str]]:
    """For each page the converted copy, or "" and why there is none; where a chunk fails, one by one."""
    copies = [(job.page.readable or plain_copy(job.page), dict(job.pictures)) for job in chunk]
    try:
        return [(made, "") for made in workers.call(_convert_all, convert, copies)]
    except TooComplex as error:
        if len(chunk) == 1:
            return [("", str(error))]
    return [found for job in chunk for found in _convert(convert, workers, [job])]


def _convert_all(convert: Convert, copies: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    return [convert(copy, pictures) for copy, pictures in copies]


def plain_copy(page: ExportedPage) -> str:
    """A copy made of the text, for a capture that was kept without one."""
    capture = page.capture
    facts = model.Page(title=capture.title, author=capture.author, published=capture.published, text=page.text)
    return readable_html(facts, capture.url, capture.at)
