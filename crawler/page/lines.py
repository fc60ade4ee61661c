"""Lines inside an article that are not of it: sharing, advertising, pointers to other articles, bylines, datelines.

Only the text of one line is judged here; where it stands, and what becomes of it, is decided in cleaning. The words are
those of the languages in the sets that benchmarks/text.py names: English, Chinese, and the larger European ones.
"""

from __future__ import annotations

import re
from functools import cache

SHORT = 140.0  # weight up to which a line is looked at; a paragraph is never a remark

_NETWORKS = (
    r"facebook(?:-f)?|twitter|x|x-twitter|linkedin(?:-in)?|whatsapp|telegram|reddit|pinterest(?:-p)?|flipboard|"
    r"instagram|messenger|tumblr|e-?mail|mail|"
    r"print|drucken|imprimir|imprimer|stampa|drukuj|copy link|link|bluesky|threads|mastodon|xing|pocket|vk|line|"
    r"weibo|wechat|微博|微信|qq空间|youtube|tiktok|rss|sms"
)
_SHARE = (
    r"share (?:on|via|with) [\w ]{1,20}+|share this(?: (?:article|story|post|page))?|share (?:article|story|post|"
    r"page)|gift this article|click to share.*+|copy url|"
    r"copied!?|add comment|pin it|shares?|tweet|pin|save|like|sharing|teilen|partager|compartir|compartilhar|"
    r"condividi|udostępnij|delen|dela|分享|转发|收藏|点赞|"
    r"bookmark|follow|subscribe|comments?|reply|listen"
)
_NOISE = (
    rf"(?:(?:{_SHARE}|{_NETWORKS}|\d{{1,6}}+(?!\d))(?![a-z])\W*+)++|"
    r"(?:advertis(?:e?ment|ing)|ad|ads|anzeige|werbung|publicité|publicidad(?:e)?|pubblicità|reklama|advertentie|"
    r"annonse?|广告|推广|sponsored(?: content)?|"
    r"(?:the )?(?:story|article) continues (?:below|after)\b.*|continue reading (?:below|the main story)\b.*|"
    r"scroll to continue.*|skip (?:ad\w*|to\b.*)|"
    r"loading\W*|placeholder.*|play(?: video)?|pause|close|menu|search|back(?: to top)?|top|next|previous|prev|"
    r"weiter|zurück|nach oben|"
    r"view gallery|open (?:image )?(?:gallery|modal|in new .*)|show more|see more|load more|view (?:all|more)|"
    r"enlarge(?: image)?|(?:hide|show|view|toggle) caption|zurück zur (?:übersicht|liste|startseite)|"
    r"(?:rezept|seite|artikel) drucken.{0,30}|(?:kommentar|comment) verfassen|kommentare geschlossen|"
    r"\d\d:\d\d [-–] source: .{1,20}|vergrößern|toggle.*|expand(?: image)?|"
    r"image \d+ (?:of|/) \d+|\d+ ?(?:of|/) ?\d+|this (?:post|article|page|site) (?:may )?contains? affiliate links.*|"
    r"more|read more|learn more|mehr|weiterlesen|mehr lesen|lire la suite|leer más|leia mais|leggi(?: tutto)?|"
    r"czytaj (?:więcej|dalej)|阅读全文|展开全文|点击查看.{0,6})\W*"
)
_POINTER = (
    r"(?:(?:please )?(?:also )?(?:read|see|watch)(?: (?:more|next|also|the full (?:story|article)|now|this))?|"
    r"related(?: (?:articles?|stor(?:y|ies)|posts?|reading|content|topics|links?|news|coverage))?|"
    r"more (?:from|on|about|in|stories|news|to explore|like this)\b[^:：]{0,40}|also (?:read|on|see)\b[^:：]{0,30}|"
    r"(?:you )?(?:may|might) also (?:like|be interested in|enjoy)|you(?:'|’)ll also (?:like|love)|"
    r"do ?n(?:'|’)?t miss|recommended(?: (?:for you|reading|videos?|articles?))?|up next|what to read next|"
    r"trending(?: now)?|(?:click|tap) here\b[^:：]{0,60}|"
    r"mehr (?:zum thema|dazu|lesen)|lesen sie (?:auch|mehr|dazu|hier)|lesen sie dazu(?: auch)?|auch interessant|"
    r"schon gelesen|das(?: thema)? könnte (?:sie|dich) auch interessieren|siehe auch|"
    r"zum (?:thema|weiterlesen)|auch lesen|"
    r"weiter(?:e|führende) (?:informationen|infos|artikel|beiträge|themen|meldungen|links?)[^:：.]{0,30}|"
    r"(?:ähnliche|verwandte) (?:artikel|beiträge|themen\w*)|lesen sie auch die folgenden beiträge|mehr themen|"
    r"empfehlungen aus der redaktion|"
    r"(?:à )?lire (?:aussi|également)|à lire|voir aussi|vous aimerez(?: aussi)?|(?:leia|veja) (?:também|mais)|"
    r"(?:lea|lee|leé|ver|mira)(?: también| más| además)?|(?:te|le) puede interesar|puedes? ver|relacionad[oa]s?|"
    r"dowiedz się więcej|"
    r"leggi anche|potrebbe interessarti(?: anche)?|(?:czytaj|zobacz|przeczytaj)(?: też| także| również| więcej)?|"
    r"lees ook|läs (?:också|även|mer)|les også|lue myös|"
    r"相关(?:阅读|新闻|文章|链接|推荐)|延伸阅读|推荐阅读|更多(?:阅读|内容|精彩)|(?:更多|点击)[^。]{0,12}请?(?:关注|点击|查看)[^。]{0,20})"
)
_CALL = (
    r"(?:sign up|subscribe|join|follow|like|find) (?:(?:now|here|today) )?(?:for|to|us|me|our|on|@)\b.{0,110}|"
    r"(?:get|receive) (?:the|our|your|more)\b.{0,70}(?:newsletter|inbox|email)\b.{0,30}|"
    r"(?:enter|your) (?:your )?e-?mail\b.{0,60}|follow .{1,40} on (?:twitter|facebook|instagram|x|linkedin|"
    r"youtube|google news|threads|tiktok)\b.{0,40}|"
    r"(?:download|get) (?:our|the) .{0,30}app\b.{0,40}|leave a (?:comment|reply)\b.{0,40}|\(?\d+\)? (?:comments?|"
    r"replies|responses|likes?|shares|views|kommentare|commentaires)|be the first to comment.*|"
    r"join the (?:conversation|discussion)\b.{0,60}|"
    r"your email address will not be published\b.*|required fields are marked.*|notify me (?:of|when)\b.*|"
    r"abonnieren sie\b.{0,80}|(?:jetzt )?(?:(?:zum )?(?:kostenlosen )?newsletter|abo)\b.{0,50}|"
    r"by (?:subscribing|submitting|signing up)\b.{0,60}\byou agree\b.{0,60}|view all posts by .{1,60}|"
    r"latest posts by .{1,60}|was this newsletter forwarded\b.{0,90}|"
    r"(?:for|get) the latest (?:news|stories|updates)\b.{0,90}\bapps?\b.{0,30}|s[ií]guenos en\b.{0,100}|"
    r"if you(?:'|’)re seeing this message\b.{0,120}|to (?:view|read|continue reading) the (?:full|rest)\b.{0,120}|"
    r"war (?:der|dieser) artikel (?:nützlich|hilfreich)\b.{0,20}|"
    r"(?:möchten sie )?den artikel (?:mit anderen )?teilen.{0,30}|valora esta noticia|"
    r"(?:i|we) may earn (?:a|an)\b.{0,30}commission\b.{0,60}|"
    r"save my name, email.*|this site uses akismet.*|(?:©|\(c\)|copyright\b).{0,120}|"
    r"alle rechte vorbehalten.{0,60}|版权(?:所有|声明).{0,60}|未经(?:授权|许可).{0,60}|"
    r"(?:扫码|长按|扫描).{0,30}(?:二维码|关注).{0,30}|(?:欢迎)?关注.{0,20}(?:公众号|微信|微博).{0,20}|本文(?:来自|来源|转载).{0,60}|责任编辑.{0,20}|"
    r"【?责编.{0,20}|编辑[:：].{0,20}|"
    r"(?:editor(?:'|’)s picks?|most (?:read|popular|viewed)|latest (?:news|stories|posts|articles)|"
    r"popular (?:posts|now|stories)|recent posts|top stories|table of contents|contents|in this article|"
    r"jump to\b.{0,40}|on this page|inhaltsverzeichnis|inhalt|sommaire|about the authors?|about author|author bio|"
    r"meet the author|über den autor.{0,20}|newsletter|comments?|kommentare|commentaires|comentarios|discussion|"
    r"share this\b.{0,30}|sharing is caring.{0,20}|rate this\b.{0,30}|was this (?:article|page|post|"
    r"information) helpful.{0,20})"
)
_CREDIT = (
    r"(?:photo(?:graph)?s?|images?|pictures?|bild(?:er|quelle)?|foto(?:s|grafie)?|fotos?|imagen|"
    r"crédits?(?: photo)?|credits?|image source|source|quelle|(?:header|featured|cover|lead) image|illustration|"
    r"video|graphic)"
    r"(?: credits?| by| courtesy(?: of)?| source| via| from)?\s*[:：/©].{0,90}|(?:photo|image|picture)s? (?:by|"
    r"courtesy|via|from|credit)\b.{0,70}|(?:courtesy|via) (?:of )?.{0,40}|©.{0,80}|"
    r"\(?(?:getty images|shutterstock|istock\w*|unsplash|pexels|pixabay|reuters|afp|ap(?: photo)?|dpa|epa|imago|"
    r"alamy|adobe ?stock|flickr|wikimedia commons|ap images|bloomberg)\b.{0,60}|"
    r"(?:图源|图片来源|供图|摄影?|图)[:：／/].{0,30}|photograph by .{1,60}|źródło\s*:.{0,60}|"
    r"(?:beitrags)?bild (?:via|aus)\b.{0,60}|beitragsbild\s*:.{0,90}"
)
# Without a beginning of their own: looked for within a line, or at its end.
_WITHIN = r"\bfollow (?:us|me) on\b|\bcomments? (?:are|is) (?:closed|off)\b|\ball rights reserved\b"
_AGENCY = (
    r"(?:/|via |\(|- ?|\| ?|©|(?:photo|image|picture|foto|bild|crédito|crédit|"
    r"credit)s?(?: by)?:) ?(?:[\w.]+ ?/ ?)?(?:getty(?: images)?|shutterstock(?:\.com)?|istock\w*|unsplash|reuters|"
    r"afp|ap|dpa|epa|imago|alamy|adobe ?stock|flickr|wikimedia commons|bloomberg|picture[- ]alliance|keystone)\W*\Z"
)
_MONTHS = (
    r"jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar|rero|braio)?|févr(?:ier)?|fevereiro|mar(?:ch|s|zo|ço)?|märz|"
    r"apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|may|mai|mayo|maio|maggio|"
    r"jun[ei]?|juin|jul[yi]?|juillet|julio|julho|aug(?:ust)?|août|agosto|sept?(?:ember|embre|iembre)?|setembro|"
    r"o[ck]t(?:ober|obre|ubre)?|outubro|nov(?:ember|embre|iembre|embro)?|"
    r"de[cz](?:ember|embro)?|déc(?:embre)?|dic(?:iembre|embre)?|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|"
    r"sierpnia|września|października|listopada|grudnia"
)
_DATE = (
    rf"\b(?:{_MONTHS})\b\.? ?\d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th|\.)? ?(?:de |"
    rf"of )?(?:{_MONTHS})\b|\b\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d{{2}})\b|"
    rf"\b\d{{4}}[./-]\d{{1,2}}[./-]\d{{1,2}}\b|"
    rf"\d{{4}} ?年 ?\d{{1,2}} ?月|\b(?:{_MONTHS})\b\.?,? \d{{4}}\b|\b\d{{1,2}}:\d{{2}}\b|\b\d+ (?:minutes?|mins?|"
    rf"hours?|hrs?|days?|weeks?|months?|years?) ago\b"
)
_BYLINE = (
    r"(?:by|von|par|por|di|da|door|av|przez|autor(?:in|a)?|author|words|text|written by|posted (?:by|on|in|at)|"
    r"published(?: (?:on|by|at|in))?|updated(?: (?:on|at))?|last (?:updated?|modified|reviewed)(?: on)?|"
    r"(?:medically |clinically )?(?:reviewed|edited|fact[- ]checked|verified|translated|reported|contributed|"
    r"created|submitted) (?:by|on)|editor|contributors?|contributions? from|category|categories|filed (?:under|"
    r"in)|tags?|tagged(?: with| as)?|topics?|keywords?|labels?|section|"
    r"reading time|est(?:imated|\.)? (?:reading|read) time|lesezeit|veröffentlicht|aktualisiert|stand|erschienen|"
    r"publié|mis à jour|publicado|actualizado|pubblicato|aggiornato|schlagwörter|stichwörter|themen|kategorien?|"
    r"mots[- ]clés|etiquetas|"
    r"作者|撰文|记者|来源|编辑|时间|日期|发布(?:时间|日期|于)?|浏览|阅读|字体|字号|标签|分类|关键词|栏目|点击)(?:\s*[:：/／|]|\s)\s*.{0,110}|"
    r".{0,40}\b\d+[ -]min(?:ute)?s?(?: (?:read|watch|listen))?\b.{0,40}|(?:by|von|par|por|di) \S.{1,60}"
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)\W*+(?:{pattern})\W*\Z")


