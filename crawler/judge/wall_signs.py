"""The signs of walls, as tables: titles, elements, script markers, headers, and what a refusal says in which language.

Only data lives here; `walls` says where each sign counts. Sources: the firewalls' own documentation where they have it
(Cloudflare `cf-mitigated`, AWS WAF `x-amzn-waf-action`), public fixtures of scrapers, and public lists of refusals.
"""

from __future__ import annotations

import re

from crawler.core.patterns import LazyPattern

CAPTCHA, FORBIDDEN, RATE, LOGIN, CONSENT = (
    "captcha", "forbidden", "rate-limited", "login-required", "consent-required",
)  # fmt: skip

# (header, regex over its value, reason): the firewall itself says that it answered in the site's place.
HEADERS = (
    ("cf-mitigated", re.compile(r"(?i)challenge"), CAPTCHA),
    ("x-vercel-mitigated", re.compile(r"(?i)challenge|deny"), CAPTCHA),
    ("x-amzn-waf-action", re.compile(r"(?i)challenge|captcha"), CAPTCHA),
    ("x-sucuri-block", re.compile(r"\S"), FORBIDDEN),
)

# Whole titles, folded by `content.folded`. Cloudflare speaks the visitor's language.
TITLES = frozenset(
    (
        "just a moment...", "please wait... | cloudflare", "attention required! | cloudflare", "ddos-guard",
        "checking your browser - recaptcha", "checking your browser before accessing", "checking your browser",
        "please stand by, while we are checking your browser...", "checking your browser...",
        "security check", "security checkpoint", "vercel security checkpoint", "human verification",
        "bot verification", "robot check", "captcha", "recaptcha", "captcha challenge", "are you not a robot?",
        "are you a robot?", "are you a human?", "pardon our interruption", "pardon our interruption...",
        "client challenge", "bot protection", "ddos protection", "verify you are human", "verifying you are human",
        "please verify you are a human", "it needs a human touch", "prove your humanity", "verification required",
        "making sure you're not a bot!", "sorry, you have been blocked", "you are being rate limited",
        "access to this page has been denied", "access to this page has been denied.", "you have been blocked",
        "sucuri website firewall - access denied", "access verification", "blocked", "request blocked",
        "one moment, please...", "un instant...", "un momento...", "einen moment, bitte...", "um momento...",
        "een moment geduld...", "un moment...", "один момент...", "chwileczkę...", "bir dakika lütfen...",
        "вы не робот?", "доступ ограничен", "доступ ограничен: проблема с ip",
        "しばらくお待ちください...", "잠시만 기다리십시오...", "请稍候...", "請稍候...", "请稍等...", "百度安全验证",
        "安全验证", "安全驗證", "滑动验证页面", "安全中心", "验证中心", "人机校验", "验证页面", "验证码验证",
        "滑动验证", "人机验证", "人机身份验证", "访问验证", "验证码", "验证码拦截", "验证码中间页",
        "请输入验证码", "访问受限", "访问被拦截", "网站防火墙", "访问禁止", "禁止访问", "请求被拦截", "访问被阻断",
        "安全检查", "安全检测", "浏览器安全检查", "浏览器安全检查中...", "请进行安全验证", "访问频率限制",
        "sina visitor system", "身份验证", "robot challenge screen",
        "incapsula", "request rejected", "edgeone security check", "waf拦截提示", "web应用防火墙",
        "waiting room powered by cloudflare", "queue-it", "error 1020", "access denied | cloudflare",
    )
)  # fmt: skip

