"""How sites say "there is no such page", as whole sentences in the languages of the web. Only data lives here.

Each matches a whole line (a part of a title, a heading), folded by `content.folded`; `soft404` says where it counts.
"""

from __future__ import annotations

from crawler.core.patterns import LazyPattern

# --- English ------------------------------------------------------------------------------------------------------
_THING = (
    r"(?:(?:web ?)?page|file(?: or directory)?|article|post|document|content|url|resource|stor(?:y|ies)|topic|thread"
    r"|site|product|item|video|entry|link|listing|ad|profile|user|repository|app|deployment|job|event|question)"
)
_WANTED = (
    r"(?: (?:that )?you(?:'re| are| were|'ve| have)? (?:requested|looking for|trying to (?:reach|view|access|find)"
    r"|seeking|after|tried to (?:reach|view|access)|entered|specified|followed)| requested)?"
)
_NOT = (
    r"(?: (?:was|is|has been|could|does|did|do)? ?(?:not|n't)"
    r"| (?:cannot|can't|not|wasn't|isn't|couldn't|doesn't))(?: be| seem to)? (?:found|exists?|available|here"
    r"|located)(?: on (?:this|our) (?:server|site|website))?"
)
_LOST = (
    r"(?: (?:is|was|has been|have been|may have been|has|might have been|may be))?(?: been)? (?:missing|unavailable"
    r"|no longer (?:available|exists?|here)|deleted|removed|gone|moved(?: or deleted| or removed)?|lost|expired)"
)
_ENGLISH = (
    rf"(?:the |this |that |sorry,? (?:the |this |that )?|your |requested )?{_THING}{_WANTED}(?:{_NOT}"
    rf"|{_LOST})(?: or (?:\w+ ){{0,3}}\w+)?"
    r"|(?:404 )?not found|nothing (?:was )?found(?: here| for .{1,80})?|\(not found\)!*1?"
    r"|no (?:such page|page found|results? found|article found)"
    rf"|(?:we|i)(?:'re| are)? ?(?:sorry,? )?(?:but )?(?:we )?(?:could not|couldn't|can't|cannot|can not|were unable to"
    rf"|are unable to) find (?:that|this|the|your) {_THING}{_WANTED}"
    r"|oops!? (?:that|this) page (?:doesn't exist or is private|can't be found)"
    r"|page (?:does not exist|doesn't exist)(?: or is private)?|there(?:'s| is) nothing here(?:, yet)?"
    r"|this page (?:isn't|is not) available|uh oh!? .{0,20}not found|this is not the (?:web )?page you are looking for"
    r"|(?:hmm+\W*)?this page (?:doesn't|does not) exist.{0,60}|dead (?:link|end)|content not available"
    r"|page (?:lost|missing)|you(?:'re| are) lost"
)

# --- Chinese (both scripts), Japanese, Korean -----------------------------------------------------------------------
_THING_ZH = (
    r"(?:页面|网页|文章|内容|帖子|主题|资源|信息|博客|链接|文件|日志|新闻|商品|视频|頁面|網頁|內容|網址|网址|地址|页"
    r"|作品|笔记|贴子|活动|用户|专栏)"
)
_LOST_ZH = (
    r"(?:不存在|找不到了?|没有找到|未找到|沒有找到|找不著"
    r"|已(?:经|經)?(?:被)?(?:作者|用户|发布者)?(?:删除|刪除|移除|下架|下线|屏蔽)|已失效|失效了?|走丢了?|不见了|不見了"
    r"|丢失了?|丢了|飞走了|迷路了|被(?:吃掉|删除|刪除|外星人).{0,6}|无法找到|无法访问|不翼而飞)"
)
_CHINESE = (
    rf"(?:您|你|该|該|此|这个|這個|啊哦?|哎呀|您所)?(?:正在|所)?(?:要)?(?:访问|查看|请求|浏览|查找|寻找|找|訪問|瀏覽"
    rf"|打开)?(?:的)?{_THING_ZH}(?:可能)?(?:暂时)?{_LOST_ZH}(?:或(?:者)?(?:已(?:经)?(?:被)?)?(?:删除|刪除|移动|移除"
    rf"|不存在).{{0,6}})?|(?:找不到|无法找到|沒有找到|没有找到"
    rf"|未找到)(?:您?(?:要|所)?(?:访问|请求|查找|需要)?的?)?(?:该|这个|此|相关)?{_THING_ZH}|无法找到该页|找不到该页"
    r"|指定的(?:主题|文章|日志|帖子)不存在或?已?(?:被)?(?:删除)?\S{0,12}"
    r"|(?:您|你)(?:访问|来到)的?(?:是)?(?:一个)?(?:页面)?(?:没有知识存在的)?(?:荒原|荒漠).{0,6}"
    r"|页面(?:出错|找不到)(?:了|啦)?|此页面(?:不存在|已不在).{0,8}"
    # files that were shared, on Baidu's and others' disks
    r"|(?:你来晚了\W*)?(?:该|此)?分享的?(?:文件|链接|内容)?(?:已经?)?(?:被)?(?:删除|取消|过期|失效|不存在)了?"
    r"(?:\W*下次要早点哟)?"
)
_JAPANESE = (
    r"(?:お探しの|指定された|ご指定の|このの?|該当(?:の|する)?|要求された)?(?:ページ|記事|ファイル|コンテンツ|url"
    r"|お探しのもの)(?:は|が|を)?(?:見つかりません(?:でした)?|存在しません|ありません(?:でした)?"
    r"|見つけることができません(?:でした)?|削除されました|表示できません)|ページが見つかりません(?:でした)?"
    r"|お探しのページは.{0,20}(?:見つかりません|存在しません|ありません).{0,6}|この投稿は削除されました"
)
_KOREAN = (
    r"(?:요청하신|찾으시는|해당|존재하지 않는|이)? ?(?:페이지|게시물|게시글|문서|글|파일)(?:를|을|가|이|은"
    r"|는)? ?(?:찾을 수 없습니다|찾을 수 없음|존재하지 않습니다|없습니다|삭제되었습니다|입니다|찾을 수 없어요)"
    r"|존재하지 않는 (?:페이지|게시물|글)(?:입니다)?"
)

