"""Links that are links, URLs without secrets, package URLs that parse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.wellformed import contradicts, link, purl_version, well_formed, without_user


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.org", "https://example.org"),
        (
            "https://example.org:8443/a/b-1.whl?x=1#sha256=ab",
            "https://example.org:8443/a/b-1.whl?x=1#sha256=ab",
        ),
        ("https://user:pass@example.org/simple", "https://example.org/simple"),
        ("https://ghp_token@github.com/a/b", "https://github.com/a/b"),
        ("ssh://git@github.com/a/b", "ssh://git@github.com/a/b"),
        ("git+https://github.com/a/b@v1", "git+https://github.com/a/b@v1"),
        ("https://a/%20", "https://a/%20"),
        ("https://a/%2", ""),
        ("https://a/b c", ""),
        ("https://a/<x>", ""),
        ("https://a:b/", ""),
        ("https://javascript:alert(1)", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("data:text/html,x", ""),
        ("//a/b", ""),
        ("https://a/\n", ""),
        ("https://a#b#c", ""),
        ("https://\u202ea/", ""),
        ("https://a/" + "b" * 3000, ""),
        ("", ""),
    ],
)
def test_only_what_is_a_link_is_linked(url: str, written: str) -> None:
    assert link(url) == written


def test_credentials_go_wherever_a_host_stands() -> None:
    assert without_user("x https://me:p@ss@host/ y //t@h") == "x https://host/ y //h"


@given(st.text(st.characters(exclude_categories=())))
def test_well_formed_text_is_utf8_and_stays(text: str) -> None:
    shown = well_formed(text)
    shown.encode("utf-8")
    assert well_formed(shown) == shown


@pytest.mark.parametrize(
    ("purl", "version"),
    [
        ("pkg:pypi/torch@2.1.0%2Bcu121", "2.1.0+cu121"),
        ("pkg:pypi/torch", ""),
        ("pkg:generic/m.pt?checksum=sha256:ab", ""),
        ("pkg:nonsense", None),
        ("pkg:pypi/a b", None),
        ("pypi/torch", None),
        ("pkg:pypi/\x00", None),
        ("", None),
    ],
)
def test_a_package_url_states_a_version_or_none(purl: str, version: str | None) -> None:
    assert purl_version(purl) == version


def test_only_types_that_repeat_the_version_contradict() -> None:
    assert contradicts("pkg:pypi/a@1", "1", "2")
    assert not contradicts("pkg:pypi/a@1", "1", "1")
    assert not contradicts("pkg:deb/debian/a@1:2", "1:2", "2")
