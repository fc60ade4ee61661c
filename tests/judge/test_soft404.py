"""Pages that answer 200 and are none: missing, broken, parked, stock pages, shells; and living look-alikes."""

import pytest
from answers import MENU, PAGES, PROSE, fetch_of, judged, named, pages

from crawler.core.model import Proof, State
from crawler.judge.soft404 import says_missing


@pytest.mark.parametrize("title", PAGES["titles"]["missing"])
@pytest.mark.parametrize("around", ["", MENU, MENU * 3], ids=["nothing", "menu", "long menu"])
def test_a_whole_part_of_the_title_says_it_at_any_length_of_the_page(title: str, around: str) -> None:
    verdict = judged(fetch_of(f"<title>{title}</title>{around}<p>Try the search.</p>"))
    assert (verdict.state, verdict.reason, verdict.confidence) == (State.SUSPECT, "soft-404", "low")


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Page not found | Help | Ferry", True),
        ("Ferry | Page not found | Help", True),
        ("Ferry | Help | Page not found", True),
        ("Ferry | Help | Ships | Page not found", True),
        ("Ferry | Help | Page not found | Ships", False),  # neither an end nor the part that follows a site's name
    ],
)
def test_the_first_two_parts_of_a_title_and_the_last_may_say_it(title: str, said: bool) -> None:
    html = f"<title>{title}</title>{MENU}<p>Try the search.</p>"
    assert (named(fetch_of(html)) == "suspect/soft-404") is said


@pytest.mark.parametrize("html", pages("missing"))
def test_a_heading_or_a_notice_says_it_where_only_menus_stand_round_it(html: str) -> None:
    assert named(fetch_of(html)) == "suspect/soft-404"


def test_an_object_store_that_has_nothing_says_so_in_xml() -> None:
    xml = "<?xml version='1.0'?><Error><Code>{}</Code><Message>x</Message></Error>"
    store = "application/xml"
    assert named(fetch_of(xml.format("NoSuchBucket"), content_type=store)) == "suspect/soft-404"
    assert named(fetch_of(xml.format("AccessDenied"), content_type=store)) == "blocked/forbidden"
    assert named(fetch_of("<feed><entry>NoSuchBucket</entry></feed>", content_type=store)) == "alive/ok"


@pytest.mark.parametrize(
    ("html", "name"),
    [
        ("<b>Fatal error</b>: Uncaught Error: no such function in /var/www/x.php:12", "suspect/server-error"),
        ("PHP Parse error: syntax error in /var/www/x.php on line 3", "suspect/server-error"),
        ("<p>Fatal error in the engine room, on line 3 of the log.</p>", "alive/ok"),
        (f"<b>Fatal error</b>: no such file in /var/www/x.php on line 3{PROSE}", "alive/ok"),
    ],
)
def test_an_error_that_is_printed_in_the_place_of_a_page_is_the_servers(html: str, name: str) -> None:
    assert named(fetch_of(html)) == name


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", "404 page not found\n"),
        ("text/plain; charset=utf-8", "404: Not Found"),
        ("text/plain", "文章不存在"),
        ("application/json", '{"code":404,"message":"x"}'),
        ("application/json", '{"success": false, "error": {"status": "404"}}'),
        ("application/problem+json", '{"title": "Not Found"}'),
        ("application/json", '{"code": 10404, "msg": "文章不存在"}'),
        ("application/json", '{"error": "page_not_found"}'),
        ("text/html", '{"code": 404, "message": "Not Found"}'),
        ("image/jpeg", "<!doctype html><title>404 Not Found</title><h1>Not Found</h1>"),
        ("application/pdf", "<html><head><title>文章不存在</title></head><body><h1>文章不存在</h1></body></html>"),
    ],
)
def test_a_text_or_json_that_says_nothing_else_says_it_too(content_type: str, body: str) -> None:
    assert named(fetch_of(body, content_type=content_type)) == "suspect/soft-404"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", "Not found here: a list of 404 birds that were not found.\n"),
        ("application/json", '{"code": 0, "message": "success", "title": "Ferries"}'),
        ("application/json", '{"code": 404, "message": "x", "list": [' + "1," * 1000 + "1]}"),
        ("application/json", '["Not Found"]'),
        ("application/json", '{"a":' * 300 + "1" + "}" * 300),
        ("application/json", "{not json}"),
        ("text/html", "{<p>" + "A page that opens with a brace. " * 10),
    ],
)
def test_other_texts_and_json_live(content_type: str, body: str) -> None:
    assert named(fetch_of(body, content_type=content_type)) == "alive/ok"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR404 page not found"),
        ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 Not Found"),
        ("application/pdf", b"%PDF-1.4\n<title>404 Not Found</title>"),
        ("application/pdf", b"<title>404 Not Found</title>\n%PDF-1.4\n"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><title>404 Not Found</title></svg>"),
        ("audio/mpeg", b"ID3\x04\x00\x00\x00 not found"),
        ("audio/mpegurl", b"#EXTM3U\nhttps://radio.example/404.mp3\n"),
        ("text/plain", b"<!doctype html><title>404 Not Found</title><h1>Not Found</h1>"),
    ],
)
def test_what_is_what_its_type_says_lives(content_type: str, body: bytes) -> None:
    assert named(fetch_of(body, content_type=content_type)) == "alive/ok"


