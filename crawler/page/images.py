"""Which pictures an article shows: real addresses behind lazy loading, absolute.

Nothing is fetched here, and no picture is judged by more than its attributes. In which order they stand on a page is
found by the walk that writes the readable copy, so that text, copy and list of pictures agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from html import unescape
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.core.url import is_http, join

MAX_IMAGES = 200  # of one page
MAX_INSIDE = 200  # pictures inside one drawing or <noscript>

# Where lazy loaders keep the real address; the fullest first (Zhihu's data-original is the original size).
LAZY = (
    "data-original", "data-actualsrc", "data-src", "data-lazy-src", "data-original-src", "data-lazyload", "data-lazy",
    "data-echo", "data-url", "data-hi-res-src", "real_src", "file", "zoomfile",
)  # fmt: skip
_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set", "srcset")
BACKGROUNDS = (
    "data-bg", "data-background", "data-background-image", "data-bg-src", "data-lazy-bgimg", "data-lazy-background",
)  # fmt: skip
HELD = ("data-src", "data-original", "data-lazy-src")  # also of boxes that a script fills with a picture
_CODED = re.compile(r"(?i)(\.(?:jpe?g|png|gif|webp))(?:[@!]!?[\w.-]+|\.webp|\.avif)$")  # another size or coding of it
_CANDIDATE = re.compile(r"(?:^|,)\s*([^\s,][^\s]*[^\s,])(?:\s+(\d+(?:\.\d+)?)[wx])?\s*(?=,|$)")
_SOURCE_NAME = re.compile(r"^(?:data-|_|x-|lazy|real|orig|load)|src|lazy|original|img|image|photo|pic")
_NOT_SOURCE = frozenset(
    ("alt", "title", "class", "id", "style", "src", "srcset", "href", "sizes", "data-link", "data-caption")
)
_PICTURE = re.compile(r"(?i)\.(?:jpe?g|png|gif|webp|avif|bmp|svg|heic)(?:[?#!@&;]|$)|[?&](?:wx_)?fmt=|mmbiz\.qpic\.cn")
# What stands there until a script has run.
_PLACEHOLDER = re.compile(
    r"(?i)(?:^|/)(?:blank|spacer|placeholder|loading|lazy(?:[_-]?load(?:ing)?)?|transparent|trans|pixel|gr[ea]y|1x1|t|dot|clear|empty|space|default[_-]?img|"
    r"pic_blank|img_loading|image-placeholder|no-?image|lazyload-ph)(?:[_-]?\d+(?:x\d+)?)?\.(?:gif|png|svg|jpe?g|webp)$"
)
# Parameters that ask for another size or coding of one picture: WeChat's, and those of the common picture servers.
_PRESENTATION = frozenset(
    "tp wx_lazy wx_co wxfrom wx_fmt usepicprefetch w h width height q quality fit crop auto dpr fm ssl strip resize "
    "imwidth imformat format optimize x-oss-process imageview2 imagemogr2 imageslim x-image-process".split()
)


def absolute(target: str, base: str) -> str:
    """An http(s) URL, absolute; "" for anything else, also what no browser would load."""
    target = target.strip()
    if not target or target.startswith(("data:", "javascript:", "about:", "#")):
        return ""
    try:
        url = join(base, target)
    except ValueError:
        return ""
    return url if is_http(url) else ""


def picture_key(url: str) -> str:
    """What two addresses of one picture have in common: the address without size, coding and fragment."""
    address, _, query = url.partition("#")[0].partition("?")
    kept = [p for p in query.replace("&amp;", "&").split("&") if p and _name_of(p) not in _PRESENTATION]
    plain = _CODED.sub(r"\1", unquote(address.partition("://")[2]))
    if plain.startswith(("mmbiz.qpic.cn/", "mmbiz.qlogo.cn/", "mmecoa.qpic.cn/")):
        plain = plain.rpartition("/")[0] or plain  # the last step is a size: /0, /640
    return "&".join([plain, *sorted(kept)])


def _name_of(parameter: str) -> str:
    return re.split(r"[=/]", parameter, maxsplit=1)[0].lower()


def image_url(node: LexborNode, base: str) -> str:
    """The address of the picture that an `<img>` comes to show; "" where it has none (yet)."""
    attributes = node.attributes
    for name in LAZY:
        # Some sites keep a template there: `a_{width}x.jpg`.
        if (value := attributes.get(name)) and "{" not in value and (url := absolute(value, base)):
            return url
    for name in _SETS:
        if (value := attributes.get(name)) and (url := absolute(largest(value), base)):
            return url
    plain = absolute(attributes.get("src") or "", base)
    if plain and not _is_placeholder(plain):
        return plain
    for name, value in attributes.items():
        if not value or name in _NOT_SOURCE or not _SOURCE_NAME.search(name) or not _PICTURE.search(value):
            continue
        if url := absolute(largest(value) if "set" in name else value, base):
            return url
    parent = node.parent
    return source_url(parent, base) if parent is not None and parent.tag == "picture" else ""


def source_url(picture: LexborNode, base: str) -> str:
    """The largest candidate of the first `<source>` of a `<picture>` that has any."""
    for source in picture.css("source")[:20]:
        for name in _SETS:
            if url := absolute(largest(source.attributes.get(name) or ""), base):
                return url
    return ""


def _is_placeholder(url: str) -> bool:
    return _PLACEHOLDER.search(url.partition("?")[0]) is not None


def largest(srcset: str) -> str:
    """The candidate of the greatest width or density."""
    found = [(float(size or 1), url) for url, size in _CANDIDATE.findall(srcset[:20_000])[:50]]
    return max(found, default=(0.0, ""), key=lambda pair: pair[0])[1]


def background_url(attributes: dict[str, str | None], base: str) -> str:
    """The address of a background picture, in a style or where lazy loaders keep it; "" for none."""
    style = attributes.get("style")
    if style and "url(" in style and "background" in style:
        url = absolute(_css_url(style), base)
        if url.count("/") > 2 and not url.endswith("/") and not _is_placeholder(url):
            return url
    for name in BACKGROUNDS:
        if (value := attributes.get(name)) and (
            url := absolute(re.sub(r"(?i)^url\(['\"]?|['\"]?\)$", "", value), base)
        ):
            return url
    return ""


def held_url(node: LexborNode, base: str) -> str:
    """The address of the picture that a script puts into a box or shows as its background; "" for none."""
    attributes = node.attributes
    for name in HELD:
        value = attributes.get(name)
        if value and _PICTURE.search(value) and (url := absolute(value, base)) and node.css_first("img") is None:
            return url
    return ""


def _css_url(style: str) -> str:
    """The address in the first `url()` behind a `background`. A pattern would take seconds of a bad style."""
    start = style.find("url(", style.find("background"))
    end = style.find(")", start)
    return unescape(style[start + 4 : end]).strip("\"' \t\r\n") if 0 <= start < end else ""


def drawing_urls(svg: LexborNode, base: str) -> Iterator[str]:
    """The pictures inside of a drawing: `<image>`, backgrounds of WeChat's layouts, `<img>` of foreign objects."""
    own = background_url(svg.attributes, base)
    if own:
        yield own
    for count, node in enumerate(svg.traverse()):
        if count > 20 * MAX_INSIDE:
            return
        if node.tag == "image":
            target = node.attributes.get("href") or node.attributes.get("xlink:href") or node.attributes.get("data-src")
            if url := absolute(target or "", base):
                yield url
        elif node.tag == "img":
            if url := image_url(node, base):
                yield url
        elif node.is_element_node and node.mem_id != svg.mem_id and (url := background_url(node.attributes, base)):
            yield url


