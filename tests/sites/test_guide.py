"""The guide for people who write site files says what the loader knows, no more and no less."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from crawler.judge import check_site
from crawler.judge.conditions import CONDITIONS
from crawler.sites import load_sites
from crawler.sites.schema import (
    Example,
    FieldSource,
    IdentityStep,
    PageKind,
    PageTable,
    PolitenessTable,
    Rule,
    SiteFile,
    Table,
)

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "site-rules.md").read_text("utf-8")
TABLES: list[type[Table]] = [SiteFile, PolitenessTable, IdentityStep, PageKind, Example, FieldSource, PageTable, Rule]
KEYS = sorted({(table, field.encode_name) for table in TABLES for field in msgspec.structs.fields(table)}, key=str)


@pytest.mark.parametrize(("table", "key"), KEYS, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_every_key_stands_in_the_guide(table: type[Table], key: str) -> None:
    assert re.search(rf"`{key}`|\[\[?{key}\]", GUIDE)


def test_every_key_that_the_guide_explains_in_a_table_is_known() -> None:
    explained = {
        key for cell in re.findall(r"(?m)^\| (`.*?`(?:, `.*?`)*) \|", GUIDE) for key in re.findall(r"`(\w+)`", cell)
    }
    assert explained - {key for _, key in KEYS} == set()


def test_every_condition_of_a_row_is_implemented() -> None:
    outcome = {"id", "state", "reason", "confidence", "confirmations", "limited", "follow"}
    assert {key for key, _ in CONDITIONS} | {"status"} == set(Rule.__struct_fields__) - outcome


def test_the_small_file_of_the_guide_loads_and_its_example_is_true() -> None:
    toml = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert toml
    sites = load_sites([("example.toml", tomllib.loads(toml[1]))])
    site = sites.named("example")
    assert site is not None
    check_site(site)
    for example in site.examples:
        assert sites.identify(example.url).canonical_url == example.canonical
        assert site.kind_of(example.canonical)[0] == example.kind


@pytest.mark.parametrize("site", sorted(file.stem for file in (ROOT / "config" / "sites").glob("*.toml")))
def test_what_a_shipped_site_file_covers_and_by_which_page_is_listed(site: str) -> None:
    listed = (ROOT / "docs" / "sites.md").read_text("utf-8")
    covered, seen = listed.split("## Where title, author, date and text come from")
    assert all(re.search(rf"(?m)^\|[^|]*\b{site}\b", table) for table in (covered, seen))
