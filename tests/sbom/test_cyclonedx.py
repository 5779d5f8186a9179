"""The inventory as CycloneDX: strictly valid, references that resolve, nothing invented, no clock."""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any, cast

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings

from sbom import cyclonedx
from sbom.check import check
from sbom.model import (
    Component,
    Digest,
    Fact,
    FactName,
    Inventory,
    Kind,
    Location,
    Project,
    Rating,
    Relation,
    Source,
    Tool,
    Vulnerability,
)
from sbom.record import replace
from tests import forge_report as forge

Json = dict[str, Any]


@cache
def strict(spec: str) -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.from_version(spec))


def read(inventory: Inventory, *, spec: str = "1.6", **named: Any) -> Json:
    """The document, after the strict schema and our own check have passed it."""
    written = cyclonedx.write(inventory, spec=spec, **named)
    assert strict(spec).validate_str(written.decode("ascii")) is None
    document = json.loads(written)
    assert check(document) == []
    return cast("Json", document)


def only(component: Component, **named: Any) -> Json:
    (part,) = read(Inventory((component,)), **named)["components"]
    return cast("Json", part)


def properties(part: Json) -> dict[str, str]:
    return {row["name"]: row["value"] for row in part.get("properties", ())}


@pytest.mark.parametrize("spec", cyclonedx.SPECS)
def test_a_whole_inventory_is_valid(spec: str) -> None:
    document = read(forge.inventory(), spec=spec)
    assert document["specVersion"] == spec
    assert len(document["components"]) == 7  # six, and the second project


def test_an_empty_inventory_is_a_document() -> None:
    document = read(Inventory())
    assert document["components"] == []
    assert document["metadata"]["component"]["type"] == "application"


def test_another_version_of_the_specification_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        cyclonedx.write(Inventory(), spec="1.5")


# --- components -------------------------------------------------------------------------------------------


def test_an_exact_version_is_the_version_and_a_range_is_a_property() -> None:
    pinned = only(forge.component())
    assert (pinned["version"], pinned["purl"]) == ("2.1.0+cu121", "pkg:pypi/torch@2.1.0%2Bcu121")
    ranged = only(forge.component("requests", "", specifier=">=2,<3"))
    assert "version" not in ranged
    assert properties(ranged)["weighbridge:specifier"] == ">=2,<3"


def test_a_component_says_where_it_was_seen() -> None:
    places = (Location("a.ipynb", line=2, cell=3), Location("w.zip", ("deep/requirements.txt",), line=7))
    part = only(forge.component(seen=places))
    assert part["evidence"]["occurrences"] == [
        {"additionalContext": "cell 3", "line": 2, "location": "a.ipynb"},
        {"line": 7, "location": "w.zip!deep/requirements.txt"},
    ]


@pytest.mark.parametrize(
    ("component", "complete", "field", "technique", "confidence"),
    [
        pytest.param(forge.component(), (".",), "purl", "manifest-analysis", 1.0, id="a lock"),
        pytest.param(forge.component(), (), "purl", "manifest-analysis", 0.9, id="a pin"),
        pytest.param(forge.component("x", ""), (".",), "name", "manifest-analysis", 0.5, id="a range"),
        pytest.param(
            forge.component(seen=(Location("a.ipynb", line=1, cell=1),)),
            (),
            *("purl", "source-code-analysis", 0.4),
            id="a notebook",
        ),
        pytest.param(forge.model_file(), (), "hash", "binary-analysis", 1.0, id="bytes"),
    ],
)
def test_identity_is_as_sure_as_its_evidence(
    component: Component, complete: tuple[str, ...], field: str, technique: str, confidence: float
) -> None:
    document = read(Inventory((component,), complete=complete))
    (identity,) = document["components"][0]["evidence"]["identity"]
    assert (identity["field"], identity["confidence"]) == (field, confidence)
    assert identity["methods"] == [{"technique": technique, "confidence": confidence}]


def test_what_was_never_seen_has_no_identity_evidence() -> None:
    assert "evidence" not in only(forge.component(seen=()))


