"""Reading configuration: TOML files and overrides in, `Settings` out, and where the shipped files lie.

Only reading and checking live here; what the options are is declared in `settings`, what they mean is for their
users. Every error is one line that names the file, the key and, for an unknown key, the nearest known one.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from crawler.core.errors import ConfigError
from crawler.core.settings import Host, Seconds, Settings, Size
from crawler.core.url import host_of
from crawler.core.validation import mistake, shown

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2

CANDIDATES = ("crawler.toml", "config/crawler.toml")  # looked for in the working directory

# Options that name files or folders: relative ones in a file are relative to that file.
PATH_OPTIONS = (
    ("notes", "paths"),
    ("notes", "root"),
    ("archive", "path"),
    ("report", "path"),
    ("notify", "feed"),
    ("fetch", "cookies"),
    ("fetch", "ca_bundle"),
    ("sites", "path"),
)

MAX_SIZE = 2**63 - 1  # bytes; what systems count in
MAX_SECONDS = 365_000 * 86400.0  # a thousand years: calendars of Python end in the year 9999
_UNITS_OF_TIME = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_UNITS_OF_SIZE = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")  # of a path of msgspec's
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?i?B?)", re.IGNORECASE)


def load_settings(file: Path | None = None, *, directory: Path | None = None) -> Settings:
    """The settings of `file`, or of the first candidate in `directory`, or the defaults where there is neither."""
    file = file or found_config(directory or Path.cwd())
    if file is None:
        return Settings()
    return convert(checked_toml(read_toml(file), file), file)


def found_config(directory: Path) -> Path | None:
    """The configuration file that a folder has; None where it has none."""
    return next((directory / name for name in CANDIDATES if (directory / name).is_file()), None)


def checked_toml(raw: dict[str, Any], file: Path) -> dict[str, Any]:
    """A parsed file whose keys are known, its relative paths made relative to `file`. Raises ConfigError."""
    _check_keys(raw, Settings, file, "")
    _resolve_paths(raw, file)
    return raw


def read_toml(file: Path) -> dict[str, Any]:
    """One TOML file; ConfigError says where it is broken."""
    try:
        return parse_toml(file.read_bytes(), file)
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such configuration file; check the path given with --config") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def parse_toml(data: bytes, file: Path | str) -> dict[str, Any]:
    """TOML in memory; ConfigError says where it is broken."""
    try:
        parsed = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{file}: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and integers of thousands of digits
        raise ConfigError(f"{file}: not valid TOML: {error}") from None
    if _holds_nul(parsed):
        raise ConfigError(f"{file}: a value holds a NUL character (\\u0000), which nothing can be named")
    return parsed


def _holds_nul(parsed: dict[str, Any]) -> bool:
    pending: list[object] = [parsed]
    while pending:
        match pending.pop():
            case dict() as table:
                pending += [*table, *table.values()]
            case list() as values:
                pending += values
            case str() as text if "\0" in text:
                return True
    return False


def convert(raw: Mapping[str, Any], file: Path | str) -> Settings:
    """Checked values of a parsed file; its keys were checked before."""
    try:
        settings = msgspec.convert(raw, Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {_wrong_type(error, raw)}") from None
    if problem := mistake(settings):
        raise ConfigError(f"{file}: {problem}")
    for host in settings.host:
        if problem := host_problem(host):
            raise ConfigError(f'{file}: [host."{host}"]: {problem}')
    _check_headers(settings, file)
    return settings


def _wrong_type(error: msgspec.ValidationError, raw: Mapping[str, Any]) -> str:
    """Table, key, index, what was expected, and the value, of one that cannot be converted."""
    what, _, path = str(error).partition(" - at `$")
    where, value, kind = _place(path, raw)
    expected = what[:1].lower() + what[1:]
    if get_origin(kind) is Literal:
        expected = "expected " + " or ".join(f'"{choice}"' for choice in get_args(kind))
    elif what.startswith("Expected `"):
        expected = expected.partition(", got `")[0]
    else:  # of `_decode`, which names the value
        return f"{where}: {expected}"
    secret = ".headers" in path and isinstance(value, str)
    return f"{where}: {expected}, got {'text' if secret else shown(value)}"


def _place(path: str, raw: Mapping[str, Any]) -> tuple[str, object, Any]:
    """`[table] key` of what a path of msgspec's leads to (`.notes.paths[2]`, `.host[...].headers[...]`), with its value
    and its type. msgspec does not say which key of a table of free names it means: the first that does not fit.
    """
    value: Any = raw
    kind: Any = Settings
    steps: list[str] = []
    for name, index in _STEP.findall(path):
        if name:
            value, kind = value[name], next(each.type for each in msgspec.structs.fields(kind) if each.name == name)
            steps.append(f".{name}")
        elif index == "...":
            kind = get_args(kind)[-1]
            key, value = next((key, each) for key, each in value.items() if not _fits(each, kind))
            steps.append(f".{json.dumps(key, ensure_ascii=False)}")
        else:
            value, kind = value[int(index)], None
            steps.append(f"[{index}]")
    inner = 2 if steps[:1] == [".host"] else 1
    return f"[{''.join(steps[:inner])[1:]}] {''.join(steps[inner:])[1:]}", value, kind


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, dec_hook=_decode)
    except msgspec.ValidationError:
        return False
    return True


def host_problem(key: str) -> str:
    """What is wrong with the name of a [host] table, "" if nothing: it is compared with hosts as URLs have them."""
    name = key.removeprefix("*.")
    bare = name if "://" in name else f"https://{name}"
    host = host_of(bare.strip().rstrip("."))
    if key == "*" or not host or "*" in host:
        return 'not the name of a host; write "example.com", or "*.example.com" for its subdomains'
    right = f"*.{host}" if key.startswith("*.") else host
    if key == right:
        return ""
    rest = "its tables have no scheme, port, path or capitals" if name.isascii() else "hosts are compared in ASCII"
    return f'{rest}; write [host."{right}"]'


def _check_headers(settings: Settings, file: Path | str) -> None:
    """Names and values that cannot be sent are refused here, where the file is known."""
    tables = {"fetch": {"User-Agent": settings.fetch.user_agent, **settings.fetch.headers}}
    tables |= {f'host."{host}"': table.headers for host, table in settings.host.items()}
    for table, headers in tables.items():
        if problem := header_problem(headers.items()):
            raise ConfigError(f"{file}: [{table}] headers: {problem}")


def header_problem(headers: Iterable[tuple[str, str]]) -> str:
    """What is wrong with headers that a user wrote, "" if nothing: names are tokens, values one line (RFC 9110, 5)."""
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            return f"{name!r} is not the name of a header"
        if not value.strip().isprintable():
            return f"the value of {name} is not one line of text"
    return ""


def parse_duration(value: object) -> Seconds:
    """Seconds of 90, 1.5, "90s", "2h", "1h30m", "7d"; ValueError for anything else, negative numbers included."""
    seconds = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) <= sys.float_info.max else math.inf
    elif isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        seconds = sum(float(n) * _UNITS_OF_TIME[unit] for n, unit in _PART.findall(value))
    elif isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value.strip()):
        seconds = float(value)
    if not (math.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS):
        raise ValueError(f'expected a duration such as 30, "30s", "2h" or "7d", got {shown(value)}')
    return Seconds(seconds)


def parse_size(value: object) -> Size:
    """Bytes of 1024, "64KB", "16MB", "1.5GB" (powers of 1024); ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SIZE:
        return Size(value)
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        number, unit = match.groups()
        unit = unit.upper().replace("I", "")
        size = float(number) * _UNITS_OF_SIZE[unit if unit in _UNITS_OF_SIZE else f"{unit}B"]
        if size <= MAX_SIZE:
            return Size(size)
    raise ValueError(f'expected a size such as 1024, "64KB" or "16MB", got {shown(value)}')


