"""The simple page of an index, in JSON and in HTML: what it says, what breaks it, what hides nothing."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Digest
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.integrity import index
from scanner.limits import Limits
from tests.integrity.simple import HTML, JSON, File, Project, as_html, as_json

URL = "https://index.example/simple/some-pkg/"
A, B = "a" * 64, "b" * 64

PROJECT = Project(
    "some-pkg",
    [
        File("some_pkg-1.0-py3-none-any.whl", A),
        File("some-pkg-1.0.tar.gz", B, yanked="broken <build> & worse"),
        File("some_pkg-2.0+cu121-cp311-cp311-linux_x86_64.whl", A, yanked=True),
        File("Some.Pkg-3.0rc1.zip"),
    ],
    status="archived",
    reason="no longer kept",
)


@pytest.mark.parametrize("kind", [JSON, HTML])
def test_a_page_says_the_same_in_json_and_in_html(kind: str) -> None:
    body = as_json(PROJECT) if kind == JSON else as_html(PROJECT)
    listing = index.parse(body, kind, "some_pkg", URL)
    assert [(file.name, file.version, file.yanked) for file in listing.files] == [
        ("some_pkg-1.0-py3-none-any.whl", "1.0", ""),
        ("some-pkg-1.0.tar.gz", "1.0", "broken <build> & worse"),
        ("some_pkg-2.0+cu121-cp311-cp311-linux_x86_64.whl", "2.0+cu121", " "),
        ("Some.Pkg-3.0rc1.zip", "3.0rc1", ""),
    ]
    assert listing.files[0].hashes == (Digest("sha256", A),)
    assert listing.files[3].hashes == ()
    assert (listing.status, listing.reason) == ("archived", "no longer kept")
    assert [file.name for file in listing.of("1")] == [file.name for file in listing.files[:2]]
    assert listing.knows("3.0.RC1")
    assert not listing.knows("4")


def test_json_says_size_upload_versions_provenance_and_other_indexes() -> None:
    page = json.loads(
        as_json(
            Project(
                "x",
                [File("x-1.tar.gz", A, size=7, uploaded="2026-11-20T10:00:00.123456Z", provenance="/p/1")],
                versions=["0.9", "1"],
                tells_provenance=True,
            )
        )
    )
    page["meta"]["tracks"] = ["https://other.example/simple/x/"]
    page["alternate-locations"] = ["https://third.example/simple/x/"]
    listing = index.parse(json.dumps(page).encode(), JSON, "x", URL)
    file = listing.files[0]
    assert (file.size, file.uploaded) == (7, datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC))
    assert file.provenance == "https://index.example/p/1"
    assert listing.versions == ("0.9", "1")
    assert listing.knows("0.9.0")
    assert listing.elsewhere == ("https://other.example/simple/x/", "https://third.example/simple/x/")
    assert listing.tells_provenance


def test_html_as_old_and_careless_indexes_write_it() -> None:
    body = (
        f"<!-- generated --><BASE HREF='https://files.example/'>\n<A class=x HREF=x-1.tar.gz#sha256={A}>x</A>"
        f"<a href='/a/x-2-py3-none-any.whl#sha256={B}' data-yanked data-requires-python='&gt;=3.8'>x</a>"
        f'<a href="https://h/x-3.tar.gz#sha256={A}&amp;x=1" data-gpg-sig="true">x</a><a href="../">up</a>'
    )
    listing = index.parse(body.encode(), "text/html", "x", URL)
    assert [(file.version, file.yanked) for file in listing.files] == [("1", ""), ("2", " "), ("3", "")]
    assert [file.hashes for file in listing.files] == [
        (Digest("sha256", A),), (Digest("sha256", B),), (Digest("sha256", A),)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "law"),
    [
        pytest.param(b"", JSON, "simple-json", id="nothing"),
        pytest.param(b"[]", JSON, "simple-json", id="a list"),
        pytest.param(b'{"files": {}}', JSON, "simple-json", id="files that are no list"),
        pytest.param(b"[" * 100_000, JSON, "simple-json", id="depth"),
        pytest.param(b'{"files": [], "name": "other"}', JSON, "simple-json", id="another package's page"),
        pytest.param(b'{"files": [], "meta": {"api-version": "2.0"}}', JSON, "simple-api", id="later"),
        pytest.param(b"log in", HTML, "simple-html", id="no HTML"),
        pytest.param(b'<a href="/login">log in</a>', "text/html", "simple-html", id="another page"),
        pytest.param(b'<meta name="pypi:repository-version" content="2">', HTML, "simple-api", id="HTML 2"),
        pytest.param(b"{}", "text/plain", "simple-api", id="another type"),
    ],
)  # fmt: skip
def test_what_is_no_page_of_an_index_names_the_law_it_breaks(body: bytes, kind: str, law: str) -> None:
    with pytest.raises(Malformed) as raised:
        index.parse(body, kind, "x", URL)
    assert raised.value.law == law


@pytest.mark.parametrize("kind", [JSON, HTML])
def test_more_files_than_the_limit_end_the_reading(kind: str) -> None:
    project = Project("x", [File(f"x-{at}.tar.gz", A) for at in range(20)])
    body = as_json(project) if kind == JSON else as_html(project)
    with pytest.raises(LimitReached):
        index.parse(body, kind, "x", URL, Limits(index_files=10))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"filename": 3, "url": "x-1.tar.gz", "hashes": {"sha256": A}}, id="a number for a name"),
        pytest.param({"url": f"x-1.tar.gz#sha256={A}", "hashes": None}, id="the hash in the address alone"),
        pytest.param({"filename": "x-1.tar.gz", "hashes": {"SHA256": A.upper(), "md5": 7}}, id="capitals"),
        pytest.param({"filename": "x-1.tar.gz", "hashes": {"sha256": A, "sha512": A}}, id="a wrong length"),
    ],
)
def test_odd_rows_are_read_as_far_as_they_go(row: dict[str, object]) -> None:
    listing = index.parse(json.dumps({"files": [row, None, "x"]}).encode(), JSON, "x", URL)
    assert [(file.version, file.hashes) for file in listing.files] == [("1", (Digest("sha256", A),))]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:,x", "http://[", "//[x"]
)
def test_no_address_but_the_webs_is_taken_from_a_page(address: str) -> None:
    page = {"files": [{"filename": "x-1.tar.gz", "provenance": address}]}
    assert index.parse(json.dumps(page).encode(), JSON, "x", URL).files[0].provenance == ""


def test_a_page_of_openings_is_read_in_one_pass() -> None:
    body = b"<a <a <a " * 300_000 + b'<a href="' * 100_000
    listing = index.parse(body + f'<a href="x-1.tar.gz#sha256={A}">x</a>'.encode(), HTML, "x", URL)
    assert len(listing.files) == 1


@pytest.mark.parametrize(
    ("file_name", "name", "version"),
    [
        ("a_b-1.0-py3-none-any.whl", "a-b", "1.0"),
        ("a_b-1.0-1-py3-none-any.whl", "a-b", "1.0"),
        ("a-b-1.0.post1.tar.gz", "A.B", "1.0.post1"),
        ("a-b-1-2.0.tar.gz", "a-b-1", "2.0"),
        ("other-1.0.tar.gz", "a-b", ""),
        ("a-b.tar.gz", "a-b", ""),
        ("a-b-1.0.exe", "a-b", ""),
        ("-.whl", "a", ""),
    ],
)
def test_a_file_tells_its_version_by_its_name(file_name: str, name: str, version: str) -> None:
    assert index.version_of(file_name, name) == version


@given(
    st.lists(
        st.builds(
            File,
            st.integers(0, 99).map(lambda number: f"x-{number}.tar.gz"),
            st.text("0123456789abcdef", min_size=64, max_size=64),
            st.one_of(st.just(False), st.just(True), st.text("ab <>&\"'=é\n", min_size=1)),
        ),
        max_size=8,
    )
)
def test_json_and_html_of_any_page_are_one_listing(files: list[File]) -> None:
    project = Project("x", files)
    one = index.parse(as_json(project), JSON, "x", URL).files
    other = index.parse(as_html(project), HTML, "x", URL).files
    assert [(row.name, row.hashes, row.yanked) for row in one] == [
        (row.name, row.hashes, row.yanked) for row in other
    ]


@given(st.binary(max_size=400), st.sampled_from([JSON, HTML]))
def test_any_bytes_end_in_a_listing_or_a_named_error(body: bytes, kind: str) -> None:
    with suppress(ScanError):
        assert index.parse(body, kind, "x", URL).url == URL