# Elements that only challenge pages have, with the firewall that writes them: an element is no quotation, so these
# count beside an article too. Scripts that collect sensor data, and captcha widgets, stand on living pages as well.
ELEMENTS = (
    ("PerimeterX", "#px-captcha, #px-captcha-wrapper, #px-captcha-modal"),
    (
        "Cloudflare",
        (
            "#challenge-form, #challenge-running, #cf-challenge-running, #challenge-error-text, "
            "form[action*='/cdn-cgi/l/chk_'], form[action*='__cf_chl_'], [id^='cf-challenge-']"
        ),
    ),
    ("Amazon", "form[action*='validatecaptcha' i]"),
    ("Google", "form#captcha-form, form[action*='/sorry/']"),
    ("DataDome", "iframe[src*='captcha-delivery.com']"),
    ("Akamai", "#sec-if-cpt-container, #sec-cpt-if, script[src*='/_sec/cp_challenge/']"),
    ("AWS WAF", "#captcha-container[data-awswaf], awswaf-captcha"),
    ("Anubis", "#anubis_challenge, script[src*='/.within.website/x/cmd/anubis/']"),
    ("Aliyun", "meta[name^='aliyun_waf'], form[action*='_____tmd_____'], #nocaptcha #nc_1_wrapper"),
    ("Yandex", "form[action*='/checkcaptcha'], .CheckboxCaptcha"),
    ("DDoS-Guard", "#ddg-captcha, .ddg-captcha, script[src*='/.well-known/ddos-guard/js-challenge']"),
    ("Sogou", "#seccodeForm, form[action*='/antispider']"),
    ("Baidu", "form[action*='wappass.baidu.com/static/captcha'], .passMod_spin-background"),
    ("Geetest", "form.js-firewall-form"),
    ("Queue-it", "#MainPart_lbQueueNumber, #MainPart_divProgressbar"),
    ("Vercel", "script[src*='/.well-known/vercel/security/']"),
)  # fmt: skip

# Strings of scripts and attributes that only challenge pages carry. They count on pages that show next to nothing, and
# not where the page shows the string itself. `/cdn-cgi/challenge-platform/`, `_Incapsula_Resource` and `_pxAppId`
# prove nothing: living pages have them too.
MARKERS = (
    ("Cloudflare", ("window._cf_chl_opt", 'id="challenge-form"', "cf-browser-verification")),
    ("Aliyun", ("acw_sc__v2", "aliyunwaf_", "aliyun_waf_", "_waf_bd8ce2ce37", '"CF_APP_WAF"', "/_____tmd_____/punish",
                "x5secdata")),
    ("Incapsula", ("Incapsula incident ID", "incident_id=", "_Incapsula_Resource?CWUDNSAI")),
    ("DataDome", ("geo.captcha-delivery.com", "ct.captcha-delivery.com")),
    ("AWS WAF", ("window.gokuProps", "AwsWafIntegration.", 'id="captcha-container" data-awswaf')),
    ("Akamai", ("sec-if-cpt-container", "/_sec/cp_challenge/", "/_sec/verify?provider=")),
    ("Anubis", ('id="anubis_challenge"', "/.within.website/x/cmd/anubis/")),
    ("F5", ('window["bobcmn"]',)),
    ("Kasada", ("KPSDK.now",)),
    ("Sucuri", ("sucuri_cloudproxy_js",)),
    ("Baidu", ("wappass.baidu.com/static/captcha", "ppui-static-wap.cdn.bcebos.com/static/touch/css/api/mkdjump")),
    ("Yunsuo", ("yunsuo_session_verify", "security_session_verify", "security_verify_data")),
    ("Jiasule", ("__jsl_clearance",)),
    ("EdgeOne", ("EO_Bot_Ssid", "__tst_status")),
    ("ByteDance", ("_$jsvmprt",)),
    ("DDoS-Guard", ("/.well-known/ddos-guard/js-challenge",)),
    ("Weibo", ("Sina Visitor System",)),
    ("Tencent", ("secitptpage/verify",)),
)  # fmt: skip

# Strings that living pages carry too, so that they tell a wall only where a failing answer shows nothing at all.
MARKERS_OF_EMPTY_FAILURES = (
    "/cdn-cgi/bm/cv/", "__CF$cv$params", "/cdn-cgi/challenge-platform/", "_Incapsula_Resource", "px-cdn.net",
    "px-cloud.net", "recaptcha/", "hcaptcha.com", "geetest", "challenges.cloudflare.com", "captcha.gtimg.com",
    "turing.captcha", "awswaf.com", "arkoselabs.com", "/ips.js",
    "149e9513-01fa-4fb0-aad4-566afd725d1b", "kpsdk", "/TSPD/",
)  # fmt: skip

