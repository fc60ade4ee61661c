"""The words of reports in English and Chinese; no layout, no markup.

Both languages have the same fields because they are the same class, so that a missing translation cannot be built.
Templates in braces take the named values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar, assert_never

from crawler.core.model import State
from crawler.core.results import ChangeKind

Language = Literal["en", "zh"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Every phrase that a report for people uses."""

    title: str
    states: Mapping[State, str]
    changes: Mapping[ChangeKind, str]
    site: str
    total: str
    all_links: str
    all_sites: str
    by_site: str
    what_changed: str
    nothing_changed: str
    dead: str
    suspects: str
    title_differs: str
    note_says: str
    page_says: str
    no_title: str
    new_notices: str
    notices_count: str
    notices_hint: str
    blocked: str
    unknown: str
    both: str
    no_judgement: str
    nothing_to_do: str
    no_links: str
    pages: str
    left_out: str
    links: str
    places: str
    evidence: str
    kept: str
    not_kept: str
    kept_copy: str
    read_instead: str
    suggestion: Mapping[str, str]
    search: str
    searches: Mapping[str, str]
    moved_to: str
    last_alive: str
    never_alive: str
    checked: str
    failures: str
    confidence: Mapping[str, str]
    run: str
    run_line: str
    stopped: Mapping[str, str]
    incomplete: str
    given_up: str
    network_down: str
    internal_errors: str
    health: str
    health_note: str
    dead_by_year: str
    dead_by_year_note: str
    year: str
    date: str
    no_year: str
    share: str
    data: str
    round_line: str
    round_runs: str
    overdue: str
    damaged_note: str
    skipped_note: str
    more_skipped: str
    known_before: str
    more: str
    show_more: str
    filter_label: str
    filter_hint: str
    reason: str
    sort: str
    sort_by: Mapping[str, str]
    shown: str
    no_match: str
    no_script: str
    no_script_further: str
    pages_label: str
    generated: str
    hint_verbose: str
    more_verbose: str
    and_places: str
    new: str
    html_report: str
    archive: str
    next: str
    next_steps: Mapping[str, str]


def _states(dead: str, suspect: str, unknown: str, blocked: str, unchecked: str, alive: str) -> Mapping[State, str]:
    return MappingProxyType(dict(zip(State, (dead, suspect, unknown, blocked, unchecked, alive), strict=True)))


def _changes(*in_order: str) -> Mapping[ChangeKind, str]:
    return MappingProxyType(dict(zip(ChangeKind, in_order, strict=True)))


