"""Links of Markdown: which syntax gives which kind, what is skipped, and where each link stands."""

import pytest

from crawler.core.model import Kind, Note, Occurrence
from crawler.notes.extract import occurrences


def found(text: str, *, code: bool = False) -> list[Occurrence]:
    return occurrences(Note("note.md", text), code=code)


def kinds(text: str, *, code: bool = False) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.url, each.raw) for each in found(text, code=code)]


U = "https://example.com/x"
PICTURE = "https://i.example/p.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"[甲]({U})", [("inline", U, U)]),
        (f'[甲]( {U} "标题")', [("inline", U, U)]),
        (f"[甲](<{U}>)", [("inline", U, U)]),
        ("[a](https://example.com/a_(b)#c)", [("inline", "https://example.com/a_(b)#c", "https://example.com/a_(b)#c")]),
        (r"[a](https://example.com/a\_b&amp;c)", [("inline", "https://example.com/a_b&c", r"https://example.com/a\_b&amp;c")]),
        (f"<{U}>", [("autolink", U, U)]),
        (f"![图]({U})", [("image", U, U)]),
        (f"[![图]({PICTURE})]({U})", [("image", PICTURE, PICTURE), ("inline", U, U)]),
        (f"[甲][1]\n\n[1]: {U} '标题'", [("reference", U, "[甲][1]"), ("definition", U, U)]),
        (f"[甲]\n\n[甲]: <{U}>", [("reference", U, "[甲]"), ("definition", U, U)]),
        (f"[1]: {U}\n[1]: {PICTURE}", [("definition", U, U), ("definition", PICTURE, PICTURE)]),
        (f"[{U}](https://example.com/y)", [("inline", "https://example.com/y", "https://example.com/y")]),
        (f"> [a](\n> {U})", [("inline", U, U)]),
        (f"[a]({U} x)", [("inline", f"{U} x", f"{U} x")]),
        ("[a](//example.com/x)", [("inline", "https://example.com/x", "//example.com/x")]),
        (f"脚注[^1]\n\n[^1]: 见 {U}", [("bare", U, U)]),
        (f"| a | b |\n|---|---|\n| 甲 | {U} |", [("bare", U, U)]),
        (f"# 标题 {U}", [("bare", U, U)]),
        (f"<a href='{U}'>甲</a>", [("html", U, U)]),
        (f"<div>\n<img src={U} alt=图>\n</div>", [("html", U, U)]),
        ('<a href="https://example.com/?a=1&amp;b=2">甲</a>', [("html", "https://example.com/?a=1&b=2", "https://example.com/?a=1&amp;b=2")]),
    ],
)  # fmt: skip
def test_each_syntax_has_its_kind_and_its_place(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![](/images/x.png)", ["/images/x.png"]),
        ("![](/images/x.png?raw=1 'x')", ["/images/x.png?raw=1"]),
        ("[甲](../other/note.md#part)", ["../other/note.md#part"]),
        ("![](/images/a b.png)", ["/images/a b.png"]),
        ("![](/images/a b(1).png 'x')", ["/images/a b(1).png"]),
        ("<video><source src=\"/v.mp4\" type='video/mp4' /></video>", ["/v.mp4"]),
        ("[b]: ./file.pdf\n", ["./file.pdf"]),
        ("---\ncover: /images/c.png\npermalink: /x/\n---\n", ["/images/c.png"]),
        (
            "[a](#part) [b](mailto:a@example.com) [c](tel:123) [d](javascript:x) ![](data:image/png;base64,aa) [e]()",
            ["#part"],
        ),
        ("[a](ftp://example.com/x) [b](weixin://x) <a name='x'></a> [c](?page=2)", []),
        ("[a]({{ site.baseurl }}/x) ![]({{site.url}}/x.png) [b]({% link x.md %})", []),
        ("数组a[i](x)和[说明](这里 是说明)", ["x"]),
    ],
)
def test_local_targets_are_occurrences_of_their_own_kind(text: str, expected: list[str]) -> None:
    assert [(each.url, each.kind) for each in found(text)] == [(url, Kind.LOCAL) for url in expected]


