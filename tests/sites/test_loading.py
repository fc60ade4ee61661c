"""Site files are read strictly: every mistake is named with file, place and key."""

import re
from typing import Any

import pytest

from crawler.core.errors import ConfigError
from crawler.judge import check_site
from crawler.sites import Site, load_sites

GOOD: dict[str, Any] = {"hosts": ["a.org"]}
ROW = {"id": "gone", "state": "dead", "reason": "not-found"}


def loaded(document: dict[str, Any], *later: dict[str, Any]) -> Site:
    sites = load_sites([("a.toml", GOOD | document), *(("mine/a.toml", d) for d in later)])
    site = sites.named("a")
    assert site is not None
    return site


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"rowz": []}, r"a\.toml: unknown key 'rowz'; did you mean 'row'\?"),
        (
            {"row": [ROW | {"statuss": 404}]},
            r"a\.toml: \[\[row\]\] 1 \(gone\): unknown key 'statuss'; did you mean 'status'",
        ),
        (
            {"row": [ROW, ROW | {"id": "b", "xyzzy": 1}]},
            r"\[\[row\]\] 2 \(b\): unknown key 'xyzzy'; known are id, state",
        ),
        ({"row": [ROW | {"state": "ded"}]}, r"\[\[row\]\] 1 \(gone\): key 'state': Invalid enum value 'ded'"),
        ({"row": [{"id": "x"}]}, r"\[\[row\]\] 1 \(x\): Object missing required field `state`"),
        ({"row": [ROW, ROW]}, r"\[\[row\]\] 2 \(gone\): there is another \[\[row\]\] of that name above"),
        ({"row": ROW}, r"a\.toml: row is written as \[\[row\]\]"),
        ({"row": ["x"]}, r"\[\[row\]\] 1 is not a table"),
        ({"politeness": {"intervall": 1}}, r"\[politeness\]: unknown key 'intervall'; did you mean 'interval'"),
        ({"politeness": {"interval": "slow"}}, r"\[politeness\]: key 'interval': Expected `float"),
        ({"page": {"title": [{"css": "a", "meta": "b"}]}}, r"\[page\] title: a source has exactly one of css, meta"),
        ({"value": {"x": {"cs": "a"}}}, r"\[value\] x: unknown key 'cs'; did you mean 'css'"),
        ({"value": {"x": {"object": "a"}}}, r"\[value\] x: 'object' needs 'key'"),
        ({"value": {"x": {"json": "a"}}}, r"'json' needs 'path'"),
        ({"value": {"x": 3}}, r"a\.toml: key 'value"),
        ({"value": 3}, r"a\.toml: key 'value'"),
        ({"kind": [{"name": "k", "url": "("}]}, r"a\.toml: \[\[kind\]\] k: bad regex '\('"),
        ({"canonical": [{"path": "*"}]}, r"a\.toml: path of a step for all hosts: bad regex '\*'"),
        ({"canonical": [{"path": "/(a)", "set_path": "/\\2"}]}, r"set_path '/\\\\2' names a group that is not there"),
        ({"hosts": []}, r"a\.toml: no hosts"),
        ({"hosts": 3}, r"a\.toml: key 'hosts\[0\]': Expected `str`"),
    ],
)
def test_a_mistake_is_named_with_file_place_and_key(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        loaded(document)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"row": [ROW | {"has": "div["}]}, r"a\.toml: \[\[row\]\] 1 \(gone\): bad selector 'div\['"),
        ({"row": [ROW | {"says": {"p:contains('x')": "y"}}]}, r"bad selector \"p:contains"),
        ({"row": [ROW | {"final_url": "("}]}, r"\[\[row\]\] 1 \(gone\): bad regex '\('"),
        ({"row": [ROW | {"header": {"server": "["}}]}, r"\[\[row\]\] 1 \(gone\): bad regex '\['"),
        ({"row": [ROW | {"equals": {"tilte": "x"}}]}, r"no \[value\] and no \[page\] field is named 'tilte'"),
        ({"row": [ROW | {"follow": "where"}]}, r"is named 'where'"),
        ({"row": [ROW | {"kind": "post"}]}, r"no \[\[kind\]\] is named 'post'"),
        ({"row": [ROW | {"status": "40x"}]}, r"key 'status': '40x' is neither"),
        ({"error_zone": ["<p>"]}, r"error_zone or hidden: bad selector '<p>'"),
        ({"value": {"x": {"css": "a", "pick": "b"}}}, r"\[value\] x: key 'pick': 'b' has no group"),
        ({"value": {"x": {"css": "a", "strip": "+"}}}, r"\[value\] x: bad regex '\+'"),
        ({"page": {"text": {"css": "a", "drop": "]"}}}, r"\[page\] text: bad selector '\]'"),
        ({"follow_only": "("}, r"a\.toml: follow_only: bad regex"),
    ],
)
def test_what_only_a_page_would_use_is_checked_before_any_page(document: dict[str, Any], message: str) -> None:
    site = loaded(document)
    with pytest.raises(ConfigError, match=message):
        check_site(site)


def test_a_list_of_one_needs_no_brackets() -> None:
    site = loaded(
        {"hosts": "a.org", "row": [ROW | {"status": 404, "has": "p", "says": {"h1": "x"}}], "page": {"title": "h1"}}
    )
    assert site.file.hosts == ("a.org",)
    assert site.rows[0].status == (404,)
    assert site.rows[0].says == {"h1": ("x",)}
    assert site.page["title"][0].css == "h1"


def test_the_name_is_the_files_own_unless_it_says_another() -> None:
    assert [site.name for site in load_sites([("/etc/sites/b.c.toml", GOOD)])] == ["b.c"]
    assert [site.name for site in load_sites([("b.toml", GOOD | {"name": "blog"})])] == ["blog"]


def test_a_later_file_of_the_same_name_overrides_and_extends() -> None:
    site = loaded(
        {
            "politeness": {"interval": 5.0, "patience": 3},
            "page": {"title": "h1", "text": ".body"},
            "row": [ROW, ROW | {"id": "alive", "state": "alive"}],
        },
        {
            "hosts": ["b.org"],
            "politeness": {"interval": 1.0},
            "page": {"title": "h2"},
            "row": [ROW | {"id": "mine"}, ROW | {"reason": "gone"}],
        },
    )
    assert site.file.hosts == ("a.org", "b.org")
    assert (site.interval, site.patience) == (1.0, 3)
    assert (site.page["title"][0].css, site.page["text"][0].css) == ("h2", ".body")
    assert [(row.id, row.reason) for row in site.rows] == [
        ("mine", "not-found"),
        ("gone", "gone"),
        ("alive", "not-found"),
    ]


def test_what_a_file_does_not_say_of_politeness_is_left_to_others() -> None:
    site = loaded({})
    said = (site.per_host, site.interval, site.timeout, site.patience, site.max_per_run, site.max_per_day)
    assert set(said) == {None}
    assert re.fullmatch("", site.image_referer)
