"""``weighbridge sbom`` and ``scan --sbom``, as a user runs them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import weighbridge
from tests.sbom import documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "boms"
    made.mkdir()
    for name, data in documents.ALL.items():
        (made / f"{name}.json").write_text(json.dumps(data, indent=1))
    return made


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("model", 0, "no problem. The schema was checked, strictly."),
        ("environment", 1, "/metadata/component: no-root"),
        ("image", 1, "/dependencies/"),
        ("spdx", 0, "its schema is not part of this program"),
    ],
)
def test_documents_of_any_tool_are_checked(folder: Path, name: str, code: int, said: str) -> None:
    if name == "image":
        data = documents.data("image")
        data["dependencies"][0]["dependsOn"] = ["nobody"]
        (folder / "image.json").write_text(json.dumps(data))
    done = weighbridge("sbom", "check", f"{name}.json", cwd=folder)
    assert (done.code, done.err) == (code, "")
    assert said in done.out


def test_what_the_schema_alone_sees_is_told_with_its_place(folder: Path) -> None:
    data = documents.data("model")
    data["components"][0]["modelCard"]["invented"] = 1
    (folder / "model.json").write_text(json.dumps(data))
    done = weighbridge("sbom", "check", "model.json", "--format", "json", cwd=folder)
    assert done.code == 1
    [problem] = done.json["problems"]
    assert (problem["path"], problem["law"]) == ("/components/0/modelCard", "schema")
    done = weighbridge("sbom", "check", "model.json", "--no-schema", cwd=folder)
    assert done.code == 0
    assert "not checked: --no-schema" in done.out


def test_a_law_can_be_left_out_and_a_misspelt_one_is_told(folder: Path) -> None:
    done = weighbridge(
        *("sbom", "check", "environment.json", "--ignore", "no-root", "--ignore", "no-rot"), cwd=folder
    )
    assert done.code == 0
    assert "no-rot" in done.err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{" * 20_000, "levels|no JSON"),
        (b'{"bomFormat": "CycloneDX", "bomFormat": "x"}', "twice"),
        (b"[1]", "no bill of materials"),
        (b"\x1b[31m", "no JSON"),
    ],
)
@pytest.mark.parametrize("command", [("sbom", "check"), ("sbom", "score"), ("scan", "--sbom")])
def test_hostile_documents_end_in_a_sentence(
    tmp_path: Path, command: tuple[str, ...], data: bytes, said: str
) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    done = weighbridge(*command, "bad.json", cwd=tmp_path)
    assert done.code == 2
    assert any(word in done.err for word in said.split("|"))
    assert "Traceback" not in done.err
    assert "\x1b" not in done.err


def test_a_score_names_each_element_and_its_place(folder: Path) -> None:
    done = weighbridge("sbom", "score", "model.json", "--standard", "g7-ai-2026", cwd=folder)
    assert done.code == 0
    assert "yes                  Model hash value  /components/0/hashes/0/content" in done.out
    rows = weighbridge("sbom", "score", "model.json", "-f", "json", cwd=folder).json["standards"]
    assert [len(row["elements"]) for row in rows] == [7, 14, 19, 50, 29]
    table = weighbridge("sbom", "score", "model.json", "-f", "markdown", cwd=folder).out
    assert "| G7 SBOM for AI, minimum elements | 2026-05-12 |" in table
    assert weighbridge("sbom", "score", "model.json", "--standard", "x", cwd=folder).code == 2


def test_a_swap_under_the_same_version_comes_first(folder: Path) -> None:
    data = documents.data("image")
    data["components"][2]["hashes"][0]["content"] = "f" * 64
    data["components"][1]["version"] = "3.0.15-1"
    data["components"][1]["purl"] = "pkg:deb/debian/openssl@3.0.15-1?distro=debian-12.7"
    (folder / "new.json").write_text(json.dumps(data))
    done = weighbridge("sbom", "diff", "image.json", "new.json", cwd=folder)
    assert done.code == 0
    assert done.out.startswith("! torch 2.2.0  other bytes under the same version")
    assert "version: 3.0.14-1 -> 3.0.15-1" in done.out
    assert weighbridge("sbom", "diff", "image.json", "new.json", "--exit-code", cwd=folder).code == 1
    assert weighbridge("sbom", "diff", "image.json", "image.json", "--exit-code", cwd=folder).code == 0
    found = weighbridge("sbom", "diff", "image.json", "new.json", "-f", "json", cwd=folder).json
    assert [row["same_version_other_bytes"] for row in found["changed"]] == [True, False]
    table = weighbridge("sbom", "diff", "image.json", "new.json", "-f", "markdown", cwd=folder).out
    assert "| torch 2.2.0 ⚠ same version | hash |" in table


def test_names_of_a_document_cannot_paint_a_terminal_or_a_page(folder: Path) -> None:
    data = documents.data("model")
    data["components"][1]["name"] = "\x1b[2Jx|<img>"
    (folder / "new.json").write_text(json.dumps(data))
    for form in ("text", "markdown", "json"):
        said = weighbridge("sbom", "diff", "model.json", "new.json", "-f", form, cwd=folder).out
        assert "\x1b" not in said
        assert form != "markdown" or "<img>" not in said


def test_merged_documents_pass_the_check(folder: Path) -> None:
    done = weighbridge(
        *("sbom", "merge", "environment.json", "image.json", "model.json", "--name", "all", "-o", "all.json"),
        cwd=folder,
    )
    assert (done.code, done.out, done.err) == (0, "", "")
    assert weighbridge("sbom", "check", "all.json", cwd=folder).code == 0
    assert weighbridge("sbom", "merge", "model.json", cwd=folder).code == 2
    assert weighbridge("sbom", "merge", "model.json", "spdx.json", cwd=folder).code == 2


def test_a_fleet_of_documents_is_asked(folder: Path) -> None:
    (folder / "package.json").write_text("{}")
    done = weighbridge("sbom", "affected", "pkg:pypi/torch@<2.2", ".", cwd=folder)
    assert done.code == 1
    assert "2 of 4 documents hold it." in done.out
    assert weighbridge("sbom", "affected", "pkg:pypi/nobody@1", ".", cwd=folder).code == 0
    assert weighbridge("sbom", "affected", "CVE-0000-1", ".", cwd=folder).code == 2
    (folder / "cut.json").write_text('{"bomFormat": "CycloneDX", ')
    done = weighbridge("sbom", "affected", "pkg:pypi/nobody@1", ".", cwd=folder)
    assert done.code == 3
    assert "cut.json is no JSON" in done.out
    named = weighbridge("sbom", "affected", "pkg:pypi/torch@<2.2", "cut.json", "environment.json", cwd=folder)
    assert named.code == 1, "a broken document among others costs the answer for itself only"
    assert "1 of 1 document holds it;" in named.out
    assert "cut.json is no JSON" in named.out
    assert weighbridge("sbom", "affected", "pkg:pypi/torch@<2.2", "cut.json", cwd=folder).code == 2
    found = weighbridge("sbom", "affected", "sha256:" + "e" * 64, "model.json", "-f", "json", cwd=folder)
    assert found.json["hits"][0]["because"] == "its SHA-256"
    (folder / "empty").mkdir()
    assert weighbridge("sbom", "affected", "pkg:pypi/nobody@1", "empty", cwd=folder).code == 3


def test_a_document_is_judged_in_the_place_of_a_tree(folder: Path) -> None:
    data = documents.data("environment")
    data["components"].append(
        {
            "bom-ref": "bad",
            "type": "library",
            "name": "ultralytics",
            "version": "8.3.41",
            "purl": "pkg:pypi/ultralytics@8.3.41",
        }
    )
    (folder / "bad.json").write_text(json.dumps(data, indent=1))
    done = weighbridge("scan", "--sbom", "bad.json", "--format", "json", cwd=folder)
    assert done.code == 1
    found = [row for row in done.json["findings"] if row["rule"] == "ADV-004"]
    assert [row["where"]["path"] for row in found] == ["bad.json"]
    assert found[0]["where"]["line"] > 1
    assert "no file that it names was opened" in done.err


def test_a_document_of_another_format_is_judged_alike(folder: Path) -> None:
    for name in ("spdx", "environment"):
        done = weighbridge("scan", "--sbom", f"{name}.json", "--no-advisories", "-f", "json", cwd=folder)
        assert done.code == 0, done.err
    # Without a snapshot nothing was held against known advisories, which is not the same as nothing found.
    assert weighbridge("scan", "--sbom", "spdx.json", cwd=folder).code == 3


def test_of_packages_of_a_system_it_says_who_can_look_them_up(folder: Path) -> None:
    packages = [
        {
            "bom-ref": f"{kind}{at}",
            "type": "library",
            "name": "x",
            "version": "1",
            "purl": f"pkg:{kind}/a/x{at}@1",
        }
        for kind in ("deb", "rpm", "apk")
        for at in (1, 2)
    ]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": packages}
    (folder / "system.json").write_text(json.dumps(document))
    done = weighbridge("scan", "--sbom", "system.json", "-f", "json", cwd=folder)
    assert done.code == 3
    rows = [row for row in done.json["findings"] if row["rule"] == "COV-002"]
    # Of nothing else was it asked: no word of a snapshot, which would not help.
    assert sorted(row["message"].partition(":")[0] for row in rows) == [
        f"this tool has no advisories for {kind} packages" for kind in ("apk", "deb", "rpm")
    ]
    for row in rows:
        assert "scanner of container images" in row["remedy"], row
        assert "advisories update" not in row["remedy"]


@pytest.mark.parametrize(
    "more",
    [["model.json"], ["--files-from", "-"], ["--project", "x"], ["--verify-index"], ["--env", "active"]],
)
def test_what_chooses_from_a_tree_is_refused_beside_a_document(folder: Path, more: list[str]) -> None:
    done = weighbridge("scan", "--sbom", "spdx.json", *more, cwd=folder)
    assert done.code == 2
    assert "--sbom" in done.err


def test_a_scan_writes_the_document_that_sbom_write_writes(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    git = root / ".git"
    git.mkdir(parents=True)
    (git / "HEAD").write_text("a" * 40 + "\n")
    (git / "config").write_text('[remote "origin"]\n\turl = https://github.com/acme/reviews.git\n')
    (root / "requirements.txt").write_text("torch==2.6.0\n")
    clock: dict[str, Any] = {"SOURCE_DATE_EPOCH": "1700000000"}
    options = ("--no-advisories", ".")
    whole = weighbridge("sbom", "write", *options, cwd=root, **clock)
    scanned = weighbridge("scan", *options, "--output", "cyclonedx=-", cwd=root, **clock)
    assert scanned.out == whole.out
    assert whole.json["metadata"]["component"]["purl"] == "pkg:github/acme/reviews@" + "a" * 40
    written = weighbridge("sbom", "write", *options, "-o", "bom.json", cwd=root, **clock)
    assert (written.code, written.out) == (whole.code, "")
    assert (root / "bom.json").read_text() == whole.out


def test_what_said_nothing_is_no_tool(tmp_path: Path) -> None:
    (tmp_path / "m.npy").write_bytes(b"\x93NUMPY\x01\x00")
    document = weighbridge("sbom", "write", ".", cwd=tmp_path).json
    tools = [tool["name"] for tool in document["metadata"]["tools"]["components"]]
    assert [name for name in tools if not name.startswith("weighbridge")] in ([], ["incident list"])
    assert "weighbridge.lock" not in tools