@pytest.mark.parametrize(
    ("digests", "hashes", "rest"),
    [
        pytest.param(
            [Digest("sha256", "A" * 64), Digest("sha3_512", "b" * 128)],
            [("SHA-256", "a" * 64), ("SHA3-512", "b" * 128)],
            [],
            id="known algorithms",
        ),
        pytest.param(
            [Digest("blake2b", "c" * 64)], [("BLAKE2b-256", "c" * 64)], [], id="length names the variant"
        ),
        pytest.param([Digest("sha256", "a" * 32)], [], ["weighbridge:digest"], id="a length of another"),
        pytest.param([Digest("sha256", "g" * 64)], [], ["weighbridge:digest"], id="no digits"),
        pytest.param([Digest("sha224", "a" * 56)], [], ["weighbridge:digest"], id="one CycloneDX lacks"),
        pytest.param(
            [Digest("sha256", "a" * 64), Digest("sha256", "b" * 64)],
            [],
            ["weighbridge:accepted-digest", "weighbridge:accepted-digest"],
            id="several wheels: nobody knows which",
        ),
    ],
)
def test_only_digests_of_the_component_are_its_hashes(
    digests: list[Digest], hashes: list[tuple[str, str]], rest: list[str]
) -> None:
    part = only(forge.component(digests=tuple(digests)))
    assert [(row["alg"], row["content"]) for row in part.get("hashes", ())] == hashes
    assert [row["name"] for row in part["properties"] if "digest" in row["name"]] == rest


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        pytest.param(("mit",), [{"license": {"id": "MIT", "acknowledgement": "declared"}}], id="an id"),
        pytest.param(
            ("MIT OR Apache-2.0",),
            [{"expression": "MIT OR Apache-2.0", "acknowledgement": "declared"}],
            id="an expression alone",
        ),
        pytest.param(
            ("MIT OR BOGUS",),
            [{"license": {"name": "MIT OR BOGUS", "acknowledgement": "declared"}}],
            id="an expression of names that SPDX never heard of",
        ),
        pytest.param(
            ("MIT OR Apache-2.0", "ISC"),
            [
                {"license": {"id": "ISC", "acknowledgement": "declared"}},
                {"license": {"name": "MIT OR Apache-2.0", "acknowledgement": "declared"}},
            ],
            id="an expression among others",
        ),
        pytest.param(("  ",), [], id="blank"),
        pytest.param(
            ("(" * 5000,), [{"license": {"name": "(" * 5000, "acknowledgement": "declared"}}], id="deep"
        ),
    ],
)
def test_licences_are_spdx_where_they_are(stated: tuple[str, ...], written: list[Json]) -> None:
    assert only(forge.component(licences=stated)).get("licenses", []) == written


@pytest.mark.parametrize(
    ("origin", "kind", "url"),
    [
        ("https://example.org/x-1.whl", "distribution", "https://example.org/x-1.whl"),
        (f"https://github.com/a/b@{'a' * 40}", "vcs", f"https://github.com/a/b@{'a' * 40}"),
        ("git+https://github.com/a/b@main", "vcs", "git+https://github.com/a/b@main"),
        ("https://me:secret@example.org/simple", "distribution", "https://example.org/simple"),
    ],
)
def test_an_origin_is_an_external_reference_without_credentials(origin: str, kind: str, url: str) -> None:
    part = only(forge.component(origin=origin))
    assert part["externalReferences"] == [{"type": kind, "url": url}]


@pytest.mark.parametrize("origin", ["../libs/x", "https://a b", "javascript:alert(1)", "https://x/%zz#a#b"])
def test_an_origin_that_is_no_link_is_a_property(origin: str) -> None:
    part = only(forge.component(origin=origin))
    assert "externalReferences" not in part
    assert properties(part)["weighbridge:origin"] == origin


@pytest.mark.parametrize(
    "purl", ["pkg:nonsense", "torch", "pkg:pypi/a b", "pkg:pypi/\x1b[2J", "pkg:pypi/\udcff"]
)
def test_a_purl_that_is_none_is_not_written_as_one(purl: str) -> None:
    part = only(forge.component(purl=purl))
    assert "purl" not in part
    assert "weighbridge:invalid-purl" in properties(part)


def test_a_version_longer_than_the_schema_allows_is_a_property() -> None:
    part = only(forge.component("x", "1" * 2000))
    assert "version" not in part
    assert len(properties(part)["weighbridge:version"]) == 2000


# --- models -----------------------------------------------------------------------------------------------


def test_a_model_carries_what_its_bytes_say() -> None:
    part = only(forge.model_file())
    assert part["type"] == "machine-learning-model"
    assert part["hashes"] == [{"alg": "SHA-256", "content": forge.SHA_A}]
    assert part["modelCard"] == {
        "modelParameters": {
            "datasets": [{"name": "wikipedia", "type": "dataset"}],
            "modelArchitecture": "BertModel",
            "task": "fill-mask",
        },
        "properties": [
            {"name": "weighbridge:fact:parameters", "value": "109482240"},
            {"name": "weighbridge:fact:tensors", "value": "199"},
        ],
    }
    ancestor = {"type": "machine-learning-model", "name": "google-bert/bert-base-uncased"}
    assert part["pedigree"] == {"ancestors": [ancestor]}
    assert part["licenses"][0]["license"]["id"] == "Apache-2.0"