ENGLISH = Words(
    title="Link health",
    states=_states("dead", "suspect", "unknown", "blocked", "unchecked", "alive"),
    changes=_changes(
        "newly dead",
        "dead at the first check",
        "back from the dead",
        "moved for good",
        "title changed",
        "changed state",
    ),
    site="site",
    total="total",
    all_links="all links",
    all_sites="all sites",
    by_site="By site",
    what_changed="What changed since the last run",
    nothing_changed="Nothing changed since the last run.",
    dead="Dead",
    suspects="Suspect, not confirmed yet",
    title_differs="Alive, but the title differs from the note's",
    note_says="note",
    page_says="page",
    no_title="(no title)",
    new_notices="Messages on pages that no rule knows yet",
    notices_count="messages on pages that no rule knows yet: {count}",
    notices_hint="Their pages are kept; `crawler explain URL` shows how a rule would read them.",
    blocked="{count} blocked (the site refused us)",
    unknown="{count} unknown",
    both=" and ",
    no_judgement="{what}: that says nothing about the pages.",
    nothing_to_do="No dead links.",
    no_links="No links were found.",
    pages="Page {page} of {pages}: links {first} to {last} of {all}, what needs attention first. Filter and sort work"
    " on this page.",
    left_out="{count:link is|links are} left out here: `crawler report --format html --output FILE` writes them as"
    " further pages, `--format tsv` and `--format json` list all.",
    links="links",
    places="written in",
    evidence="evidence",
    kept="kept",
    not_kept="no copy kept",
    kept_copy="kept {day} · {characters:character} · snapshot {id}",
    read_instead="read instead",
    suggestion=MappingProxyType({"snapshot": "kept copy", "wayback": "Wayback Machine", "moved": "moved to"}),
    search="look for it at",
    searches=MappingProxyType(
        {
            "sogou-weixin": "Sogou (WeChat)",
            "bing": "Bing",
            "baidu": "Baidu",
            "wayback": "Internet Archive",
            "archive-today": "archive.today",
        }
    ),
    moved_to="moved to",
    last_alive="last alive",
    never_alive="never seen alive",
    checked="checked",
    failures="failed checks: {count}",
    confidence=MappingProxyType({"low": "low confidence", "medium": "medium confidence", "high": "high confidence"}),
    run="Run",
    run_line="links fetched: {fetched} · requests: {requests} · kept: {kept} · time: {seconds}",
    stopped=MappingProxyType(
        {
            "budget": "The time budget ran out; the other links wait for the next run.",
            "signal": "Stopped by a signal; the next run goes on here.",
            "network-down": "Stopped: the network is down.",
        }
    ),
    incomplete="This run is incomplete.",
    given_up="{slot} refused us ({reason}) and was left alone; {left:of its links waits|of its links wait} for the next"
    " run.",
    network_down="No network: nothing could be reached, and nothing was concluded.",
    internal_errors="Pages that made the crawler itself fail: {count}; see the log.",
    health="Health over time",
    health_note="Links that are not in order at the end of each run",
    dead_by_year="Dead links by year of the note",
    dead_by_year_note="The year stands in the note's path; a link in notes of two years counts in both",
    year="year",
    date="date",
    no_year="undated",
    share="share",
    data="Show the numbers",
    round_line="{site}: a round of {links:link} takes {seconds}",
    round_runs=", which is {runs:run} with this budget",
    overdue="Waited too long for a check ({count}): {urls}",
    damaged_note="{path} is damaged ({why}); its links are read all the same",
    skipped_note="{path} is skipped: {why}",
    more_skipped="{notes:more note is|more notes are} skipped",
    known_before="was there before",
    more="… and {count} more",
    show_more="Show more",
    filter_label="Filter",
    filter_hint="title, URL, note or reason",
    reason="reason",
    sort="Sort by",
    sort_by=MappingProxyType(
        {"order": "state", "site": "site", "path": "note", "year": "year", "checked": "last check", "title": "title"}
    ),
    shown="shown: {shown} of {all}",
    no_match="Nothing matches.",
    no_script="Without JavaScript this page lists what is dead or suspect; filter and sort need it.",
    no_script_further="Without JavaScript this page shows no links; the first page lists what is dead or suspect.",
    pages_label="Pages",
    generated="Generated {at} by linkhealth-crawler",
    hint_verbose="--verbose lists them.",
    more_verbose="… and {count} more: --verbose lists all",
    and_places="(and {count:more place})",
    new="new",
    html_report="HTML report",
    archive="Archive",
    next="Next",
    next_steps=MappingProxyType(
        {
            "show": "one link, and its kept copy",
            "fix": "edits to your notes; writes nothing yet",
            "html": "all links in one page",
            "since": "what changed in the last week",
        }
    ),
)

