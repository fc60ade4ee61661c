"""Pages that stand between us and any site: challenges, captchas, login and consent walls.

Exact titles, and markers that only challenge pages carry, both on small pages only: articles *about* these pages quote
their words, and living pages load the same firewalls' scripts. A wall says nothing about the page behind it.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from crawler.core.model import Confidence, Fetch, State, Verdict
from crawler.judge.verdicts import verdict
from crawler.page.document import Document

SMALL = 100_000  # bytes; the largest challenge page known is under 60 kB
FEW = 1_500  # visible characters that a challenge page may show

# Whole titles, folded by `_fold`. Cloudflare speaks the visitor's language.
TITLES = frozenset(
    (
        "just a moment...", "please wait... | cloudflare", "attention required! | cloudflare", "ddos-guard",
        "checking your browser - recaptcha", "checking your browser before accessing",
        "please stand by, while we are checking your browser...",
        "security check", "security checkpoint", "vercel security checkpoint", "human verification",
        "bot verification", "robot check",
        "are you a robot?", "are you a human?", "pardon our interruption", "client challenge",
        "making sure you're not a bot!",
        "access to this page has been denied", "access to this page has been denied.", "you have been blocked",
        "sucuri website firewall - access denied",
        "one moment, please...", "un instant...", "un momento...", "einen moment, bitte...",
        "een moment geduld...",
        "um momento...", "один момент...",
        "しばらくお待ちください...", "잠시만 기다리십시오...", "请稍候...", "請稍候...", "百度安全验证",
        "安全验证", "安全驗證", "滑动验证页面",
        "滑动验证", "人机验证", "人机身份验证", "访问验证", "验证码", "验证码拦截", "验证码中间页",
        "请输入验证码", "访问受限", "访问被拦截", "网站防火墙",
        "安全检查", "安全检测", "浏览器安全检查", "浏览器安全检查中...", "请进行安全验证",
        "sina visitor system", "身份验证",
        "incapsula", "request rejected", "edgeone security check", "waf拦截提示",
        "waiting room powered by cloudflare",
    )
)  # fmt: skip

# What only challenge pages carry, with the firewall that writes it. `/cdn-cgi/challenge-platform/`,
# `_Incapsula_Resource`, `_pxAppId` and captcha widgets alone prove nothing: living pages have them too.
MARKERS = (
    ("Cloudflare", ("window._cf_chl_opt", 'id="challenge-form"', 'id="cf-challenge-', "cf-browser-verification")),
    ("Aliyun", ("acw_sc__v2", "aliyunwaf_", "/_____tmd_____/punish", "x5secdata")),
    ("Incapsula", ("Incapsula incident ID", "incident_id=", "_Incapsula_Resource?CWUDNSAI")),
    ("DataDome", ("geo.captcha-delivery.com", "ct.captcha-delivery.com")),
    ("PerimeterX", ('id="px-captcha"', "id='px-captcha'")),
    ("AWS WAF", ("window.gokuProps", "AwsWafIntegration.", 'id="captcha-container" data-awswaf')),
    ("Akamai", ("sec-if-cpt-container", "/_sec/cp_challenge/")),
    ("Anubis", ('id="anubis_challenge"', "/.within.website/x/cmd/anubis/")),
    ("Kasada", ("KPSDK.now", "149e9513-01fa-4fb0-aad4-566afd725d1b")),
    ("Sucuri", ("sucuri_cloudproxy_js",)),
    ("Baidu", ("wappass.baidu.com/static/captcha", "ppui-static-wap.cdn.bcebos.com/static/touch/css/api/mkdjump")),
    ("Yunsuo", ("yunsuo_session_verify", "security_session_verify", "security_verify_data")),
    ("Jiasule", ("__jsl_clearance",)),
    ("EdgeOne", ("EO_Bot_Ssid", "__tst_status")),
    ("ByteDance", ("_$jsvmprt",)),
    ("DDoS-Guard", ("/.well-known/ddos-guard/js-challenge",)),
    ("Weibo", ("Sina Visitor System",)),
)  # fmt: skip

_LOGIN_HOSTS = ("passport.", "login.", "signin.", "sso.", "accounts.", "auth.", "account.")
_LOGIN_SEGMENTS = frozenset(
    "login signin sign_in sign-in sign_up signup logon log-in log_in wp-login userlogin user_login visitor sso cas "
    "checkpoint authwall oauth2".split()
)
_CAPTCHA_HOSTS = ("wappass.", "captcha.", "verify.", "sec.", "antispider.")
_CAPTCHA_SEGMENTS = frozenset(
    "captcha unhuman verify punish antispider challenge robot-check human-verification validatecaptcha x5sec".split()
)
_CONSENT_HOSTS = ("consent.", "guce.", "cookiewall.")
_LOGIN_TITLE = re.compile(
    r"(?i)(?:用户|会员|账号|帐号)?(?:登录|登陆|登入)(?:页面?|注册|/注册)?"
    r"|(?:please |user |member )?(?:log ?in|sign ?in|login)(?: required| page)?"
    r"|请(?:先)?登录|您需要登录(?:后)?才(?:能|可以)\S{0,12}"
)
_TITLE_PART = re.compile(r"\s*[-_|–—·:：]\s*")


def wall_of(fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict where the answer, of whatever status, is a wall; None where it is none that we know."""
    return _redirected_to_wall(fetch) or _challenge(fetch, document) or _login_page(fetch, document)


