"""The words of the viewer's pages in English and Chinese, side by side so that neither can be forgotten.

Words only; names of states, reasons and sites are those of reports (`report.words`, `report.reasons`).
"""

from __future__ import annotations

from typing import Final

from crawler.report.words import Language, in_language

PHRASES: Final[dict[str, tuple[str, str]]] = {
    # Everywhere
    "brand": ("Link health", "链接健康"),
    "skip": ("Skip to the content", "跳到正文"),
    "main_menu": ("Main menu", "主菜单"),
    "overview": ("Overview", "总览"),
    "notes": ("Notes", "笔记"),
    "links": ("Links", "链接"),
    "search": ("Search", "搜索"),
    "runs": ("Runs", "运行"),
    "to_do": ("What would help", "可做之事"),
    "to_do_short": ("To do", "可做之事"),
    "search_label": ("Search kept pages", "搜索已存页面"),
    "search_hint": ("words, site:weixin, after:2024-05", "词语、site:weixin、after:2024-05"),
    "theme": ("Theme", "主题"),
    "theme_light": ("Light", "浅色"),
    "theme_dark": ("Dark", "深色"),
    "theme_auto": ("Auto", "自动"),
    "language": ("Language", "语言"),
    "read_only": (
        "Read-only. Open the address that `crawler serve` printed to act from here.",
        "只读。打开 `crawler serve` 打印的地址即可在此操作。",
    ),
    "may_act": ("You may act from here.", "可在此操作。"),
    "feed": ("Feed", "订阅"),
    "feed_of_this": ("Feed of this list", "订阅此列表"),
    "more": ("All {n}", "全部 {n} 个"),
    "none": ("None.", "无。"),
    "page_of": ("Page {page} of {pages}", "第 {page} / {pages} 页"),
    "previous_page": ("Previous page", "上一页"),
    "next_page": ("Next page", "下一页"),
    "pages_nav": ("Pages", "分页"),
    "state": ("State", "状态"),
    "site": ("Site", "站点"),
    "reason": ("Reason", "原因"),
    "note": ("Note", "笔记"),
    "year": ("Year", "年份"),
    "any": ("any", "不限"),
    "undated": ("undated", "无日期"),
    "n_links": ("{n:link}", "{n} 个链接"),
    "no_title": ("(no title)", "（无标题）"),
    "in_no_note": ("in no note", "不在笔记中"),
    "line": ("line {n}", "第 {n} 行"),
    "and_more_places": ("+ {n} more", "另 {n} 处"),
    "kept_copy": ("kept copy", "存档副本"),
    "checked_on": ("checked {day}", "检查于 {day}"),
    "at": ("At", "时间"),
    "title": ("Title", "标题"),
    # Start
    "start_lead": (
        "{links:link} in {notes:note}, {snapshots:kept page}.",
        "{notes} 篇笔记，{links} 个链接，{snapshots} 个存档。",
    ),
    "period": ("Period", "时段"),
    "days_7": ("7 days", "7 天"),
    "days_30": ("30 days", "30 天"),
    "days_365": ("a year", "一年"),
    "died": ("Died", "失效"),
    "died_none": ("Nothing died in this time.", "此期间没有链接失效。"),
    "came_back": ("Came back", "恢复"),
    "came_back_none": ("Nothing came back in this time.", "此期间没有链接恢复。"),
    "saved": ("Saved", "新存"),
    "saved_none": ("No page was kept in this time.", "此期间没有存入页面。"),
    "states_now": ("All links now", "当前状态"),
    "health": ("Health over time", "健康趋势"),
    "health_note": ("Links that are not in order at the end of each run", "每次运行结束时状态异常的链接数"),
    "health_wait": ("The chart begins with the second run.", "第二次运行后显示趋势图。"),
    "numbers": ("Show the numbers", "查看数据"),
    "sites": ("Sites", "站点"),
    "worst_notes": ("Notes that lost most", "失链最多的笔记"),
    "all_notes": ("All notes", "全部笔记"),
    "last_run": ("Last run", "上次运行"),
    "no_run": ("No run yet. `crawler run` checks every link.", "尚未运行。`crawler run` 会检查全部链接。"),
    "loose": ("{n:more link stands|more links stand} in no note", "另有 {n} 个链接不在任何笔记中"),
    "skipped_notes": ("Notes that could not be read", "无法读取的笔记"),
    # Notes
    "notes_lead": ("{n:note} with links.", "{n} 篇含链接的笔记。"),
    "order": ("Order", "排序"),
    "order_worst": ("most dead first", "失效多者在前"),
    "order_path": ("by path", "按路径"),
    "order_newest": ("newest first", "新者在前"),
    "order_state": ("by state", "按状态"),
    "order_note": ("by note", "按笔记"),
    "order_changed": ("changed last first", "按变化时间"),
    "order_checked": ("checked last first", "按检查时间"),
    "order_title": ("by title", "按标题"),
    "name_filter": ("Name contains", "名称包含"),
    "show": ("Show", "显示"),
    "no_notes": ("No note matches.", "没有匹配的笔记。"),
    "note_lead": ("{n:link} in this note, in order.", "此笔记有 {n} 个链接，按出现顺序。"),
    "see_as_list": ("As a list with filters", "以可筛选列表查看"),
    # Links
    "filter": ("Filter", "筛选"),
    "filters": ("Filters", "筛选条件"),
    "more_filters": ("More filters and order", "更多筛选与排序"),
    "query": ("Title or address", "标题或网址"),
    "changed_within": ("State changed within", "状态变化于"),
    "copy_kept": ("Copy", "存档"),
    "kept_yes": ("kept", "已存"),
    "kept_no": ("not kept", "未存"),
    "clear": ("Clear all", "清除全部"),
    "no_links": ("No link matches these filters.", "没有符合条件的链接。"),
    # Link
    "open_web": ("Open on the web", "打开原网页"),
    "open_moved": ("New address", "新地址"),
    "seen": ("What was seen", "看到了什么"),
    "proves": ("What it proves", "说明什么"),
    "settles": ("What would settle it", "如何确定"),
    "confidence_low": ("low confidence", "把握低"),
    "confidence_medium": ("medium confidence", "把握中"),
    "confidence_high": ("high confidence", "把握高"),
    "kept_page": ("The kept page", "存档页面"),
    "nothing_kept": ("Nothing was kept of this link.", "此链接没有存档。"),
    "nothing_kept_help": (
        (
            "If you can open it, save it in your browser (SingleFile, or “Save page as”) and hand the file to "
            "`crawler import FILE --url ADDRESS`."
        ),
        "若您能打开，请在浏览器中保存（SingleFile 或“网页另存为”），再用 `crawler import 文件 --url 网址` 存入。",
    ),
    "snapshots": ("Snapshots", "存档"),
    "snapshot_n": ("Snapshot {n}", "存档 {n}"),
    "kept_at": ("Kept", "保存于"),
    "characters": ("Characters", "字数"),
    "n_characters": ("{n:character}", "{n} 字"),
    "forms": ("Look at", "查看"),
    "readable": ("readable copy", "可读副本"),
    "as_text": ("text", "文本"),
    "as_raw": ("raw response", "原始响应"),
    "same_text": ("same text", "内容相同"),
    "notice_kept": ("kept notice", "提示页存档"),
    "pictures": ("Pictures", "图片"),
    "compare": ("Compare", "比较"),
    "compare_from": ("From", "从"),
    "compare_to": ("To", "到"),
    "full_width": ("Open alone", "单独打开"),
    "frame_title": ("Readable copy of snapshot {n}", "存档 {n} 的可读副本"),
    "history": ("History", "历史"),
    "history_lead": ("{n:check}, the newest first.", "共检查 {n} 次，新者在前。"),
    "history_cut": ("Only the newest {n} are shown.", "仅显示最近 {n} 次。"),
    "verdict_was": ("this check alone: {state}", "仅此次检查：{state}"),
    "places": ("Places in notes", "在笔记中的位置"),
    "no_places": ("It stands in no note.", "它不在任何笔记中。"),
    "next_check": ("next check {day}", "下次检查 {day}"),
    "due_now": ("due now", "应立即检查"),
    "elsewhere": ("At the Internet Archive", "互联网档案馆"),
    "first_seen": ("first seen {day}", "首次发现 {day}"),
    "damaged": ("This snapshot is damaged", "此存档已损坏"),
    "damaged_help": (
        (
            "`crawler verify` lists all damage; `crawler verify --repair` mends what can be mended, and a copy of the "
            "archive’s segment from a backup brings the rest back."
        ),
        "`crawler verify` 列出全部损坏；`crawler verify --repair` 修复可修复的部分，其余可从备份恢复该段文件。",
    ),
    "no_readable": ("No readable copy was made of this snapshot", "此存档没有可读副本"),
    "no_readable_help": (
        "It may be a file of another kind, or a page without text. Its raw response can be downloaded.",
        "它可能是其他类型的文件，或没有文字的页面。可下载原始响应。",
    ),
    # Diff
    "diff": ("Difference", "差异"),
    "diff_lead": ("What changed in the text between two snapshots", "两个存档之间文字的变化"),
    "diff_same": ("The texts are the same.", "文字相同。"),
    "diff_need": ("A comparison needs two snapshots of this link.", "比较需要此链接的两个存档。"),
    "unchanged_n": ("{n:sentence} unchanged", "{n} 句未变"),
    "removed": ("removed", "删去"),
    "added": ("added", "新增"),
    # Search
    "earlier_text": ("earlier text", "较早的正文"),
    "search_lead": (
        (
            "Words must all occur; “a phrase” in quotes as it stands; word* is a beginning; -word must not occur. "
            "site:weixin, state:dead, before:2024-06 and after:2024-05-31 narrow the search."
        ),
        (
            "各词都须出现；引号内为完整短语；word* 为前缀；-词 表示排除。site:weixin、state:dead、before:2024-06、"
            "after:2024-05-31 可缩小范围。"
        ),
    ),
    "hits": ("{n:page} found", "找到 {n} 个页面"),
    "hits_first": ("The best {n} pages", "最相关的 {n} 个页面"),
    "no_hits": ("Nothing found.", "没有找到。"),
    "also_links": ("Links whose title or address contains it", "标题或网址含此词的链接"),
    # Runs
    "runs_lead": ("{n:run}, the newest first.", "最近 {n} 次运行。"),
    "command": ("Command", "命令"),
    "fetched": ("Links", "链接"),
    "requests": ("Requests", "请求"),
    "kept_bytes": ("Kept", "保存"),
    "took": ("Time", "用时"),
    "outcome": ("Outcome", "结果"),
    "complete": ("complete", "完成"),
    "incomplete": ("incomplete", "未完成"),
    "running": ("running, or killed", "进行中，或被强行终止"),
    # What would help
    "help_lead": (
        "What a machine cannot settle, and what you can do about it.",
        "机器无法确定、而您可以帮忙的事。",
    ),
    "walled": ("Refused us", "拒绝访问"),
    "walled_lead": (
        (
            "These sites refuse the crawler; that says nothing of the pages. If a page opens for you, save it "
            "there and hand it over."
        ),
        "这些网站拒绝爬虫，这不说明页面本身。若您能打开，请保存并导入。",
    ),
    "walled_import": (
        "Open the page, save it (SingleFile, or “Save page as”), then `crawler import FILE --url ADDRESS`.",
        "打开页面并保存（SingleFile 或“网页另存为”），然后 `crawler import 文件 --url 网址`。",
    ),
    "walled_cookies": (
        "Export your browser’s cookies of the site: `crawler rearchive ADDRESS --cookies FILE`.",
        "导出该站点的浏览器 Cookie：`crawler rearchive 网址 --cookies 文件`。",
    ),
    "walled_browser": (
        "Let a browser show it: `crawler rearchive ADDRESS --browser`.",
        "用浏览器打开：`crawler rearchive 网址 --browser`。",
    ),
    "scripted": ("Empty without a browser", "需浏览器才有内容"),
    "scripted_lead": (
        "These pages are shells that a browser fills: `crawler rearchive ADDRESS --browser` can fill them.",
        "这些页面须由浏览器填充：`crawler rearchive 网址 --browser`。",
    ),
    "unsaved": ("Suspect and not kept: save them first", "可疑且未存：最应先保存"),
    "unsaved_lead": (
        "They look broken and no copy is kept: if one still opens for you, save it now.",
        "它们看似失效且没有存档：若仍能打开，请尽快保存。",
    ),
    "overdue": ("Overdue", "逾期未查"),
    "overdue_lead": (
        "Due for more than {days} days and not asked again. A longer `--budget`, or runs more often, catches up.",
        "逾期超过 {days} 天未再检查。加大 `--budget` 或增加运行次数即可赶上。",
    ),
    "left_alone": ("Left alone in the last run", "上次运行暂停的站点"),
    "nothing_to_help": ("Nothing needs you here.", "此处无事需要您。"),
    # Acting
    "acting": ("Act", "操作"),
    "rearchive": ("Re-archive", "重新存档"),
    "rearchive_now": ("Re-archive now", "立即重新存档"),
    "rearchive_all": ("Re-archive all links of this note", "重新存档此笔记的全部链接"),
    "import": ("Import", "导入"),
    "import_lead": (
        "Drop a page that you saved here: HTML, SingleFile, MHTML, PDF, WARC or WACZ.",
        "将保存的页面拖到此处：HTML、SingleFile、MHTML、PDF、WARC 或 WACZ。",
    ),
    "import_file": ("Saved page", "保存的页面"),
    "import_address": ("Its address, where the file does not tell", "网址（文件中没有时填写）"),
    "import_force": ("Keep it even if it looks like a notice", "即使像提示页也保存"),
    "mark_fine": ("It is fine", "标为有效"),
    "mark_dead": ("It is dead", "标为失效"),
    "mark_clear": ("Take my word back", "撤销我的判断"),
    "marked_fine": ("You said on {day} that it is fine.", "您于 {day} 标为有效。"),
    "marked_dead": ("You said on {day} that it is dead.", "您于 {day} 标为失效。"),
    "task_waiting": ("Waiting for its turn.", "等待中。"),
    "task_running": ("links done: {done} of {total}", "已完成 {done} / {total} 个链接"),
    "task_done": ("Done.", "完成。"),
    "task_failed": ("This could not be done.", "未能完成。"),
    "task_back": ("Back", "返回"),
    "task_busy_help": (
        "Where another run has the archive, wait until it is through, and try again.",
        "若存档正被另一次运行占用，请等其结束后重试。",
    ),
    "no_such_task": ("There is no such task any more", "此任务已不存在"),
    "mend": ("Mend notes", "修补笔记"),
    "mend_this": ("Propose mends", "查看可修补之处"),
    "mend_lead": (
        "What `crawler fix` would write. Nothing is changed until you accept it, note by note.",
        "`crawler fix` 将写入的内容。逐篇接受之前不会改动任何文件。",
    ),
    "mend_none": ("Nothing to mend with what is known.", "就目前所知，没有可修补之处。"),
    "mend_none_help": (
        (
            "A dead link is mended where there is an address to put in its place: a capture at the Internet Archive, "
            "or, where `[serve] public` names this viewer’s address, the kept copy here."
        ),
        "只有存在可替换的网址时才能修补：互联网档案馆的存档，或在设置 `[serve] public` 后指向此处的存档副本。",
    ),
    "mend_edits": ("{n:edit}", "{n} 处修改"),
    "mend_accept": ("Write this into the note", "写入此笔记"),
    "mend_unconfirmed": ("Also what one check alone calls dead", "也包括仅一次检查判为失效的链接"),
    "mend_confirmed": ("Only what is certain", "仅确定失效的链接"),
    "mend_done": ("{note} was mended.", "{note} 已修补。"),
    "mend_undo": ("Undo", "撤销"),
    "mend_undos": ("Can be undone", "可撤销"),
    # Errors
    "not_ours": ("This was not sent by one of this viewer’s pages", "此请求并非来自本查看器的页面"),
    "not_ours_help": (
        "Go back, reload the page, and try again: the viewer may have been started anew since.",
        "请返回、刷新页面后重试：查看器可能已重新启动。",
    ),
    "not_found": ("There is no such page", "没有此页面"),
    "no_such_link": ("Neither the notes nor the archive know this link", "笔记和存档中都没有此链接"),
    "no_such_note": ("No note of that name has links", "没有含链接的同名笔记"),
    "no_such_snapshot": ("There is no such snapshot", "没有此存档"),
    "not_found_help": ("The overview leads to everything that is here.", "从总览可到达所有内容。"),
    "bad_request": ("This address asks for something that cannot be", "此地址的请求无效"),
    "archive_error": ("The archive cannot be read now", "暂时无法读取存档"),
    "notes_error": ("The notes are not as they were", "笔记已有变化"),
    "too_slow": ("This took too long", "用时过长"),
    "too_slow_help": ("Narrow the question, or try again in a moment.", "请缩小范围，或稍后再试。"),
    "internal": ("The viewer itself failed here", "查看器自身出错"),
    "internal_help": (
        "Nothing was changed. Please report what you clicked, with the lines that `crawler serve` printed.",
        "没有任何更改。请报告您的操作以及 `crawler serve` 打印的内容。",
    ),
    "back": ("Back to the overview", "返回总览"),
}


def phrase(language: Language, key: str, **values: object) -> str:
    """One phrase in a language, its places filled in."""
    text = in_language(language, *PHRASES[key])
    return text.format(**values) if values else text