CHINESE = Words(
    title="链接健康报告",
    states=_states("失效", "可疑", "未知", "受阻", "未检查", "有效"),
    changes=_changes("新失效", "首次检查即失效", "恢复有效", "永久迁移", "标题已变", "状态变化"),
    site="站点",
    total="合计",
    all_links="全部链接",
    all_sites="全部站点",
    by_site="各站点",
    what_changed="自上次运行以来的变化",
    nothing_changed="自上次运行以来没有变化。",
    dead="失效链接",
    suspects="可疑，尚未确认",
    title_differs="有效，但标题与笔记不符",
    note_says="笔记",
    page_says="页面",
    no_title="（无标题）",
    new_notices="页面上尚无规则识别的提示",
    notices_count="页面上尚无规则识别的提示：{count} 条",
    notices_hint="这些页面已保存；用 `crawler explain URL` 查看规则如何判断。",
    blocked="{count} 个受阻（网站拒绝了我们）",
    unknown="{count} 个未知",
    both="，",
    no_judgement="{what}：这不说明页面本身的状况。",
    nothing_to_do="没有失效链接。",
    no_links="没有找到链接。",
    pages="第 {page} 页，共 {pages} 页：第 {first} 至 {last} 个链接，共 {all} 个，需要处理的在前。"
    "筛选和排序只对本页有效。",
    left_out="此处省略了 {count} 个链接：`crawler report --format html --output FILE` 会把它们写成后续页面，"
    "`--format tsv` 和 `--format json` 会全部列出。",
    links="链接",
    places="出现在",
    evidence="证据",
    kept="已存",
    not_kept="没有存档",
    kept_copy="已存 {day} · {characters} 字 · 存档 {id}",
    read_instead="可改读",
    suggestion=MappingProxyType({"snapshot": "存档副本", "wayback": "互联网档案馆", "moved": "已迁至"}),
    search="另可搜索",
    searches=MappingProxyType(
        {
            "sogou-weixin": "搜狗微信",
            "bing": "必应",
            "baidu": "百度",
            "wayback": "互联网档案馆",
            "archive-today": "archive.today",
        }
    ),
    moved_to="已迁至",
    last_alive="最后有效",
    never_alive="从未见其有效",
    checked="检查于",
    failures="检查失败 {count} 次",
    confidence=MappingProxyType({"low": "把握低", "medium": "把握中", "high": "把握高"}),
    run="运行",
    run_line="抓取链接：{fetched} · 请求：{requests} · 保存：{kept} · 用时：{seconds}",
    stopped=MappingProxyType(
        {
            "budget": "时间预算已用完，其余链接留待下次。",
            "signal": "被信号中止，下次运行从这里继续。",
            "network-down": "已停止：网络不通。",
        }
    ),
    incomplete="本次运行未完成。",
    given_up="{slot} 拒绝了访问（{reason}），已暂停，其余 {left} 个链接留待下次。",
    network_down="没有网络：无法访问任何站点，未作任何判断。",
    internal_errors="{count} 个页面使爬虫自身出错，见日志。",
    health="健康趋势",
    health_note="每次运行结束时状态异常的链接数",
    dead_by_year="按笔记年份统计的失效链接",
    dead_by_year_note="年份取自笔记路径；同一链接出现在两年的笔记中则各计一次",
    year="年份",
    date="日期",
    no_year="无日期",
    share="占比",
    data="查看数据",
    round_line="{site}：全部 {links} 个链接检查一遍需 {seconds}",
    round_runs="，按此时间预算需运行 {runs} 次",
    overdue="等待检查时间过长的链接（{count}）：{urls}",
    damaged_note="{path} 已损坏（{why}），其中的链接仍已读取",
    skipped_note="已跳过 {path}：{why}",
    more_skipped="另有 {notes} 篇笔记已跳过",
    known_before="此前已存在",
    more="…… 另有 {count} 个",
    show_more="显示更多",
    filter_label="筛选",
    filter_hint="标题、网址、笔记或原因",
    reason="原因",
    sort="排序",
    sort_by=MappingProxyType(
        {"order": "状态", "site": "站点", "path": "笔记", "year": "年份", "checked": "检查时间", "title": "标题"}
    ),
    shown="{shown} / {all} 个链接",
    no_match="没有匹配的链接。",
    no_script="未启用 JavaScript：本页仅列出失效和可疑的链接，无法筛选和排序。",
    no_script_further="未启用 JavaScript：本页不显示链接，首页列出失效和可疑的链接。",
    pages_label="分页",
    generated="由 linkhealth-crawler 生成于 {at}",
    hint_verbose="用 --verbose 列出。",
    more_verbose="…… 另有 {count} 个：用 --verbose 全部列出",
    and_places="（另有 {count} 处）",
    new="新",
    html_report="HTML 报告",
    archive="存档",
    next="接下来",
    next_steps=MappingProxyType(
        {
            "show": "查看一个链接及其存档",
            "fix": "为失效和迁移的链接提出笔记修改，暂不写入",
            "html": "一页看全部链接",
            "since": "最近一周的变化",
        }
    ),
)


def in_language(language: Language, english: T, chinese: T) -> T:
    """The one of two that is of this language."""
    match language:
        case "en":
            return english
        case "zh":
            return chinese
        case _:
            assert_never(language)


def words(language: Language) -> Words:
    """The phrases of one language."""
    return in_language(language, ENGLISH, CHINESE)
