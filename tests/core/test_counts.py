"""Counts with their nouns."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

import crawler
from crawler.core.counts import Counted


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"{Counted(0):link}", "0 links"),
        (f"{Counted(1):link}", "1 link"),
        (f"{Counted(13663):link}", "13,663 links"),
        (f"{Counted(1):copy|copies}", "1 copy"),
        (f"{Counted(2):copy|copies}", "2 copies"),
        (f"{Counted(2):link waits|links wait} still", "2 links wait still"),
        (f"{Counted(1234)}", "1,234"),
    ],
)
def test_a_count_is_written_with_its_noun_in_singular_or_plural(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("template", "expected"), [("{n:link} left", "1 link left"), ("还有 {n} 个链接", "还有 1 个链接")]
)
def test_a_template_of_any_language_takes_a_count_with_or_without_a_noun(template: str, expected: str) -> None:
    assert template.format(n=Counted(1)) == expected


def test_no_number_of_the_program_stands_before_a_noun_that_is_always_plural() -> None:
    """`%d texts` and `{len(x)} texts` say "1 texts": `Counted` writes them."""
    found = []
    for file in Path(crawler.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and LOGGED.search(node.value):
                found.append(f"{file.name}:{node.lineno}: {node.value}")
            if isinstance(node, ast.JoinedStr):
                for number, noun in pairwise(node.values):
                    if is_bare_length(number) and isinstance(noun, ast.Constant) and PLURAL.match(str(noun.value)):
                        found.append(f"{file.name}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


LOGGED, PLURAL = re.compile(r"%d [a-z]+s\b"), re.compile(r" [a-z]+s\b")


def is_bare_length(value: ast.expr) -> bool:
    """Whether an f-string holds `{len(x)}`, with or without a format."""
    call = value.value if isinstance(value, ast.FormattedValue) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "len"