# --- European languages -----------------------------------------------------------------------------------------------
_EUROPEAN = (
    # German
    r"(?:die |diese |der |das )?(?:(?:angeforderte|gesuchte|gewünschte) )?(?:web)?(?:seite|artikel|inhalt|datei"
    r"|beitrag|dokument)(?: (?:wurde|konnte|existiert|ist))?(?: leider)? (?:nicht (?:gefunden(?: werden)?|verfügbar"
    r"|vorhanden|mehr verfügbar)|existiert nicht(?: mehr)?|nicht(?: mehr)?|gelöscht)|nicht gefunden"
    r"|seite nicht verfügbar"
    # French
    r"|(?:la |cette |l'|le |désolé, (?:la |cette )?)?(?:page|article|contenu|fichier"
    r"|document)(?: (?:que vous (?:recherchez|cherchez|demandez|avez demandée)|demandée?|recherchée?))? (?:est "
    r"|n'a pas été |n'a pu être |n'est pas |n'existe |n'est plus )?(?:non trouvée?|introuvable|pas|plus|trouvée?"
    r"|inexistante?|disponible|supprimée?|non disponible)|page non trouvée|cette page n'existe (?:pas|plus)"
    # Spanish
    r"|(?:la |esta |el |este |lo sentimos,? (?:la |esta )?)?(?:página|pagina|artículo|contenido"
    r"|archivo)(?: (?:que (?:buscas|busca|estás buscando|solicitó)|solicitad[ao]|buscad[ao]))? (?:no (?:se ha "
    r"|ha sido |se |fue )?(?:encontrad[ao]|encontr[oó]|existe|disponible|está disponible|se encuentra"
    r"|pudo ser encontrad[ao])|inexistente|eliminad[ao])"
    r"|no (?:se (?:ha )?)?encontr(?:ó|ado|amos) (?:la |esta )?(?:página|pagina)|no encontrad[ao]"
    # Portuguese, Italian
    r"|(?:a |esta |o )?(?:página|pagina|conteúdo"
    r"|artigo)(?: (?:que (?:você )?(?:procura|procurou|está procurando)"
    r"|solicitada))? (?:não (?:foi )?(?:encontrad[ao]|existe)|inexistente|indisponível)"
    r"|(?:la |questa )?pagina(?: (?:che (?:cerchi|stai cercando)|richiesta|cercata))? (?:non (?:è stata "
    r"|è )?(?:trovata|esiste|disponibile)(?: più)?|inesistente)"
    # Russian, Ukrainian, Polish, Dutch, Turkish, Czech, Swedish
    r"|(?:запрашиваемая |такой |эта |данная |указанная |искомая "
    r"|запрошенная )?(?:страниц[аы]|стать[яи]|запись|материал|файл"
    r"|документ)(?:, которую вы (?:ищете|запросили),)? (?:не (?:найден[аоы]?"
    r"|существует)|удал[её]н[ао]?|отсутствует)|не найдено"
    r"|страницы не существует|сторінк[ау] не знайдено"
    r"|(?:nie znaleziono (?:strony|artykułu)|strona nie (?:istnieje|została znaleziona))"
    r"|(?:de )?pagina (?:is )?niet gevonden|pagina bestaat niet(?: meer)?|sayfa bulunamadı"
    r"|aradığınız sayfa bulunamadı|stránka (?:nenalezena|nebyla nalezena|neexistuje)"
    r"|sidan (?:hittades inte|kunde inte hittas|finns inte)|trang không (?:tìm thấy|tồn tại)|không tìm thấy trang"
    r"|halaman tidak ditemukan|الصفحة غير موجودة"
)

