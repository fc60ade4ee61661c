"""What each reason slug means, for people: a short name in two languages and a sentence of help.

Only the words live here. Which page gets which slug is decided by the judge; a slug that has no row here is shown
by its own words, so that a user's site file may bring new ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from crawler.report.words import Language


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason slug in words; `help` says what it means and what can be done."""

    en: str
    zh: str
    help: str


REASONS = {
    # a person's word
    "marked-fine": Reason("you say it is fine", "你标记为正常", "`crawler mark URL clear` takes that back."),
    "marked-dead": Reason("you say it is dead", "你标记为失效", "`crawler mark URL clear` takes that back."),
    # dead
    "deleted-by-author": Reason(
        "deleted by its author",
        "作者已删除",
        "The site itself says that the author deleted this page. Link to a kept copy instead.",
    ),
    "removed-for-violation": Reason(
        "removed for violating rules",
        "因违规被移除",
        "The site itself says that it removed this page for breaking its rules. Link to a kept copy instead.",
    ),
    "account-banned": Reason(
        "account banned",
        "账号被封禁",
        "The site blocked the account that published this page, and every page of it is gone.",
    ),
    "account-closed": Reason(
        "account closed",
        "账号已注销",
        "The account that published this page was closed, and every page of it is gone.",
    ),
    "account-migrated": Reason(
        "account moved",
        "账号已迁移",
        "The account moved to a new name. Where the new address is known, link to that.",
    ),
    "temporary-link-expired": Reason(
        "temporary link expired",
        "临时链接已过期",
        "This address was made for a short time (links from a search page are). The article may live.",
    ),
    "bad-parameters": Reason(
        "wrong parameters in the URL",
        "参数错误",
        "The site does not know this address; it was cut or mistyped. Compare it with where it was copied from.",
    ),
    "not-found": Reason("not found (404)", "页面不存在（404）", "The server says that there is no such page."),
    "gone": Reason("gone (410)", "页面已移除（410）", "The server says that the page was removed for good."),
    "private": Reason("made private", "已设为私密", "The author hid this page from readers."),
    "malformed-url": Reason(
        "malformed URL", "网址格式错误", "This is not a URL that a browser could open. Correct it."
    ),
    "unsupported-scheme": Reason("scheme that is not checked", "不支持的协议", "Only http and https are asked for."),
    "missing-file": Reason(
        "file is missing", "本地文件缺失", "The note points to a file that is not there. Restore or rename it."
    ),
    "content-deleted": Reason(
        "content deleted", "内容已删除", "The site itself says that the content was deleted, not by whom."
    ),
    # suspect
    "missing-anchor": Reason(
        "heading is missing",
        "锚点缺失",
        "The note that is named is there, and nothing in it has this heading or id. Correct what stands behind the #.",
    ),
    "no-such-host": Reason(
        "domain does not exist", "域名不存在", "No address is known for this name; it may be mistyped."
    ),
    "unreachable-from-here": Reason(
        "never reached from here",
        "从这里从未连通",
        "The host never answered from here while others did. It may live elsewhere: open it on another line.",
    ),
    "captive-portal": Reason(
        "answered by the network (511)",
        "被网络门户拦截（511）",
        "The network that the crawler runs in answered in the site's place. Log in there, and run again.",
    ),
    "timeout": Reason(
        "timed out", "超时", "No whole answer came within the time limit. It is asked again on later days."
    ),
    "dns-failure": Reason(
        "domain does not resolve",
        "域名无法解析",
        "The name of the host is not known to DNS. It is asked again on later days.",
    ),
    "connection-refused": Reason(
        "connection refused", "连接被拒绝", "The host is there, and no server listens on its port."
    ),
    "connection-reset": Reason("connection reset", "连接被重置", "The connection was cut before an answer came."),
    "unreachable": Reason("unreachable", "网络不可达", "There is no way through the network to this host."),
    "tls-error": Reason(
        "TLS error",
        "TLS 证书或握手错误",
        "The certificate is not valid for this host, or no secure connection came about.",
    ),
    "protocol-error": Reason("broken HTTP", "HTTP 协议错误", "The answer was not valid HTTP."),
    "bad-content-encoding": Reason("broken compression", "内容编码错误", "The body could not be decompressed."),
    "server-error": Reason(
        "server error (5xx)", "服务器错误（5xx）", "The server says that it is broken. It is asked again on later days."
    ),
    "temporarily-unavailable": Reason(
        "unavailable for now", "暂时无法查看", "The site says that the page cannot be shown now."
    ),
    "redirect-loop": Reason("redirects in a circle", "循环重定向", "The page redirects to itself."),
    "too-many-redirects": Reason(
        "too many redirects", "重定向次数过多", "The chain of redirects did not end within the limit."
    ),
    "redirected-to-home": Reason(
        "redirects to the home page",
        "跳转到首页",
        "A deep link that ends on the home page usually means that the page is gone.",
    ),
    "redirected-to-private": Reason(
        "redirects to a private address",
        "跳转到内网地址",
        "The redirect leads into a private network and was not followed.",
    ),
    "soft-404": Reason(
        "looks like a “not found” page",
        "疑似 404 页面",
        "The server answered 200, and the page reads like an error page.",
    ),
    "parked-domain": Reason(
        "parked domain", "域名已停放", "The domain was given up and shows advertisements or an offer for sale."
    ),
    "answer-not-found": Reason(
        "answer is not there", "回答不存在", "The question lives, and the asked answer is not on its page."
    ),
    "hidden-by-platform": Reason(
        "hidden by the platform",
        "被平台隐藏",
        "The platform hides the page until its author changes it; many come back.",
    ),
    "account-migrating": Reason(
        "account is moving",
        "账号迁移中",
        "The site says that the account is on its way to a new name; checked again later.",
    ),
    "too-many-moves": Reason("moved too often", "迁移次数过多", "The account moved from name to name without an end."),
    "site-error": Reason(
        "error of the site", "网站出错", "The site showed an error of its own that says nothing of the page."
    ),
    "client-error": Reason(
        "client error (other 4xx)",
        "请求错误（其他 4xx）",
        "A status that says the request was wrong, without saying that the page is gone.",
    ),
    "shared-target": Reason(
        "many links, one target",
        "多个链接指向同一页面",
        "Many different links of this host land on one and the same page.",
    ),
    "default-page": Reason(
        "default page", "默认页面", "A web server's or a host's placeholder stands where the page was."
    ),
    # blocked
    "captcha": Reason(
        "captcha",
        "需要验证码",
        "The site asked us for a captcha. That says nothing about the page: open it in a browser.",
    ),
    "login-required": Reason(
        "login required",
        "需要登录",
        "The site shows this page to members only. `crawler rearchive --cookies` can bring yours.",
    ),
    "forbidden": Reason(
        "forbidden to us", "拒绝访问", "The site refused the crawler. That says nothing about the page."
    ),
    "rate-limited": Reason(
        "asked too often", "请求过于频繁", "The site asked for patience. It is asked again later, more slowly."
    ),
    "unavailable-for-legal-reasons": Reason(
        "blocked for legal reasons (451)", "因法律原因不可用（451）", "Blocked where the crawler runs."
    ),
    "payment-required": Reason("payment required (402)", "需要付费（402）", "The site wants to be paid by crawlers."),
    "consent-required": Reason(
        "consent required", "需要同意条款", "The site asks for consent before it shows anything. Open it in a browser."
    ),
    "no-permission": Reason("no permission", "没有权限", "The site says that this reader may not see the page."),
    # unknown and unchecked
    "generated-page": Reason(
        "page that a generator may make",
        "可能由生成器生成的页面",
        "No file of the notes is this page; a site generator may make it (tags, feeds). Nothing is said of it.",
    ),
    "unreadable-folder": Reason(
        "folder that cannot be read",
        "文件夹无法读取",
        "The target may lie in a folder that this computer may not look into. Nothing is said of it.",
    ),
    "unwritten-note": Reason("note to come", "尚未写的笔记", "A wiki link names a note that is not written yet."),
    "too-complex": Reason(
        "too complex to read",
        "页面过于复杂",
        "Reading this page took more CPU time or memory than `[read]` allows; its bytes are kept.",
    ),
    "too-large": Reason("too large", "内容过大", "The body is over `[fetch] max_body` and was not read to its end."),
    "internal-error": Reason(
        "internal error", "内部错误", "The crawler failed on this page. Please report it with the traceback of the log."
    ),
    "not-public": Reason(
        "not a public address",
        "非公网地址",
        "Hosts of private networks are not asked, unless `[fetch] allow_private` is set.",
    ),
    "recovered": Reason(
        "recovered from its record",
        "由存档记录恢复",
        "The archive was damaged: the page is kept, what was concluded of it is lost. It is due again.",
    ),
    "never-checked": Reason("not checked yet", "尚未检查", "This link has not been checked yet."),
    "over-budget": Reason("over budget", "超出预算", "The time or the number of links of this run was used up."),
    "excluded": Reason("excluded", "已排除", "The configuration says that this link is not to be checked."),
    "no-rule-matched": Reason(
        "no rule matched",
        "没有规则匹配",
        "The site has rules, the page answered, and none of them knows what it saw. Never taken for alive.",
    ),
    "unseen-notice": Reason(
        "new notice",
        "新提示",
        "The site's error zone holds words that no rule knows; the report lists them under new notices seen.",
    ),
    "other-article": Reason(
        "another article", "另一篇文章", "The page shows an article, and not the one that was asked for."
    ),
    "hijacked-dns": Reason(
        "name system is hijacked",
        "域名解析被劫持",
        "Names that do not exist are answered here with one and the same page, and this link is, too.",
    ),
    "needs-javascript": Reason(
        "needs JavaScript",
        "需要 JavaScript",
        "The page is an empty shell that a browser fills: `crawler rearchive --browser` can fill it.",
    ),
    "empty-page": Reason("empty page", "空白页面", "The page shows nothing to read."),
    "not-html": Reason("not HTML", "不是 HTML", "Where an article is expected came something else."),
    "unexpected-status": Reason(
        "unexpected status", "意外的状态码", "A status without a meaning for a page, or a redirect without a target."
    ),
    "disallowed-by-robots": Reason(
        "disallowed by robots.txt",
        "robots.txt 不允许",
        "`[fetch] robots` is set, and the site asks crawlers to stay away.",
    ),
    "held-back": Reason(
        "held back",
        "暂缓请求",
        "Politeness held the request back (`max_per_day`, a cool-down): nothing was asked, so nothing is known.",
    ),
    # alive
    "ok": Reason("fine", "正常", "The page was seen, and nothing speaks against it; its host has no rules of its own."),
    "content": Reason(
        "content seen",
        "已见到内容",
        "The site's own mark of a living page was seen: its container, and the asked article in it.",
    ),
    "not-an-article": Reason(
        "not an article",
        "并非文章",
        "A living page of the site that is no article: a profile, a list, a notice of the platform.",
    ),
    "not-modified": Reason(
        "not modified",
        "未修改（304）",
        "The server answered 304: nothing changed since the last check, and no body was sent.",
    ),
    "accepted-status": Reason("accepted status", "被认可的状态码", "A status that `[host] accept` counts as alive."),
}


def reason_name(slug: str, language: Language) -> str:
    """The reason in a few words; an unknown slug in its own."""
    known = REASONS.get(slug)
    if known is None:
        return slug.replace("-", " ")
    match language:
        case "en":
            return known.en
        case "zh":
            return known.zh


def reason_help(slug: str) -> str:
    """One or two English sentences on what the reason means."""
    known = REASONS.get(slug)
    return known.help if known else f"A site file gives this reason: {slug.replace('-', ' ')}."
