"""Is a run ready to begin? What would end it only after hours of asking is found before the first request.

Keys and addresses from the environment, names of formats, files that cannot be written: each is one error that names
its setting. Nothing is fetched here, and nothing that exists is changed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from errno import EACCES, EISDIR
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.errors import ConfigError, UsageError
from crawler.core.files import TEMPORARY, is_replaceable

if TYPE_CHECKING:
    from crawler.core.settings import Settings


def ready_to_run(
    settings: Settings,
    *,
    files: Iterable[Path] = (),
    configured: Iterable[tuple[str, Path]] = (),
    environ: Mapping[str, str] | None = None,
    also: Iterable[Callable[[], object]] = (),
) -> None:
    """Raise for the first thing that would end the command after its requests.

    `files` are those that it will write, `configured` those that an option names. `environ` is given by commands that
    use keys of the Internet Archive. `also` are checks of what only the caller knows; each raises by itself. Raises
    ConfigError, UsageError.
    """
    for check in also:
        check()
    if environ is not None:
        _check_wayback(settings, environ)
    for file in files:
        if why := _unwritable(file):
            raise UsageError(f"{file} cannot be written: {why}; choose another --output")
    for option, file in configured:
        if why := _unwritable(file):
            raise ConfigError(f"{option}: expected a place that can be written, got {file}: {why}")


def _check_wayback(settings: Settings, environ: Mapping[str, str]) -> None:
    wayback = settings.wayback
    if wayback.keys:
        from crawler.fetch.savepage import read_keys

        read_keys(wayback.keys, environ)


def _unwritable(file: Path) -> str:
    """Why a report could not be written to `file`, "" where it could; its missing folders count as the nearest one."""
    if str(file) == "-":
        return ""
    try:
        if file.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if not is_replaceable(file):  # /dev/stdout, a named pipe: opening one would wait for its reader
            if not os.access(file, os.W_OK):
                raise PermissionError(EACCES, os.strerror(EACCES))
            return ""
        folder = next(folder for folder in file.absolute().parents if folder.exists())
        with tempfile.TemporaryFile(dir=folder, prefix=TEMPORARY):
            pass
    except OSError as error:
        return error.strerror or str(error)
    return ""
