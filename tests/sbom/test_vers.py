"""Ranges in CycloneDX' notation admit what the specifier admits; what has no words is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from sbom import vers


@pytest.mark.parametrize(
    ("specifier", "span"),
    [
        ("", "vers:pypi/*"),
        (">=2,<3", "vers:pypi/>=2|<3"),
        ("<3,>=2", "vers:pypi/>=2|<3"),
        (">=1,>=2", "vers:pypi/>=2"),
        ("~=2.2", "vers:pypi/>=2.2|<3.dev0"),
        ("==2.*", "vers:pypi/>=2.dev0|<3.dev0"),
        ("~=1!2.3.1", "vers:pypi/>=1%212.3.1|<1%212.4.dev0"),
        (">=1,!=1,<=3,!=3", "vers:pypi/>1|<3"),
        (">1,!=1.5,!=9,<2", "vers:pypi/>1|!=1.5|<2"),
        ("!=1.5", "vers:pypi/!=1.5"),
        ("==1.0", "vers:pypi/1.0"),
        pytest.param("===1", "", id="another kind of equal"),
        pytest.param("!=2.*", "", id="a series left out"),
        pytest.param("<1,>2", "", id="nothing"),
        pytest.param(">=2||<1", "", id="alternatives"),
        pytest.param("latest", "", id="no specifier"),
        pytest.param(">=" + "1" * 5000, "", id="endless"),
    ],
)
def test_a_specifier_is_said_without_loss_or_not_at_all(specifier: str, span: str) -> None:
    assert vers.pypi(specifier) == span


releases = st.builds(
    lambda parts: ".".join(map(str, parts)), st.lists(st.integers(0, 3), min_size=2, max_size=3)
)
clauses = st.builds(
    lambda operator, text: f"{operator}{text}", st.sampled_from(["<", "<=", ">", ">=", "!=", "~="]), releases
)


def admits(span: str, version: Version) -> bool:
    for row in span.removeprefix("vers:pypi/").split("|"):
        if row == "*":
            return True
        operator = row.rstrip("0123456789.dev")
        other = Version(row.removeprefix(operator))
        held = {
            "<": version < other,
            "<=": version <= other,
            ">": version > other,
            ">=": version >= other,
            "!=": version != other,
        }
        if not held[operator]:
            return False
    return True


@given(st.lists(clauses, max_size=4), releases)
def test_it_admits_what_the_specifier_admits(rows: list[str], version: str) -> None:
    span = vers.pypi(",".join(rows))
    if span:
        assert admits(span, Version(version)) == SpecifierSet(",".join(rows)).contains(version)