def test_a_model_that_says_nothing_has_no_card() -> None:
    part = only(replace(forge.model_file(), facts=()))
    assert not {"modelCard", "pedigree", "licenses", "version"} & part.keys()


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 10**5000, True, 1.5],
    ids=lambda value: hex(value)[:6] if isinstance(value, int) else str(value),
)
def test_any_fact_can_be_written(value: float) -> None:
    facts = (Fact(FactName.PARAMETERS, value), Fact(FactName.TASK, value), Fact(FactName.IMPORTS, value))
    assert only(replace(forge.model_file(), facts=facts))["modelCard"]["modelParameters"]["task"]


def test_data_is_a_data_component() -> None:
    part = only(Component("d", "corpus", Kind.DATA, digests=(Digest("sha256", forge.SHA_A),)))
    assert part["data"] == [{"name": "corpus", "type": "dataset"}]


# --- the graph --------------------------------------------------------------------------------------------


def needs(document: Json) -> dict[str, list[str]]:
    return {row["ref"]: row.get("dependsOn", []) for row in document["dependencies"]}


def test_the_root_needs_what_is_asked_for_and_the_other_projects() -> None:
    edges = needs(read(forge.inventory()))
    assert edges["project:."] == [
        *("file:models/encoder.pt", "image:python:3.11", "project:demo"),
        *("pypi:requests@", "pypi:torch@2.1.0+cu121"),
    ]
    assert edges["project:demo"] == ["pypi:gradio@4.1.0"]
    assert edges["pypi:torch@2.1.0+cu121"] == ["pypi:numpy@1.26.4"]
    assert edges["pypi:numpy@1.26.4"] == []


def test_compositions_say_how_much_is_known() -> None:
    rows = {row["aggregate"]: row for row in read(forge.inventory())["compositions"]}
    assert rows["complete"]["dependencies"] == ["project:demo", "pypi:gradio@4.1.0"]
    assert "project:." in rows["incomplete"]["dependencies"]
    assert rows["unknown"]["assemblies"] == ["image:python:3.11"]
    assert rows["unknown"]["dependencies"] == ["file:models/encoder.pt"]


def test_what_nothing_leads_to_is_declared_unknown() -> None:
    document = read(Inventory((forge.component(direct=False),)))
    (row,) = document["compositions"]
    assert row["aggregate"] == "unknown"
    assert "pypi:torch@2.1.0+cu121" in row["dependencies"]


def test_relations_to_nothing_are_counted_not_written() -> None:
    held = Inventory(
        (forge.component(),), (Relation("nobody", "nothing"), Relation("x", "pypi:torch@2.1.0+cu121"))
    )
    assert properties(read(held)["metadata"])["weighbridge:relations-without-components"] == "2"


def test_a_project_given_as_root_describes_the_document() -> None:
    root = Project(
        "demo", "app", "1.0", "An app", "MIT OR Apache-2.0", Location("demo/pyproject.toml", line=2)
    )
    component = read(forge.inventory(), root=root)["metadata"]["component"]
    assert (component["name"], component["version"]) == ("app", "1.0")
    assert component["licenses"][0]["expression"] == "MIT OR Apache-2.0"
    assert component["evidence"]["occurrences"][0]["line"] == 2


def test_colliding_names_stay_apart() -> None:
    parts = (
        forge.component("a", ref="x\udcff"),
        forge.component("b", ref="x\\xff"),
        forge.component("c", ref="project:."),
        forge.component("d", ref="urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#x"),
        forge.component("e", ref=""),
    )
    document = read(Inventory(parts, (Relation("x\udcff", "x\\xff"),)))
    assert len({part["bom-ref"] for part in document["components"]}) == 5
    assert sum(len(row) for row in needs(document).values()) == 6


# --- vulnerabilities and metadata -------------------------------------------------------------------------


