"""What the strict schema lets through, and our own check does not."""

import copy
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom import check as checking
from sbom import cyclonedx
from sbom.check import check
from tests import forge_report as forge

Json = dict[str, Any]

HONEST = cast("Json", json.loads(cyclonedx.write(forge.inventory())))


def part(document: Json, name: str) -> Json:
    return next(cast("Json", row) for row in document["components"] if row["bom-ref"] == name)


def torch(document: Json) -> Json:
    return part(document, "pypi:torch@2.1.0+cu121")


def spoiled(spoil: Callable[[Json], object]) -> Json:
    document = copy.deepcopy(HONEST)
    spoil(document)
    return document


def test_an_honest_document_has_no_problem() -> None:
    assert check(HONEST) == []


# Each passes the strict schema (the next test says so), so nobody else would notice.
UNSEEN: list[Any] = [
    pytest.param(lambda d: d["dependencies"][0].update(ref="nobody"), "dangling-ref", id="a row of nobody"),
    pytest.param(
        lambda d: d["dependencies"][0].update(dependsOn=["nobody"]), "dangling-ref", id="depends on nobody"
    ),
    pytest.param(
        lambda d: d["compositions"][0].update(dependencies=["nobody"]),
        "dangling-ref",
        id="composed of nobody",
    ),
    pytest.param(
        lambda d: d.update(vulnerabilities=[{"affects": [{"ref": "nobody"}]}]),
        "dangling-ref",
        id="affects nobody",
    ),
    pytest.param(
        lambda d: d.update(
            annotations=[
                {
                    "subjects": ["nobody"],
                    "annotator": {"component": {"type": "library", "name": "x"}},
                    "timestamp": "2026-01-01T00:00:00Z",
                    "text": "x",
                }
            ]
        ),
        "dangling-ref",
        id="a note on nobody",
    ),
    pytest.param(
        lambda d: part(d, "file:models/encoder.pt")["modelCard"]["modelParameters"].update(
            datasets=[{"ref": "no"}]
        ),
        "dangling-ref",
        id="trained on nothing here",
    ),
    pytest.param(lambda d: torch(d).update(purl="pkg:nonsense"), "purl", id="a purl that is none"),
    pytest.param(
        lambda d: torch(d).update(purl="pkg:pypi/torch@9"), "purl-version", id="purl of another release"
    ),
    pytest.param(
        lambda d: torch(d)["hashes"][0].update(content="a" * 32), "hash-length", id="32 digits of SHA-256"
    ),
    pytest.param(
        lambda d: torch(d).update(licenses=[{"expression": "MIT OR BOGUS"}]),
        "licence-expression",
        id="a licence that SPDX never heard of",
    ),
    pytest.param(
        lambda d: d["dependencies"].append({"ref": "pypi:torch@2.1.0+cu121", "dependsOn": []}),
        "duplicate-dependency",
        id="two rows that disagree",
    ),
    pytest.param(
        lambda d: d["dependencies"][0].update(dependsOn=[d["dependencies"][0]["ref"]]),
        "self-dependency",
        id="depends on itself",
    ),
    pytest.param(
        lambda d: d["components"].append({"type": "library", "name": "x", "bom-ref": "lonely"}),
        "unreachable",
        id="a component that nothing needs",
    ),
    pytest.param(lambda d: d["metadata"].pop("component"), "no-root", id="nothing is described"),
    pytest.param(lambda d: d.pop("dependencies"), "no-dependencies", id="nothing hangs together"),
]


@pytest.mark.parametrize(("spoil", "law"), UNSEEN)
def test_what_the_schema_lets_through_is_found(spoil: Callable[[Json], object], law: str) -> None:
    document = spoiled(spoil)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    assert law in {problem.law for problem in check(document)}


@pytest.mark.parametrize(
    ("spoil", "law", "path"),
    [
        pytest.param(
            lambda d: d["components"].append(dict(torch(d))),
            "duplicate-ref",
            "/components/7/bom-ref",
            id="twice",
        ),
        pytest.param(lambda d: d.update(bomFormat="SPDX"), "format", "/bomFormat", id="another format"),
        pytest.param(
            lambda d: d.update(serialNumber="1"), "serial-number", "/serialNumber", id="a serial number"
        ),
        pytest.param(
            lambda d: d["metadata"].update(timestamp="now"), "timestamp", "/metadata/timestamp", id="now"
        ),
        pytest.param(lambda d: d.update(components={}), "shape", "/components", id="an object for a list"),
        pytest.param(lambda d: d.update(metadata=[]), "shape", "/metadata", id="a list for an object"),
        pytest.param(
            lambda d: d["dependencies"][0].update(ref=7),
            "shape",
            "/dependencies/0/ref",
            id="a number for a name",
        ),
        pytest.param(
            lambda d: torch(d).update(hashes=[{"alg": "CRC32", "content": "00"}]),
            "hash-algorithm",
            "/components/6/hashes/0",
            id="a checksum",
        ),
        pytest.param(
            lambda d: torch(d).update(versionRange="vers:pypi/>=1"),
            "version-range",
            "/components/6",
            id="both",
        ),
    ],
)
def test_a_problem_says_where(spoil: Callable[[Json], object], law: str, path: str) -> None:
    assert (law, path) in {(problem.law, problem.path) for problem in check(spoiled(spoil))}


def test_links_to_other_documents_are_not_ours_to_resolve() -> None:
    link = "urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#x"
    document = spoiled(lambda d: d["compositions"][0].update(assemblies=[link]))
    assert check(document) == []


def test_what_is_inside_a_component_is_reached_with_it() -> None:
    shard = {"type": "file", "name": "shard", "bom-ref": "shard"}
    document = spoiled(lambda d: torch(d).update(components=[shard]))
    assert check(document) == []


def test_a_name_with_slashes_is_escaped_in_the_pointer() -> None:
    (problem,) = check({**HONEST, "a/b~c": {"purl": "x"}})
    assert problem.path == "/a~1b~0c/purl"


@pytest.mark.parametrize("document", [None, [], "x", 7, True], ids=repr)
def test_what_is_no_object_is_no_document(document: object) -> None:
    assert [problem.law for problem in check(document)] == ["shape"]


def test_any_depth_will_do() -> None:
    deep: Json = {}
    for _ in range(20_000):
        deep = {"components": [deep]}
    assert check({**deep, "bomFormat": "CycloneDX", "specVersion": "1.6"})


def test_problems_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MAX_PROBLEMS", 10)
    assert len(check({"components": [{"purl": str(at)} for at in range(100)]})) == 10


def test_messages_do_not_repeat_hostile_text() -> None:
    document = spoiled(lambda d: torch(d).update(purl="\x1b[2J\u202e" + "x" * 10_000))
    (problem,) = check(document)
    assert problem.message.isascii()
    assert problem.message.isprintable()
    assert len(problem.message) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "bom-ref",
                        "components",
                        "dependencies",
                        "ref",
                        "dependsOn",
                        "hashes",
                        "alg",
                        "content",
                    ),
                    *("compositions", "aggregate", "assemblies", "metadata", "component", "purl", "version"),
                    *("licenses", "expression", "versionRange", "timestamp"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_no_shape_is_an_error(document: object) -> None:
    for problem in check(document):
        assert problem.law


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_value_replaced_by_any_other_is_no_error(data: st.DataObject) -> None:
    document = copy.deepcopy(HONEST)
    spot: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(spot) if isinstance(spot, dict) else range(len(spot))))
        if not isinstance(spot[key], dict | list) or not spot[key] or data.draw(st.booleans()):
            spot[key] = data.draw(json_values)
            break
        spot = spot[key]
    check(document)