# Captcha widgets. Beside a form to fill in they guard the form; where nothing else stands they guard the page.
WIDGETS = (
    ".g-recaptcha, .h-captcha, .cf-turnstile, .frc-captcha, .smart-captcha, #geetest_captcha, #nc_1_n1z, #nocaptcha, "
    ".geetest_holder, .geetest_captcha, #captcha_geetest, "
    "#tcaptcha, #TCaptcha, iframe[src*='hcaptcha.com'], iframe[src*='recaptcha/'], #captcha-container, #captcha-box, "
    "iframe[src*='_Incapsula_Resource']"
)

_YOU_ARE = r"(?:that )?you(?:'re| are)"
_SUBJECT = (
    r"(?:your|this|the) (?:current |latest |last )?(?:request|ip(?: address)?|access|connection|visit|session|browser"
    r"|query|activity|country)"
)
_BLOCKED = r"(?:blocked|denied|refused|banned|rejected|restricted|limited|blacklisted|flagged)"

# What a challenge says to its visitor, folded. Sentences that address the visitor; one of them at the top of a page
# that shows little else is enough.
CAPTCHA_SAYS = LazyPattern(
    r"unusual (?:traffic|activity|requests?)(?: \w+){0,3} (?:from|on|in) (?:your|this|the)"
    r"|(?:detected|noticed|seen) (?:\w+ ){0,3}(?:unusual|suspicious|automated|abnormal) (?:traffic|activity|behaviou?r"
    r"|requests)|to discuss automated access|checking (?:if the site connection is secure"
    r"|your (?:browser|network|connection))"
    rf"|(?:verify|verifying|confirm|prove|check|make sure|ensure|know|sure|certain) {_YOU_ARE} (?:a |an? )?(?:real )?"
    r"(?:human|person|not a (?:ro)?bot|not an? (?:automated|bot))|prove your humanity|needs a human touch"
    r"|show us your human side|(?:tell|know) if you(?:'re| are) a human"
    r"|(?:complete|solve|solving|pass|fill in|finish) (?:the |this |a |our )?(?:\w+ )?(?:captcha|challenge"
    r"|security check|puzzle|verification)(?: \w+){0,4}? (?:to|and|before|puzzle)"
    r"|enter the characters (?:you see|below|shown)|type the characters (?:you see|below|shown)"
    r"|needs to review the security of your connection|(?:press|click) (?:&|and) hold"
    r"|enable javascript and cookies to continue|please wait for verification|(?:has set up|protected by) anubis"
    r"|performing security verification|slide to (?:complete|verify)|click the button below to continue shopping"
    r"|made us think (?:that )?you (?:are|were|might be) a bot"
    r"|(?:are|were|might be|be) a (?:ro)?bot\b.{0,60}(?:javascript|cookies)|we have detected bot"
    r"|are not a robot to continue|automated (?:access|requests|queries) (?:from|to|by)"
    r"|looks? (?:\w+ )?similar to automated requests|think you(?:'re| are) a (?:ro)?bot|ddos protection"
    r"|please complete (?:a|the|this) captcha(?=[\s.!]*(?:$|\n))|verifying your request|request is being verified"
    r"|browser integrity check|verification to continue|security check has been powered by"
    r"|(?:anti-crawler|spamfirewall|bot) (?:protection )?(?:is )?activated|anti-crawler[- ](?:schutz|protection)"
    r"|protection anti-crawler|(?:turn|enable)(?: on)? js and disable any ad blocker"
    r"|sending (?:automated queries|large amounts of)|automated request detected"
    r"|(?:turn (?:on )?javascript(?: on)?|enable javascript)(?: \w+){0,3} and (?:then )?reload the page"
    r"|security testing in progress|not a (?:ro)?bot, please|(?:are|were|be|is) not a (?:ro)?bot\b|nie ste robot"
    r"|(?:is )?reporting unusual activity"
    # Chinese, Japanese, Korean
    r"|按住滑块|滑块(?:，)?(?:拖动|完成拼图)|拖动.{0,6}滑块|向右滑动"
    r"|请(?:先)?(?:完成|进行|通过|点击)(?:以下|下方|下列|安全|滑块|滑动|人机|身份|图形)*(?:按钮)?(?:进行)?(?:验证|认证"
    r"|校验)|(?:验证|确认)(?:您|你)?是?(?:否)?(?:为|是)?(?:真人|人类|不是机器人)"
    r"|(?:您|你)(?:的)?(?:当前)?(?:的)?(?:网络|访问|ip|操作|环境|浏览器)(?:\w{0,4})?(?:存在)?(?:异常|风险)"
    r"|(?:检测|监测)到(?:\w{0,8})(?:异常|恶意|可疑|攻击)|异常流量|环境异常|请输入(?:\w{0,6})验证码"
    r"|正在(?:检查|检测|验证)(?:您|你)的浏览器|別離開|别离开，为了更好的访问体验|驗證您是(?:真人|人類)"
    r"|請完成(?:\w{0,4})驗證|ロボットではない|通常と異なるトラフィック|人間であること|不審な(?:アクセス|トラフィック)"
    r"|画像に表示されている文字|로봇이 아닙니다|비정상적인 (?:트래픽|접근|요청)|사람인지 확인|자동 입력 방지"
    # German, French, Spanish, Portuguese, Italian, Russian
    r"|ungewöhnlichen? (?:datenverkehr|aktivität)|kein (?:ro)?bot(?:er)? (?:sind|bist)|ein mensch (?:sind|bist)"
    r"|browser wird überprüft|trafic (?:exceptionnel|inhabituel|suspect)|n'êtes pas un robot"
    r"|vous êtes (?:bien )?un(?: être)? humain|activité inhabituelle|tráfico (?:inusual|sospechoso)"
    r"|(?:no )?eres un (?:ro)?bot|no (?:soy|es) un robot|(?:eres|es) humano|actividad inusual"
    r"|tráfego (?:incomum|suspeito)|(?:você|voce) é (?:um )?(?:ser )?humano|não é um robô"
    r"|traffico (?:insolito|anomalo)|non sei un robot|(?:подозрительный|необычный) трафик"
    r"|(?:вы )?не робот|что вы человек|решени[яе] капчи"
    r"|похожи на автоматические"
)

