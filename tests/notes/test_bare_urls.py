"""Where a bare URL begins and ends: one row for each rule of the grammar."""

import pytest

from crawler.core.model import Kind, Note
from crawler.notes.extract import occurrences


def urls(text: str, path: str = "note.md") -> list[str]:
    return [found.url for found in occurrences(Note(path, text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("看https://example.com/x。", "https://example.com/x"),
        ("https://example.com/x，然后", "https://example.com/x"),
        ("（https://example.com/x）", "https://example.com/x"),
        ("「https://example.com/x」", "https://example.com/x"),
        ("《https://example.com/x》", "https://example.com/x"),
        ("“https://example.com/x”", "https://example.com/x"),
        ("https://example.com/x；", "https://example.com/x"),
        ("https://example.com/x、https://example.com/y", "https://example.com/x https://example.com/y"),
        ("https://example.com/x\u3000标题", "https://example.com/x"),
        ("https://example.com/x\u200b", "https://example.com/x"),
        ("https://example.com/x\u00a0y", "https://example.com/x"),
        ("https://example.com/x……", "https://example.com/x"),
        ("https://example.com/。", "https://example.com/"),
    ],
)
def test_chinese_punctuation_and_spaces_end_a_url(text: str, expected: str) -> None:
    assert urls(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("在http://example.com这个网站下载", "http://example.com"),
        ("在http://www.example.com/，下载安装程序，并更新。", "http://www.example.com/"),
        ("https://mp.weixin.qq.com/s/_h4ndMadeToken0000002B看破", "https://mp.weixin.qq.com/s/_h4ndMadeToken0000002B"),
        ("https://mp.weixin.qq.com/s?__biz=Mz==&scene=0#rd看破", "https://mp.weixin.qq.com/s?__biz=Mz==&scene=0#rd"),
        ("见https://example.com/repo/这个项目。", "https://example.com/repo/"),
        ("https://a.example/x和https://b.example/y", "https://a.example/x https://b.example/y"),
        ("http://中文.com这个", "http://中文.com"),
        ("https://example.com/x—which", "https://example.com/x"),
        ("参考：https://example.com/tag/python这个标签", "https://example.com/tag/python"),
        ("https://www.zhihu.com/question/123456怎么看", "https://www.zhihu.com/question/123456"),
    ],
)
def test_prose_glued_to_a_url_is_not_part_of_it(text: str, expected: str) -> None:
    assert urls(text) == expected.split()


@pytest.mark.parametrize(
    "url",
    [
        "https://baike.example.com/item/调和级数",
        "https://baike.example.com/item/翠堤春晓/19780363",
        "https://blog.example.com/tag/强化学习/",
        "https://example.com/2019/12/10/推荐系统的简单回顾/",
        "http://example.com/wp/当推断（inference）遇上网络，深度学习/",
        "https://zh.wikipedia.org/wiki/C语言",
        "https://example.com/wiki/Maxwell–Boltzmann_statistics",
        "https://fr.wikipedia.org/wiki/Henri_Poincaré",
        "https://ru.wikipedia.org/wiki/Наука",
        "https://example.com/search?q=机器学习&page=2",
        "https://example.com/x#第二节-总结",
        "https://example.com/item/尼古拉·特斯拉",
        "https://zh.wikipedia.org/wiki/苹果_(公司)",
        "http://例子.测试/路径",
        "http://www.例子.中国/",
        "https://münchen.de/straße",
    ],
)
def test_letters_beyond_ascii_that_belong_to_a_url_stay(url: str) -> None:
    assert urls(url) == [url]
    assert urls(f"{url}\n\n标题") == [url]


def test_raw_chinese_stays_in_the_midst_of_a_sentence_where_a_folder_holds_words() -> None:
    assert urls("见https://baike.example.com/item/调和级数。") == ["https://baike.example.com/item/调和级数"]
    assert urls("看https://zh.wikipedia.org/wiki/C语言，很好") == ["https://zh.wikipedia.org/wiki/C语言"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(https://example.com/x)", "https://example.com/x"),
        ("(主页：https://example.com/)，一个人", "https://example.com/"),
        ("https://example.com/a_(b)", "https://example.com/a_(b)"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("https://example.com/slides%20(pdf%20and%20key)/", "https://example.com/slides%20(pdf%20and%20key)/"),
        ("https://example.com/x(中文说明)", "https://example.com/x"),
        ("https://example.com/x（中文说明）", "https://example.com/x"),
        ("https://example.com/x(see", "https://example.com/x"),
        ("https://example.com/?a[]=1&b[0]=2", "https://example.com/?a[]=1&b[0]=2"),
        ("[https://example.com/x]", "https://example.com/x"),
    ],
)
def test_brackets_stay_in_pairs_unless_they_hold_only_chinese(text: str, expected: str) -> None:
    assert urls(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("见https://example.com/x[^1]。\n\n[^1]: 注", "https://example.com/x"),
        ("https://example.com/x_(y)[^注]", "https://example.com/x_(y)"),
        ("https://example.com/?q=[^a]", "https://example.com/?q=[^a]"),
        ("https://example.com/x[1]", "https://example.com/x[1]"),
    ],
)
def test_the_mark_of_a_footnote_is_not_part_of_an_address(text: str, expected: str) -> None:
    assert urls(text) == [expected]


def test_a_dot_between_two_addresses_belongs_to_neither() -> None:
    assert urls("https://a.example/x·https://b.example/y") == ["https://a.example/x", "https://b.example/y"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com/?a=1&amp;b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/?a=1&#38;b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/?a=1&copy=2", "https://example.com/?a=1&copy=2"),
        ("https://example.com/x&gt;", "https://example.com/x"),
        ("&lt;https://example.com/x&gt; y", "https://example.com/x"),
        ("https://example.com/x&nbsp;y", "https://example.com/x"),
        (r"https://mp.weixin.qq.com/s/a\_b\_\_c", "https://mp.weixin.qq.com/s/a_b__c"),
        (r"https://example.com/a\*b\~c", "https://example.com/a*b~c"),
    ],
)
def test_entities_and_escapes_are_undone(text: str, expected: str) -> None:
    assert urls(text) == [expected]


