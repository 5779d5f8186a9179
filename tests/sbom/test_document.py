"""Documents of any tool become plain data and parts; hostile bytes end in a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom import check, check_spdx, diff, document, intake, score
from sbom.document import DocumentError, edges, lines, package_of, parse, parts
from tests.sbom import documents


@pytest.mark.parametrize(
    ("name", "kind", "spec", "shown"),
    [
        ("environment", "cyclonedx", "1.6", ["attrs 26.1.0", "torch 2.1.0"]),
        (
            "image",
            "cyclonedx",
            "1.4",
            ["debian 12.7", "openssl 3.0.14-1", "registry.example/serve:1", "torch 2.2.0"],
        ),
        ("spdx", "spdx", "2.3", ["torch 2.1.0", "train"]),
        ("model", "cyclonedx", "1.7", ["bert " + "d" * 40, "imdb", "reviews 1"]),
    ],
)
def test_documents_of_other_tools_are_read(name: str, kind: str, spec: str, shown: list[str]) -> None:
    read = documents.document(name)
    assert (read.kind, read.spec) == (kind, spec)
    assert sorted(part.shown for part in parts(read)) == shown


def test_both_formats_say_the_same_of_a_package() -> None:
    [one] = [part for part in parts(documents.document("spdx")) if part.name == "torch"]
    assert (one.purl, one.hashes, one.licences) == (
        "pkg:pypi/torch@2.1.0",
        (("SHA-256", "c" * 64),),
        ("BSD-3-Clause",),
    )
    assert one.supplier == ""
    assert [part.name for part in parts(documents.document("spdx")) if part.is_root] == ["train"]


def test_every_part_stands_where_its_pointer_says() -> None:
    nested = documents.data("model")
    nested["components"][0]["components"] = [{"type": "file", "name": "shard"}]
    for part in parts(documents.document(nested)):
        value: object = nested
        for step in part.where.split("/")[1:]:
            value = value[int(step)] if isinstance(value, list) else value[step]  # type: ignore[index]
        assert value == part.data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "no JSON", id="nothing"),
        pytest.param(b"\xff\xfe", "UTF-8", id="not text"),
        pytest.param(b"<bom/>", "XML", id="xml"),
        pytest.param(b"[]", "wanted an object", id="a list"),
        pytest.param(b"{}", "no bill of materials", id="any other object"),
        pytest.param(b'{"bomFormat": "CycloneDX"}', "specVersion", id="no version"),
        pytest.param(b'{"bomFormat": "CycloneDX", "specVersion": 1.6}', "specVersion", id="a number"),
        pytest.param(b'{"bomFormat": 1, "bomFormat": 2}', "twice", id="a key twice"),
        pytest.param(b'{"bomFormat": NaN}', "no number", id="not a number"),
        pytest.param(b'{"spdxVersion": "SPDX-1.2"}', "another version", id="old SPDX"),
        pytest.param(b'{"@context": "x", "@graph": []}', "SPDX 3", id="new SPDX"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "levels", id="ten thousand levels"),
        pytest.param(b"[" * 300 + b"]" * 300, "levels", id="three hundred levels"),
        pytest.param(b'{"bomFormat": "' + b"9" * 100, "no JSON", id="cut"),
        pytest.param(b'{"version": ' + b"9" * 10_000 + b"}", "no JSON", id="a number of ten thousand digits"),
    ],
)
def test_what_is_no_document_ends_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        parse(data, "bom.json")


def test_a_document_past_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    with pytest.raises(DocumentError, match="MiB"):
        parse(b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}', "bom.json")


def test_more_parts_than_the_limit_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_PARTS", 1)
    with pytest.raises(DocumentError, match="components"):
        parts(documents.document("environment"))


def test_the_line_of_a_part_is_where_it_says_its_name() -> None:
    text = json.dumps(documents.ENVIRONMENT, indent=1)
    found = lines(text)
    assert '"bom-ref": "attrs==26.1.0"' in text.splitlines()[found["attrs==26.1.0"] - 1]


def test_spdx_relations_have_their_own_directions() -> None:
    data = documents.data("spdx")
    data["relationships"].append(
        {"spdxElementId": "SPDXRef-a", "relatedSpdxElement": "SPDXRef-b", "relationshipType": "DEPENDENCY_OF"}
    )
    assert ("SPDXRef-b", "SPDXRef-a") in set(edges(documents.document(data)))


@pytest.mark.parametrize(
    ("purl", "package"),
    [
        ("pkg:npm/%40scope/x@1", ("npm", "@scope/x", "1")),
        ("pkg:pypi/torch", ("pypi", "torch", "")),
        ("torch", None),
        ("pkg:nonsense", None),
        ("pkg:pypi/" + "x" * 5000, None),
    ],
)
def test_package_urls(purl: str, package: tuple[str, str, str] | None) -> None:
    assert package_of(purl) == package


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["pkg:pypi/x@1"])
_KEYS = st.sampled_from(
    [
        *("components", "bom-ref", "name", "version", "purl", "hashes", "licenses", "modelCard", "metadata"),
        *("dependencies", "ref", "dependsOn", "packages", "SPDXID", "relationships", "externalRefs", "tools"),
        *("compositions", "aggregate", "properties", "component", "checksums", "spdxElementId", "supplier"),
    ]
)
_ANY = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(_KEYS, _ANY, max_size=6), st.booleans())
def test_values_of_any_shape_are_never_an_error(data: dict[str, object], is_spdx: bool) -> None:
    head = {"spdxVersion": "SPDX-2.3"} if is_spdx else {"bomFormat": "CycloneDX", "specVersion": "1.6"}
    read = documents.document({**data, **head})
    check.check(read.data)
    check_spdx.check(read.data)
    score.score(read)
    assert not diff.compare(read, read)
    assert len(intake.inventory(read).components) <= len(parts(read))