# What a refusal says to its visitor.
REFUSED_SAYS = LazyPattern(
    rf"you (?:have been|are|were|'ve been)(?: \w+)? {_BLOCKED}(?! (?:to|by default))"
    rf"|{_SUBJECT}(?: (?!can|may|could|should|would)\S+){{0,8}}? (?:has been|have been|was|is|got"
    rf"|were)(?: \w+)? (?:{_BLOCKED}|rated as suspicious|not allowed|not permitted)"
    rf"|access to (?:this|the)(?: requested)? (?:page|site|website|web site|service|resource"
    rf"|url)(?: on this server)? (?:has been|is|was)(?: \w+)? {_BLOCKED[:-1]}|forbidden|disallowed)"
    r"|blocked by (?:network security|our security|the security|a security|an? administrator)"
    r"|security service to protect (?:itself|against)"
    r"|(?:triggered|blocked by|rejected by) (?:a |the |our )?(?:security (?:solution|service|rule|policy)"
    r"|web application firewall|firewall|waf)\b"
    r"|you (?:do not|don't) have (?:\w+ )?(?:permission|access) to (?:access|view|see) (?:\"?https?://|this"
    r"|the (?:requested )?(?:page|site|resource|website))|visitors from your (?:country|region)"
    r"|(?:isn't|is not|not|unavailable|restricted) (?:available |accessible )?(?:in|from|for) your (?:country|region"
    r"|location)|from your country(?: is| are|\.)"
    r"|you are not (?:allowed|authori[sz]ed|permitted) to (?:access|view|visit|proceed|browse)"
    r"|the requested url was rejected|looks? (?:\w+ ){0,2}like (?:a |an )?(?:ro)?bot"
    r"|bad (?:\w+ )?bot\b|(?:malicious|harmful|unsafe) (?:\w+ )?(?:bot|request|operation|activity)"
    r"|web application firewall|(?:access|request) (?:is |was |has been )?(?:denied|blocked) by"
    r"|(?:has )?blocked your (?:request|ip|access|connection)"
    r"|request (?:was|has been|is) (?:blocked|dropped|denied|refused)"
    r"|(?:^|\n)(?:request|access|ip|spider|traffic)(?: (?:is|was|has been))? (?:blocked|banned|denied|forbidden"
    r"|restricted)(?=[\s.!]*(?:$|\n))|has been banned\b|firewall blocked|blocked spider"
    r"|blocked because of (?:malicious|suspicious)|blocked for (?:possible )?abuse|limited by the site owner"
    r"|attempting to access this (?:web ?)?site from a country"
    r"|you need (?:access|permission)[.,]? (?:ask for|request)\b"
    r"|because of suspicious|(?:malicious|suspicious|hostile) activit|crawler bot|trying to extract information"
    r"|generated by mod_security|error (?:code )?(?:1006|1007|1008|1009|1010|1012|1020)\b|(?:for|by) web crawlers"
    r"|unable to visit the website|your request cannot be processed"
    r"|(?:您|你)的(?:\w{0,8})(?:请求|访问|ip|地址)\w{0,10}(?:被|已)(?:\w{0,12})(?:拦截|阻断|拒绝|禁止|屏蔽|封禁|限制)"
    r"|(?:您|你)(?:的ip)?已被(?:\w{0,4})(?:禁止|封禁|屏蔽|拦截|拉黑)"
    r"|(?:请求|访问)(?:已)?被(?:\w{0,6})(?:拦截|阻断|拒绝|禁止)"
    r"|(?:您|你)所(?:在|处)的?(?:国家|地区|区域)\w{0,8}(?:无法|不能|不可|暂不|禁止)"
    r"|(?:可能|疑似)(?:对网站)?(?:造成|存在)(?:\w{0,4})(?:威胁|攻击)|不合法的参数|禁止访问本"
    r"|アクセスが(?:拒否|制限|禁止|ブロック)|접근이 (?:차단|거부|제한)|접속이 차단"
    r"|(?:zugriff|zugang|anfrage|ip-adresse)(?: \S+){0,4} (?:verweigert|gesperrt|blockiert|abgelehnt)"
    r"|accès (?:refusé|interdit|bloqué)|votre (?:adresse )?ip\b.{0,30}bloqu|(?:requête|demande)(?: \S+){0,3} bloquée"
    r"|acceso (?:denegado|bloqueado|restringido)|ha sido bloquead[oa]|acesso (?:bloqueado|negado)|foi bloquead[oa]"
    r"|accesso (?:negato|bloccato)|доступ(?: \S+){0,5} (?:ограничен|запрещ[её]н"
    r"|заблокирован|закрыт)|ваш(?: \S+)? (?:запрос|ip).{0,30}заблокирован"
)

