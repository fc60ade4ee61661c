"""What all commands share: the global options, paths, and the pairs of --format and --output.

Declarations of options and the loading of settings live here; no command's own work.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crawler.cli.streams import say, say_raw
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The global options, wherever on the line they stood."""

    config: Path | None = None
    archive: Path | None = None
    quiet: bool = False
    verbose: bool = False
    log: str = "text"  # how talk is written to stderr: for people, or "json" for programs

    def settings(self) -> Settings:
        """The configuration with the command line laid over it."""
        import msgspec

        from crawler.core.config import load_settings

        settings = load_settings(self.config)
        if self.archive is not None:
            settings = msgspec.structs.replace(
                settings, archive=msgspec.structs.replace(settings.archive, path=str(self.archive))
            )
        return settings

    def say_what_is_read(self, paths: tuple[Path, ...]) -> None:
        """Name the folder that is taken for the notes where neither a configuration nor a path says which."""
        from crawler.core.config import CANDIDATES

        if not paths and self.config is None and not any(Path(name).exists() for name in CANDIDATES):
            self.say(
                f"crawler: no crawler.toml here, so every note below {Path.cwd()} is read (`crawler init` writes one)"
            )

    def say(self, line: str) -> None:
        """Talk: a line on stderr, unless --quiet."""
        if self.log == "json":
            from crawler.report.progress import event

            say_raw(event("message", text=line.removeprefix("crawler: ")).rstrip("\n"))
        elif not self.quiet:
            say(line)


def global_options(function: F) -> F:
    """Add the global options, which may stand before the command or anywhere after it; the later one wins."""

    @click.option("--config", type=click.Path(path_type=Path), help="Configuration file [./crawler.toml].")
    @click.option("--archive", type=click.Path(path_type=Path), help="Archive folder [./archive].")
    @click.option("--quiet", "-q", is_flag=True, default=None, help="Say nothing but results and errors.")
    @click.option("--verbose", "-v", is_flag=True, default=None, help="Say more, and report more.")
    @click.pass_context
    @functools.wraps(function)
    def with_options(
        ctx: click.Context,
        /,
        *args: object,
        config: Path | None,
        archive: Path | None,
        quiet: bool | None,
        verbose: bool | None,
        **others: object,
    ) -> object:
        before = ctx.obj if isinstance(ctx.obj, GlobalOptions) else GlobalOptions()
        ctx.obj = GlobalOptions(
            config=config or before.config,
            archive=archive or before.archive,
            quiet=before.quiet if quiet is None else quiet,
            verbose=before.verbose if verbose is None else verbose,
        )
        return function(ctx.obj, *args, **others)

    return with_options  # type: ignore[return-value]  # click wraps the function; its callers are click's own


def paths_argument(function: F) -> F:
    """PATHS: note files or folders."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(function)


def output_options(*formats: str) -> Callable[[F], F]:
    """--format and --output, as often as wanted: the n-th output takes the n-th format."""

    def decorate(function: F) -> F:
        function = click.option(
            "--output", "-o", "outputs", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
            help="Write the n-th format to this file; without --format its ending says which. Without a file: to "
            "stdout.",
        )(function)  # fmt: skip
        return click.option(
            "--format",
            "-f",
            "formats",
            multiple=True,
            type=click.Choice(formats),
            help="Report format; may be repeated.",
        )(function)

    return decorate


# What a file's name says of its format; the first one that a command offers is meant.
ENDINGS = {
    ".html": ("html",), ".htm": ("html",), ".json": ("json",), ".md": ("markdown",), ".markdown": ("markdown",),
    ".sarif": ("sarif",), ".rdjson": ("rdjson",), ".xml": ("junit",), ".atom": ("atom",), ".tsv": ("tsv",),
    ".svg": ("badge",), ".txt": ("text", "terminal", "tsv"),
}  # fmt: skip


def pair_outputs(
    formats: tuple[str, ...], outputs: tuple[Path, ...], default: str, known: Collection[str] = ()
) -> list[tuple[str, Path | None]]:
    """(format, file) pairs; None is stdout. Without formats, those that the files' endings name, or the default one.

    `known` are the formats that the command offers. Raises UsageError for an ending that names none of them.
    """
    chosen = [*formats, *(_format_of(file, default, known) for file in outputs[len(formats) :])] or [default]
    return [(name, outputs[i] if i < len(outputs) else None) for i, name in enumerate(chosen)]


def _format_of(file: Path, default: str, known: Collection[str]) -> str:
    ending = file.suffix.lower()
    if not ending:  # "-", /dev/stdout
        return default
    found = next((name for name in ENDINGS.get(ending, ()) if name in known), "")
    if not found:
        raise UsageError(f"--output {file}: {ending} names none of the formats; say which with --format")
    return found


class Duration(click.ParamType[float]):
    """A duration on the command line: 90, "30s", "2h", "7d"."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; a usage error for anything else."""
        from crawler.core.config import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Since(click.ParamType["datetime"]):
    """A moment in the past on the command line: "7d" ago, or a date such as 2026-01-31 (UTC)."""

    name = "7d|DATE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """An aware moment; a usage error for anything else."""
        from datetime import UTC, datetime, timedelta

        from crawler.core.config import parse_duration

        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError:
            pass
        try:
            return datetime.now(UTC) - timedelta(seconds=parse_duration(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r}: expected a duration such as 7d, or a date such as 2026-01-31", param, ctx)
