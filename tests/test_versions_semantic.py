"""Ranges of npm and Cargo, and R's versions. The expected answers of npm's rows are node-semver 7's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import versions
from scanner.versions import semantic


def allows(ecosystem: str, text: str, version: str) -> bool | None:
    found, key = versions.semver_range(ecosystem, text), versions.semver(version)
    return None if found is None or key is None else found.allows(key)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0", "2.0.0-alpha", "1.3.0-beta"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4", "0.1.0"]),
        ("^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]),
        ("^0.x", ["0.0.0", "0.9.9"], ["1.0.0"]),
        ("^1.2.3-beta.2", ["1.2.3-beta.4", "1.2.3", "1.4.0"], ["1.2.4-beta.2", "1.2.3-beta.1"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        ("~>1.2", ["1.2.9"], ["1.3.0"]),
        ("1.2.x", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("1.2 - 2.3", ["1.2.0", "2.3.9"], ["2.4.0", "1.1.9"]),
        ("1.2.3 - 2.3.4", ["2.3.4"], ["2.3.5"]),
        (">=1.2.3 <2 || 3.x", ["1.9.0", "3.4.5"], ["2.0.0", "4.0.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("<1.2", ["1.1.9"], ["1.2.0", "1.2.0-alpha"]),
        ("= v1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4"]),
        ("*", ["0.0.1", "9.9.9"], ["1.0.0-alpha"]),
        ("", ["1.0.0"], ["1.0.0-rc.1"]),
        (">*", [], ["1.0.0", "0.0.0"]),
    ],
)
def test_npm_ranges_allow_what_npm_installs(text: str, inside: list[str], outside: list[str]) -> None:
    assert [allows("npm", text, version) for version in inside] == [True] * len(inside)
    assert [allows("npm", text, version) for version in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.2.3", ["1.2.3", "1.9.0"], ["2.0.0", "1.2.2"]),
        ("0.2", ["0.2.0", "0.2.9"], ["0.3.0"]),
        ("=1.2", ["1.2.9"], ["1.3.0"]),
        ("1.2.*", ["1.2.9"], ["1.3.0"]),
        ("1.*", ["1.9.9"], ["2.0.0"]),
        ("~1.2.3", ["1.2.9"], ["1.3.0"]),
        (">=1.2, <1.5", ["1.4.9"], ["1.5.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("1.0.0-rc.1", ["1.0.0-rc.2", "1.0.0"], ["1.1.0-rc.1"]),
        ("1 || 2", ["1.5.0", "2.5.0"], ["3.0.0"]),
    ],
)
def test_cargo_requirements_allow_what_cargo_takes(text: str, inside: list[str], outside: list[str]) -> None:
    assert [allows("cargo", text, version) for version in inside] == [True] * len(inside)
    assert [allows("cargo", text, version) for version in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    "text", ["next", "1.x.2", ">=1,<2", "git+https://h/x", "1.2.3.4", "a" * 9000, "||" * 400]
)
def test_what_is_no_range_is_none(text: str) -> None:
    assert semantic.npm(text) is None


def test_a_range_that_cannot_be_read_admits_only_what_it_names() -> None:
    assert versions.allows("npm", "1.0.0.0", "1.0.0.0")
    assert not versions.allows("npm", "next", "1.0.0")
    assert versions.allows("npm", "", "1.0.0")


@pytest.mark.parametrize(
    ("text", "read"), [("1.2-3", True), ("1.2.3.4", True), ("0.0.1.9000", True), ("1", True), ("1.a", False)]
)
def test_what_r_reads_as_a_version(text: str, read: bool) -> None:
    assert (versions.numbered(text) is not None) == read


def test_r_versions_sort_number_by_number() -> None:
    texts = ["0.9", "1.2", "1.2.0", "1.2-1", "1.2.1.9000", "1.10", "2"]
    keys = [versions.numbered(text) for text in texts]
    assert all(key is not None for key in keys)
    assert sorted(keys) == keys  # type: ignore[type-var]
    assert not any(key.is_pre for key in keys if key)


_numbers = st.lists(st.integers(0, 12), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(_numbers, _numbers)
def test_r_versions_sort_as_their_numbers_do(left: list[int], right: list[int]) -> None:
    ours = [versions.numbered(".".join(map(str, numbers))) for numbers in (left, right)]
    assert ours[0] is not None
    assert ours[1] is not None
    assert (ours[0] < ours[1]) == (left < right)


def test_go_reads_pseudo_versions_and_incompatible_ones() -> None:
    order = versions.order("go")
    assert order is not None
    texts = ["v0.0.0-20200101000000-abcdefabcdef", "v0.0.0-20210101000000-000000000000", "v0.0.1", "v3.2.0"]
    keys = [order(text) for text in texts]
    assert all(keys)
    assert sorted(keys) == keys  # type: ignore[type-var]
    assert order("v3.2.0+incompatible") == order("3.2.0")