# Compiled on first use: a command that reads no page never needs them.
_noise = cache(lambda: _whole(_NOISE))
_call = cache(lambda: _whole(_CALL))
_within = cache(lambda: re.compile(rf"(?i){_WITHIN}"))
_pointer = cache(lambda: re.compile(rf"(?i)\W*+{_POINTER}(?=\W|$)"))
_credit = cache(lambda: _whole(_CREDIT))
_agency = cache(lambda: re.compile(rf"(?i){_AGENCY}"))
_byline = cache(lambda: _whole(_BYLINE))
_date = cache(lambda: re.compile(rf"(?i){_DATE}"))


def is_noise(text: str) -> bool:
    """Whether a line is a button, a label of advertising or of sharing: of no use wherever it stands."""
    return (
        _noise().match(text) is not None
        or _call().match(text) is not None
        or (len(text) < 120 and _within().search(text) is not None)
    )


def is_pointer(text: str, *, linked: bool) -> bool:
    """Whether a line leads to another article: the bare words, the words before a colon, or before a link."""
    match = _pointer().match(text)
    if match is None:
        return False
    rest = text[match.end() :].strip()
    return len(rest) < 3 or linked or rest[:1] in ":：|>»→–-"


def is_credit(text: str) -> bool:
    """Whether a line says whose picture it is."""
    if len(text) > SHORT:
        return False
    at_end = len(text) < 90 and _agency().search(text[-40:]) is not None
    return at_end or _credit().match(text) is not None


def is_byline(text: str) -> bool:
    """Whether a line says who wrote it, when, or in which section, as lines between title and first paragraph do."""
    if _byline().match(text) is not None:
        return True
    found = _date().search(text) if len(text) < 70 else None
    return found is not None and len(text) - (found.end() - found.start()) < 45