def wall_kind(url: str) -> str:
    """What sort of wall an address names: `captcha`, `login-required`, `consent-required`, or ""."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return ""
    segments = {segment.partition(".")[0] for segment in parts.path.split("/") if segment}
    host = parts.hostname or ""
    if host.startswith(_CAPTCHA_HOSTS) or segments & _CAPTCHA_SEGMENTS or "x5sec" in parts.query:
        return "captcha"
    if host.startswith(_CONSENT_HOSTS):
        return "consent-required"
    if host.startswith(_LOGIN_HOSTS) or segments & _LOGIN_SEGMENTS or "action=login" in parts.query:
        return "login-required"
    return ""


def _redirected_to_wall(fetch: Fetch) -> Verdict | None:
    if not fetch.redirects or fetch.final_url == fetch.url:
        return None
    kind = wall_kind(fetch.final_url)
    if not kind or wall_kind(fetch.url) == kind:
        return None
    return verdict(fetch, State.BLOCKED, kind, f"generic/redirected-to-{kind}", fetch.final_url)


def _challenge(fetch: Fetch, document: Document) -> Verdict | None:
    if not document.is_html or len(document.body) >= SMALL:
        return None
    title = _fold(document.title)
    if len(document.visible_text(FEW + 1)) <= FEW:
        if title in TITLES:
            return verdict(fetch, State.BLOCKED, "captcha", "generic/challenge-title", f"title: {document.title}")
        for firewall, markers in MARKERS:
            marker = next((marker for marker in markers if marker in document.html), "")
            if marker and _is_machinery(document, marker):
                return verdict(fetch, State.BLOCKED, "captcha", "generic/challenge-marker", f"{firewall}: {marker}")
    if title == "access denied" and "Reference #" in document.html and "edgesuite" in document.html:
        return verdict(fetch, State.BLOCKED, "forbidden", "generic/challenge-marker", "Akamai: Access Denied")
    return None


def _is_machinery(document: Document, marker: str) -> bool:
    """Whether a marker on a page that shows next to nothing is a part of it, and not a word that it quotes."""
    return marker not in document.visible_text(FEW + 1) and document.tree.css_first("pre, article code") is None


def _login_page(fetch: Fetch, document: Document) -> Verdict | None:
    """A form in the place of the page, at its own address: a password is asked for, and the title says nothing else."""
    if not document.is_html or len(document.body) >= SMALL or wall_kind(fetch.url):
        return None
    first = _TITLE_PART.split(document.title)[0].strip()
    if not _LOGIN_TITLE.fullmatch(first) or document.tree.css_first('input[type="password"]') is None:
        return None
    if len(document.visible_text(FEW + 1)) > FEW:
        return None
    return verdict(
        fetch,
        State.BLOCKED,
        "login-required",
        "generic/login-page",
        f"title: {document.title}",
        confidence=Confidence.MEDIUM,
    )


def _fold(title: str) -> str:
    return " ".join(title.replace("…", "...").replace("’", "'").split()).casefold()