def noscript_urls(node: LexborNode, base: str) -> list[str]:
    """The pictures that a `<noscript>` shows to browsers without scripts; its content is text until then."""
    text = node.text()
    if "<" not in text:
        return []
    images = LexborHTMLParser(text[:200_000]).css("img")[:MAX_INSIDE]
    return [url for image in images if not is_pixel(image) and (url := image_url(image, base))]


def is_pixel(node: LexborNode) -> bool:
    """Whether a picture is a tracking pixel: at most two pixels wide or high."""
    attributes = node.attributes
    return (attributes.get("width") or "") in {"0", "1", "2"} or (attributes.get("height") or "") in {"0", "1", "2"}


@cache
def _ornament() -> re.Pattern[str]:
    return re.compile(
        r"(?i)(?:^|[\s/_.-])(?:logo|icons?|avatar|gravatar|emoji|sprite|favicon|badge|qr-?code|pixel|spinner|loader)"
    )


def is_ornament(node: LexborNode) -> bool:
    """Whether a picture calls itself a logo, an icon or a portrait, which is never what a page is about."""
    attributes = node.attributes
    return any(_ornament().search(attributes.get(name) or "") for name in ("class", "id", "src", "alt"))


def distinct(urls: Iterable[str]) -> tuple[str, ...]:
    """Each picture once, by its first address."""
    found: dict[str, str] = {}
    for url in urls:
        found.setdefault(picture_key(url), url)
    return tuple(found.values())[:MAX_IMAGES]
