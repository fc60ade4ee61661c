"""What the viewer refuses: other names, other origins, other methods, too much; and what of the web stays harmless."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from viewer_stage import EVIL, GONE, NOW, ODD, WEIXIN, Stage, check_of, csrf_of, staged

from crawler.archive import Archive, schema
from crawler.serve.access import Access, RequestParts
from crawler.serve.app import make_app
from crawler.serve.copies import harmless

OWN = "http://127.0.0.1:8765"
PAGES = (
    "/", "/notes", "/notes/2024-01-02-odd.md", "/links", "/links?q=" + quote(EVIL), "/links?state=" + quote(EVIL),
    "/links?note=" + quote(EVIL), "/search?q=" + quote(EVIL), "/search?q=script", "/runs", "/waiting",
    f"/link?url={quote(ODD, safe='')}", f"/link?url={quote(GONE, safe='')}", f"/link?url={quote(EVIL)}",
    f"/notes/{quote(EVIL)}", f"/diff?url={quote(WEIXIN, safe='')}", f"/{quote(EVIL)}", f"/?days={quote(EVIL)}",
    f"/notes?q={quote(EVIL)}&order={quote(EVIL)}", f"/mend?note={quote(EVIL)}", "/mend?unconfirmed=1",
)  # fmt: skip


class Markup(HTMLParser):
    """What stands in a page: elements, and attributes that would run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def markup(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Markup()
    parser.feed(page)
    return parser.tags


# Names that we answer to


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765", "127.0.0.1"])
async def test_the_viewer_answers_to_the_names_of_this_machine(stage: Stage, host: str) -> None:
    async with stage.client(headers={"Host": host}) as client:
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1", "localhost.", "", " ", "127.0.0.1:8765:1", "127.0.0.1, evil.example", "0.0.0.0",
        "93.184.216.34", "192.168.1.2", "[::ffff:127.0.0.2]", "127.0.0.1:999999",
        "\u212aocalhost".encode().decode("latin-1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/", "/health", "/snapshot/1", "/static/app.js", "/nothing"])
async def test_a_foreign_host_is_refused_whatever_it_asks_for(stage: Stage, host: str, address: str) -> None:
    async with stage.client(headers={"Host": host.encode("latin-1")}) as client:
        answer = await client.get(address)

    assert answer.status_code in (400, 421)
    assert "app.css" not in answer.text


def asked(*headers: tuple[str, str], method: str = "GET", local: str = "") -> RequestParts:
    return RequestParts(method, "/", b"/", b"", headers, local)


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    access = Access()

    assert access.refusal(asked()) is not None
    assert access.refusal(asked(("host", "127.0.0.1"), ("host", "evil.example"))) is not None
    assert access.refusal(asked(("host", "127.0.0.1"))) is None


def test_on_every_interface_the_address_of_the_connection_is_answered_to_and_no_name() -> None:
    access = Access(host="0.0.0.0")

    assert access.refusal(asked(("host", "192.168.1.2:8765"), local="192.168.1.2")) is None
    assert access.refusal(asked(("host", "evil.example"), local="192.168.1.2")) is not None


def test_the_public_name_of_the_configuration_is_answered_to() -> None:
    access = Access(public="https://links.example/")

    assert access.refusal(asked(("host", "links.example"))) is None
    assert access.refusal(asked(("host", "links.example.evil.example"))) is not None


# Acting


@pytest.mark.parametrize(
    "address", ["/", "/do/rearchive", "/do/import", "/do/mend", "/do/undo", "/do/none", "/links", "/nothing", "/health",
                "/snapshot/1", "/static/app.js", "/do/rearchive?token=wrong", "/do/../do/rearchive"],
)  # fmt: skip
async def test_without_the_token_every_post_is_403(stage: Stage, address: str) -> None:
    async with stage.client() as client:
        answer = await client.post(address, data={"url": WEIXIN, "csrf": stage.access.csrf})

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8765"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1:8765.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_form_of_another_page_is_403_even_with_token_and_secret(stage: Stage, headers: dict[str, str]) -> None:
    async with stage.client(acting=True) as client:
        answer = await client.post("/do/rearchive", data={"url": WEIXIN, "csrf": stage.access.csrf}, headers=headers)

    assert answer.status_code == 403
    assert stage.tasks.get(1) is None


@pytest.mark.parametrize("csrf", ["", "wrong", "é", "0" * 64])
async def test_a_form_without_the_pages_own_secret_is_403(stage: Stage, csrf: str) -> None:
    async with stage.client(acting=True, headers={"Origin": OWN}) as client:
        answer = await client.post("/do/rearchive", data={"url": WEIXIN, "csrf": csrf})

    assert answer.status_code == 403
    assert stage.tasks.get(1) is None


