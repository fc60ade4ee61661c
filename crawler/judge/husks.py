"""Pages that answer 200 and hold nothing: parked domains, soft 404s, empty shells.

All of these are guesses: they make a link `suspect` or `unknown`, never dead. Whole phrases in titles and headings of
pages with little text count; articles about missing pages and domain names have more to say and stay alive.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from crawler.core.model import Confidence, Fetch, State, Verdict
from crawler.judge.verdicts import verdict
from crawler.page.document import Document

SMALL = 100_000  # bytes of a parked page
LITTLE = 800  # visible characters below which a page may be nothing but a notice; SITES, rule 2
NOTHING = 12  # visible characters below which a page shows nothing

PARKING_HOSTS = (
    "sedo.com", "sedoparking.com", "dan.com", "undeveloped.com", "afternic.com", "hugedomains.com", "bodis.com",
    "parkingcrew.net",
    "above.com", "domainmarket.com", "buydomains.com", "uniregistry.com", "domainnamesales.com", "parklogic.com",
    "atom.com",
    "dynadot.com", "epik.com", "spaceship.com", "ename.com", "4.cn", "juming.com", "mi.aliyun.com",
    "parkingpage.namecheap.com",
    "cashparking.com", "parked-content.godaddy.com", "forsale.godaddy.com", "expireddomains.com", "domain.cn",
    "gname.com",
)  # fmt: skip
_PARKING_DOMAINS = tuple(f".{host}" for host in PARKING_HOSTS)
_PARKING_MARKERS = (
    "sedoparking.com", "img1.wsimg.com/parking-lander", "parkingcrew.net", "cdn.bodis.com", "window.park=",
    "window.park =",
    "parklogic.com", "d38psrni17bvxu.cloudfront.net", "data-adblockkey=",
    'window.location.href="/lander"', "cdn-cgi/parking",
    "hugedomains.com/domain_profile", "afternic.com/forsale", "dan.com/buy-domain",
)  # fmt: skip
_FOR_SALE = re.compile(
    r"(?i)(?:this |the )?(?:domain(?: name)?|website|[a-z0-9-]+(?:\.[a-z0-9-]+)+) (?:is|may be|could be) "
    r"(?:for sale|parked|available for (?:sale|purchase))"
    r"|buy this domain|domain (?:for sale|is parked|has expired|parking)"
    r"|this domain (?:name )?(?:has expired|is registered)"
    r"|(?:本|此|该)?域名(?:正在|可以|可|已|已经)?(?:出售|转让|过期|到期|停放|出租)"
    r"|(?:本|此|该)(?:域名|网站)(?:已|已经)(?:过期|到期)|域名停靠|购买此域名"
)
_DEFAULT_TITLES = re.compile(
    r"(?i)welcome to (?:nginx|openresty|centos|caddy)\S*|apache2? (?:\w+ )?(?:default page|test page).{0,30}"
    r"|test page for .{0,60}|iis windows server|account suspended|this account has been suspended|site not found.{0,40}"
    r"|没有找到站点|(?:恭喜，)?站点创建成功.{0,20}|未备案提示|(?:网站|域名)未备案.{0,20}"
    r"|该?网站(?:已关闭|暂停访问|暂时无法访问|访问报错).{0,20}"
)

# Whole sentences that say "there is no such page", put together from what sites say.
_THING = r"(?:page|file(?: or directory)?|article|post|document|content|url|resource|story|topic|thread)"
_WANTED = r"(?: you(?:'re| are| were)? (?:requested|looking for|trying to (?:reach|view|access)))?"
_NOT = r"(?: (?:was|is|has been|could|does) ?(?:not|n't)| (?:cannot|can't|not))(?: be)? (?:found|exist|available)"
_LOST = r"(?: (?:is|was|has been))? (?:missing|unavailable|no longer (?:available|exists)|deleted|removed)"
_DING = r"(?:页面|网页|文章|内容|帖子|主题|资源|信息|博客|链接|文件|日志|新闻)"
_WEG = r"(?:不存在|找不到了?|没有找到|未找到|已(?:经)?(?:被)?(?:作者)?删除|已失效|走丢了|不见了|丢失了?)"
_NUMBER = rf"(?:(?:{_THING} )?not found|error|page|页面|错误|未找到|找不到页面|(?:您访问的)?页面{_WEG})"
_SENTENCES = (
    rf"(?:(?:http )?(?:error|status|错误)[\s:]*)?404(?:[\s,.:!-]*{_NUMBER})?",
    rf"(?:the |this |that )?{_THING}{_WANTED}(?:{_NOT}|{_LOST})",
    r"not found|nothing found|we (?:could not|couldn't|can't) find (?:that|this|the) page",
    rf"(?:您|你|该|此|这个)?(?:所)?(?:要)?(?:访问|查看|请求|浏览|查找|寻找|找)?的?{_DING}(?:可能)?{_WEG}(?:或(?:者)?已(?:经)?(?:被)?删除)?",
    rf"(?:找不到|无法找到)(?:您?(?:要|所)?(?:访问|请求|查找)的?)?(?:该)?{_DING}|无法找到该页|找不到该页",
    r"指定的(?:主题|文章|日志|帖子)不存在或?已?(?:被)?(?:删除)?\S{0,12}",
)
_MISSING = re.compile(
    rf"(?i)(?:(?:oops|sorry|whoops|很?抱歉|对不起)[\s,.!，！。:：-]*)?(?:{'|'.join(_SENTENCES)})[\s!.。！~～]*"
)
_MAYBE = re.compile(r"(?i)提示信息|错误提示|出错了!?|系统提示|error|oops!?|信息提示|访问出错")
_PART = re.compile(r"\s*(?:[-_|–—·»«]|::)\s*")
_NEEDS_SCRIPT = re.compile(
    r"(?i)(?:enable|requires?|turn on|without|disabled?|启用|开启) ?javascript|javascript (?:is|must|to run)"
)
MAX_PHRASE = 80  # characters of a line that may be one of these sentences


def husk_of(fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict of a 2xx page that holds nothing; None for pages that may hold something."""
    if not document.body.strip():
        return verdict(fetch, State.UNKNOWN, "empty-page", "generic/empty-body")
    if not document.is_html:
        return None
    return _parked(fetch, document) or _missing(fetch, document) or _empty(fetch, document)


