"""Hand-made pages in the real markup of WeChat, Zhihu and blogs: small, and true where a crawler looks.

Only texts and pictures are made here; under which URL they are served stands in `scene`. All words are our own.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from hashlib import md5
from html import escape
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

CHINA = timezone(timedelta(hours=8))  # WeChat and Zhihu show times of UTC+8


@dataclass(frozen=True, slots=True)
class Article:
    """What an author wrote; every page of the stand-in web that is alive is one of these in some site's clothes."""

    url: str
    title: str
    author: str
    paragraphs: tuple[str, ...]
    account: str = ""  # the WeChat account or the blog's name
    images: tuple[str, ...] = ()
    created: int = 1735723800  # seconds since 1970; 2025-01-01 17:30 in China

    @property
    def summary(self) -> str:
        """The first paragraph, as sites show it below a title."""
        return self.paragraphs[0] if self.paragraphs else ""


def weixin_article(article: Article) -> bytes:
    """An ordinary WeChat article as served since 2025: empty <title>, hidden body, `window.cgiDataNew`."""
    return _render("weixin-article.html", **_weixin(article))


def weixin_article_2020(article: Article) -> bytes:
    """The same in the layout of 2020: no `cgiDataNew`, head and tail traps."""
    return _render("weixin-article-2020.html", **_weixin(article))


def weixin_image_share(article: Article) -> bytes:
    """A WeChat picture post: no #js_content, pictures and text only in scripts."""
    return _render("weixin-image-share.html", **_weixin(article))


def weixin_notice(notice: str, reason: str = "") -> bytes:
    """A WeChat page whose article is gone; `reason` is what a violation page gives as the offence."""
    return _render("weixin-notice.html", notice=notice, reason=reason)


def weixin_captcha(target: str) -> bytes:
    """The empty shell that asks for a captcha before it shows `target`."""
    return _render("weixin-captcha.html", target=target)


def zhihu_column(article: Article) -> bytes:
    """A Zhihu column page with its entity in `js-initialData`."""
    number = article.url.rpartition("/")[2]
    entity = {
        "id": int(number),
        "title": article.title,
        "type": "article",
        "articleType": "normal",
        "created": article.created,
        "updated": article.created,
        "author": {"name": article.author, "urlToken": "demo"},
        "content": _html(article),
        "excerpt": article.summary,
        "isNormal": True,
        "isVisible": True,
        "state": "published",
        "suggestEdit": {"status": False, "reason": "", "tip": ""},
    }
    data = _initial_data("Post", "column", articles={number: entity})
    return _render("zhihu-column.html", id=number, data=data, html=Markup(_html(article)), **_common(article))  # noqa: S704 (our own text, escaped in _html)


def zhihu_question(article: Article, answer_id: int, detail: str) -> bytes:
    """A Zhihu question with one answer; the article's paragraphs are the answer."""
    number = article.url.partition("/question/")[2].partition("/")[0]
    question = {
        "id": int(number),
        "type": "question",
        "title": article.title,
        "detail": detail,
        "answerCount": 1,
        "isNormal": True,
        "isVisible": True,
        "status": {"isLocked": False, "isClose": False, "isEvaluate": False, "isSuggest": False},
    }
    answer = {
        "id": answer_id,
        "type": "answer",
        "content": _html(article),
        "author": {"name": article.author},
        "question": {"id": int(number)},
        "suggestEdit": {"status": False, "reason": "", "tip": ""},
    }
    data = _initial_data("QuestionPage", "main", questions={number: question}, answers={str(answer_id): answer})
    html = Markup(_html(article))  # noqa: S704 (our own text, escaped in _html)
    return _render(
        "zhihu-question.html", data=data, html=html, detail=detail, answer_id=str(answer_id), **_common(article)
    )


def zhihu_not_found() -> bytes:
    """Zhihu's page for an address without content, served with 404."""
    return _render("zhihu-not-found.html")


def zhihu_wall() -> bytes:
    """What an anonymous client meets at Zhihu, served with 403."""
    return _render("zhihu-wall.html")


def zhihu_signin() -> bytes:
    """Zhihu's sign-in page."""
    return _render("zhihu-signin.html")


def blog_article(article: Article, charset: str = "utf-8", lang: str = "en") -> bytes:
    """A blog post, encoded in and declaring `charset`."""
    return _render("blog-article.html", charset, site=article.account, lang=lang, charset=charset, **_common(article))


def blog_home(site: str) -> bytes:
    """A blog's front page."""
    return _render("blog-home.html", site=site)


def blog_gone(site: str) -> bytes:
    """A page that says it is not there; served with 200 it is a soft 404."""
    return _render("blog-gone.html", site=site)


@cache
def picture(seed: int, width: int = 640, height: int = 360) -> bytes:
    """A PNG of stripes, different for every seed."""
    shades = bytes((seed * 37 + x // 40 * 61) % 256 for x in range(width) for _ in range(3))
    rows = b"".join(b"\0" + bytes(shades) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _js(text: str) -> str:
    r"""A text as WeChat writes it into its scripts: \x3c for "<" and so on."""
    return "".join(f"\\x{ord(c):02x}" if c in "<>&\"'\\\n\r" else c for c in text)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("crawler.testing"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["js"] = lambda text: Markup(_js(str(text)))  # noqa: S704 (nothing that HTML minds is left)
    return environment


def _render(template: str, encoding: str = "utf-8", /, **facts: object) -> bytes:
    return _templates().get_template(template).render(**facts).encode(encoding)


def _common(article: Article) -> dict[str, object]:
    created = datetime.fromtimestamp(article.created, CHINA)
    return {**asdict(article), "summary": article.summary, "created_text": created.strftime("%Y-%m-%d %H:%M")}


def _weixin(article: Article) -> dict[str, object]:
    """WeChat's own identifiers: those of a long link, or made up from a short one so that they are steady."""
    digest = md5(article.url.encode(), usedforsecurity=False).hexdigest()
    asked = dict(parse_qsl(urlsplit(article.url).query))
    ids = {
        "biz": asked.get("__biz", "MzA5MDAwMDAwMQ=="),
        "mid": asked.get("mid", f"22474{int(digest[:4], 16):05d}"),
        "idx": asked.get("idx", "1"),
        "sn": asked.get("sn", digest),
    }
    return {**_common(article), **ids, "user_name": f"gh_{digest[:12]}"}


def _html(article: Article) -> str:
    texts = [f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs]
    pictures = [
        f'<figure><img src="{escape(url)}" data-original="{escape(url)}" data-rawwidth="640"></figure>'
        for url in article.images
    ]
    return "".join(texts + pictures)


def _initial_data(span: str, app: str, **entities: dict[str, object]) -> dict[str, object]:
    whole: dict[str, object] = {"users": {}, "articles": {}, "questions": {}, "answers": {}}
    return {"initialState": {"entities": whole | entities}, "subAppName": app, "spanName": span}