WRAPPED = [
    f"({U})", f"（{U}）", f"[{U}]", f"［{U}］", f"【{U}】", f"「{U}」", f"『{U}』", f"《{U}》", f"〈{U}〉", f"{{{U}}}",
    f"“{U}”", f"‘{U}’", f'"{U}"', f"'{U}'", f"`{U}`", f"*{U}*", f"**{U}**", f"_{U}_", f"（{U}", f"（“{U}”）",
    f"(({U}))", f"（ {U} ）",
    f"\\({U}\\)", f"&lt;{U}&gt;", f"&quot;{U}&quot;", f"%20{U}", f"%22{U}%22", f"%3c{U}%3e", f"[b]({U})",
]  # fmt: skip


@pytest.mark.parametrize("written", WRAPPED)
def test_an_address_in_brackets_or_quotes_within_a_target_is_found(written: str) -> None:
    for text in (f"[a]({written})", f"[a](<{written}>)", f"![a]({written})", f"[a]: {written}\n"):
        assert {url for _, url, _ in kinds(text)} == {U}, text
    assert kinds(f"[a]({written} 'title')")[0][1] == U


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("(https://example.org/x_(y))", "https://example.org/x_(y)"),
        ("https://example.org/x_(y)", "https://example.org/x_(y)"),
        ("（https://example.org/x（y）", "https://example.org/x（y）"),
        ("《https://example.org/《x》》", "https://example.org/《x》"),
        ("https://example.org/“x”", "https://example.org/“x”"),
        ("(x.md)", "(x.md)"),
        ("“x”.md", "“x”.md"),
        ("((((((((((https://example.org/))))))))))", "((((((((((https://example.org/))))))))))"),
    ],
)
def test_brackets_and_quotes_that_belong_to_a_target_stay(written: str, url: str) -> None:
    assert [found for _, found, _ in kinds(f"[a]({written})")] == [url]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("[a](http://)", "http://"),
        ("[a](https://exa mple)", "https://exa mple"),
        ("[a](<http://a b>)", "http://a b"),
        ("[a](http://host:port/)", "http://host:port/"),
    ],
)
def test_a_malformed_url_in_link_syntax_is_a_link_that_its_author_meant(text: str, url: str) -> None:
    assert kinds(text) == [("inline", url, url)]


@pytest.mark.parametrize(
    "text",
    [
        f"`{U}`",
        f"``a ` {U}``",
        f"```\n{U}\n```",
        f"~~~ sh\ncurl {U}\n~~~",
        f"    {U}\n",
        f"<pre>{U}</pre>",
        f"<code>{U}</code> x",
        f"{{% highlight sh %}}\ncurl {U}\n{{% endhighlight %}}",
        f"{{% codeblock lang:sh %}}\ncurl {U}\n{{% endcodeblock %}}",
    ],
)
def test_code_is_skipped_unless_asked_for(text: str) -> None:
    assert kinds(text) == []
    assert kinds(text, code=True) == [("code", U, U)]


RAW = [
    ("{% raw %}", "{% endraw %}"), ("{%- raw -%}", "{%- endraw -%}"), ("{% verbatim %}", "{% endverbatim %}"),
    ("{% verbatim part %}", "{% endverbatim part %}"), ("{%raw%}", "{%endraw%}"),
]  # fmt: skip


@pytest.mark.parametrize(("begin", "end"), RAW)
def test_what_stands_within_raw_on_one_line_is_shown(begin: str, end: str) -> None:
    bare = [("bare", U, U)]
    for before, after in (("", ""), ("见", "。"), ("(", ")"), ("- ", "."), ("**", "**"), ("a ", ", b"), ("> ", "<br>")):
        assert kinds(f"{before}{begin}{U}{end}{after}") == bare
        assert kinds(f"{before}{begin} {U} {end}{after}") == bare
    assert kinds(f"a {begin}[t]({U}){end} b") == [("inline", U, U)]
    assert kinds(f"[t]({begin}{U}{end})") == [("inline", U, U)]
    assert [url for _, url, _ in kinds(f"![p](<{begin}{PICTURE}{end}>)")] == [PICTURE]
    assert kinds(f'<a href="{begin}{U}{end}">t</a>') == [("html", U, U)]
    assert kinds(f"{begin}\n{U}\n{end}") == bare