async def test_the_token_of_the_address_becomes_a_cookie_and_leaves_the_address(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get(f"/links?state=dead&token={stage.access.token}")
        page = await client.get(f"/link?url={quote(WEIXIN, safe='')}")

    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 303
    assert answer.headers["location"] == "/links?state=dead"
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert csrf_of(page.text) == stage.access.csrf
    assert stage.access.token not in page.text


async def test_a_wrong_token_gives_no_cookie_and_no_form(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get("/?token=wrong")
        page = await client.get(f"/link?url={quote(WEIXIN, safe='')}")

    assert "set-cookie" not in answer.headers
    assert 'name="csrf"' not in page.text
    assert "Read-only." in page.text


async def test_a_get_never_acts_even_with_the_token(stage: Stage) -> None:
    before = {file: file.read_bytes() for file in stage.notes.rglob("*") if file.is_file()}
    async with stage.client(acting=True) as client:
        for address in (*PAGES, "/do/rearchive?url=" + quote(WEIXIN), "/do/mend"):
            await client.get(address)

    assert stage.tasks.get(1) is None
    assert before == {file: file.read_bytes() for file in stage.notes.rglob("*") if file.is_file()}


# Methods and sizes


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "FOO"])
async def test_other_methods_are_405(stage: Stage, method: str) -> None:
    async with stage.client(acting=True) as client:
        answer = await client.request(method, "/links")
        other = await client.request(method, "/do/rearchive")

    assert method == "get" or answer.status_code == other.status_code == 405


async def test_a_method_in_a_header_or_a_form_changes_nothing(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get("/do/rearchive?_method=POST", headers={"X-HTTP-Method-Override": "POST"})

    assert answer.status_code in (404, 405)


async def test_posting_to_a_page_with_the_token_is_405(stage: Stage) -> None:
    async with stage.client(acting=True, headers={"Origin": OWN}) as client:
        answer = await client.post("/links", data={"csrf": stage.access.csrf})

    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/links?q=" + "x" * 1_001, 400),
        ("/search?q=" + "x" * 1_001, 400),
        ("/notes?q=" + "x" * 1_001, 400),
        ("/notes/" + "x" * 9_000, 414),
        ("/links?" + "&".join(f"a{n}=1" for n in range(300)), 400),
        ("/links?" + "&".join("state=dead" for _ in range(150)), 200),
        ("/search?q=" + "%20".join(["a"] * 400), 200),
        ("/search?q=" + quote('"' * 200), 200),
        ("/search?q=" + quote("* OR ) NEAR( - ^ :"), 200),
        ("/search?q=%00%ff%fe", 200),
        ("/links?q=%00%ff&site=%F0%9F", 200),
        ("/notes/a%0d%0aX-Evil:1", 400),
    ],
)
async def test_questions_that_are_too_long_are_refused_and_odd_ones_answered(
    stage: Stage, address: str, status: int
) -> None:
    async with stage.client() as client:
        assert (await client.get(address)).status_code == status


