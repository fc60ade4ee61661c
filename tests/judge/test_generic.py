"""Pages of hosts without rules: walls, redirects, soft 404s, shells, and the many living pages that look like them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler.core.model import Check, Fetch, History, Kind, Link, Occurrence, Page, Redirect, State, Verdict
from crawler.judge.generic import judge_generic, judge_probe, probe_url, shared_target
from crawler.page.document import Document

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED = "https://blog.example/2020/03/ferry.html"
PROSE = (
    "<p>" + "The ferry has crossed this river for forty years, and nobody remembers a day without it. " * 30 + "</p>"
)


def fetch_of(
    html: str, url: str = ASKED, final: str = "", status: int = 200, hop: int = 302, content_type: str = "text/html"
) -> Fetch:
    redirects = (Redirect(hop, url),) if final else ()
    headers = (("content-type", content_type),)
    return Fetch(url, final or url, NOW, status=status, redirects=redirects, headers=headers, body=html.encode())


def document_of(fetch: Fetch) -> Document:
    return Document(fetch.body, fetch.header("content-type"), fetch.final_url)


def judged(fetch: Fetch) -> Verdict:
    link = Link(fetch.url, fetch.url, fetch.url, "other", "blog.example", "blog.example")
    return judge_generic(link, fetch, document_of(fetch))


def named(fetch: Fetch) -> str:
    verdict = judged(fetch)
    return f"{verdict.state}/{verdict.reason}"


# --- walls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 403, 429, 503])
@pytest.mark.parametrize(
    "html",
    [
        "<title>Just a moment...</title><body>Enable JavaScript and cookies to continue</body>",
        "<title>请稍候…</title><script>window._cf_chl_opt={cvId:'3'}</script>",
        "<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>",
        "<title></title><script>window._cf_chl_opt={}</script>",
        "<script>var arg1='0A1B';setCookie('acw_sc__v2',x)</script>",
        "<script src='https://ct.captcha-delivery.com/c.js'></script>",
        '<title>Access to this page has been denied</title><div id="px-captcha"></div>',
        "<script>window.gokuProps = {}</script>",
        "<title>Making sure you&#39;re not a bot!</title><p>Loading</p>",
        "<iframe src='/_Incapsula_Resource?x'>Request unsuccessful. Incapsula incident ID: 1</iframe>",
        "<title>百度安全验证</title><div>请完成下方验证</div>",
        "<title>Sina Visitor System</title>",
        "<script>document.cookie='__jsl_clearance=1'</script>",
    ],
)
def test_a_challenge_is_a_wall_whatever_its_status(html: str, status: int) -> None:
    assert named(fetch_of(html, status=status)) == "blocked/captcha"


@pytest.mark.parametrize(
    "html",
    [
        f"<title>Just a moment...</title>{PROSE}",  # a post of that name
        "<title>Just a moment... what Cloudflare does</title><p>A short note on waiting rooms.</p>",
        f"<title>a</title>{PROSE}<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
        f"<title>a</title>{PROSE}<script src='/_Incapsula_Resource?SWJIYLWA=1'></script>",
        "<title>acw_sc__v2 解析</title><p>文章讲 acw_sc__v2 是怎么算出来的，以及 window._cf_chl_opt。</p>",
        '<title>WAF</title><article><pre><code>document.cookie="__jsl_clearance"</code></pre><p>How.</p></article>',
        "<title>a</title>" + PROSE * 40 + "<script>window._cf_chl_opt={}</script>",  # over 100 kB
    ],
)
def test_articles_about_walls_and_pages_behind_them_live(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"


@pytest.mark.parametrize(
    ("final", "reason"),
    [
        ("https://blog.example/login?next=/2020", "login-required"),
        ("https://blog.example/users/sign_in", "login-required"),
        ("https://passport.blog.example/", "login-required"),
        ("https://accounts.other.example/o/oauth2/auth", "login-required"),
        ("https://blog.example/wp-login.php?redirect_to=x", "login-required"),
        ("https://wappass.baidu.com/static/captcha/tuxing.html", "captcha"),
        ("https://blog.example/_____tmd_____/punish?x5secdata=1", "captcha"),
        ("https://blog.example/account/unhuman?type=unhuman", "captcha"),
        ("https://consent.blog.example/collect", "consent-required"),
    ],
)
def test_a_redirect_to_a_wall_says_nothing_of_the_page(final: str, reason: str) -> None:
    assert named(fetch_of(f"<title>a</title>{PROSE}", final=final)) == f"blocked/{reason}"


@pytest.mark.parametrize(
    ("url", "final"),
    [
        ("https://blog.example/2020/how-to-login", "https://blog.example/posts/how-to-login-again"),
        ("https://blog.example/login", "https://blog.example/login/"),
        ("http://blog.example/a/verify.html", "https://blog.example/a/verify.html"),
    ],
)
def test_words_of_walls_inside_of_addresses_are_no_walls(url: str, final: str) -> None:
    assert named(fetch_of(f"<title>a</title>{PROSE}", url, final)) == "alive/ok"


def test_a_form_in_the_place_of_the_page_asks_for_a_login() -> None:
    form = "<form><input name='user'><input type='password' name='pw'><button>登录</button></form>"
    assert named(fetch_of(f"<title>用户登录 - 某站</title>{form}")) == "blocked/login-required"
    assert named(fetch_of(f"<title>登录流程的设计</title>{form}{PROSE}")) == "alive/ok"


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, "dead/not-found"), (410, "dead/gone"), (403, "blocked/forbidden"), (429, "blocked/rate-limited"),
     (500, "suspect/server-error"), (521, "blocked/forbidden")],
)  # fmt: skip
def test_a_status_counts_where_no_wall_is_known(status: int, expected: str) -> None:
    assert named(fetch_of("<title>x</title><p>words</p>", status=status)) == expected


# --- redirects -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "final"),
    [
        (ASKED, "https://blog.example/"),
        (ASKED, "https://www.blog.example"),
        (ASKED, "https://blog.example/index.html"),
        (ASKED, "https://blog.example/home"),
        (ASKED, "https://blog.example/?from=link"),
        ("https://blog.example/view.php?id=7", "https://blog.example/"),
        ("https://blog.example/?p=77", "https://blog.example/"),
        ("https://old.example/2011/02/ferry", "https://new.example/"),
        ("https://blog.example/posts/2020/03/ferry", "https://blog.example/posts/"),
    ],
)
def test_a_redirect_from_content_to_a_front_page_is_suspect(url: str, final: str) -> None:
    assert named(fetch_of(f"<title>a</title>{PROSE}", url, final)) == "suspect/redirected-to-home"


@pytest.mark.parametrize(
    ("url", "final"),
    [
        ("http://blog.example/a", "https://blog.example/a"),
        ("https://blog.example/a", "https://www.blog.example/a/"),
        ("https://blog.example/", "https://blog.example/en/"),
        ("https://blog.example", "https://www.blog.example/index.php"),
        ("https://blog.example/zh-cn/", "https://blog.example/"),
        ("https://blog.example/index.html", "https://blog.example/"),
        ("https://t.example/aBcD", "https://tool.example/"),  # a short link
        ("https://code.example/p/ferrytool", "https://ferrytool.example/"),  # a project with a domain of its own
        (ASKED, "https://blog.example/?p=77"),
        (ASKED, "https://blog.example/#/post/77"),
        ("https://blog.example/q/123/how-to/answers", "https://blog.example/q/123"),
        ("https://blog.example/docs/latest/index.html", "https://blog.example/docs/"),
        (ASKED, "https://blog.example/archive/ferry.html"),
    ],
)
def test_redirects_that_only_mend_an_address_are_none(url: str, final: str) -> None:
    assert named(fetch_of(f"<title>a</title>{PROSE}", url, final)) == "alive/ok"


@pytest.mark.parametrize("name", ["removed.png", "photo_unavailable_m.gif", "no-image.jpg", "image-not-found.svg"])
def test_a_picture_that_became_a_stopgap_is_missing(name: str) -> None:
    shown = fetch_of("PNG", final=f"https://i.example/{name}", content_type="image/png")
    assert named(shown) == "suspect/soft-404"


def test_a_picture_whose_own_name_says_removed_lives() -> None:
    url = "https://i.example/2020/stains-removed.png"
    assert named(fetch_of("PNG", url, url, content_type="image/png")) == "alive/ok"


@pytest.mark.parametrize("name", ["404", "404.html", "notfound.aspx", "page-not-found", "error404/"])
def test_a_redirect_to_an_error_page_is_suspect(name: str) -> None:
    assert named(fetch_of(f"<title>a</title>{PROSE}", final=f"https://blog.example/{name}")) == "suspect/soft-404"


@pytest.mark.parametrize("hop", [301, 308])
def test_a_permanent_redirect_is_a_fact_beside_the_state(hop: int) -> None:
    final = "https://blog.example/archive/ferry.html"
    assert judged(fetch_of(f"<title>a</title>{PROSE}", final=final, hop=hop)).moved_to == final
    assert judged(fetch_of(f"<title>a</title>{PROSE}", final=final, hop=302)).moved_to is None


# --- given up, missing, empty ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        "<title>blog.example is for sale</title><p>Make an offer</p>",
        "<title>blog.example</title><h1>blog.example</h1><p>This domain is for sale!</p>",
        "<title>域名出售</title><p>联系电话</p>",
        "<title>blog.example</title><p>您正在访问的域名可以转让 blog.example</p>",
        '<script>window.onload=function(){window.location.href="/lander"}</script>',
        "<html data-adblockkey='MFww'><body><div id='target'></div></body></html>",
        "<iframe src='https://sedoparking.com/x'></iframe>",
    ],
)
def test_a_parked_domain_is_suspect(html: str) -> None:
    assert named(fetch_of(html)) == "suspect/parked-domain"


def test_a_redirect_to_a_trader_of_domains_is_suspect_but_a_link_to_one_is_none() -> None:
    sale = "https://www.hugedomains.com/domain_profile.cfm?d=blog.example"
    assert named(fetch_of(f"<title>a</title>{PROSE}", final=sale)) == "suspect/parked-domain"
    assert named(fetch_of(f"<title>a</title>{PROSE}", url="https://www.sedo.com/us/knowledge/")) == "alive/ok"


@pytest.mark.parametrize(
    "html",
    [
        f"<title>Which domain is for sale?</title>{PROSE}<p>buy this domain</p>",
        "<title>域名出售骗局</title><article><p>有人遇到“本域名出售”，这里讲讲怎么识别。</p></article>",
        "<title>Sold</title><article><h1>Sold</h1><p>Our ferry is for sale no more.</p></article>",
    ],
)
def test_articles_about_domains_live(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"


@pytest.mark.parametrize("title", ["Welcome to nginx!", "没有找到站点", "Account Suspended", "IIS Windows Server"])
def test_a_servers_own_page_is_suspect(title: str) -> None:
    assert named(fetch_of(f"<title>{title}</title><h1>{title}</h1>")) == "suspect/default-page"


@pytest.mark.parametrize(
    "html",
    [
        "<title>404 Not Found</title><h1>404 Not Found</h1><hr>nginx",
        "<title>Page not found | Ferry Blog</title><p>Try the search.</p>",
        "<title>页面不存在 - 某站</title><p>五秒后返回首页</p>",
        "<title>您访问的页面不存在</title>",
        "<title>Ferry Blog</title><h1>Oops! That page can’t be found.</h1><p>Nothing here.</p>",
        "<title>提示信息 - 河口论坛</title><div><p>抱歉，指定的主题不存在或已被删除或正在被审核</p></div>",
        "<title>Ferry Blog</title><h2>Sorry, the page you requested could not be found.</h2>",
        "<title>404 - File or directory not found.</title><p>Server Error</p>",
        "<title>Error 404</title><p>x</p>",
    ],
)
def test_a_page_that_says_little_but_that_it_is_missing_is_suspect(html: str) -> None:
    verdict = judged(fetch_of(html))
    assert (verdict.state, verdict.reason, verdict.confidence) == (State.SUSPECT, "soft-404", "low")


@pytest.mark.parametrize(
    "html",
    [
        f"<title>404 Not Found</title>{PROSE}",
        "<title>404 Not Found 是什么意思</title><p>服务器最常见的状态码之一，意思是没有找到。</p>",
        "<title>How to design a 404 page</title><h1>How to design a 404 page</h1><p>Say “Page not found” kindly.</p>",
        "<title>Room 404</title><h1>Room 404</h1><p>A hotel story.</p>",
        "<title>Page found</title><h1>Page found</h1><p>In an old book.</p>",
        "<title>渡口</title><p>他打开收藏夹，页面不存在了，只剩下标题。</p>",
    ],
)
def test_articles_about_missing_pages_live(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"


def test_nothing_to_read_is_unknown_and_never_gone() -> None:
    assert named(fetch_of("")) == "unknown/empty-page"
    assert named(fetch_of("<title>a</title><body></body>")) == "unknown/empty-page"
    assert named(fetch_of("<div id=app></div><script src=a.js></script>")) == "unknown/needs-javascript"
    assert named(fetch_of("<p>You need to enable JavaScript to run this app.</p>")) == "unknown/needs-javascript"
    assert named(fetch_of("<frameset><frame src=a.html></frameset>")) == "unknown/needs-javascript"
    assert named(fetch_of("<title>A comic</title><img src=comic.png>")) == "alive/ok"


@pytest.mark.parametrize("content_type", ["application/pdf", "image/png", "text/plain", "application/json"])
def test_a_file_that_only_speaks_of_404_is_alive(content_type: str) -> None:
    assert named(fetch_of("404 not found: a history of the error", content_type=content_type)) == "alive/ok"


@pytest.mark.parametrize("content_type", ["application/pdf", "image/png", "text/csv"])
def test_bytes_that_no_browser_shows_as_a_text_are_no_notice(content_type: str) -> None:
    assert named(fetch_of("404 not found", content_type=content_type)) == "alive/ok"


@pytest.mark.parametrize(
    "body",
    [b"\0" * 1000, b"<title>" + b"not found " * 50_000, b"<h1>404 - - - - " * 5_000, bytes(range(256)) * 200, b"<a"],
)
def test_hostile_bytes_are_judged(body: bytes) -> None:
    assert judged(replace(fetch_of(""), body=body)).state in State


@pytest.mark.parametrize("final", ["", "https://[", "data:x", "https://blog.example:99999/login"])
def test_strange_addresses_are_judged(final: str) -> None:
    assert judged(fetch_of(f"<title>a</title>{PROSE}", final=final)).state in State


# --- many links of one host ----------------------------------------------------------------------


def check(number: int, final: str, state: State = State.ALIVE) -> Check:
    url = f"https://blog.example/{number}/ferry"
    link = Link(url, url, url, "other", "blog.example", "blog.example")
    return Check(link, NOW, fetch_of(PROSE, url, final), Page(), Verdict(state, "ok"), History(url, NOW))


def test_three_links_on_one_target_are_on_nobodys_page() -> None:
    found = shared_target(
        [check(n, "https://blog.example/archive") for n in range(3)] + [check(9, "https://blog.example/x")]
    )
    assert sorted(found) == [f"https://blog.example/{n}/ferry" for n in range(3)]
    assert {verdict.state for verdict in found.values()} == {State.SUSPECT}


def test_two_links_the_same_link_thrice_walls_and_consent_are_none() -> None:
    assert not shared_target(check(n, "https://blog.example/archive") for n in range(2))
    assert not shared_target(check(1, "https://blog.example/archive") for _ in range(3))
    assert not shared_target(check(n, "https://blog.example/archive", State.BLOCKED) for n in range(3))
    assert not shared_target(check(n, "https://blog.example/cookie-consent") for n in range(3))
    assert not shared_target(check(n, "") for n in range(3))


# --- the sibling probe ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://blog.example/2020/ferry.html?x=1#y", "https://blog.example/2020/letters"),
        ("https://blog.example/ferry", "https://blog.example/letters"),
        ("https://blog.example/2020/ferry/", "https://blog.example/2020/letters"),
        ("https://blog.example/", None),
        ("https://blog.example/index.html", None),
        ("https://blog.example/en/", None),
        ("https://blog.example/?p=7", None),
        ("ftp://blog.example/a", None),
        ("https://[", None),
    ],
)
def test_a_probe_asks_for_a_sibling_and_never_beside_a_root(url: str, expected: str | None) -> None:
    assert probe_url(url, "letters") == expected


def probed(page: Fetch, probe: Fetch) -> Verdict | None:
    return judge_probe(page, document_of(page), probe, document_of(probe))


def test_a_host_that_answers_everything_alike_makes_its_pages_suspect() -> None:
    found = probed(fetch_of(PROSE), fetch_of(PROSE, "https://blog.example/2020/03/letters"))
    assert found is not None
    assert (found.state, found.reason) == (State.SUSPECT, "soft-404")
    home = "https://blog.example/welcome"
    assert probed(fetch_of(PROSE, final=home), fetch_of("<p>other</p>", "https://blog.example/x", home)) is not None


def test_a_probe_that_is_answered_otherwise_proves_nothing() -> None:
    page = fetch_of(PROSE)
    assert probed(page, fetch_of(PROSE, status=404)) is None
    assert probed(page, fetch_of("<p>Something else altogether stands here.</p>")) is None
    assert probed(page, fetch_of(PROSE, final="https://blog.example/")) is None
    assert probed(fetch_of("<div id=app></div>"), fetch_of("<div id=app></div>")) is None


# --- languages, versions, and pages that show what a note calls them ------------------------------------------------


def redirected(url: str, final: str, html: str = f"<title>a</title>{PROSE}") -> str:
    return named(fetch_of(html, url, final, hop=301))


@pytest.mark.parametrize(
    ("url", "final"),
    [
        ("https://me.example/resume", "https://me.example/cv"),
        ("https://me.example/about", "https://me.example/me"),
        ("https://me.example/articles/1", "https://me.example/zh"),  # nothing there says that it is Chinese
    ],
)
def test_two_letters_are_a_page_where_nothing_says_that_they_are_a_language(url: str, final: str) -> None:
    assert redirected(url, final) == "alive/ok"


@pytest.mark.parametrize(
    ("html", "final"),
    [
        (f'<html lang="zh-CN"><title>a</title>{PROSE}', "https://blog.example/zh/"),
        (f'<link rel=alternate hreflang=cv href="/cv"><title>a</title>{PROSE}', "https://blog.example/cv/"),
        (f'<html lang="ja"><title>a</title>{PROSE}', "https://blog.example/jp/index.html"),
        (f"<title>a</title>{PROSE}", "https://blog.example/en-us/"),
    ],
)
def test_a_front_page_in_a_language_is_a_front_page(html: str, final: str) -> None:
    assert redirected(ASKED, final, html) == "suspect/redirected-to-home"


VERSIONS = [
    ("https://lib.example/docs/1.0/", "https://lib.example/docs/stable/"),
    ("https://lib.example/docs/1.1/", "https://lib.example/docs/stable/"),
    ("https://lib.example/docs/2.0/", "https://lib.example/docs/stable/"),
    ("https://lib.example/en/v1.2.3/install.html", "https://lib.example/en/latest/install.html"),
    ("https://lib.example/en/latest/api/", "https://lib.example/en/stable/api/"),
    ("https://lib.example/1.x/guide", "https://lib.example/2.x/guide"),
    ("https://lib.example/docs/1.0/index.html", "https://lib.example/docs/stable/intro"),
    ("https://lib.example/docs/3/guide", "https://lib.example/docs/guide"),
]


@pytest.mark.parametrize(("url", "final"), VERSIONS)
def test_a_version_that_leads_to_the_newest_one_moved(url: str, final: str) -> None:
    verdict = judged(fetch_of(f"<title>a</title>{PROSE}", url, final, hop=301))
    assert (verdict.state, verdict.moved_to) == (State.ALIVE, final)


def landed(url: str, final: str, note: str = "", page: str = "") -> Check:
    written = (Occurrence("a.md", 1, 1, url, url, Kind.BARE, note),)
    link = Link(url, url, url, "other", "lib.example", "lib.example", written)
    return Check(
        link, NOW, fetch_of(PROSE, url, final), Page(title=page), Verdict(State.ALIVE, "ok"), History(url, NOW)
    )


def test_versions_on_one_target_are_moves_and_deeper_pages_on_it_are_not() -> None:
    target = "https://lib.example/docs/stable/"
    assert not shared_target(landed(f"https://lib.example/docs/{v}/", target) for v in ("1.0", "1.1", "2.0"))
    deep = [landed(f"https://lib.example/docs/{v}/install/linux", target) for v in ("1.0", "1.1", "2.0")]
    assert len(shared_target(deep)) == 3
    numbered = [landed(f"https://lib.example/thread/{n}", "https://lib.example/thread/9") for n in (1, 2, 3)]
    assert len(shared_target(numbered)) == 3


def test_a_target_that_shows_what_a_note_calls_the_link_is_its_page() -> None:
    urls = [f"https://lib.example/old/{n}" for n in range(3)]
    target = "https://lib.example/ferry-guide"
    title = "Crossing the river by ferry"
    one = [landed(urls[0], target, title, title), *(landed(u, target, "Boats", title) for u in urls[1:])]
    assert sorted(shared_target(one)) == urls[1:]
    assert len(shared_target(landed(u, target, "", title) for u in urls)) == 3
    assert len(shared_target(landed(u, target, "Lib Example", "Lib Example") for u in urls)) == 3


# --- what a probe does not prove ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        "<title>Check</title><form><input type=password></form><p>Enter your name and the word that you chose.</p>",
        "<title>Ask</title><p>Which ferry do you want?</p><form><select><option>A<option>B</select></form>",
        "<title>shop</title><p>Our systems have detected unusual traffic from your computer network.</p>",
        "<title>Just a moment...</title><p>Enable JavaScript and cookies to continue</p>",
    ],
)
def test_walls_and_forms_answer_everything_alike_and_are_no_soft_404(html: str) -> None:
    assert probed(fetch_of(html), fetch_of(html, "https://blog.example/2020/03/letters")) is None


def test_a_wall_that_both_were_sent_to_is_no_soft_404() -> None:
    wall = "https://blog.example/login?next=x"
    assert probed(fetch_of(PROSE, final=wall), fetch_of(PROSE, "https://blog.example/x", wall)) is None
