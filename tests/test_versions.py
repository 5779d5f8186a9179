"""The order of versions against packaging, the reference; specifiers likewise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from scanner import versions

_numbers = st.integers(0, 12).map(str)
_separators = st.sampled_from(["", ".", "-", "_"])


@st.composite
def _versions(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(["", "", "", "v", "1!", "0!"]))
    text += ".".join(draw(st.lists(_numbers, min_size=1, max_size=4)))
    if draw(st.booleans()):
        phase = draw(st.sampled_from(["a", "b", "rc", "c", "alpha", "BETA", "pre", "preview", "RC"]))
        text += draw(_separators) + phase + draw(st.sampled_from(["", "0", "1", ".2", "-3", "_1"]))
    if draw(st.booleans()):
        text += draw(st.sampled_from(["-1", "-0", ".post1", "post", ".rev2", "-r3", "_post.4", ".r"]))
    if draw(st.booleans()):
        text += draw(st.sampled_from([".dev0", "dev", "-dev1", "_DEV2", ".dev.3"]))
    if draw(st.booleans()):
        text += draw(st.sampled_from(["+cu117", "+1", "+1.2", "+ubuntu-1", "+abc.7", "+cpu", "+01", "+A_b"]))
    return text


def _reference(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@settings(max_examples=400, deadline=None)
@given(_versions(), _versions())
def test_two_versions_sort_as_pep_440_says(left: str, right: str) -> None:
    ours, theirs = (versions.pep440(left), versions.pep440(right)), (_reference(left), _reference(right))
    assert [key is None for key in ours] == [version is None for version in theirs]
    if ours[0] and ours[1] and theirs[0] and theirs[1]:
        assert (ours[0] < ours[1]) == (theirs[0] < theirs[1])
        assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
        assert ours[0].is_pre == theirs[0].is_prerelease
        assert ours[0].public == versions.pep440(theirs[0].public)


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="0123456789.abrcdevposte+-_!v *ſ١\n", max_size=14))
def test_any_text_is_read_or_refused_as_packaging_does(text: str) -> None:
    assert (versions.pep440(text) is None) == (_reference(text) is None)


_operators = st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~="])
_plain = st.lists(_numbers, min_size=1, max_size=3).map(".".join)
_specifiers = st.one_of(
    st.builds(lambda op, text: op + text, _operators, _versions()),
    st.builds(lambda op, text: f"{op}{text}.*", st.sampled_from(["==", "!="]), _plain),
)


@settings(max_examples=800, deadline=None)
@given(st.lists(_specifiers, min_size=0, max_size=3), _versions())
def test_a_specifier_allows_what_packaging_allows(parts: list[str], version: str) -> None:
    key, reference = versions.pep440(version), _reference(version)
    text = ",".join(parts)
    try:
        wanted = SpecifierSet(text)
    except InvalidSpecifier:
        return
    ours = versions.specifier(text)
    assert ours is not None
    if key and reference:
        assert ours.allows(key) == wanted.contains(reference, prereleases=True)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        pytest.param("", ["0", "1!9"], [], id="nothing said allows everything"),
        pytest.param("*", ["0.1"], [], id="a star allows everything"),
        pytest.param("^1.2.3", ["1.2.3", "1.9"], ["2.0", "1.2.2"], id="caret"),
        pytest.param("^0.2.3", ["0.2.3", "0.2.9"], ["0.3"], id="caret below one"),
        pytest.param("~1.2", ["1.2.9"], ["1.3"], id="tilde"),
        pytest.param("~1", ["1.9"], ["2.0"], id="tilde of a major"),
        pytest.param("=1.2.*", ["1.2.7"], ["1.3"], id="conda's fuzzy equals"),
        pytest.param("<1 || >=2", ["0.5", "2.1"], ["1.5"], id="alternatives"),
        pytest.param(">=1 <2", ["1.5"], ["2.0"], id="blanks between clauses"),
        pytest.param("(>=1,<2)", ["1.5"], ["2.0"], id="in parentheses"),
        pytest.param("1.4", ["1.4"], ["1.5"], id="a bare version pins"),
        pytest.param(">0.dev0", ["0+x", "0.post1"], ["0.dev0+x"], id="above a dev release"),
        pytest.param(">1.0", ["1.0.1"], ["1.0+x", "1.0.post1", "1.0.post1+x"], id="above a release"),
        pytest.param(">1.0a1", ["1.0", "1.0a2+x"], ["1.0a1.post1"], id="above a pre-release"),
        pytest.param("<1.0.post1", ["1.0", "1.0a1"], ["1.0.post1.dev1"], id="below a post-release"),
    ],
)
def test_specifiers_of_other_tools_are_read_too(text: str, inside: list[str], outside: list[str]) -> None:
    wanted = versions.specifier(text)
    assert wanted is not None
    for version in inside + outside:
        key = versions.pep440(version)
        assert key is not None
        assert wanted.allows(key) == (version in inside), version


@pytest.mark.parametrize("text", ["latest", ">=banana", "@ file:///x", "~=1", "==1.2.*.3", ">1.*", "^"])
def test_a_specifier_that_cannot_be_read_is_none(text: str) -> None:
    assert versions.specifier(text) is None


@given(st.text(alphabet="aB-_.9", min_size=1, max_size=12))
def test_python_names_compare_as_pep_503_says(text: str) -> None:
    assert versions.name("pypi", text) == canonicalize_name(text)


def test_semantic_versions_sort_as_the_specification_lists_them() -> None:
    listed = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"]
    listed += ["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "v1.0.1+build", "1.2"]
    keys = [versions.semver(text) for text in listed]
    assert None not in keys
    assert keys == sorted(key for key in keys if key)


@pytest.mark.parametrize(
    ("text", "word"),
    [("PyPI", "pypi"), ("crates.io", "cargo"), ("Go", "go"), ("Debian:12", "debian:12"), ("npm", "npm")],
)
def test_an_ecosystem_has_one_word(text: str, word: str) -> None:
    assert versions.ecosystem(text) == word


@pytest.mark.parametrize("text", ["9" * 5000, "1." * 4000, "1+" + "a-" * 3000, "v" * 600])
def test_a_version_of_absurd_length_is_no_version(text: str) -> None:
    assert versions.pep440(text) is None
    assert versions.semver(text) is None
