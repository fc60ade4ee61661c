"""Domains that were given up: offers of sale, advertisements, and the stock pages of servers and hosts.

A guess, so a link becomes `suspect` by it and never dead. Elements and scripts of the traders count on pages that show
little; an offer counts where the page offers its own name, or has nothing else to say.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from crawler.core.model import Fetch, State, Verdict
from crawler.core.patterns import LazyPattern
from crawler.judge.content import folded, shows_article, title_parts
from crawler.judge.verdicts import verdict
from crawler.page.document import Document

LITTLE = 800  # visible characters below which a page may be nothing but an offer
OFFER = 2_500  # visible characters of an offer that its title names
PARKING_HOSTS = (
    "sedo.com", "sedoparking.com", "dan.com", "undeveloped.com", "afternic.com", "hugedomains.com", "bodis.com",
    "parkingcrew.net", "above.com", "domainmarket.com", "buydomains.com", "uniregistry.com", "domainnamesales.com",
    "parklogic.com", "atom.com", "dynadot.com", "epik.com", "spaceship.com", "ename.com", "4.cn", "juming.com",
    "mi.aliyun.com", "parkingpage.namecheap.com", "cashparking.com", "parked-content.godaddy.com",
    "forsale.godaddy.com", "expireddomains.com", "domain.cn", "gname.com", "domainlore.uk", "sav.com", "squadhelp.com",
    "brandbucket.com", "perfectdomain.com", "efty.com", "domeneshop.no", "nicsell.com", "mitsu.com", "22.cn",
    "dnspod.cn", "wanwang.aliyun.com", "west.cn", "onamae.com", "dsparking.com", "parked.com", "skenzo.com",
)  # fmt: skip
_PARKING_DOMAINS = tuple(f".{host}" for host in PARKING_HOSTS)
_OFFER_HOSTS = frozenset(  # registrars: shops too
    "atom.com dynadot.com epik.com spaceship.com dnspod.cn west.cn onamae.com wanwang.aliyun.com domeneshop.no "
    "sav.com".split()
)
_OFFER_PATH = LazyPattern(
    r"(?i)/(?:.*[/_-])?(?:domain[s_-]?(?:profile|for-?sale)?|buy-domain|forsale|for-sale|listing|market\w*|parking"
    r"|lander|buy|name)\b"
)
_MARKERS = (
    "sedoparking.com", "img1.wsimg.com/parking-lander", "parkingcrew.net", "cdn.bodis.com", "window.park=",
    "window.park =", "parklogic.com", "d38psrni17bvxu.cloudfront.net", "data-adblockkey=",
    'window.location.href="/lander"', "window.location.href='/lander'", "cdn-cgi/parking",
    "hugedomains.com/domain_profile",
    "afternic.com/forsale", "dan.com/buy-domain", "parking.bodiscdn.com", "/px.js?ch=1", "google.ads.domains.Caf",
    "www.google.com/adsense/domains/caf.js", "dsparking.com", "ParkedPageScript", "parked-content.godaddy.com",
    "sedo.com/search/details", "expireddomains.register.com", "park.101datacenter.net",
)  # fmt: skip
_NAME = r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+)"
_FOR_SALE = LazyPattern(
    rf"(?:this |the |your )?(?:premium )?(?:domain(?: name)?|website|web address|{_NAME})(?: {_NAME})? (?:is|may be"
    rf"|could be|might be) (?:now |currently |available )?"
    r"(?:for sale|parked|up for sale|listed for sale|on sale|available for (?:sale|purchase)|for auction)"
    rf"|buy (?:this domain|{_NAME})(?: now)?|(?:premium )?domain(?: name)? (?:for sale|is parked|has expired|parking"
    rf"|parked)|{_NAME}(?: -| is)? (?:for sale|parked)\b"
    rf"|this domain (?:name )?(?:has expired|is registered|has been registered|is pending renewal"
    rf"|was recently registered)|(?:make an offer|get this domain|inquire about this domain)"
    rf"|interested in (?:buying )?(?:this domain|{_NAME})|{_NAME} (?:has expired|domain is for sale|is coming soon)"
    rf"|hugedomains\.com"
    r"|(?:本|此|该|當前|您正在访问的)?域名(?:正在|可以|可|已|已经)?(?:出售|转让|过期|到期|停放|出租|轉讓|求购|竞价"
    r"|拍卖)|(?:本|此|该)(?:域名|网站)(?:已|已经)(?:过期|到期)|域名停靠|购买此域名"
    r"|(?:您|你)(?:正在|所)?访问的域名.{0,10}(?:出售|转让)|此域名正在|该域名可出售"
    r"|(?:このドメイン(?:名)?は|お探しのドメインは).{0,12}(?:販売|売り出し|お名前\.com|期限切れ)|ドメイン(?:の)?販売"
    r"|이 도메인은.{0,10}(?:판매|매각)|도메인 판매"
    r"|(?:diese |die )?domain(?: \S+)? (?:steht|ist|könnte) (?:zum verkauf|zu verkaufen|geparkt|käuflich)"
    r"|domain (?:kaufen|zu verkaufen)|(?:ce |le )?(?:nom de )?domaine(?: \S+)? (?:est (?:à vendre|en vente|parqué)"
    r"|a expiré)|(?:este |el )?dominio(?: \S+)? (?:está (?:en venta|a la venta|aparcado)|ha expirado)"
    r"|(?:este )?domínio(?: \S+)? (?:está à venda|expirou)"
    r"|(?:questo )?dominio(?: \S+)? (?:è in vendita|è scaduto)"
    r"|домен(?: \S+)? (?:прода[её]тся|припаркован|выставлен|истек)"
    r"|продажа домена"
)
_STOCK_TITLES = LazyPattern(
    r"welcome to (?:nginx|openresty|centos|caddy|tengine|apache|lighttpd|litespeed)\S*.{0,20}"
    r"|apache2? (?:\w+ )?(?:default page|test page).{0,30}|it works!?|test page for .{0,60}|iis windows server"
    r"|iis ?\d.*|account suspended|this account has been suspended"
    r"|(?:website|site|page|domain|hosting|web site) (?:is |has been )?(?:suspended|disabled|deactivated|expired)"
    r"|site not found.{0,40}|domain default page"
    r"|default (?:web site|web|parallels plesk|server|apache|nginx)? ?(?:page|site page|welcome page)"
    r"|web server's default page|default plesk page|(?:heroku \| )?no such app"
    r"|welcome to (?:your new|your) (?:site|website|home|server).{0,40}|future home of something quite cool"
    r"|coming soon - .{0,10}hosting.{0,20}|hosting(?:er)? .{0,20}parked.{0,20}"
    r"|parked domain name on hostinger dns system|this (?:site|domain) is (?:not configured|not active|parked).{0,40}"
    r"|(?:domain|website) not (?:configured|connected|claimed|found)|unknown domain|invalid (?:url|hostname)"
    r"|没有找到站点|(?:恭喜，?)?站点创建成功.{0,20}|未备案提示.{0,20}|(?:网站|域名)未备案.{0,20}"
    r"|(?:该|本|此)?(?:网站|站点)(?:已关闭|暂停访问|暂时无法访问|访问报错|已停止访问|未备案|已过期|不存在"
    r"|已到期).{0,20}|(?:虚拟)?主机(?:已|未).{0,12}|站点(?:不存在|已暂停|已停用).{0,12}|域名暂未生效.{0,10}"
    r"|(?:该|本|此)?(?:网站|站点|空间|主机)(?:已(?:被)?)?(?:停用|停机|关停|冻结|封禁).{0,12}"
    r"|请先备案.{0,10}|hello world ?- ?apache|.{0,20}default page: it works"
)


def parked_of(fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict of a 2xx page that stands for a domain nobody uses; None for all others."""
    if is_parking(fetch.url):
        return None  # a link to the trader itself
    if is_parking(fetch.final_url):
        return verdict(fetch, State.SUSPECT, "parked-domain", "generic/parking-host", fetch.final_url)
    visible = document.visible_text(OFFER + 1)
    if len(visible) > OFFER or shows_article(document):
        return None
    return _offer(fetch, document, visible) or _stock_page(fetch, document, visible)


