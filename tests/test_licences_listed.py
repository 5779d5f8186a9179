"""Licences told by their text: what lies beside a model or in a project's folder, to the word."""

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.inventory import licences
from scanner.readers import licence_text
from tests import forge
from tests.cli.command import weighbridge

_GRANT = """Permission to use, copy, modify, and/or distribute this software for any purpose with or without
fee is hereby granted, provided that the above copyright notice and this permission notice appear in all
copies."""
_REST = """\
THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE
INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE,
DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN
CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE."""


def _isc(head: str = "ISC License\n\nCopyright (c) 2024 Ada Lovelace\n\n", grant: str = _GRANT) -> str:
    return f"{head}{grant}\n\n{_REST}\n"


_HONEST = [
    pytest.param(_isc(), id="as it is published"),
    pytest.param(_isc(""), id="without title and holder"),
    pytest.param(
        _isc("# ISC Licence\n\nCopyright 2019-2024, Acme, Inc. All rights reserved.\n"), id="Markdown"
    ),
    pytest.param(
        _isc("Copyright © 2019, 2021 Ada <ada@example.org>\nCopyright (C) 2024 Grace B. Hopper\n"),
        id="two holders",
    ),
    pytest.param(_isc("Copyright [yyyy] [name of copyright owner]\n"), id="left open"),
    pytest.param(_isc(grant=_GRANT.replace(" ", "\n   ")), id="wrapped otherwise"),
    pytest.param("\n".join(f" * {row}" for row in _isc().splitlines()), id="a comment"),
    pytest.param(_isc().upper(), id="shouted"),
]
_OTHERS = [
    pytest.param(_isc() + "\nThe software may not be used for military purposes.\n", id="a clause more"),
    pytest.param(_isc(grant=_GRANT.replace("any purpose", "any noncommercial purpose")), id="a word more"),
    pytest.param(_isc(grant=_GRANT.replace(" or without", "")), id="a word less"),
    pytest.param(_isc("Copyright 2024 Acme, for noncommercial use only\n\n"), id="terms as a notice"),
    pytest.param(_isc("Copyright 2024 Acme. You owe us lunch.\n\n"), id="a sentence behind a notice"),
    pytest.param(_isc("The copyright of this software is with Acme\n\n"), id="a sentence for a notice"),
    pytest.param(_isc("Applies to the weights alone.\n\n"), id="a line before it"),
    pytest.param("ISC", id="the name alone"),
    pytest.param("", id="empty"),
    pytest.param("x " * 200_000, id="long"),
]


@pytest.mark.parametrize("text", _HONEST)
def test_a_copy_of_a_licence_is_known_whoever_holds_the_copyright(text: str) -> None:
    assert licences.name_of(text.encode()) == "ISC"


@pytest.mark.parametrize("text", _OTHERS)
def test_a_text_with_other_terms_is_no_known_licence(text: str) -> None:
    assert licences.name_of(text.encode()) == ""


def test_the_text_of_gnu_s_licences_does_not_tell_later_versions_from_this_one() -> None:
    names = set(json.loads(Path(licences._DATA).read_text())["texts"].values())
    assert not {name for name in names if name.startswith(("GPL-", "LGPL-", "AGPL-3"))}
    assert {"MIT", "Apache-2.0", "BSD-3-Clause", "CC-BY-4.0", "MPL-2.0"} <= names


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00" * 400, ("é " * 300).encode(), b"word " * 100])
def test_any_bytes_have_a_fingerprint_or_none(data: bytes) -> None:
    assert licences.name_of(data) == ""
    assert len(licence_text.fingerprint(data)) in {0, 32}


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(
            ("LICENSE", True),
            ("licence.txt", True),
            ("a/COPYING", True),
            ("LICENSE-MIT", True),
            ("UNLICENSE", True),
        ),
        *(("MIT-LICENSE.txt", True), ("license.py", False), ("licenses.json", False), ("NOTICE", False)),
    ],
)
def test_licences_are_looked_for_by_name(name: str, is_one: bool) -> None:
    assert licences.may_be(name) is is_one


def _document(root: Path, *more: str) -> dict[str, Any]:
    return weighbridge("sbom", "write", "--no-advisories", *more, ".", cwd=root).json


def _repo(root: Path, card: str = "") -> Path:
    (root / "weights").mkdir(parents=True)
    (root / "LICENSE").write_text(_isc())
    (root / "pyproject.toml").write_text('[project]\nname = "train"\nversion = "1"\nlicense = "MIT OR ISC"\n')
    model = forge.safetensors({"t": forge.entry("F32", [2], 0, 8)}, b"." * 8)
    (root / "weights" / "model.safetensors").write_bytes(model)
    (root / "weights" / "LICENSE.txt").write_text(_isc())
    if card:
        (root / "weights" / "README.md").write_text(f"---\nlicense: {card}\npipeline_tag: fill-mask\n---\n")
    return root


def _said(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (row.get("expression") or row["license"].get("id") or row["license"]["name"], acknowledged)
        for row in rows
        for acknowledged in [row.get("acknowledgement") or row["license"]["acknowledgement"]]
    ]


def test_what_is_declared_and_what_lies_there_are_both_told_apart(tmp_path: Path) -> None:
    document = _document(_repo(tmp_path / "repo", "mit"), "--spec", "1.7")
    [model] = [one for one in document["components"] if one["type"] == "machine-learning-model"]
    assert _said(model["licenses"]) == [("MIT", "declared"), ("ISC", "concluded")]
    assert model["licenses"][1]["license"]["properties"] == [
        {"name": "weighbridge:path", "value": "weights/LICENSE.txt"}
    ]
    top = document["metadata"]["component"]
    assert _said(top["licenses"]) == [("MIT OR ISC", "declared"), ("ISC", "concluded")]
    assert top["licenses"][0]["expressionDetails"] == [{"licenseIdentifier": "ISC", "url": "LICENSE"}]


def test_1_6_wants_an_expression_alone_so_that_the_text_is_evidence_there(tmp_path: Path) -> None:
    document = _document(_repo(tmp_path / "repo"))
    top = document["metadata"]["component"]
    assert _said(top["licenses"]) == [("MIT OR ISC", "declared")]
    assert _said(top["evidence"]["licenses"]) == [("ISC", "concluded")]
    [model] = [one for one in document["components"] if one["type"] == "machine-learning-model"]
    assert _said(model["licenses"]) == [("ISC", "concluded")]
    unknown = [row["value"] for row in model["properties"] if row["name"] == "weighbridge:unknown"]
    assert "licence" not in unknown


def test_a_licence_of_the_code_is_not_that_of_weights_elsewhere(tmp_path: Path) -> None:
    root = _repo(tmp_path / "repo")
    (root / "weights" / "LICENSE.txt").unlink()
    [model] = [one for one in _document(root)["components"] if one["type"] == "machine-learning-model"]
    assert "licenses" not in model
