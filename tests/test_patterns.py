"""Expressions that are compiled late are the same expressions, and none of them is wrong."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import scanner
from scanner.patterns import _Late, pattern

CHILDREN = {"scanner.__main__", "scanner.isolate.worker"}


def test_a_late_expression_does_what_the_expression_does() -> None:
    late, plain = (
        pattern(r"(?P<name>[a-z]+)=(\d+)", re.IGNORECASE),
        re.compile(r"(?P<name>[a-z]+)=(\d+)", re.IGNORECASE),
    )
    for text in ("A=1", "a=1 b=2", "", "=1", "a="):
        one, other = late.fullmatch(text), plain.fullmatch(text)
        assert (one and one.groupdict()) == (other and other.groupdict())
        assert late.findall(text) == plain.findall(text)
        assert late.sub("-", text) == plain.sub("-", text)
    assert (late.pattern, late.flags, late.groups) == (plain.pattern, plain.flags, plain.groups)
    assert pattern(b"a+").match(b"aab")


def test_a_wrong_expression_is_an_error_at_its_first_use() -> None:
    late = pattern("(")
    with pytest.raises(re.error):
        late.match("")


def test_an_expression_is_compiled_once_for_each_of_its_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_now = re.compile

    def counted(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(text)
        return compile_now(text, flags)

    late = pattern("a+")
    monkeypatch.setattr(re, "compile", counted)
    assert compiled == []
    assert [bool(late.match(text)) for text in ("a", "b", "aa")] == [True, False, True]
    assert compiled == ["a+"]


def _late_of(value: object) -> Iterator[_Late]:
    if isinstance(value, _Late):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _late_of(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _late_of(one)


def test_every_late_expression_of_the_program_compiles() -> None:
    found = 0
    for module in pkgutil.walk_packages(scanner.__path__, "scanner."):
        if module.name in CHILDREN or module.name.endswith(("_child", ".app")):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            for late in _late_of(value):
                assert re.compile(late.pattern, late.flags), module.name
                found += 1
    assert found > 80