RATE_SAYS = LazyPattern(
    r"too many requests|(?:are|been) (?:being )?rate[- ]limited|rate limit (?:exceeded|reached)"
    r"|you(?:'re| are) (?:going|making requests) too (?:fast|quickly)|too many (?:\w+ )?(?:requests|attempts)"
    r"|too fast, you are|accessing \S+ too much|访问(?:过于|太|太过)频繁|请求(?:过于|太)频繁|操作(?:过于|太)频繁"
    r"|频率过(?:快|高)|请求过多|zu viele anfragen|trop de requêtes|demasiadas (?:solicitudes|peticiones)"
    r"|слишком много запросов|リクエストが多すぎ|요청이 너무 많"
)

# Whole titles or headings (parts of them) of refusals that are served with 200.
REFUSED_TITLE = LazyPattern(
    r"(?:(?:http |error |status )*(?:403|401|405|406|418|451|999|1006|1009|1010|1015"
    r"|1020)(?: error)?[\s:.,-]*)?(?:forbidden|access (?:is )?(?:denied|forbidden|restricted|blocked)!?"
    r"|unauthori[sz]ed|not acceptable|permission denied|you have been blocked|request (?:denied|blocked|rejected)"
    r"|unavailable (?:due to|for) legal reasons"
    r"|security (?:alert|block|incident detected)|blocked|denied|access to \S+ (?:is |was |has been )?denied|禁止访问"
    r"|拒绝访问|访问被拒绝|没有权限|无权访问|アクセス拒否|アクセスが拒否されました|접근 거부|접근 금지"
    r"|zugriff verweigert|verboten|accès (?:refusé|interdit)|acceso (?:denegado|prohibido)"
    r"|acesso (?:negado|bloqueado)|accesso negato"
    r"|доступ (?:запрещ[её]н|ограничен))[!.]?(?: error)?"
    r"|(?:http |error |status )+(?:403|401|451|1020|1015)(?: error)?|403 error|(?:403|401|451)"
)
RATE_TITLE = LazyPattern(
    r"(?:(?:http |error )*429[\s:.,-]*)?(?:too many requests|rate limit(?:ed| exceeded)?)!?|(?:http |error )+429|429"
)