def vulnerability(**changes: Any) -> Vulnerability:
    plain = Vulnerability(
        "CVE-2024-0001",
        "OSV",
        ("pypi:torch@2.1.0+cu121",),
        aliases=("GHSA-aaaa-bbbb-cccc", "CVE-2024-0001"),
        ratings=(
            Rating("weighbridge", "high", justification="total effect"),
            Rating("NVD", "critical", "CVSSv31", 9.8, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
        ),
        cwes=(502, 0),
        recommendation="Update torch to 2.2.0",
        state="in_triage",
        references=("https://example.org/a", "javascript:alert(1)"),
        properties=(("weighbridge:rule", "ADV-002"),),
    )
    return replace(plain, **changes)


def test_a_vulnerability_names_what_it_affects_and_who_says_so() -> None:
    (row,) = read(forge.inventory(), vulnerabilities=[vulnerability()])["vulnerabilities"]
    assert row["source"]["name"] == "OSV"
    assert row["affects"] == [
        {"ref": "pypi:torch@2.1.0+cu121", "versions": [{"status": "affected", "version": "2.1.0+cu121"}]}
    ]
    assert [(rating["method"], rating["severity"]) for rating in row["ratings"]] == [
        ("other", "high"),
        ("CVSSv31", "critical"),
    ]
    assert row["references"] == [
        {
            "id": "GHSA-aaaa-bbbb-cccc",
            "source": {
                "name": "GitHub Advisories",
                "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
            },
        }
    ]
    assert (row["cwes"], row["analysis"]) == ([502], {"state": "in_triage"})
    assert row["advisories"] == [{"url": "https://example.org/a"}]


def test_a_vulnerability_of_nothing_in_the_document_is_left_out() -> None:
    assert "vulnerabilities" not in read(
        forge.inventory(), vulnerabilities=[vulnerability(affects=("nobody",))]
    )


def test_tools_carry_the_digests_of_what_was_consulted() -> None:
    tools = [
        Tool("weighbridge", "0.1.0"),
        Tool("osv", "2024-10-01", Kind.DATA, "a snapshot", (Digest("sha256", forge.SHA_B),)),
    ]
    rows = read(forge.inventory(), tools=tools)["metadata"]["tools"]["components"]
    assert [(row["type"], row["name"]) for row in rows] == [("application", "weighbridge"), ("data", "osv")]
    assert rows[1]["hashes"] == [{"alg": "SHA-256", "content": forge.SHA_B}]


def test_no_clock_but_the_one_that_is_passed() -> None:
    assert "timestamp" not in read(forge.inventory())["metadata"]
    stamped = read(forge.inventory(), timestamp="2026-01-02T03:04:05Z")
    assert stamped["metadata"]["timestamp"] == "2026-01-02T03:04:05+00:00"
    assert stamped["serialNumber"] == read(forge.inventory())["serialNumber"]


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-01-02T03:04:05", ""])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|time zone"):
        cyclonedx.write(Inventory(), timestamp=timestamp)


def test_the_serial_number_follows_the_content() -> None:
    one, other = read(forge.inventory()), read(Inventory((forge.component(),)))
    assert one["serialNumber"] == read(forge.inventory())["serialNumber"]
    assert one["serialNumber"] != other["serialNumber"]


# --- properties -------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(forge.inventories())
def test_any_inventory_is_valid_and_resolves(inventory: Inventory) -> None:
    read(inventory)


@settings(max_examples=25, deadline=None)
@given(forge.inventories())
def test_the_order_of_discovery_leaves_no_trace(inventory: Inventory) -> None:
    whole = replace(forge.report(), inventory=inventory)
    one, other = (cyclonedx.write(forge.shuffled(whole, seed).inventory) for seed in (1, 2))
    assert one == other


def test_the_bytes_are_those_of_every_run() -> None:
    """Sets of strings iterate in another order in every process; the document must not."""
    script = (
        "import hashlib; from sbom import cyclonedx; from tests import forge_report as forge; "
        "print(hashlib.sha256(cyclonedx.write(forge.inventory())).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1
    assert re.fullmatch(r"[0-9a-f]{64}\n", digests.pop())


def test_importing_the_writer_does_not_import_the_library() -> None:
    script = "import sbom.cyclonedx, sbom.check, sys; sys.exit('cyclonedx' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": "."}, check=True)


def test_a_digest_that_a_manifest_states_is_no_look_at_the_bytes() -> None:
    digests = (Digest("sha256", "a" * 64),)
    stated = Component("d", "d.csv", Kind.DATA, digests=digests, seen=(Location("dvc.lock", line=3),))
    held = Component("m", "m.onnx", Kind.MODEL, digests=digests, seen=(Location("m.onnx"),))
    document = json.loads(cyclonedx.write(Inventory((stated, held))))
    techniques = {
        part["name"]: part["evidence"]["identity"][0]["methods"][0]["technique"]
        for part in document["components"]
    }
    assert techniques == {"d.csv": "manifest-analysis", "m.onnx": "binary-analysis"}


