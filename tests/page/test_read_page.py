"""Pages of unknown sites: title, text, pictures, metadata; and what hostile bytes do not do."""

import json

import pytest

from crawler.page import digest_of, read_page
from crawler.page.document import Document
from crawler.sites import load_sites

URL = "https://blog.example/2020/ferry"
PROSE = [
    "清晨的河面上浮着一层薄雾，渡船还没有开，等船的人三三两两地站着说话，谁也不着急。",
    "老周说，这条河他走了四十年，哪里水深、哪里有沙洲，闭着眼睛也知道；可是桥要通车了。",
    "他把缆绳盘好，放在船头，像过去每一天那样，等着第一个客人走下石阶来。",
]
SOME_SITE = {
    "name": "some",
    "hosts": ["blog.example"],
    "page": {
        "text": ["#content"],
        "images": [{"object": "window.data", "key": "pictures.cdn_url", "all": True}],
    },
}
ARTICLE = "".join(f"<p>{line}</p>" for line in PROSE)
MENU = "<ul>" + "".join(f'<li><a href="/{i}">栏目{i}</a></li>' for i in range(30)) + "</ul>"


def page_of(html: str, content_type: str = "text/html; charset=utf-8"):
    return read_page(Document(html.encode(), content_type, URL), None, URL)


def whole(body: str, head: str = "<title>渡口 - 某某的博客</title>") -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


def test_the_article_is_found_among_menus_sidebars_and_comments() -> None:
    comment = "<p>写得真好，我小时候也坐过这样的渡船，五分钱一次，船上还有鸡鸭，热闹极了，现在想来像梦一样。</p>"
    page = page_of(
        whole(
            f"<nav>{MENU}</nav><div class='wrap'><div class='post-body'><h2>一</h2>{ARTICLE}"
            f"<div class='share-buttons'>分享到：微博 微信</div></div><div class='sidebar'>{MENU}</div>"
            f"<div class='comments'>{comment * 4}</div></div><footer>版权所有，未经许可不得转载，违者必究</footer>"
        )
    )
    assert page.text == "\n".join(["一", *PROSE])
    assert page.title == "渡口"
    assert "share" not in page.html


def test_pictures_come_from_the_markup_and_then_from_what_only_scripts_name() -> None:
    site = load_sites([("some.toml", SOME_SITE)]).for_url(URL)
    names = ",".join(f"{{cdn_url: 'https://i.example/{n}/0?a=1&amp;amp;b=2'}}" for n in (1, 2))
    html = whole(
        f'<div id="content">{ARTICLE}<img data-src="https://i.example/1/0?a=1&amp;b=3"></div>'
        f"<script>window.data = {{pictures: [{names}]}}</script>"
    )
    page = read_page(Document(html.encode(), "text/html", URL), site, URL)
    assert page.images == ("https://i.example/1/0?a=1&b=3", "https://i.example/2/0?a=1&b=2")


def test_an_article_hidden_by_visibility_is_read_and_shown() -> None:
    page = page_of(whole(f'<div id="content" style="visibility: hidden; opacity: 0;">{ARTICLE}</div>'))
    assert page.text == "\n".join(PROSE)
    assert "visibility" not in page.html


def test_what_is_not_displayed_and_scripts_are_no_text() -> None:
    hidden = '<p style="display:none">' + PROSE[0] * 3 + "</p><script>var a = '" + PROSE[1] * 5 + "'</script>"
    page = page_of(whole(f"<div>{hidden}{ARTICLE}</div>"))
    assert page.text == "\n".join(PROSE)


def test_a_page_without_prose_still_gives_its_words() -> None:
    page = page_of(whole("<p>四个字。</p>"))
    assert page.text == "四个字。"
    assert page.html == ""


def test_names_of_boxes_are_not_believed_where_nothing_else_is_left() -> None:
    page = page_of(whole(f'<div class="related">{ARTICLE}</div>'))
    assert page.text == "\n".join(PROSE)


def test_line_breaks_and_preformatted_lines_stay_lines() -> None:
    page = page_of(whole(f"<div>{ARTICLE}<p>甲<br>乙</p><pre>a = 1\n  b = 2</pre></div>"))
    assert page.text.endswith("甲\n乙\na = 1\n  b = 2")


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ('<meta property="og:title" content="渡口"><title>渡口_新闻_某网</title>', "", "渡口"),
        (
            '<meta property="og:title" content="他叫它"><title>他叫它"老伙计"_某网</title>',
            '<h1>他叫它"老伙计"</h1>',
            '他叫它"老伙计"',
        ),
        ("<title>河上最后的渡船 - 知乎</title>", "", "河上最后的渡船"),
        ("<title>河上最后的渡船_地方_某网</title>", "", "河上最后的渡船"),
        ("<title>某网</title>", "<h1>渡口</h1>", "某网"),
        ('<meta property="og:site_name" content="某网"><meta property="og:title" content="渡口 - 某网">', "", "渡口"),
        ("<title>Well-known ferries</title>", "", "Well-known ferries"),
        ("<title></title>", "<h1>渡口</h1>", "渡口"),
        ("", "", ""),
    ],
)
def test_the_title_is_the_articles_own(head: str, body: str, title: str) -> None:
    assert page_of(whole(body + ARTICLE, head)).title == title