# What a title, heading or form calls itself where a login stands in the place of the page.
_LOG_IN = r"(?:log[ -]?[io]n|sign[ -]?in)"
LOGIN_TITLE = LazyPattern(
    r"(?:用户|会员|账号|帐号|统一身份认证|系统|账户)*(?:登录|登陆|登入|登錄)(?:页面?|注册|/注册|或注册|界面|平台"
    r"|系统)?"
    rf"|(?:please |user |member |account |admin |customer )?{_LOG_IN}(?: required| page| form| here|!)?"
    rf"|(?:please )?{_LOG_IN} (?:or|and|&|/|\|) (?:sign[ -]?up|register|join"
    rf"|create (?:an |your )?account)(?: .{{1,40}})?"
    rf"|(?:please )?{_LOG_IN} to (?:your account|continue|view|see|read|access"
    rf"|\S{{1,24}}(?: \S{{1,24}})?)(?: to continue)?|.{{1,24}}: {_LOG_IN}(?: or sign up)?|sign up"
    rf"|(?:create|register) (?:an? |your )?account|join \S{{1,24}}|authentication required"
    r"|请(?:先)?登录|您需要登录(?:后)?才(?:能|可以)\S{0,12}|ログイン(?:ページ|画面|が必要です)?|サインイン"
    r"|로그인(?:이 필요합니다)?|anmelden|anmeldung|einloggen|login erforderlich|connexion|se connecter|connectez-vous"
    r"|identification|s'identifier|iniciar sesi[oó]n|inicia sesi[oó]n|acceder|entrar|fazer login|accedi|вход"
    r"|войти|авторизация|inloggen|zaloguj(?: się)?|logga in"
)

CONSENT_TITLE = LazyPattern(
    r"before you continue(?: to .{1,40})?|bevor sie (?:fortfahren|zu .{1,40} weitergehen)|avant d'accéder à .{1,40}"
    r"|antes de (?:ir|continuar) .{1,40}|prima di (?:continuare|proseguire).{0,40}|voordat je verdergaat.{0,40}"
    r"|your privacy(?: choices)?|we value your privacy|cookie (?:consent|wall)|privacy gate|続行する前に|계속하기 전에"
)
# Whole lines by which a page asks for its reader's age.
AGE_SAYS = LazyPattern(
    r"(?:age[- ](?:verification|gate|check|confirmation)(?: required)?|(?:please )?(?:verify|confirm) (?:your age"
    r"|(?:that )?you(?:'re| are) (?:over|at least) (?:18|21)(?: years(?: old)?)?)(?: to (?:continue|enter|proceed))?"
    r"|(?:are you|you must be) (?:over |at least |aged )?(?:18|21)(?: years)?(?: of age)?(?: old)?"
    r"(?: or (?:older|over))?(?: to (?:enter|view|continue).{0,30})?"
    r"|(?:please )?enter your (?:birth ?date|birthday|date of birth)(?: to (?:continue|enter|proceed))?"
    r"|年齢確認|(?:あなたは)?(?:18|20)歳以上ですか|年龄(?:验证|确认)|(?:您|你)是否(?:已)?(?:年)?满 ?18 ?(?:周)?岁"
    r"|altersprüfung|altersverifikation|vérification (?:de l'|d')âge|verificación de edad"
    r"|подтвердите(?: свой)? возраст)[\s.]*"
)
CONSENT_FORMS = (
    "form[action*='consent.'], form[action*='/consent'], form[action*='guce.'], form[action*='collectConsent']"
)

