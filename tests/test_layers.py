"""Imports point downwards only: the house of ARCHITECTURE.md, kept true by reading every import."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "crawler"

# A room is a module or package of crawler/. A room may import rooms of lower layers; rooms of one layer of the
# pure core may import each other (no cycles), rooms of the edge may not.
LAYERS = {
    0: ["model", "errors", "settings"],
    1: [
        "url",
        "sites",
        "extract",
        "page",
        "judge",
        "titles",
        "memory",
        "network",
        "plan",
        "politeness",
        "diff",
        "fix",
        "saved",
    ],
    2: ["config", "notes", "git", "fetch", "store", "report", "browser", "wayback", "notify"],
    3: [
        "job",
        "keeper",
        "pipeline",
        "visit",
        "pictures",
        "importing",
        "rendering",
        "lookback",
        "session",
        "prepare",
        "rejudge",
        "export",
        "checking",
    ],
    4: ["cli", "demo", "viewer", "__main__"],
}
LAYER_OF = {room: layer for layer, rooms in LAYERS.items() for room in rooms}
PURE = {room for layer in (0, 1) for room in LAYERS[layer]}
IMPURE_MODULES = {"trio", "httpx", "httpcore", "sqlite3", "pathlib", "os", "random", "time", "socket", "subprocess"}


def room_of(file: Path) -> str:
    return file.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports_of(file: Path) -> set[str]:
    """Absolute dotted names that a file imports, at any depth of nesting."""
    found = set()
    package = ("crawler", *file.relative_to(HOUSE).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            found.add(module)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported_by(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports_of(file) if name.startswith("crawler.")} & LAYER_OF.keys()


FILES = sorted(f for f in HOUSE.rglob("*.py") if f != HOUSE / "__init__.py" and "_config" not in f.parts)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(HOUSE)))
def test_imports_point_downwards_only(file: Path) -> None:
    room = room_of(file)
    assert room in LAYER_OF, f"{room} has no layer yet: give it one in tests/test_layers.py and ARCHITECTURE.md"
    layer = LAYER_OF[room]
    for other in rooms_imported_by(file) - {room}:
        below = LAYER_OF[other] < layer
        beside = LAYER_OF[other] == layer and layer != 2
        assert below or beside, f"{room} (layer {layer}) imports {other} (layer {LAYER_OF[other]})"


@pytest.mark.parametrize("file", [f for f in FILES if room_of(f) in PURE], ids=lambda f: str(f.relative_to(HOUSE)))
def test_the_core_has_no_io_no_clock_and_no_randomness(file: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(file)} & IMPURE_MODULES
    text = file.read_text(encoding="utf-8")
    assert "datetime.now(" not in text
    assert "utcnow(" not in text


def test_rooms_of_the_core_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for file in FILES:
        room = room_of(file)
        if room in PURE:
            graph.setdefault(room, set()).update(rooms_imported_by(file) - {room})
    done: set[str] = set()

    def visit(room: str, path: tuple[str, ...]) -> None:
        assert room not in path, " -> ".join((*path, room))
        if room not in done:
            for other in graph.get(room, ()):
                visit(other, (*path, room))
            done.add(room)

    for room in graph:
        visit(room, ())