async def status_of(stage: Stage, path: str, query: bytes = b"", *, posted: bytes = b"") -> int:
    """What is answered to a request that no client library would send; a body comes in small pieces without end."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": posted, "more_body": bool(posted)}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    cookie = f"{stage.access.cookie}={stage.access.token}".encode()
    form = (b"content-type", b"application/x-www-form-urlencoded")
    scope = {
        "type": "http", "method": "POST" if posted else "GET", "path": path, "raw_path": path.encode(),
        "query_string": query, "root_path": "", "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie), form],
        "scheme": "http", "server": ("127.0.0.1", 8765), "http_version": "1.1",
    }  # fmt: skip
    await make_app(stage.library, stage.access, stage.tasks)(scope, receive, send)  # type: ignore[arg-type]
    return int(str(sent[0]["status"]))


async def test_addresses_without_end_are_refused(stage: Stage) -> None:
    assert await status_of(stage, "/link", b"url=https://e.example/" + b"x" * 70_000) == 400
    assert await status_of(stage, "/links", b"q=" + b"x" * 200_000) == 414
    assert await status_of(stage, "/links", b"&" * 100_000) == 400
    assert await status_of(stage, "/" + "x" * 10_000) == 414
    assert await status_of(stage, "/notes/\x00") == 400


async def test_a_body_without_end_is_refused_after_as_much_as_a_form_may_hold(stage: Stage) -> None:
    assert await status_of(stage, "/do/rearchive", posted=b"x" * 5_000) == 413


async def test_a_form_that_is_too_large_or_lies_about_its_length_is_refused(stage: Stage) -> None:
    async with stage.client(acting=True, headers={"Origin": OWN}) as client:
        large = await client.post("/do/rearchive", content=b"x" * 70_000)
        lying = await client.post("/do/rearchive", content=b"x", headers={"Content-Length": "1e9"})

    assert large.status_code == 413
    assert lying.status_code == 400


# Pages of ours


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("address", PAGES)
async def test_nothing_of_the_web_becomes_markup_of_ours(stage: Stage, address: str, language: str) -> None:
    async with stage.client(acting=True, cookies={"lang": language}) as client:
        client.cookies.set(stage.access.cookie, stage.access.token)
        page = (await client.get(address)).text

    scripts = [attributes for tag, attributes in markup(page) if tag == "script"]
    assert [script["src"] for script in scripts if str(script.get("src")).startswith("/static/app.js?v=")] == [
        script.get("src") for script in scripts
    ]
    for tag, attributes in markup(page):
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        for name in ("href", "src", "action"):
            target = attributes.get(name) or "/"
            assert re.match(r"(/(?!/)|https?://|#|data:image/svg\+xml,%3Csvg)", target), (tag, target)
        if tag in ("img", "iframe", "link", "script", "form"):
            assert not (attributes.get("src") or attributes.get("action") or "").startswith("http")
    assert "49" not in re.findall(r"alert\(2\)&gt;&#39;(\d+)", page)  # {{7*7}} is text


@pytest.mark.parametrize("address", [*PAGES, "/snapshot/1", "/snapshot/1/text", "/snapshot/1/raw", "/feed.xml"])
async def test_every_answer_carries_a_policy_that_runs_nothing_inline(stage: Stage, address: str) -> None:
    async with stage.client() as client:
        headers = (await client.get(address)).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'unsafe" not in policy
    assert "script-src 'self' 'unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("dest", ["image", "script", "iframe", "object", "empty"])
async def test_other_sites_may_neither_load_nor_frame_what_is_here(stage: Stage, dest: str) -> None:
    mode = "navigate" if dest in ("iframe", "object") else "no-cors"
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    async with stage.client() as client:
        refused = await client.get("/snapshot/1", headers=headers)
        visited = await client.get(
            "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        )

    assert refused.status_code == 403
    assert visited.status_code == 200


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: 1", "\\\\e", ""],
)
async def test_going_back_never_leads_elsewhere(stage: Stage, target: str) -> None:
    async with stage.client() as client:
        chosen = await client.get("/set", params={"theme": "dark", "next": target})
        token = await client.get(f"//evil.example/?token={stage.access.token}")

    assert chosen.headers["location"] == "/"
    assert not token.headers.get("location", "/").startswith("//")


# Kept pages


async def test_a_kept_page_runs_nothing_and_loads_nothing(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get("/snapshot/1")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "text of the copy" in answer.text
    tags = {tag for tag, _ in markup(answer.text)}
    assert not tags & {"script", "iframe", "form", "link", "meta", "base", "svg", "object"}
    for tag, attributes in markup(answer.text):
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
        assert tag != "a" or not (attributes.get("href") or "").startswith("javascript")
    assert "beacon: not kept" in answer.text
    assert 'src="data:image/png;base64,' in answer.text


async def test_the_frame_of_a_kept_page_is_sandboxed(stage: Stage) -> None:
    async with stage.client() as client:
        page = (await client.get(f"/link?url={quote(WEIXIN, safe='')}&snapshot=1")).text

    (frame,) = [attributes for tag, attributes in markup(page) if tag == "iframe"]
    assert frame["src"] == "/snapshot/1"
    assert set(str(frame["sandbox"]).split()) == {"allow-popups", "allow-popups-to-escape-sandbox"}


@pytest.mark.parametrize(
    "hostile",
    [
        "<scr<script>ipt>alert(1)</script>", "<img src=x OnErRoR=alert(1)>", "<a href=' javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>", "<math><mtext><script>alert(1)</script></math>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>", "<body onload=alert(1)>",
        "<template><script>alert(1)</script></template>", "<img srcset='https://evil.example/x 1x'>",
        "<video src=https://evil.example/v poster=https://evil.example/p autoplay></video>", "<p>" * 5_000,
        "<input autofocus onfocus=alert(1)>", "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<table background=https://evil.example/x>", "<a ping=https://evil.example/ href=https://fine.example/>x</a>",
    ],
)  # fmt: skip
def test_hostile_markup_comes_out_harmless(hostile: str) -> None:
    cleaned = harmless(f"<html><body>{hostile}</body></html>", {})

    for tag, attributes in markup(cleaned):
        assert tag not in ("script", "template", "noscript", "video", "input", "math", "svg")
        assert not [name for name in attributes if name.startswith("on") or name in ("srcset", "ping", "background")]
        assert not re.match(r"\s*(javascript|data):", attributes.get("href") or "")
        assert not (attributes.get("src") or "").startswith(("http", "data:image/svg"))


# Trouble


async def test_a_damaged_snapshot_says_what_is_broken_and_what_mends_it(tmp_path: Path) -> None:
    with staged(tmp_path):
        pass
    for segment in (tmp_path / "archive" / "segments").iterdir():
        data = bytearray(segment.read_bytes())
        data[len(data) // 4 : -len(data) // 4] = bytes(len(data[len(data) // 4 : -len(data) // 4]))
        segment.write_bytes(data)
    with staged(tmp_path) as stage:
        async with stage.client() as client:
            answers = [await client.get(f"/snapshot/{n}{form}") for n in (2, 3) for form in ("", "/text", "/raw")]
            page = await client.get(f"/link?url={quote(GONE, safe='')}&snapshot=2")
            others = [await client.get(address) for address in ("/", "/links", "/search?q=语音", "/runs")]

    assert {answer.status_code for answer in answers} <= {200, 404, 410}
    damaged = [answer for answer in answers if answer.status_code == 410]
    assert damaged
    assert all("crawler verify" in answer.text for answer in damaged)
    assert page.status_code == 200
    assert [answer.status_code for answer in others] == [200] * 4


async def test_an_archive_that_goes_away_is_said_and_one_that_comes_back_is_read(stage: Stage) -> None:
    index = stage.archive / "index.sqlite"
    index.rename(stage.archive / "away")
    async with stage.client() as client:
        gone = await client.get("/snapshot/1")
        health = await client.get("/health")
        (stage.archive / "away").rename(index)
        back = await client.get("/snapshot/1")

    assert gone.status_code == 503
    assert "verify --rebuild" in gone.text
    assert health.status_code == 200
    assert back.status_code == 200


async def test_a_hostile_note_name_and_title_stay_text(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        (stage.notes / "<img src=x onerror=alert(1)>.md").write_text("https://x.example/\n", encoding="utf-8")
        (stage.notes / "a..b.md").write_text("https://y.example/\n", encoding="utf-8")
        stage.library.refresh()
        async with stage.client() as client:
            listed = (await client.get("/notes")).text
            page = await client.get("/notes/" + quote("<img src=x onerror=alert(1)>.md"))
            dotted = await client.get("/notes/a..b.md")

    assert "<img src=x" not in listed
    assert page.status_code == dotted.status_code == 200
    assert "<img src=x" not in page.text


async def test_the_viewer_reads_while_a_run_holds_the_archive(stage: Stage) -> None:
    with Archive.open(stage.archive, stage.settings.archive, now=lambda: NOW) as archive:
        archive.record([check_of("https://new.example/never-checked", "now it is", at=NOW)])
        async with stage.client() as client:
            page = await client.get("/search?q=now")

    assert "new.example" in page.text


async def test_a_socket_is_turned_away(stage: Stage) -> None:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    app = make_app(stage.library, stage.access, stage.tasks)
    await app({"type": "websocket", "path": "/", "headers": []}, receive, send)  # type: ignore[arg-type]

    assert [message["type"] for message in sent] == ["websocket.close"]


def test_tokens_are_long_and_new_for_each_start() -> None:
    tokens = {Access().token for _ in range(20)}

    assert len(tokens) == 20
    assert all(len(token) >= 32 for token in tokens)
    assert "token" not in repr(Access()).replace("crawler-token", "")


async def test_an_index_of_the_oldest_schema_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "archive" / "segments").mkdir(parents=True)
    index = tmp_path / "archive" / "index.sqlite"
    with closing(sqlite3.connect(index)) as db:
        db.executescript(str(schema.MIGRATIONS[0]))
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    before = index.read_bytes()
    with staged(tmp_path) as stage:
        async with stage.client() as client:
            answers = [await client.get(address) for address in ("/", "/links", "/runs", "/search?q=x", "/search?q=x")]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert "一篇消失的文章" in answers[1].text
    assert index.read_bytes() == before