# Elements in which forums (Discuz!, phpBB, vBulletin, XenForo, Invision, SMF, MyBB, Discourse) give a notice in the
# place of the thread.
NOTICES = (
    "#messagetext, .alert_error, #message .inner, #message.panel, .standard_error, .blockrow.restore, "
    "body[data-template=error] .blockMessage, body[data-template=login] .blockMessage, .ipsMessage_error, "
    "[data-role=errorMessage], #fatal_error, #fatalerror, .errorbox, .page-not-found, .wp-die-message, "
    "body#error-page, form.post-password-form"
)
PERMISSION_SAYS = LazyPattern(
    rf"you (?:must|need to|have to) (?:be |first )?(?:a )?(?:(?:registered|logged|signed)(?:[- ]in)?|{_LOG_IN}"
    rf"|register|member)"
    r"|you(?:'re| are) (?:either )?not (?:authori[sz]ed|logged in|permitted"
    r"|allowed)(?: \w+){0,6} (?:to (?:read|view|access|see)|permission|this)"
    r"|you (?:do not|don't) have (?:\w+ ){0,3}(?:permission|privileges|access)"
    r"|requires? you to be (?:\w+ and )?logged in"
    rf"|(?:may|might|do) not have (?:sufficient )?(?:privileges|permission)"
    rf"|please {_LOG_IN}(?: \w+){{0,3}} to (?:view|see|read|continue|access)"
    rf"|(?:only|available) (?:for|to) (?:registered|logged[- ]in|members)|members? only|{_LOG_IN} (?:is )?required"
    rf"|password protected|open to invited readers only"
    r"|this (?:site|blog|photo|video|album|account|profile|playlist) is (?:marked )?private(?! )"
    r"|this site is marked private by its owner"
    r"|(?:您|你)(?:\w{0,10})?(?:需要|必须|尚未|还未|没有|无权)(?:先)?(?:登录|登陆|注册|权限|访问|阅读|查看|进行)"
    r"|没有(?:\w{0,4})权限|無權|无权限|无权(?:访问|查看|浏览|阅读|进入|进行)|(?:需要|请)(?:先)?(?:登录|登陆)(?:后|才|以)"
    r"|(?:登录|登陆|注册)后(?:才)?(?:能|可以?|方可)?(?:查看|访问|浏览|阅读|继续)|阅读权限(?:高于|不足|不够)"
    r"|(?:仅限|只有|只对)(?:\w{0,8})(?:用户|会员|用户组|成员)|需要密码|受密码保护"
    r"|无法查看(?:该|此|本)(?:主题|版块|帖子)|ログインが必要|会員のみ|閲覧する権限|권한이 없|로그인이 필요|로그인 후"
    r"|keine (?:\w+ )?(?:berechtigung|erlaubnis|rechte)"
    r"|(?:müssen|musst) (?:\w+ )?(?:angemeldet|eingeloggt|registriert)"
    r"|(?:devez|faut) (?:être )?(?:vous )?(?:connect|identifi|inscri)|pas (?:autorisé|les droits|la permission)"
    r"|(?:debe|debes|tienes que) (?:iniciar sesi|registrar|estar)"
    r"|no (?:tiene|tienes|está autorizado)(?: \w+)? (?:permiso|permisos|autoriza)"
    r"|(?:нет|недостаточно) прав"
    r"|необходимо (?:войти|авторизоваться|зарегистрироваться)"
    r"|не авторизован"
)
