"""Names in archives: what stays in the folder it is extracted to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.readers.names import Extraction


@pytest.mark.parametrize(
    "name", ["a", "a/b", "./a", "a/../b", "a/..", "..a/b..", "a//b", "", ".", "a\\b", "1:"]
)
def test_names_that_stay(name: str) -> None:
    assert Extraction().escape(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../a",
        "a/../..",
        "a/../../b",
        "/a",
        "\\a",
        "//host/a",
        "C:\\a",
        "c:a",
        "..\\a",
        "a\\..\\..\\b",
        "./../a",
    ],
)
def test_names_that_leave(name: str) -> None:
    assert Extraction().escape(name)


@pytest.mark.parametrize(
    ("links", "name"),
    [
        pytest.param([("a", ".."), ("x", "y")], "a/b", id="through a link that leads up"),
        pytest.param([("a", "/etc")], "a/b", id="through an absolute link"),
        pytest.param([("a", "C:\\")], "a/b", id="through a link to a drive"),
        pytest.param([("a", "."), ("a/b", "..")], "b/c", id="through two links"),
        pytest.param([("d/a", ".."), ("e", "d/a/..")], "e/x", id="a link through a link"),
        pytest.param([("a", "b"), ("b", "a")], "a/c", id="in a circle"),
    ],
)
def test_names_that_leave_through_links(links: list[tuple[str, str]], name: str) -> None:
    extraction = Extraction()
    for link, target in links:
        extraction.link(link, target)
    assert extraction.escape(name)


@pytest.mark.parametrize("target", ["b", "../b", "./b/../c", "x/y/z"])
def test_links_that_stay(target: str) -> None:
    extraction = Extraction()
    assert extraction.link("d/a", target) == ""
    assert extraction.escape("d/a/x") == ""


def test_a_hard_link_counts_from_the_top() -> None:
    assert Extraction().link("d/a", "../b", is_hard=True)
    assert not Extraction().link("d/a", "../b")


@given(st.lists(st.tuples(st.text("ab./\\"), st.text("ab./\\")), max_size=8), st.text("ab./\\"))
def test_any_links_end_in_an_answer(links: list[tuple[str, str]], name: str) -> None:
    extraction = Extraction()
    for link, target in links:
        extraction.link(link, target)
    assert isinstance(extraction.escape(name), str)
