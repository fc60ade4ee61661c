"""Pages as a run would have kept them, for the archive that is exported."""

from datetime import UTC, datetime, timedelta

from crawler.core.model import Check, Confidence, Evidence, Fetch, History, Link, Page, Redirect, State, Verdict

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
SHELL = "<!DOCTYPE html><html><head><meta charset='utf-8'><title></title></head><body>"


def check(
    url: str, title: str, text: str, *, day: int = 0, state: State = State.ALIVE, images: tuple[str, ...] = (),
    redirects: tuple[Redirect, ...] = (),
) -> Check:  # fmt: skip
    at = START + timedelta(days=day)
    host = url.split("/")[2]
    link = Link(url, url, url, "other", host, host)
    body = f"{SHELL}<h1>{title}</h1><p>{text}</p>".encode()
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "br"), ("Set-Cookie", "a=b"))
    final = f"{url}?landed" if redirects else url
    fetch = Fetch(url, final, at, 0.1, 200, headers=headers, body=body, redirects=redirects, requests=1)
    pictures = "".join(f'<img src="{image}" alt="picture">' for image in images)
    readable = (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"></head>'
        f"<body><article><h1>{title}</h1><header><p>by</p></header><p>{text}</p>{pictures}</article></body></html>"
    )
    page = Page(title=title, author="作者", text=f"{title}\n{text}", digest=f"sha256:{hash((title, text)):064x}"[-64:])
    verdict = Verdict(state, "ok", Confidence.HIGH, Evidence())
    history = History(url, at, url=url, state=state, reason="ok", checked_at=at)
    return Check(link, at, fetch, page, verdict, history, "run", readable if state is State.ALIVE else "")


WEIXIN = "https://mp.weixin.qq.com/s/AAAAAAAAAAAAAAAAAAAAAA"
BLOG = "http://blog.example/a%20b/?x=1&y=2"
MOVED = "https://moved.example/old"
BAD_TITLE = "<script>alert(1)</script> \"quoted\": # 'and'\u2028more"
