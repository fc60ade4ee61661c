"""Site files are read strictly: every mistake is named with file, place and key."""

import re
from typing import Any

import pytest

from crawler.core.errors import ConfigError
from crawler.judge import check_site
from crawler.sites import Site, failed_examples, load_sites

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
        ({"canonical": [{"path": "*"}]}, r"a\.toml: \[\[canonical\]\] 1: path of a step for all hosts: bad regex '\*'"),
        ({"canonical": [{"path": "/(a)", "set_path": "/\\2"}]}, r"set_path '/\\\\2' names a group that is not there"),
        ({"hosts": []}, r"a\.toml: no hosts"),
        ({"hosts": "https://a.org"}, r"a\.toml: hosts: 'https://a.org' is not the name of a host .*; write a\.org"),
        ({"hosts": "A.org"}, r"hosts: 'A.org' is not the name of a host .*; write a\.org"),
        ({"hosts": "a.org:8080"}, r"hosts: 'a.org:8080' is not .*; write a\.org"),
        ({"hosts": "*.b.org/x"}, r"hosts: '\*\.b.org/x' is not .*; write \*\.b\.org"),
        ({"hosts": "*.b.*"}, r"hosts: '\*\.b\.\*' is not the name of a host"),
        ({"hosts": "书.org"}, r"hosts: '书.org' is not .*; write xn--1jq\.org"),
        ({"fetch": [{"host": "http://a.org"}]}, r"a\.toml: \[\[fetch\]\] 1: host: 'http://a.org' is not"),
        ({"canonical": [{"set_host": "a b"}]}, r"\[\[canonical\]\] 1: set_host: 'a b' is not"),
        (
            {"row": [ROW | {"reason": "not found"}]},
            r"\[\[row\]\] 1 \(gone\): key 'reason': 'not found' is not lower-case",
        ),
        ({"rule": [ROW | {"id": "Gone!"}]}, r"\[\[rule\]\] 1 \(Gone!\): key 'id': 'Gone!' is not"),
        ({"rule": [ROW], "row": [ROW]}, r"a\.toml: \[\[row\]\] is the old name of \[\[rule\]\]; use one of them"),
        ({"rulez": []}, r"a\.toml: unknown key 'rulez'; did you mean 'rule'\?"),
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
        ({"row": [ROW | {"has": "div["}]}, r"a\.toml: \[\[rule\]\] 1 \(gone\): bad selector 'div\['"),
        ({"row": [ROW | {"says": {"p:contains('x')": "y"}}]}, r"bad selector \"p:contains"),
        ({"row": [ROW | {"final_url": "("}]}, r"\[\[rule\]\] 1 \(gone\): bad regex '\('"),
        ({"row": [ROW | {"header": {"server": "["}}]}, r"\[\[rule\]\] 1 \(gone\): bad regex '\['"),
        ({"row": [ROW | {"equals": {"tilte": "x"}}]}, r"no \[value\] and no \[page\] field is named 'tilte'"),
        ({"row": [ROW | {"follow": "where"}]}, r"is named 'where'"),
        ({"row": [ROW | {"kind": "post"}]}, r"no \[\[kind\]\] is named 'post'"),
        ({"row": [ROW | {"status": "40x"}]}, r"key 'status': '40x' is neither"),
        ({"error_zone": ["<p>"]}, r"error_zone: bad selector '<p>'"),
        ({"value": {"x": {"css": "a", "pick": "b"}}}, r"\[value\] x: key 'pick': 'b' has no group"),
        ({"value": {"x": {"css": "a", "strip": "+"}}}, r"\[value\] x: bad regex '\+'"),
        ({"page": {"text": {"css": "a", "drop": "]"}}}, r"\[page\] text: bad selector '\]'"),
        ({"follow_only": "("}, r"a\.toml: follow_only: bad regex"),
        (
            {"rule": [ROW | {"has": ".post-{idd}"}]},
            r"\[\[rule\]\] 1 \(gone\): \{idd\} in '.post-\{idd\}' is the ID of no",
        ),
        (
            {"value": {"x": {"json": "a", "path": "b.{nr}"}}},
            r"\[value\] x: \{nr\} in 'b.\{nr\}' is the ID of no \[\[kind\]\]",
        ),
        ({"rule": [ROW | {"notice": "gone"}]}, r"\[\[rule\]\] 1 \(gone\): key 'notice' needs an error_zone"),
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
    assert site.rules[0].status == (404,)
    assert site.rules[0].says == {"h1": ("x",)}
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
    assert [(row.id, row.reason) for row in site.rules] == [
        ("mine", "not-found"),
        ("gone", "gone"),
        ("alive", "not-found"),
    ]


