"""Bills of materials in the manner of other tools: what each of them writes, and leaves out."""

import copy
import json
from typing import Any

from sbom.document import Document, parse

Json = dict[str, Any]

# cyclonedx-py 7 of an environment: no root, hashes nowhere, licences as classifiers.
ENVIRONMENT: Json = {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "serialNumber": "urn:uuid:0dbe7b41-3c0d-4d23-9a29-0f3ad6b9a1f0",
    "version": 1,
    "metadata": {
        "timestamp": "2026-11-24T12:00:00Z",
        "tools": {"components": [{"type": "application", "name": "cyclonedx-py", "version": "7.5.0"}]},
    },
    "components": [
        {
            "bom-ref": "torch==2.1.0",
            "type": "library",
            "name": "torch",
            "version": "2.1.0",
            "purl": "pkg:pypi/torch@2.1.0",
            "licenses": [{"license": {"name": "License :: OSI Approved :: BSD License"}}],
        },
        {
            "bom-ref": "attrs==26.1.0",
            "type": "library",
            "name": "attrs",
            "version": "26.1.0",
            "purl": "pkg:pypi/attrs@26.1.0",
            "licenses": [{"license": {"id": "MIT", "acknowledgement": "declared"}}],
        },
    ],
    "dependencies": [{"ref": "attrs==26.1.0"}, {"ref": "torch==2.1.0", "dependsOn": ["attrs==26.1.0"]}],
}

# A container as scanners write it: tools in the old shape, system packages, properties for every layer.
IMAGE: Json = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.4",
    "serialNumber": "urn:uuid:8a7c2e0c-6d53-4a3c-8a0e-64f2c4d4a111",
    "version": 3,
    "metadata": {
        "timestamp": "2026-10-01T08:00:00+00:00",
        "tools": [{"vendor": "aquasecurity", "name": "trivy", "version": "0.60.0"}],
        "component": {
            "bom-ref": "image",
            "type": "container",
            "name": "registry.example/serve:1",
            "purl": "pkg:oci/serve@sha256:" + "a" * 64 + "?repository_url=registry.example/serve",
            "properties": [{"name": "aquasecurity:trivy:SchemaVersion", "value": "2"}],
        },
    },
    "components": [
        {
            "bom-ref": "os",
            "type": "operating-system",
            "name": "debian",
            "version": "12.7",
        },
        {
            "bom-ref": "pkg:deb/debian/openssl@3.0.14-1?distro=debian-12.7",
            "type": "library",
            "name": "openssl",
            "version": "3.0.14-1",
            "purl": "pkg:deb/debian/openssl@3.0.14-1?distro=debian-12.7",
        },
        {
            "bom-ref": "torch==2.1.0",
            "type": "library",
            "name": "torch",
            "version": "2.2.0",
            "purl": "pkg:pypi/torch@2.2.0",
            "hashes": [{"alg": "SHA-256", "content": "b" * 64}],
        },
    ],
    "dependencies": [
        {"ref": "image", "dependsOn": ["os", "torch==2.1.0"]},
        {"ref": "os", "dependsOn": ["pkg:deb/debian/openssl@3.0.14-1?distro=debian-12.7"]},
    ],
    "vulnerabilities": [{"id": "CVE-2026-0001", "affects": [{"ref": "torch==2.1.0"}]}],
}

# syft's SPDX 2.3 of a folder.
SPDX: Json = {
    "spdxVersion": "SPDX-2.3",
    "dataLicense": "CC0-1.0",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "train",
    "documentNamespace": "https://anchore.com/syft/dir/train-7d1f",
    "creationInfo": {
        "licenseListVersion": "3.25",
        "creators": ["Organization: Anchore, Inc", "Tool: syft-1.18.0"],
        "created": "2026-11-24T12:00:00Z",
    },
    "packages": [
        {
            "name": "torch",
            "SPDXID": "SPDXRef-Package-python-torch",
            "versionInfo": "2.1.0",
            "supplier": "NOASSERTION",
            "downloadLocation": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "c" * 64}],
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "BSD-3-Clause",
            "externalRefs": [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": "pkg:pypi/torch@2.1.0",
                }
            ],
        },
        {
            "name": "train",
            "SPDXID": "SPDXRef-DocumentRoot",
            "versionInfo": "",
            "downloadLocation": "NOASSERTION",
            "primaryPackagePurpose": "FILE",
        },
    ],
    "relationships": [
        {
            "spdxElementId": "SPDXRef-DocumentRoot",
            "relatedSpdxElement": "SPDXRef-Package-python-torch",
            "relationshipType": "CONTAINS",
        },
        {
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relatedSpdxElement": "SPDXRef-DocumentRoot",
            "relationshipType": "DESCRIBES",
        },
    ],
}

# A model's own: a card, a data set, an annotation, a citation of 1.7.
MODEL: Json = {
    "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
    "bomFormat": "CycloneDX",
    "specVersion": "1.7",
    "serialNumber": "urn:uuid:3f0e9a52-1c0f-4d5e-9a53-4d8ac1f0b222",
    "version": 1,
    "metadata": {
        "timestamp": "2026-11-24T12:00:00Z",
        "authors": [{"name": "Ada", "email": "ada@example.org"}],
        "licenses": [{"license": {"id": "CC0-1.0"}}],
        "component": {"bom-ref": "app", "type": "application", "name": "reviews", "version": "1"},
    },
    "components": [
        {
            "bom-ref": "bert",
            "type": "machine-learning-model",
            "name": "bert",
            "version": "d" * 40,
            "purl": "pkg:huggingface/google-bert/bert-base@" + "d" * 40,
            "hashes": [{"alg": "SHA-256", "content": "e" * 64}],
            "licenses": [{"expression": "Apache-2.0"}],
            "modelCard": {
                "modelParameters": {
                    "task": "text-classification",
                    "architectureFamily": "bert",
                    "datasets": [{"ref": "imdb"}],
                },
                "quantitativeAnalysis": {"performanceMetrics": [{"type": "accuracy", "value": "0.91"}]},
            },
        },
        {
            "bom-ref": "imdb",
            "type": "data",
            "name": "imdb",
            "data": [{"type": "dataset", "name": "imdb", "classification": "public"}],
            "properties": [{"name": "acme:unknown", "value": "licence"}],
        },
    ],
    "dependencies": [{"ref": "app", "dependsOn": ["bert"]}, {"ref": "bert", "dependsOn": ["imdb"]}],
    "compositions": [{"aggregate": "complete", "dependencies": ["bert"]}],
    "annotations": [
        {
            "subjects": ["bert"],
            "annotator": {"individual": {"name": "Ada"}},
            "timestamp": "2026-11-24T12:00:00Z",
            "text": "looked at",
        }
    ],
    "citations": [
        {"pointers": ["/components/0/name"], "timestamp": "2026-11-24T12:00:00Z", "attributedTo": "app"}
    ],
}

ALL = {"environment": ENVIRONMENT, "image": IMAGE, "spdx": SPDX, "model": MODEL}


def data(name: str) -> Json:
    """A copy that may be spoiled."""
    return copy.deepcopy(ALL[name])


def document(source: Json | str, name: str = "") -> Document:
    """A document, by its name or of this content, through the bytes that a file would hold."""
    held = ALL[source] if isinstance(source, str) else source
    return parse(json.dumps(held).encode(), name or (source if isinstance(source, str) else "bom.json"))