@pytest.mark.parametrize("html", pages("living", "missing"))
def test_articles_about_missing_pages_live(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Application error | Heroku", "server-error"),
        ("502 Bad Gateway", "server-error"),
        ("Error establishing a database connection", "server-error"),
        ("Internal Server Error", "server-error"),
        ("Ferry › Maintenance", "temporarily-unavailable"),
        ("网站维护中", "temporarily-unavailable"),
        ("Site under maintenance", "temporarily-unavailable"),
        ("This site is currently unavailable", "temporarily-unavailable"),
    ],
)
def test_an_error_of_the_server_that_is_served_with_200_is_suspect(title: str, reason: str) -> None:
    fetch = fetch_of(f"<title>{title}</title><p>Come back later.</p>")
    assert named(fetch) == f"suspect/{reason}"
    assert judged(fetch).evidence.proof is Proof.WAY  # so that it dies of no repetition
    assert named(fetch_of(f"<title>{title}</title>{PROSE}")) == "alive/ok"


@pytest.mark.parametrize("title", ["Error 404 (Not Found)!!1", "Nothing found for Ferry 2015 - Blog", "该网站已停用"])
def test_more_titles_of_pages_that_are_gone(title: str) -> None:
    menu = "<li><a href=/c>Boots and shoes for the family</a></li>" * 70
    assert named(fetch_of(f"<title>{title}</title><p>Sorry.</p><ul>{menu}</ul>")).startswith("suspect/")


def test_a_sentence_must_say_it_as_a_whole() -> None:
    assert says_missing("page not found")
    assert not says_missing("page not found, a history")
    assert not says_missing("the page that was not found in time by its readers")


@pytest.mark.parametrize("html", pages("offer"))
def test_an_offer_of_the_domain_is_suspect(html: str) -> None:
    assert named(fetch_of(html)) == "suspect/parked-domain"


@pytest.mark.parametrize("html", pages("living", "offer"))
def test_articles_and_shops_that_sell_live(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"


@pytest.mark.parametrize(
    "title",
    [
        "Welcome to nginx!", "Apache2 Ubuntu Default Page: It works", "Test Page for the Apache HTTP Server", "IIS7",
        "Heroku | No such app", "Site not found · GitHub Pages", "Account Suspended", "Web Server's Default Page",
        "Domain Default page", "没有找到站点", "网站未备案", "Default Web Site Page", "Website suspended",
    ],
)  # fmt: skip
def test_a_stock_page_of_a_server_or_host_is_suspect(title: str) -> None:
    assert named(fetch_of(f"<title>{title}</title><h1>{title}</h1><p>If you are the owner, log in.</p>")).startswith(
        "suspect/"
    )


# --- shells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("html", pages("shell"))
def test_a_shell_that_a_script_fills_is_unknown(html: str) -> None:
    assert named(fetch_of(html)) == "unknown/needs-javascript"


@pytest.mark.parametrize("html", pages("living", "shell"))
def test_pictures_and_what_is_served_to_readers_without_scripts_are_content(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"