def test_plain_text_has_no_escapes_to_undo() -> None:
    assert urls("https://example.com/?a=1&amp;b=2 x", "note.txt") == ["https://example.com/?a=1&amp;b=2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/x,https://b.example/y", "https://a.example/x https://b.example/y"),
        ("https://a.example/x;http://b.example/y", "https://a.example/x http://b.example/y"),
        ("https://a.example/xhttps://b.example/y", "https://a.example/x https://b.example/y"),
        (
            "https://web.archive.org/web/2020/https://a.example/x",
            "https://web.archive.org/web/2020/https://a.example/x",
        ),
        ("https://a.example/?url=https://b.example/y", "https://a.example/?url=https://b.example/y"),
        ("https://a.example/a,b;c=1", "https://a.example/a,b;c=1"),
        ("1.https://a.example/x", "https://a.example/x"),
        ("2、https://a.example/x", "https://a.example/x"),
        ("IDhttps://a.example/x", "https://a.example/x"),
    ],
)
def test_a_bare_url_ends_where_another_one_begins(text: str, expected: str) -> None:
    assert urls(text) == expected.split()


@pytest.mark.parametrize(
    "url",
    [
        "https://mp.weixin.qq.com/s/_45hndMadeToken000_-4D",
        "https://mp.weixin.qq.com/s/-handMadeToken00000_1A",
        "https://mp.weixin.qq.com/s/__b-7Cl482taXwIVb__vwQ__",
        "https://mp.weixin.qq.com/s?__biz=MzI1ODYw==&mid=2247&idx=1&sn=ee_d__f&scene=0#rd",
        "https://mp.weixin.qq.com/s/hPndMade0ToKen00000003?",
        "https://blog.example.com/name_",
        "https://example.com/~name/x",
        "https://example.com/3D4MsRVS8*krT",
        "https://example.com//double//slash",
        "http://under_score.example.com/",
        "http://localhost:8983/solr/#/core/query",
        "http://192.168.1.1",
        "http://[::1]:8080/x",
        "https://user:word@example.com:8443/x",
        "HTTPS://EXAMPLE.com/X",
        "http://example.com?x=1",
        "https://example.com/it's",
        "https://example.com/a:b@c!d$e",
    ],
)
def test_a_url_on_its_own_line_is_taken_whole(url: str) -> None:
    assert urls(url) == [url]
    assert urls(f">{url}\n>标题") == [url]
    assert urls(f"- {url}\n- 标题\n") == [url]
    assert urls(url, "note.txt") == [url]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://example.com/x.", "https://example.com/x"),
        ("see https://example.com/x...", "https://example.com/x"),
        ("https://example.com/x, and", "https://example.com/x"),
        ("have you seen https://example.com/x?", "https://example.com/x"),
        ("https://example.com/x!", "https://example.com/x"),
        ("see https://example.com:", "https://example.com"),
        ("http://example.com:说明", "http://example.com"),
        ('"https://example.com/x"', "https://example.com/x"),
        ("'https://example.com/x' or", "https://example.com/x"),
        ("`x` https://example.com/x`y`", "https://example.com/x"),
        ("https://example.com/x<br/>", "https://example.com/x"),
        ("<table><tr><td>https://example.com/x</td></tr></table>", "https://example.com/x"),
        ("~~https://example.com/x~~", "https://example.com/x"),
        ("~~see https://example.com/x~~", "https://example.com/x"),
        ("see https://example.com/~", "https://example.com/~"),
        ("**https://example.com/x**", "https://example.com/x"),
        ("**官网：https://example.com/x/**。", "https://example.com/x/"),
        ("*https://example.com/x* y", "https://example.com/x"),
        ("_https://example.com/x_", "https://example.com/x"),
        ("*官网 https://example.com/x*", "https://example.com/x"),
        ("{% raw %}https://example.com/x{% endraw %}", "https://example.com/x"),
        ("https://example.com/{{ page.id }}/x", ""),
        ("https://example.com/x{: .cls}", "https://example.com/x"),
        ("| a | https://example.com/x|", "https://example.com/x"),
    ],
)
def test_closing_punctuation_and_markup_are_not_part_of_a_url(text: str, expected: str) -> None:
    assert urls(text) == expected.split()


@pytest.mark.parametrize(
    "text", ["http://", "以http://开头的链接", "http://xxx", "http://...", "https://，", "h1ttps://a.example"]
)
def test_junk_is_no_link(text: str) -> None:
    assert urls(text) == []


def test_emphasis_that_opens_inside_of_a_url_closes_nothing() -> None:
    text = "https://a.example/s/_x https://a.example/s/y_\n"
    assert urls(text) == ["https://a.example/s/_x", "https://a.example/s/y_"]


def test_a_bare_url_is_found_where_it_stands() -> None:
    (found,) = occurrences(Note("notes/a.md", "\ufeff甲乙\r\n丙𠀀 https://example.com/?a=1&amp;b=2 丁"))
    assert (found.path, found.line, found.column, found.kind) == ("notes/a.md", 2, 4, Kind.BARE)
    assert found.raw == "https://example.com/?a=1&amp;b=2"


def test_a_byte_order_mark_is_no_column() -> None:
    (found,) = occurrences(Note("a.md", "\ufeffhttps://example.com/x"))
    assert (found.line, found.column, found.start) == (1, 1, 1)
