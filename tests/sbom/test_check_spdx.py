"""What SPDX documents get wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from sbom.check_spdx import check
from tests.sbom import documents

Json = dict[str, Any]


def test_an_honest_document_has_no_problem() -> None:
    assert check(documents.SPDX) == []


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        pytest.param(lambda d: d.update(SPDXID="SPDXRef-x"), "spdx-id", id="another name"),
        pytest.param(lambda d: d.update(dataLicense="MIT"), "data-licence", id="another licence of the data"),
        pytest.param(lambda d: d.pop("name"), "missing", id="no name"),
        pytest.param(lambda d: d.update(documentNamespace="x"), "namespace", id="no URI"),
        pytest.param(lambda d: d["creationInfo"].update(created="2026-11-24"), "timestamp", id="a day"),
        pytest.param(
            lambda d: d["creationInfo"].update(created="2026-13-24T00:00:00Z"), "timestamp", id="no month"
        ),
        pytest.param(lambda d: d["creationInfo"].update(creators=[]), "missing", id="by nobody"),
        pytest.param(lambda d: d["creationInfo"].update(creators=["Ada"]), "creator", id="by somebody"),
        pytest.param(lambda d: d.update(files={}), "shape", id="files are no list"),
        pytest.param(lambda d: d["packages"].append(1), "shape", id="a number as package"),
        pytest.param(
            lambda d: d["packages"][0].update(SPDXID="torch"), "spdx-id", id="a name of its own kind"
        ),
        pytest.param(
            lambda d: d["packages"][1].update(SPDXID="SPDXRef-Package-python-torch"),
            "duplicate-ref",
            id="one name twice",
        ),
        pytest.param(
            lambda d: d["packages"][0].update(licenseDeclared="BSD OR"), "licence-expression", id="half"
        ),
        pytest.param(
            lambda d: d["packages"][0].update(licenseDeclared="LicenseRef-mine"),
            "dangling-licence",
            id="unexplained",
        ),
        pytest.param(
            lambda d: d["packages"][0]["checksums"][0].update(checksumValue="cc"),
            "hash-length",
            id="short hash",
        ),
        pytest.param(
            lambda d: d["packages"][0]["checksums"][0].update(algorithm="ROT13"),
            "hash-algorithm",
            id="no hash",
        ),
        pytest.param(lambda d: d["packages"][0].pop("downloadLocation"), "missing", id="from nowhere"),
        pytest.param(
            lambda d: d["packages"][0]["externalRefs"][0].update(referenceLocator="torch"),
            "purl",
            id="no purl",
        ),
        pytest.param(
            lambda d: d["packages"][0].update(versionInfo="2.2.0"), "purl-version", id="two versions"
        ),
        pytest.param(
            lambda d: d["relationships"][0].update(relatedSpdxElement="SPDXRef-x"),
            "dangling-ref",
            id="holds nothing",
        ),
        pytest.param(lambda d: d["relationships"][0].update(spdxElementId=3), "shape", id="a number holds"),
        pytest.param(lambda d: d["relationships"].pop(0), "unreachable", id="an orphan"),
        pytest.param(lambda d: d["relationships"].pop(1), "no-root", id="of nothing"),
        pytest.param(
            lambda d: d["packages"].append({**d["packages"][0], "SPDXID": "SPDXRef-again"}),
            "duplicate-identity",
            id="the same twice",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_law(spoil: Callable[[Json], object], law: str) -> None:
    spoiled = documents.data("spdx")
    spoil(spoiled)
    assert law in {problem.law for problem in check(spoiled)}


@pytest.mark.parametrize("value", ["NONE", "NOASSERTION", "DocumentRef-other:SPDXRef-x"])
def test_what_stands_outside_is_no_dangling_reference(value: str) -> None:
    held = documents.data("spdx")
    held["relationships"].append(
        {
            "spdxElementId": "SPDXRef-DocumentRoot",
            "relatedSpdxElement": value,
            "relationshipType": "DEPENDS_ON",
        }
    )
    assert check(held) == []


def test_a_licence_that_is_explained_is_no_problem() -> None:
    held = documents.data("spdx")
    held["packages"][0]["licenseDeclared"] = "LicenseRef-mine"
    held["hasExtractedLicensingInfos"] = [{"licenseId": "LicenseRef-mine", "extractedText": "as you like"}]
    assert check(held) == []