_ANY = "|".join((_ENGLISH, _CHINESE, _JAPANESE, _KOREAN, _EUROPEAN))
_APOLOGY = (
    r"(?:(?:oops|ooops|sorry|whoops|uh[- ]?oh|oh no|hmm+|ups|hoppla|désolé|lo sentimos|ошибка|извините"
    r"|申し訳ございません|죄송합니다|很?抱歉|对不起|哎呀|啊哦|we're sorry|we are sorry"
    r"|the requested)[\s,.!，！。:：;…-]*)*"
)
_CODE = (
    r"(?:(?:http )?(?:error|status|code|fehler|erreur|errore|erro|ошибка|错误|エラー|오류)?[\s:：]*404(?: error"
    r"| fehler)?[\s,.:：!|–—-]*)"
)
NUMBER_ALONE = LazyPattern(rf"{_CODE}(?:error|page|页面|错误|エラー)?[\s!.。]*|(?:page|http) 404|404")
MISSING = LazyPattern(
    rf"{_APOLOGY}{_CODE}?(?:{_ANY})(?:[\s:：-]*(?:\(?(?:http )?(?:error )?404(?: error)?\)?))?"
    r"(?:[\s,，。!！]+(?:请(?:检查|确认|核对|返回|您)|可能(?:是|因为|由于)|您可以|(?:将|即将)?在? ?\d+ ?秒).{0,60})?"
    r"[\s!.。！~～…:]*"
)
VAGUE_TITLE = LazyPattern(
    r"提示信息|错误提示|出错了!?|系统提示|error|oops!?|信息提示|访问出错|错误|エラー|오류|fehler|erreur|ошибка"
    r"|404|error page"
)

# Errors of the server behind the page, served with 200.
SERVER_ERROR_TITLE = LazyPattern(
    r"(?:(?:http |error |status )*5\d\d[\s:.,|-]*)?(?:bad gateway|internal server error"
    r"|service (?:temporarily )?unavailable!?|gateway time-?out|application error"
    r"|server error(?: in '.{0,40}' application\.?)?|database (?:connection )?error"
    r"|error establishing a database connection|runtime error|web server is (?:down|returning an unknown error)"
    r"|connection timed out|origin (?:dns error|is unreachable)|服务器(?:内部)?错误|网关错误|服务不可用)"
    r"|(?:http |error |status )+5\d\d|5\d\d error"
)
# What PHP prints in the place of a page.
SERVER_ERROR_LINE = LazyPattern(r"(?:php )?(?:fatal|parse) error\W.{1,400}\bin /?\S+(?: on line \d+|:\d+).*")
MAINTENANCE_TITLE = LazyPattern(
    r"(?:(?:site|website|we(?:'re| are)?|the site is|this site is)?[\s:-]*(?:currently |temporarily )?(?:under"
    r"|down for|undergoing|in|scheduled) (?:scheduled )?maintenance(?: mode)?)|maintenance(?: mode| page)?"
    r"|(?:this|the) (?:web ?)?site is (?:currently|temporarily) (?:unavailable|down|offline)\.?"
    r"|(?:briefly |temporarily )?unavailable(?: for scheduled maintenance)?"
    r"|(?:网站|系统|站点)(?:正在)?(?:维护|升级)(?:中|公告)?|wartung(?:sarbeiten|smodus)?|en maintenance"
    r"|en mantenimiento|メンテナンス中|점검 ?중|технические работы"
)

# Answers of object stores and platforms in the place of a page.
STORE_CODES = {
    "NoSuchBucket": "soft-404",
    "NoSuchKey": "soft-404",
    "NoSuchWebsiteConfiguration": "soft-404",
    "BlobNotFound": "soft-404",
    "ResourceNotFound": "soft-404",
    "WebsiteNotFound": "soft-404",
    "AllAccessDisabled": "forbidden",
    "AccessDenied": "forbidden",
}
PLATFORM_LINES = LazyPattern(
    r"404: not_found|(?:code: )?[`'\"]?(?:deployment_not_found|not_found)[`'\"]?"
    r"|there isn't a github pages site here\.?|no such app|the deployment could not be found on vercel\.?"
    r"|not found - request id:.{0,40}|this deployment (?:is|has been) (?:disabled|paused|temporarily paused).{0,40}"
    r"|looks like you've followed a broken link.{0,80}|fastly error: unknown domain.{0,60}|error 1001 .{0,40}"
    r"|http status 404\b.{0,120}"
    r"|the specified (?:bucket|key) does not exist\.?|repository not found|whitelabel error page|cannot get /\S*"
    r"|the requested url .{0,120} was not found on this server\.?"
)