def test_what_a_file_does_not_say_of_politeness_is_left_to_others() -> None:
    site = loaded({})
    said = (site.per_host, site.interval, site.timeout, site.patience, site.max_per_run, site.max_per_day)
    assert set(said) == {None}
    assert re.fullmatch("", site.image_referer)


def test_rules_may_be_called_rows_as_they_once_were() -> None:
    old = loaded({"row": [ROW | {"confirm_looks": 2}]})
    new = loaded({"rule": [ROW | {"confirmations": 2}]})
    assert old.rules == new.rules
    assert new.rules[0].confirmations == 2


def test_a_later_file_may_say_less_than_an_earlier_one() -> None:
    site = loaded(
        {
            "other_pages": "generic",
            "error_zone": [".error"],
            "hidden": [".a11y"],
            "follow_only": "https://a.org/.+",
            "politeness": {"patience": 3, "headers": {"X": "y"}, "image_referer": "https://a.org/"},
            "page": {"title": "h1", "text": ".body"},
        },
        {
            "other_pages": "unknown",
            "error_zone": [],
            "hidden": [],
            "follow_only": "",
            "politeness": {"headers": {}, "image_referer": ""},
            "page": {"title": []},
        },
    )
    file = site.file
    assert (file.other_pages, file.error_zone, file.hidden, file.follow_only) == ("unknown", (), (), "")
    assert (site.headers, site.image_referer, site.patience) == ({}, "", 3)
    assert (site.page["title"], site.page["text"][0].css) == ((), ".body")


def test_what_a_later_file_does_not_say_stays() -> None:
    said = {"other_pages": "generic", "error_zone": [".error"], "hidden": [".a11y"], "follow_only": "x"}
    assert loaded(said, {"hosts": ["b.org"]}).file.error_zone == (".error",)
    assert loaded(said, {}).file == loaded(said).file


def test_a_kind_is_replaced_in_its_place_and_new_ones_go_first() -> None:
    kinds = [{"name": name, "url": f"https://a.org/{name}"} for name in ("post", "list")]
    mine = [{"name": "list", "url": "https://a.org/l"}, {"name": "new", "url": "https://a.org/n"}]
    site = loaded({"kind": kinds}, {"kind": mine})
    assert [kind.url for kind in site.file.kind] == ["https://a.org/n", "https://a.org/post", "https://a.org/l"]


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        ({"rule": [ROW | {"id": "mine", "has": "div["}]}, r"^mine/a\.toml: \[\[rule\]\] mine: bad selector"),
        ({"page": {"title": "div["}}, r"^mine/a\.toml: \[page\] title: bad selector"),
        ({"error_zone": "div["}, r"^mine/a\.toml: error_zone: bad selector"),
        ({"kind": [{"name": "k", "url": "("}]}, r"^mine/a\.toml: \[\[kind\]\] k: bad regex"),
    ],
)
def test_an_error_names_the_file_that_says_it(mine: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_site(loaded({"rule": [ROW]}, mine))


def test_a_host_belongs_to_one_site() -> None:
    with pytest.raises(ConfigError, match=r"^mine/b\.toml: hosts: 'a\.org' belongs to a; .* call your file a\.toml"):
        load_sites([("a.toml", GOOD), ("mine/b.toml", {"hosts": ["b.org", "a.org"]})])
    assert len(list(load_sites([("a.toml", GOOD), ("b.toml", {"hosts": ["*.a.org"]})]))) == 2


def test_examples_that_are_not_so_are_named() -> None:
    kind = [{"name": "post", "url": r"https://a\.org/post/\d+"}]
    wrong = {"url": "https://a.org/post/1?utm_x=1", "canonical": "https://a.org/post/2", "kind": "list"}
    right = {"url": "https://a.org/post/1?utm_x=1", "canonical": "https://a.org/post/1", "kind": "post"}
    sites = load_sites([("a.toml", GOOD | {"kind": kind, "example": [right, wrong]})])
    assert failed_examples(sites) == [
        "a.toml: [[example]] https://a.org/post/1?utm_x=1: canonical is 'https://a.org/post/1', not 'https://a.org/post/2'",
        "a.toml: [[example]] https://a.org/post/1?utm_x=1: kind is 'post', not 'list'",
    ]
