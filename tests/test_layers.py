"""Imports point downwards only and form no circle: the house of ARCHITECTURE.md, kept true by reading every import."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "crawler"

# The rooms from the bottom up, each with the rooms that it may import. A new room, or a new arrow, is a decision: it is
# written here and in ARCHITECTURE.md.
ARROWS: dict[str, set[str]] = {
    "core": set(),
    "sites": {"core"},
    "page": {"core", "sites"},
    "judge": {"core", "sites", "page"},
    "schedule": {"core"},
    "notes": {"core", "sites"},
    "fetch": {"core", "schedule"},
    "archive": {"core", "page", "schedule", "fetch"},
    "crawl": {"core", "sites", "page", "judge", "schedule", "notes", "fetch", "archive"},
    "cluster": {"core", "sites", "schedule", "fetch", "crawl"},
    "report": {"core", "page", "schedule"},
    "testing": {"core"},
    "serve": {"core", "sites", "page", "schedule", "notes", "archive", "crawl", "report"},
    "cli": {
        "core", "sites", "page", "judge", "schedule", "notes", "fetch", "archive", "crawl", "cluster", "report",
        "testing", "serve",
    },
    "__main__": {"cli"},
}  # fmt: skip
PURE = {"sites", "page", "judge", "schedule"}
PURE_MODULES = {
    "core": {"model", "slots", "results", "errors", "settings", "url", "proof", "counts"},
    "notes": {"extract", "changes", "mending", "edits", "patches", "writing", "formats"},
}
IMPURE_LIBRARIES = {"trio", "httpx", "httpcore", "sqlite3", "pathlib", "os", "random", "time", "socket", "subprocess"}


def parts_of(file: Path) -> tuple[str, ...]:
    """The names of a module below `crawler`: ("core", "model")."""
    parts = file.relative_to(HOUSE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


FILES = sorted(f for f in HOUSE.rglob("*.py") if f != HOUSE / "__init__.py" and "_config" not in f.parts)
MODULES = {".".join(("crawler", *parts_of(file))): file for file in FILES}


def imports_of(file: Path) -> set[str]:
    """Absolute dotted names of what a file imports, at any depth of nesting; names of modules where they are some."""
    found = set()
    package = ("crawler", *file.relative_to(HOUSE).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            for alias in node.names:
                full = f"{module}.{alias.name}"
                found.add(full if full in MODULES else module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(HOUSE)))
def test_imports_point_downwards_only(file: Path) -> None:
    room = parts_of(file)[0]
    assert room in ARROWS, f"{room} is no room yet: give it its arrows here and in ARCHITECTURE.md"
    for name in imports_of(file):
        if name.startswith("crawler.") and (other := name.split(".")[1]) != room:
            assert other in ARROWS[room], f"{room} imports {other} ({name})"


def test_the_rooms_stand_in_an_order_without_circles() -> None:
    done: set[str] = set()
    for room, below in ARROWS.items():
        assert below <= done, f"{room} would import {', '.join(sorted(below - done))}, which stand above it"
        done.add(room)


def test_no_module_stands_beside_the_rooms() -> None:
    loose = {file.name for file in HOUSE.glob("*.py")}
    assert loose == {"__init__.py", "__main__.py"}


def test_modules_do_not_import_each_other_in_circles() -> None:
    """A package may import its modules; they may not import what only the package gathers."""
    graph = {name: imports_of(file) & MODULES.keys() - {name} for name, file in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def is_pure(file: Path) -> bool:
    room, *rest = (*parts_of(file), "")
    return room in PURE or rest[0] in PURE_MODULES.get(room, ())


@pytest.mark.parametrize("file", [f for f in FILES if is_pure(f)], ids=lambda f: str(f.relative_to(HOUSE)))
def test_the_core_has_no_io_no_clock_and_no_randomness(file: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(file)} & IMPURE_LIBRARIES
    text = file.read_text(encoding="utf-8")
    assert "datetime.now(" not in text
    assert "utcnow(" not in text


def test_no_public_class_has_the_name_of_another() -> None:
    seen: dict[str, str] = {}
    for name, file in MODULES.items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert node.name not in seen, f"{node.name} is a class of {name} and of {seen[node.name]}"
                seen[node.name] = name