def shipped_config() -> Path:
    """The folder of the shipped configuration: `config/` of a checkout, or its copy inside the wheel."""
    package = Path(__file__).parent.parent
    inside = package / "_config"
    return inside if inside.is_dir() else package.parent / "config"


def archive_guide() -> bytes:
    """The file that explains an archive to whoever finds it; b"" where a packager left it out."""
    package = Path(__file__).parent.parent
    for file in (package / "_config" / "archive.md", package.parent / "archive" / "README.md"):
        if file.is_file():
            return file.read_bytes()
    return b""


def site_documents(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """All site files as (file name, parsed TOML): the shipped ones first, then the user's, each by name."""
    folders = [shipped_config() / "sites"]
    if settings.sites.path:
        folders.append(Path(settings.sites.path))
        if not folders[-1].is_dir():
            raise ConfigError(f"[sites] path: no such folder: {folders[-1]}")
    return [(str(file), read_toml(file)) for folder in folders for file in sorted(folder.glob("*.toml"))]


def _decode(kind: type, value: object) -> object:
    if kind is Seconds:
        return parse_duration(value)
    if kind is Size:
        return parse_size(value)
    raise NotImplementedError(kind)  # msgspec asks only for the two types above


def _check_keys(raw: Mapping[str, Any], struct: type[msgspec.Struct], file: Path, table: str) -> None:
    """Unknown keys are errors that name the key and the nearest known one."""
    fields = {field.name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in raw.items():
        if key not in fields:
            raise ConfigError(f"{file}: {_unknown(key, table, list(fields))}")
        kind = fields[key]
        if struct is Settings and not isinstance(value, dict):
            raise ConfigError(f"{file}: {key} is a table: write [{key}] on a line of its own, its options below it")
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            _check_keys(value, kind, file, key)
        elif Host in get_args(kind):
            for host, options in value.items():
                if not isinstance(options, dict):
                    raise ConfigError(f'{file}: write host tables as [host."example.com"], not [host] {host} = …')
                _check_keys(options, Host, file, f'host."{host}"')


def _unknown(key: str, table: str, known: Sequence[str]) -> str:
    where = f"[{table}] {key}" if table else f"[{key}]"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown key {where}" + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}")


def _resolve_paths(raw: dict[str, Any], file: Path) -> None:
    for table, key in PATH_OPTIONS:
        section = raw.get(table)
        if not isinstance(section, dict):
            continue
        value = section.get(key)
        if isinstance(value, str) and value:
            section[key] = _resolved(value, file, f"[{table}] {key}")
        elif isinstance(value, list):
            section[key] = [
                _resolved(each, file, f"[{table}] {key}[{index}]") if isinstance(each, str) else each
                for index, each in enumerate(value)
            ]


def _resolved(path: str, file: Path, where: str) -> str:
    try:
        return str(file.parent / Path(path).expanduser())
    except RuntimeError:  # `~name` of nobody
        raise ConfigError(f"{file}: {where}: {path!r} begins with a user whose home is not known") from None