def is_parking(url: str) -> bool:
    """Whether an address belongs to a trader of domain names."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return f".{host}".endswith(_PARKING_DOMAINS)


def _parked(fetch: Fetch, document: Document) -> Verdict | None:
    if is_parking(fetch.url):
        return None  # a link to the trader itself
    if is_parking(fetch.final_url):
        return verdict(fetch, State.SUSPECT, "parked-domain", "generic/parking-host", fetch.final_url)
    if len(document.body) >= SMALL:
        return None
    visible = document.visible_text(LITTLE + 1)
    if len(visible) > LITTLE:
        return None
    marker = next((marker for marker in _PARKING_MARKERS if marker in document.html and marker not in visible), "")
    if marker:
        return verdict(fetch, State.SUSPECT, "parked-domain", "generic/parking-marker", marker)
    said = _FOR_SALE.search(document.title) or _FOR_SALE.match(visible) or _own_domain_for_sale(fetch, visible)
    if said and document.tree.css_first("article, .post, .entry-content") is None:
        return verdict(fetch, State.SUSPECT, "parked-domain", "generic/for-sale", f"text: {said[0]}")
    if _DEFAULT_TITLES.fullmatch(document.title):
        return verdict(fetch, State.SUSPECT, "default-page", "generic/default-page", f"title: {document.title}")
    return None


def _own_domain_for_sale(fetch: Fetch, visible: str) -> re.Match[str] | None:
    """An offer anywhere in a short text that names the very host."""
    host = (urlsplit(fetch.final_url).hostname or "").lower().removeprefix("www.")
    return _FOR_SALE.search(visible) if host and host in visible.lower() else None


def _missing(fetch: Fetch, document: Document) -> Verdict | None:
    """A page whose title or heading says that there is no page, and that says little else."""
    visible = document.visible_text(LITTLE + 1)
    if len(visible) > LITTLE:
        return None
    parts = [part for part in _PART.split(document.title) if part]
    said = next((part for part in parts[:2] if _says_missing(part)), "")
    headings = [" ".join(node.text(separator=" ").split()) for node in document.tree.css("h1, h2, h3")[:5]]
    said = said or next((heading for heading in headings if _says_missing(heading)), "")
    if not said and (not parts or _MAYBE.fullmatch(parts[0]) or len(visible) < LITTLE / 4):
        said = next((line for line in visible.splitlines()[:12] if _says_missing(line)), "")
    if not said:
        return None
    return verdict(fetch, State.SUSPECT, "soft-404", "generic/soft-404", f"text: {said}", confidence=Confidence.LOW)


def _says_missing(line: str) -> bool:
    return len(line) <= MAX_PHRASE and _MISSING.fullmatch(line.replace("’", "'").strip()) is not None


def _empty(fetch: Fetch, document: Document) -> Verdict | None:
    """A page without visible text: not gone, only not to be read without a browser."""
    visible = document.visible_text(LITTLE + 1)
    asks = len(visible) <= LITTLE / 2 and _NEEDS_SCRIPT.search(visible)
    if len("".join(visible.split())) >= NOTHING and not asks:
        return None
    tree = document.tree
    if not asks and tree.css_first("img[src], video, audio, embed, object, canvas") is not None and document.title:
        return None  # a picture is content too
    if asks or tree.css_first("script, frameset, frame, iframe, meta[http-equiv=refresh i]") is not None:
        matched = f"{len(document.body)} bytes, {len(visible)} visible characters"
        return verdict(
            fetch, State.UNKNOWN, "needs-javascript", "generic/needs-javascript", matched, confidence=Confidence.MEDIUM
        )
    return verdict(fetch, State.UNKNOWN, "empty-page", "generic/empty-page", f"title: {document.title}")
