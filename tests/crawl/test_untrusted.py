"""What a stranger's configuration may say, and whose word counts in its place."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crawler.core.settings import Settings
from crawler.crawl.untrusted import ALL, REFUSED, REFUSED_OF_HOSTS, is_inside, merged

EVIL: list[tuple[str, str, Any]] = [
    ("fetch", "resolve", {"*:443": "127.0.0.1:1"}),
    ("fetch", "proxy", "http://evil.example:3128"),
    ("fetch", "ca_bundle", "evil.pem"),
    ("fetch", "cookies", "/home/me/cookies.txt"),
    ("fetch", "headers", {"Authorization": "x"}),
    ("fetch", "allow_private", True),
    ("fetch", "user_agent", "evil"),
    ("fetch", "second_opinion", "browser"),
    ("sites", "path", "sites"),
    ("notify", "webhook", "https://evil.example/"),
    ("notify", "feed", "/tmp/feed.xml"),
    ("notify", "urls", ["mailto://evil.example"]),
    ("wayback", "endpoint", "https://evil.example"),
    ("wayback", "keys", "env:GITHUB_TOKEN"),
    ("wayback", "submit", True),
    ("archive", "path", "/tmp/evil"),
    ("archive", "store", "https://evil.example"),
    ("report", "path", "/etc"),
    ("report", "formats", ["html"]),
    ("serve", "host", "0.0.0.0"),
    ("read", "memory", "900GB"),
    ("read", "seconds", 9999),
    ("notes", "ignore", ["(a+)+$"]),
    ("notes", "rewrite", {"^": "https://evil.example/"}),
]


@pytest.mark.parametrize(("table", "key", "value"), EVIL)
def test_a_key_of_a_stranger_is_ignored_and_named(tmp_path: Path, table: str, key: str, value: Any) -> None:
    result, ignored = merged({table: {key: value}}, {}, tmp_path)
    assert key not in result.get(table, {})
    assert ignored == [f"[{table}] {key}"]


@pytest.mark.parametrize(("table", "key", "value"), EVIL)
def test_the_bases_word_counts_instead(tmp_path: Path, table: str, key: str, value: Any) -> None:
    assert merged({table: {key: value}}, {table: {key: "base"}}, tmp_path)[0][table][key] == "base"
    assert merged({}, {table: {key: "base"}}, tmp_path) == ({table: {key: "base"}}, [])
    assert merged({table: {key: value}}, {table: {key: value}}, tmp_path)[1] == []


@pytest.mark.parametrize("key", REFUSED_OF_HOSTS)
def test_a_strangers_word_on_a_host_is_ignored(tmp_path: Path, key: str) -> None:
    tree = {"host": {"a.example": {key: "evil", "interval": 2}}}
    result, ignored = merged(tree, {"host": {"b.example": {key: "good"}}}, tmp_path)
    assert result == {"host": {"a.example": {"interval": 2}, "b.example": {key: "good"}}}
    assert ignored == [f'[host."a.example"] {key}']


@pytest.mark.parametrize("place", ["/etc", "../elsewhere", "link", "link/deeper", ".git", ".git/hooks"])
@pytest.mark.parametrize("key", ["paths", "root"])
def test_places_outside_of_the_repository_are_ignored(tmp_path: Path, place: str, key: str) -> None:
    top = tmp_path / "repo"
    (top / ".git").mkdir(parents=True)
    (top / "link").symlink_to(tmp_path)
    assert not is_inside(top / place, top)
    result, ignored = merged({"notes": {key: [str(top / place)]}}, {"notes": {key: ["base"]}}, top)
    assert result["notes"][key] == ["base"]
    assert ignored == [f"[notes] {key}"]


def test_what_only_chooses_notes_and_pace_is_the_strangers_own(tmp_path: Path) -> None:
    tree = {
        "notes": {"paths": [str(tmp_path / "posts")], "include": ["*.md"], "exclude": ["x"]},
        "fetch": {"timeout": 5},
        "report": {"language": "zh"},
    }
    assert merged(tree, {}, tmp_path) == (tree, [])


def test_every_table_and_key_that_is_refused_exists_or_will(tmp_path: Path) -> None:
    tables = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for table, keys in REFUSED.items():
        if table in tables and keys != (ALL,):
            known = {field.name for field in msgspec.structs.fields(tables[table])}
            later = {"second_opinion", "store"}  # of the fixed configuration, read by other parts of the program
            assert set(keys) <= known | later


def test_every_table_is_judged() -> None:
    """A new table or path is decided on here before it ships."""
    known = {field.name for field in msgspec.structs.fields(Settings)}
    assert known <= {*REFUSED, "schedule", "host"}
