"""Documents of any shape: whatever stands where something else should, every reader ends in an answer."""

import json
from typing import Any, Final

import pytest

from sbom import check, check_spdx, diff, gather, intake, score
from sbom.document import DocumentError, parse
from scanner.advisories import affected

_SHAPES: Final[list[Any]] = [None, 1, -1.5, "x", "", True, [], {}, [1], [[]], [None], {"a": 1}, [{"a": []}]]
_COMPONENT: Final = (
    *("type", "name", "version", "purl", "hashes", "licenses", "supplier", "properties", "bom-ref"),
    *("components", "modelCard", "evidence", "scope", "externalReferences", "data", "pedigree", "group"),
)
_DOCUMENT: Final = (
    *("components", "dependencies", "vulnerabilities", "compositions", "metadata", "annotations"),
    *("formulation", "citations", "serialNumber", "version", "services", "signature", "properties"),
)
_PACKAGE: Final = (
    *("name", "SPDXID", "versionInfo", "externalRefs", "checksums", "licenseConcluded", "supplier"),
    *("primaryPackagePurpose", "downloadLocation", "annotations"),
)
_SPDX: Final = (
    *("SPDXID", "packages", "relationships", "documentDescribes", "creationInfo", "files", "name"),
    *("dataLicense", "documentNamespace", "hasExtractedLicensingInfos"),
)


def cyclonedx(shape: Any) -> list[dict[str, Any]]:
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6"}
    rows = {"ref": shape, "dependsOn": shape, "aggregate": shape, "assemblies": shape, "dependencies": shape}
    rows |= {"id": shape, "affects": shape, "pointers": shape, "workflows": shape}
    return [
        head | dict.fromkeys(_DOCUMENT, shape),
        head
        | {key: [rows] for key in _DOCUMENT}
        | {
            "components": [dict.fromkeys(_COMPONENT, shape)],
            "metadata": {"component": shape, "tools": shape},
        },
        head | {"components": [{"type": "library", "name": "a", key: [shape]} for key in _COMPONENT[4:]]},
        head | {"metadata": {"component": dict.fromkeys(_COMPONENT, shape), "lifecycles": shape}},
    ]


def spdx(shape: Any) -> list[dict[str, Any]]:
    head = {"spdxVersion": "SPDX-2.3"}
    rows = {"spdxElementId": shape, "relatedSpdxElement": shape, "relationshipType": shape}
    return [
        head | dict.fromkeys(_SPDX, shape),
        head | {"packages": [dict.fromkeys(_PACKAGE, shape)], "relationships": [rows]},
        head | {"packages": [{"name": "a", key: [shape]} for key in _PACKAGE[3:]]},
    ]


@pytest.mark.parametrize("shape", _SHAPES, ids=repr)
def test_every_reader_takes_any_shape(shape: Any) -> None:
    asked = affected.question("pkg:pypi/torch@>=1", None)
    for data in (*cyclonedx(shape), *spdx(shape)):
        text = json.dumps(data)
        document, other = parse(text.encode(), "a.json"), parse(text.encode(), "b.json")
        checker = check.check if document.kind == "cyclonedx" else check_spdx.check
        assert all(one.law and one.message for one in checker(document.data))
        assert all(0 <= one.percent <= 100 for one in score.score(document))
        assert not diff.compare(document, other)
        affected.find(asked, document)
        intake.inventory(document, text)
        if document.kind == "cyclonedx":
            assert parse(gather.merge([document, other], name="x"), "c.json").kind == "cyclonedx"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 10_000 + "]" * 10_000, "200 levels"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "200 levels"),
        ('[{"type":"file","components":' * 10_000 + "[]" + "}]" * 10_000, "200 levels"),
        ('[{"name":"a","name":"b"}]', "twice"),
        ("9" * 100_000, "no JSON"),
        ("NaN", "no number"),
    ],
    ids=["lists", "objects", "components", "key twice", "digits", "NaN"],
)
def test_what_no_tool_writes_is_refused_with_a_sentence(text: str, said: str) -> None:
    whole = f'{{"bomFormat":"CycloneDX","specVersion":"1.6","components":{text}}}'
    with pytest.raises(DocumentError, match=said):
        parse(whole.encode(), "a.json")