def test_the_newer_version_tells_a_range_and_what_comes_from_outside() -> None:
    ranged = forge.component("requests", "", specifier=">=2,<3")
    assert only(ranged, spec="1.7") | {"isExternal": True, "versionRange": "vers:pypi/>=2|<3"} == only(
        ranged, spec="1.7"
    )
    hub = forge.component("org/m", "", kind=Kind.MODEL, ecosystem="huggingface", specifier="", purl="")
    assert only(hub, spec="1.7")["isExternal"] is True
    assert not {"isExternal", "versionRange"} & (
        only(ranged).keys() | only(forge.component(), spec="1.7").keys()
    )


def test_each_accepted_distribution_has_its_hash_where_it_comes_from() -> None:
    digests = tuple(Digest("sha256", each * 64) for each in "ab")
    part = only(forge.component(digests=digests, origin="https://pypi.org/simple"))
    assert [row["hashes"] for row in part["externalReferences"]] == [
        [{"alg": "SHA-256", "content": each * 64}] for each in "ab"
    ]
    assert "weighbridge:accepted-digest" not in properties(part)


def test_what_nobody_stated_is_listed_as_unknown() -> None:
    def unknown(component: Component) -> set[str]:
        rows = only(component).get("properties", ())
        return {row["value"] for row in rows if row["name"] == "weighbridge:unknown"}

    assert unknown(forge.component()) == {"hash", "licence", "supplier"}
    assert "hash" not in unknown(forge.component(digests=(Digest("sha256", "a" * 64),)))
    assert unknown(Component("d", "d", Kind.DATA)) >= {"governance", "sensitivity", "version"}
    hub = Component("m", "org/m", Kind.MODEL, ecosystem="huggingface", facts=(Fact(FactName.TASK, "x"),))
    assert {"supplier", "task"}.isdisjoint(unknown(hub))
    assert only(hub)["publisher"] == "org"


def test_a_card_points_to_the_data_set_and_the_base_that_the_document_holds() -> None:
    facts = (
        Fact(FactName.BASE_MODEL, "org/base"),
        Fact(FactName.BASE_RELATION, "adapter"),
        Fact(FactName.DATASET, "imdb"),
    )
    model = Component("m", "m.pt", Kind.MODEL, facts=facts)
    address = "pkg:huggingface/org/base@" + "a" * 40
    base = Component("b", "org/base", Kind.MODEL, purl=address, version="a" * 40, ecosystem="huggingface")
    data = Component("d", "datasets/imdb", Kind.DATA, origin="https://huggingface.co/datasets/imdb")
    parts = {part["bom-ref"]: part for part in read(Inventory((model, base, data)))["components"]}
    assert parts["m"]["modelCard"]["modelParameters"]["datasets"] == [{"ref": "d"}]
    assert parts["m"]["pedigree"]["ancestors"][0]["purl"] == address
    assert parts["m"]["pedigree"]["notes"] == "adapter of org/base"
    assert parts["d"]["data"][0]["contents"] == {"url": "https://huggingface.co/datasets/imdb"}


def test_what_training_emitted_is_a_consideration() -> None:
    part = only(Component("m", "m.pt", Kind.MODEL, facts=(Fact(FactName.EMISSIONS, "120 g CO2eq"),)))
    about = part["modelCard"]["considerations"]["environmentalConsiderations"]
    assert about["properties"] == [{"name": "weighbridge:fact:emissions", "value": "120 g CO2eq"}]


@pytest.mark.parametrize("spec", cyclonedx.SPECS)
def test_what_has_a_time_is_said_by_the_program_about_the_root(spec: str) -> None:
    said = read(
        forge.inventory(),
        spec=spec,
        tools=[Tool("weighbridge", "0.1.0")],
        notes=["Do not load it."],
        timestamp="2026-01-02T03:04:05Z",
    )
    (note,) = said["annotations"]
    assert (note["text"], note["subjects"]) == ("Do not load it.", ["project:."])
    assert ("citations" in said) == (spec == "1.7")
    assert "annotations" not in read(forge.inventory(), spec=spec, notes=["x"])


def test_the_root_names_the_commit_it_was_made_of() -> None:
    source = Source("a" * 40, "ssh://git@github.com/Org/Repo.git")
    top = read(forge.inventory(), source=source)["metadata"]["component"]
    assert top["purl"] == f"pkg:github/org/repo@{'a' * 40}"
    assert top["pedigree"]["commits"] == [{"uid": "a" * 40, "url": source.url}]
    assert top["externalReferences"] == [{"type": "vcs", "url": source.url}]
    assert "purl" not in read(forge.inventory(), source=Source())["metadata"]["component"]