def is_parking(url: str) -> bool:
    """Whether an address belongs to a trader of domain names; of a registrar, only where it offers one."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if not f".{host}".endswith(_PARKING_DOMAINS):
        return False
    registrar = any(f".{host}".endswith(f".{name}") for name in _OFFER_HOSTS)
    return not registrar or _OFFER_PATH.match(parts.path) is not None


def _offer(fetch: Fetch, document: Document, visible: str) -> Verdict | None:
    little = len(visible) <= LITTLE
    marker = next((m for m in _MARKERS if m in document.html and m not in visible), "") if little else ""
    if marker and document.tree.css_first("pre, code") is None:
        return verdict(fetch, State.SUSPECT, "parked-domain", "generic/parking-marker", marker)
    title, text = folded(document.title), folded(visible)
    host = (urlsplit(fetch.final_url).hostname or "").lower().removeprefix("www.")
    said = _FOR_SALE.match(text) if little else None
    said = said or next((found for part in (title, *title_parts(title)) if (found := _FOR_SALE.match(part))), None)
    if not said and host and host in f"{title} {text}":
        said = _FOR_SALE.search(title) or _FOR_SALE.search(text[: OFFER if little else LITTLE])
    if said is None or not (little or (host and host in f"{title} {text}")):
        return None
    return verdict(fetch, State.SUSPECT, "parked-domain", "generic/for-sale", f"text: {said[0]}")


def _stock_page(fetch: Fetch, document: Document, visible: str) -> Verdict | None:
    """By its title, which the server or the host wrote."""
    title = folded(document.title)
    said = next((part for part in (title, *title_parts(title)[:1]) if part and _STOCK_TITLES.fullmatch(part)), "")
    if not said and not title and len(visible) <= LITTLE:
        first = folded(visible.partition("\n")[0])
        said = first if _STOCK_TITLES.fullmatch(first) else ""
    if not said:
        return None
    return verdict(fetch, State.SUSPECT, "default-page", "generic/default-page", f"title: {document.title or said}")
