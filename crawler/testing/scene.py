"""The scene of the demonstration: which URL of the sample notes meets which fate.

Data only: the pages are made in `pages`, served by `web`. A link that is dead, walled, broken, moved or alive stands
in the table of its site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

from crawler.testing import pages
from crawler.testing.answer import Fault, StandInAnswer, StandInPlan, broken, redirect
from crawler.testing.pages import Article

WEIXIN = "https://mp.weixin.qq.com"
SHORT = f"{WEIXIN}/s/Demo0A1bX9"
LONG = (
    f"{WEIXIN}/s?__biz=MzA5MDAwMDAwMQ==&mid=2247480020&idx=1&sn=5f2c0c8e7d6b4a39818273645f6e7d8c"
    "&chksm=90a1b2c3a7d63bd5&scene=21"
)
CAPTCHA = f"{WEIXIN}/mp/wappoc_appmsgcaptcha?poc_token=demo&target_url="
BLOG = "https://hand-made.example"
NOTEBOOK = "https://notebook.example"

SPEECH = Article(
    f"{SHORT}speechRecog1",
    "流式语音识别：从原理到上线",
    "林一",
    (
        "流式识别要在人说话的同时给出文字，因此模型只能看到有限的未来。本文从分块注意力讲起，说明延迟从哪里来。",
        "第一步是把音频切成四十毫秒的块，每块只向后看一块；第二步是在解码时保留最好的几条路径。",
        "上线之后最常见的问题不是模型，而是网络抖动：缓冲区太小会断字，太大则让人觉得迟钝。",
    ),
    account="听写机器",
    images=("https://mmbiz.qpic.cn/mmbiz_png/demoSpeech1/640?wx_fmt=png&from=appmsg",),
)
WEIXIN_ALIVE: Mapping[Callable[[Article], bytes], list[Article]] = {
    pages.weixin_article: [
        SPEECH,
        Article(
            f"{SHORT}changedHands",
            "春季茶叶团购，前一百名送茶杯",
            "小叶",
            ("今年的明前茶已经上市，转发本文到三个群即可参加团购。", "茶园在海拔八百米的山上，每天上午采摘。"),
            account="茶香四溢",
        ),
    ],
    pages.weixin_article_2020: [
        Article(
            LONG,
            "2020年的声学模型综述",
            "周二",
            (
                "这一年最大的变化，是端到端模型在工业界取代了混合系统。",
                "本文按数据量从小到大，比较了四种结构的字错误率。",
            ),
            account="听写机器",
            created=1590000000,
        )
    ],
    pages.weixin_image_share: [
        Article(
            f"{SHORT}picturePost_",
            "一图看懂梅尔频谱",
            "",
            ("横轴是时间，纵轴是梅尔频率，颜色越亮能量越大。", "把手机对着自己说一句话，就能看到元音的横纹。"),
            account="听写机器",
            images=("https://mmbiz.qpic.cn/sz_mmbiz_png/demoMel1/0?wx_fmt=png&from=appmsg",),
        )
    ],
}

DELETED = StandInAnswer(pages.weixin_notice("该内容已被发布者删除"))

ZHIHU_COLUMN = Article(
    "https://zhuanlan.zhihu.com/p/600100200",
    "CTC 损失函数的直观解释",
    "王三",
    (
        "CTC 允许网络在每一帧输出一个字或者空白，再把重复的字合并。于是同一句话有许多条对齐路径。",
        "把所有路径的概率加起来，就是这句话的概率；前向后向算法让这个和不必一条一条地数。",
    ),
    images=("https://pic1.zhimg.com/v2-00000000000000000000000000000d01_1440w.png",),
)
ZHIHU_ANSWER = Article(
    "https://www.zhihu.com/question/600100300/answer/3200100400",
    "语音识别为什么还没有被彻底解决？",
    "赵四",
    ("因为安静房间里的普通话只占真实语音的一小部分。", "方言、噪声、多人同时说话，每一样都让错误率翻倍。"),
)

BLOG_ALIVE = [
    Article(
        f"{BLOG}/posts/on-link-rot",
        "On link rot",
        "Mara",
        (
            "A link is a promise that somebody else has to keep. Half of mine were broken after seven years.",
            "What helps is dull: write the title beside the address, keep a copy, and look again now and then.",
        ),
        account="Hand-made",
        images=(f"{BLOG}/img/rot.png",),
    ),
    Article(
        f"{BLOG}/2024/attention-from-scratch/",
        "Attention from scratch",
        "Mara",
        ("Three small matrices and one sum: attention fits on a page.", "The page then takes a week to understand."),
        account="Hand-made",
    ),
    Article(
        f"{BLOG}/posts/scoring-segmenters",
        "分词的评测方法",
        "Mara",
        ("准确率和召回率都要看边界，不看词。", "换一套标注规范，名次就会改变。"),
        account="Hand-made",
    ),
    Article(
        "https://例子.example/工具/分词",
        "一个只有三百行的中文分词器",
        "例子",
        ("最大匹配加上一张两万词的表，已经能分对九成。", "剩下的一成需要统计，这里用的是二元文法。"),
        account="例子",
    ),
]
FLAKY = Article(
    f"{BLOG}/posts/backprop",
    "Backpropagation by hand",
    "Mara",
    ("Take a network of two neurons and a pencil.", "After the third derivative the pattern is plain."),
    account="Hand-made",
)
GBK = Article(
    "http://old-lab.example/~li/pinyin.html",
    "拼音输入法的历史",
    "李五",
    ("最早的拼音输入法要用户自己选每一个字。", "整句输入要等到内存便宜以后才成为可能。"),
    account="老实验室",
    created=1104570000,
)


def plan() -> StandInPlan:
    """The whole web of the demonstration."""
    return StandInPlan(
        answers=_weixin() | _zhihu() | _blogs() | _pictures(),
        refused=frozenset({"closed-lab.example"}),
        untrusted=frozenset({"self-signed.example"}),
    )


def _weixin() -> dict[str, StandInAnswer]:
    alive = {
        article.url: StandInAnswer(build(article), encoding="gzip")
        for build, articles in WEIXIN_ALIVE.items()
        for article in articles
    }
    walled = f"{SHORT}walledByCapt"
    return alive | {
        f"{SHORT}whisperSmall": DELETED,
        f"{SHORT}marketingTlk": StandInAnswer(pages.weixin_notice("此内容因违规无法查看", "涉嫌过度营销、骚扰用户")),
        f"{SHORT}newNoticeTxt": StandInAnswer(pages.weixin_notice("本篇正在装订成册，暂不陈列")),
        walled: redirect(CAPTCHA + walled),
        CAPTCHA + walled: StandInAnswer(pages.weixin_captcha(walled)),
    }


def _zhihu() -> dict[str, StandInAnswer]:
    signin = "https://www.zhihu.com/signin?next=%2Fcollection%2F600100500"
    question = pages.zhihu_question(ZHIHU_ANSWER, 3200100400, "模型越来越大，为什么还是听不懂？")
    return {
        ZHIHU_COLUMN.url: StandInAnswer(pages.zhihu_column(ZHIHU_COLUMN), encoding="br"),
        ZHIHU_ANSWER.url: StandInAnswer(question, encoding="br"),
        "https://zhuanlan.zhihu.com/p/600100201": StandInAnswer(pages.zhihu_not_found(), status=404),
        "https://zhuanlan.zhihu.com/p/600100202": StandInAnswer(pages.zhihu_wall(), status=403),
        "https://www.zhihu.com/collection/600100500": redirect(signin),
        signin: StandInAnswer(pages.zhihu_signin()),
    }


def _blogs() -> dict[str, StandInAnswer]:
    alive = {article.url: StandInAnswer(pages.blog_article(article), encoding="gzip") for article in BLOG_ALIVE}
    stumble = StandInAnswer(b"<!doctype html><title>500</title>", status=500)
    return alive | {
        FLAKY.url: StandInAnswer(pages.blog_article(FLAKY), fail_first=1, fail_with=stumble),
        GBK.url: StandInAnswer(pages.blog_article(GBK, "gb2312", "zh"), content_type="text/html"),
        f"{BLOG}/posts/attention-from-scratch": redirect(f"{BLOG}/2024/attention-from-scratch/", 301),
        f"{BLOG}/img/figure-3.png": StandInAnswer(pages.picture(3), content_type="image/png"),
        f"{NOTEBOOK}/2021/tokenizer": redirect(f"{NOTEBOOK}/"),
        f"{NOTEBOOK}/": StandInAnswer(pages.blog_home("Notebook")),
        f"{NOTEBOOK}/2022/small-models": StandInAnswer(pages.blog_gone("Notebook")),
        "https://papers.example/2016/dataset": StandInAnswer(pages.blog_gone("Papers"), status=410),
        "https://mirror.example/datasets/paper.html": broken(Fault.HANG),
        "https://members.example/t/4711": StandInAnswer(b"<!doctype html><title>Members only</title>", status=403),
        "https://self-signed.example/guide": StandInAnswer(pages.blog_home("Self-signed")),
    }


def _pictures() -> dict[str, StandInAnswer]:
    articles = [*chain.from_iterable(WEIXIN_ALIVE.values()), ZHIHU_COLUMN, *BLOG_ALIVE]
    urls = [url for article in articles for url in article.images]
    return {url: StandInAnswer(pages.picture(n), content_type="image/png") for n, url in enumerate(urls, 10)}