@pytest.mark.parametrize(("begin", "end"), RAW)
def test_what_is_code_within_raw_or_round_it_is_code(begin: str, end: str) -> None:
    for text in (
        f"{begin}`{U}`{end}", f"`{begin}{U}{end}`", f"```\n{begin}\n{U}\n{end}\n```", f"{begin}\n```\n{U}\n```\n{end}",
        f"{begin}\n\n    {U}\n\n{end}", f"{{% highlight sh %}}\n{begin}{U}{end}\n{{% endhighlight %}}",
    ):  # fmt: skip
        assert kinds(text) == []
        assert [url for _, url, _ in kinds(text, code=True)] == [U]


def test_tags_within_raw_are_text() -> None:
    assert kinds(f"{{% raw %}}\n{{% comment %}}\n{U}\n{{% endcomment %}}\n{{% endraw %}}") == [("bare", U, U)]
    assert kinds(f"{{% raw %}}{{% comment %}}{U}{{% endcomment %}}{{% endraw %}}") == [("bare", U, U)]
    assert (
        kinds(
            f"{{% raw %}}a{{% endraw %}}\n\n{{% comment %}}\n{U}\n{{% endcomment %}}\n\n{{% raw %}}\nb\n{{% endraw %}}"
        )
        == []
    )
    assert kinds(f"{{% raw %}}\n\n{{% comment %}}\n{U}\n{{% endcomment %}}\n") == []  # never closed: no raw


def test_an_address_ends_where_a_block_of_a_template_does() -> None:
    for text in (
        f"{{% if a %}}{U}{{% endif %}}",
        f"{{% note %}}{U}{{% endnote %}}。",
        f"({{% filter a %}}{U}{{% endfilter %}})",
    ):
        assert kinds(text) == [("bare", U, U)]


@pytest.mark.parametrize(
    "text",
    [
        f"{U}/{{{{ x }}}}", f"{U}{{{{ x }}}} ", f"{U}/{{% raw %}}y{{% endraw %}}", f"{{% raw %}}{U}{{% endraw %}}y",
        f"{{% if a %}}{U}{{% endif %}}/y", f"{{% raw %}}{U}{{% endraw %}}{{{{ x }}}}",
        f"[t]({U}/{{% raw %}}y{{% endraw %}})", f"{{% raw %}}{U}?a={{{{ x }}}}{{% endraw %}}",
    ],
)  # fmt: skip
def test_an_address_that_a_template_goes_on_is_not_known(text: str) -> None:
    assert kinds(text) == []


def test_an_address_in_an_expression_of_a_template_stays_one() -> None:
    for text in (f'{{{{ "{U}" | escape }}}}', f'{{% include a.html url="{U}" %}}', f"{{% link a {U} %}}"):
        assert kinds(text) == [("bare", U, U)]


@pytest.mark.parametrize(
    "text",
    [
        f"<!-- {U} -->",
        f"a <!-- {U}\n{U} --> b",
        f"<!--\n\n[a]({U})\n\n-->\n",
        f"{{::comment}}\n{U}\n{{:/comment}}\n",
        f"{{% comment %}}\n{U}\n\n[a]({U})\n{{% endcomment %}}\n",
        f"a {{% comment %}}{U}{{% endcomment %}} b {{%- comment -%}} [a]({U}) {{%- endcomment -%}}",
        f"{{% comment %}}{{% raw %}}{U}{{% endraw %}}{{% endcomment %}}",
        f"$$\\href{{{U}}}{{x}}$$",
        f"$\\href{{{U}}}{{x}}$",
        "$$\na[i](x) + b\n$$",
        f"<script>let a = '{U}'</script>",
        f"<style>a {{ b: url({U}) }}</style>",
    ],
)
def test_comments_formulas_and_scripts_are_skipped(text: str) -> None:
    assert kinds(text, code=True) == []


