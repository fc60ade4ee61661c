"""The title that an author wrote for a bare link."""

import pytest

from crawler.core.model import Note
from crawler.notes.extract import occurrences

U = "https://example.com/x"


def title(text: str, path: str = "note.md") -> str:
    return occurrences(Note(path, text))[0].note_title


@pytest.mark.parametrize("path", ["note.md", "note.txt"])
def test_the_paragraph_behind_a_url_line_is_its_title(path: str) -> None:
    assert title(f"{U}\n\n一个标题：从入门到放弃（上）\n\n{U}\n\n另一个", path) == "一个标题：从入门到放弃（上）"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<{U}>\n\n标题", "标题"),
        (f"{U}\n\n\n\n标题", "标题"),
        (f"{U}\n标题", "标题"),
        (f">{U}   \n>标题(笔记)", "标题(笔记)"),
        (f"> {U}\n>\n> 标题", "标题"),
        (f"1.{U}\n\n标题", "标题"),
        (f"- {U}\n\n标题", "标题"),
        (f"**{U}**\n\n标题", ""),
        (f"{U}\n\n\u200b标题\u200b二", "标题二"),
        (f"{U}\n\n标题\\_二 &amp; 三", "标题_二 & 三"),
        (f"{U}\n\n**标题**", "标题"),
        (f"{U}\n\n2.5亿年后的大陆", "2.5亿年后的大陆"),
        (f"{U}\n\n`gcc -O3`做了些什么？", "`gcc -O3`做了些什么？"),
        (f"{U}\n\n演进：A->B->C", "演进：A->B->C"),
        (f"{U}\n\nA title that is\nwrapped", "A title that is wrapped"),
        (f"{U}\n\n镜像 https://b.example 使用指南", "镜像 https://b.example 使用指南"),
        (f"参考：\n\n{U}\n\n标题", "标题"),
        (f"链接：{U}\n\n标题", "标题"),
        (f"原文链接: {U}\n\n标题", "标题"),
        (f"{U} 提取码:ews4\n\n标题", "标题"),
        (f"{U}（提取码：ews4）\n\n标题", "标题"),
        (f"{U}看破\n\n标题", "标题"),
        (f"见 {U}\n\n别的话题", ""),
    ],
)
def test_titles_of_the_next_paragraph(text: str, expected: str) -> None:
    assert title(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"ptpd：{U}", "ptpd"),
        (f"论文: {U}", "论文"),
        (f"- 标题 {U}", "标题"),
        (f"{U} 标题", "标题"),
        (f"{U} - 标题", "标题"),
        (f"标题 — {U}", "标题"),
        (f"《标题》{U}", "《标题》"),
        (f"标题（{U}）", "标题"),
        (f"| 标题 | {U} |\n|---|---|\n| a | b |", "标题"),
        (f"甲[^1]\n\n[^1]: 标题 {U}", "标题"),
        (f"甲[^1]\n\n[^1]: 见 {U}", ""),
        (f"219.76.4.4  {U}", ""),
        (f"在这里下载证书 {U}, 然后设置变量。", ""),
        (f"前面的话 {U} 后面的话", ""),
        (f"现在有人做了一个全文的工具，很好用：{U}", ""),
        (f"作者是某某(个人主页：{U})，一个工程师。", ""),
    ],
)
def test_labels_and_titles_on_the_same_line(text: str, expected: str) -> None:
    assert title(text) == expected


@pytest.mark.parametrize(
    "following",
    [
        "# 标题",
        "标题\n====",
        "标题\n---",
        "https://example.com/y",
        "![](/images/x.png)",
        "[a](https://example.com/y)",
        "---",
        "***",
        "以下是代码：",
        "see also:",
        "- item",
        "* item",
        "1.第一步",
        "2、第二步",
        "> 引用",
        "```\ncode\n```",
        "`make install`",
        "    code",
        "$$x$$",
        "| a | b |",
        "<div>x</div>",
        "{% include x %}",
        "/home/user/x",
        "2019.11",
        "代码：https://example.com/y",
        "标题\nhttps://example.com/y",
        "很长的段落" * 100,
        "这是它的官网。",
        "但是由于网络不好，只好作罢了。",
        "",
    ],
)
def test_what_is_never_a_title(following: str) -> None:
    assert title(f"{U}\n\n{following}\n") == ""


def test_a_sentence_behind_a_link_that_a_label_introduced_is_no_title() -> None:
    assert title(f"官网：\n\n{U}\n\n它是一个开源项目。") == ""
    assert title(f"代码：\n\n{U}\n\n它是一个开源项目。") == ""
    assert title(f"官网：\n\n{U}\n\n别的话题") == ""
    assert title(f"{U}\n\n一个开源项目。") == "一个开源项目。"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"标题\n{U}\n\n别的话", "标题"),
        (f"- 标题\n  {U}\n- 别的\n  https://b.example", "标题"),
        (f"# 不是\n{U}\n\n标题", "标题"),
        (f"参考：\n{U}\n\n标题", "标题"),
        (f"一段正文。\n{U}\n\n标题", "标题"),
        (f">回想起来\n>{U}\n>标题", "标题"),
        (f"详见\n{U}\n\n标题", "标题"),
        (f"A paragraph of prose that is\nwrapped and goes on at\n{U}", ""),
    ],
)
def test_a_title_may_stand_on_the_line_right_above(text: str, expected: str) -> None:
    assert title(text) == expected


@pytest.mark.parametrize(
    "text", ["这里", "点击这里", "链接", "链接2", "原文链接", "here", "click here", "[1]", "https://b.example"]
)
def test_link_text_that_only_points_is_no_title(text: str) -> None:
    assert title(f"[{text}]({U})") == ""
    assert title(f"[{text}的故事]({U})") == f"{text}的故事" or text.startswith("http")


def test_two_urls_in_a_row_share_no_title_but_the_last_one_has_it() -> None:
    found = occurrences(Note("a.md", f"{U}\n\nhttps://example.com/y\n\n标题"))
    assert [each.note_title for each in found] == ["", "标题"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("[{{ site.name }} 文档](https://e.example/x)", "文档"),
        ("[{{ page.title }}](https://e.example/x)", ""),
        ('<a href="https://e.example/x">{% if a %}The{% endif %} guide</a>', "The guide"),
    ],
)
def test_what_a_template_will_say_is_no_part_of_a_title(text: str, title: str) -> None:
    assert [each.note_title for each in occurrences(Note("a.md", text))] == [title]