def test_json_ld_tells_author_time_and_picture() -> None:
    data = {
        "@graph": [
            {"@type": "WebSite", "name": "x"},
            {
                "@type": ["NewsArticle"], "headline": "Ferry", "datePublished": "2020-01-02T03:04:05Z",
                "author": [{"name": "Jane"}, {"name": "Joe"}], "image": {"url": "/lead.jpg"},
            },
        ]
    }  # fmt: skip
    page = page_of(whole(ARTICLE, f'<script type="application/ld+json">{json.dumps(data)}</script>'))
    assert (page.title, page.author, page.published) == ("Ferry", "Jane, Joe", "2020-01-02T03:04:05Z")
    assert page.lead_image == "https://blog.example/lead.jpg"


@pytest.mark.parametrize("junk", ["{", "[" * 5_000 + "]" * 5_000, '{"@graph": 3}', "null", '{"@type": {"a": 1}}'])
def test_broken_json_ld_is_passed_over(junk: str) -> None:
    assert (
        page_of(whole(ARTICLE, f'<title>渡口</title><script type="application/ld+json">{junk}</script>')).title
        == "渡口"
    )


def test_metas_and_bylines_tell_author_and_time() -> None:
    assert page_of(whole(ARTICLE, '<meta name="author" content="张三">')).author == "张三"
    page = page_of(whole(f"<p>作者：李四　2019年9月7日 13:43</p>{ARTICLE}"))
    assert (page.author, page.published) == ("李四", "2019-09-07T13:43:00+08:00")


def test_pictures_are_absolute_real_and_in_reading_order() -> None:
    pictures = (
        '<img src="data:image/svg+xml,x" data-actualsrc="/a.jpg"><noscript><img src="/a-copy.jpg"></noscript>'
        '<img data-src="//img.example/b.png"><img srcset="c-1.jpg 320w, c-2.jpg 1280w" src="c-0.jpg">'
        '<img src="javascript:alert(1)"><img src="t.gif" width="1" height="1"><img data-src="//img.example/b.png">'
    )
    assert page_of(whole(f"<div>{ARTICLE}{pictures}</div>")).images == (
        "https://blog.example/a.jpg",
        "https://img.example/b.png",
        "https://blog.example/2020/c-2.jpg",
    )


def test_pictures_only_in_noscript_are_taken_from_there() -> None:
    page = page_of(whole(f'<div>{ARTICLE}<noscript><img src="/a.jpg"></noscript></div>'))
    assert page.images == ("https://blog.example/a.jpg",)


def test_there_is_a_budget_of_pictures() -> None:
    page = page_of(whole(f"<div>{ARTICLE}{''.join(f'<img src=/{i}.jpg>' for i in range(3_000))}</div>"))
    assert len(page.images) == 200


def test_base_href_and_canonical_link_count() -> None:
    head = '<base href="/files/"><link rel="canonical" href="//blog.example/ferry">'
    page = page_of(whole(f'<div>{ARTICLE}<img src="a.jpg"></div>', head))
    assert page.images == ("https://blog.example/files/a.jpg",)
    assert page.canonical_url == "https://blog.example/ferry"


def test_a_digest_is_blind_to_width_and_white_space() -> None:
    assert digest_of("ＡＢＣ  渡口\n") == digest_of("ABC\u3000渡口") != digest_of("ABC")
    assert digest_of(" \n") == ""
    assert digest_of("渡口").startswith("sha256:")


def test_plain_text_is_kept_and_binary_is_not() -> None:
    page = page_of("one  \n <b>two</b>\n", "text/plain")
    assert page.text == "one\n <b>two</b>"
    assert page.html == "<pre>one\n &lt;b&gt;two&lt;/b&gt;</pre>"
    for content_type in ("application/pdf", "image/png", "application/zip"):
        assert page_of("%PDF-1.4 words", content_type).text == ""
    assert page_of("\0\1\2", "text/plain").text == ""


def test_a_mis_declared_charset_does_not_spoil_the_text() -> None:
    html = whole(f"<div>{ARTICLE}</div>", '<meta charset="iso-8859-1">').encode("utf-8")
    assert read_page(Document(html, "text/html", URL), None, URL).text == "\n".join(PROSE)


HOSTILE = {
    "nothing": b"",
    "zeros": b"\0" * 10_000,
    "noise": bytes(range(256)) * 500,
    "cut in a tag": b"<html><body><div class='a",
    "cut in a character": "<p>渡".encode()[:-1],
    "nested links": b"<a href=/x>y" * 50_000,
    "a list of links": b"<ul>" + b"<li><a href=/x>y</a></li>" * 50_000 + b"</ul>",
    "nested tables": b"<table><tr><td>" * 500 + b"x",
    "one long line": b"<p>" + b"word " * 500_000,
    "one long class": b"<div class='" + b"nav-" * 100_000 + b"'>text, and more text</div>",
    "one long title": b"<title>" + b"- | _ " * 100_000 + b"</title>",
    "many headings": b"<h1>x</h1>" * 50_000,
    "many metas": b"<meta name=author content='- - - -'>" * 50_000,
    "one long srcset": b"<p>" + b"prose, " * 50 + b"<img srcset='" + b"a 1x, " * 100_000 + b"'>",
    "pictures in depth": b"<div>" * 400 + b"<img src=a.jpg>" * 5_000,
    "half a frameset": b"<frameset><frame src=a><frame",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_never_raise(name: str) -> None:
    page = read_page(Document(HOSTILE[name], "text/html", URL), None, URL)
    assert len(page.title) <= 500


@pytest.mark.parametrize("url", ["", "not a url", "https://[", "data:text/html,x"])
def test_a_strange_address_never_raises(url: str) -> None:
    body = whole(f"<div>{ARTICLE}<img src='a.jpg'><a href='b'>c</a></div>", "<base href='::'>").encode()
    assert read_page(Document(body, "text/html", url), None, url).images == ()