@pytest.mark.parametrize(
    "after",
    ["=100x200", "=100x", "=x50%", '=100x200 "标题"', '"标题" =100x200', "“标题”", "‘标题’"],
)
def test_the_size_of_a_picture_and_a_title_in_chinese_quotes_are_not_its_address(after: str) -> None:
    assert kinds(f"![图]({PICTURE} {after})") == [("image", PICTURE, PICTURE)]


def test_prices_are_no_formula() -> None:
    assert [url for _, url, _ in kinds(f"花了$100，见{U}，又花$200")] == [U]


def test_a_stray_comment_mark_in_code_hides_nothing() -> None:
    assert [url for _, url, _ in kinds(f"`<!--`\n\n{U}\n\n`-->`\n\n`$$`\n\n[a]({U})\n\n`$$`")] == [U, U]


def test_front_matter_values_are_links_and_its_comments_are_not() -> None:
    text = f'---\ntitle: "标题"\nsource: "{U}" # https://example.com/no\nlist: [https://a.example, {{b: https://b.example}}]\n---\n\n{U}\n'
    assert kinds(text) == [
        ("front-matter", U, U),
        ("front-matter", "https://a.example", "https://a.example"),
        ("front-matter", "https://b.example", "https://b.example"),
        ("bare", U, U),
    ]


def test_a_rule_in_the_text_opens_no_front_matter() -> None:
    assert [kind for kind, _, _ in kinds(f"甲\n\n---\na: {U}\n---\n")] == ["bare"]


def test_a_picture_has_its_alternative_text_and_a_link_its_text_for_a_title() -> None:
    text = f'![图片]({U}) [一 *个* `标题`]({U}) [][r] <a href="{U}">网 <b>页</b></a> <img alt="另 图" src="{U}">'
    text += f'\n\n[r]: {U} "提示"'
    assert [each.note_title for each in found(text)] == ["图片", "一 个 标题", "提示", "网 页", "另 图", ""]


def test_srcset_holds_several_links() -> None:
    text = '<img srcset="https://i.example/a,b.png 1x, /c.png 2x,https://i.example/d.png">'
    assert [each.url for each in found(text)] == ["https://i.example/a,b.png", "/c.png", "https://i.example/d.png"]


def test_text_inside_of_an_html_link_is_no_second_link() -> None:
    assert kinds(f'<a href="{U}">https://example.com/shown</a>') == [("html", U, U)]


def test_crlf_and_old_mac_line_ends_count_as_lines() -> None:
    for end in ("\n", "\r\n", "\r"):
        places = [(each.line, each.column) for each in found(f"甲{end}{end}乙 {U}{end}[a]({U}){end}")]
        assert places == [(3, 3), (4, 5)]


def test_occurrences_come_in_the_order_of_the_text() -> None:
    text = f"[a][r] {U} <{U}> ![]({U}) <i><img src='{U}'></i>\n\n[r]: {U}\n"
    starts = [each.start for each in found(text)]
    assert starts == sorted(starts)
    assert len(starts) == 6


def test_a_title_over_two_lines_keeps_its_words_apart() -> None:
    assert [each.note_title for each in found(f"[one\ntwo  \nthree]({U})")] == ["one two three"]


def test_entities_in_angle_brackets_are_undone_as_github_does() -> None:
    assert kinds("<https://e.example/?a=1&amp;b=2>") == [
        ("autolink", "https://e.example/?a=1&b=2", "https://e.example/?a=1&amp;b=2")
    ]


def test_a_footnote_that_is_an_address_is_no_definition_of_a_link() -> None:
    (link,) = found(f"x[^1]\n\n[^1]: {U}\n")
    assert link.kind is Kind.BARE
