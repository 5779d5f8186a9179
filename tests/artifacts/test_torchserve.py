"""TorchServe archives, NeMo archives."""

import io
import json
import tarfile

import pytest

from sbom.model import Fact, FactName, Location
from scanner.artifacts import nemo, torchserve
from scanner.errors import Malformed
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Event, Evidence, Outcome
from tests.forge import archive
from tests.forge_archives import subject

MANIFEST = {
    "createdOn": "01/01/2026",
    "runtime": "python",
    "model": {"modelName": "net", "serializedFile": "net.pt", "handler": "handler.py", "modelVersion": "1.0"},
    "archiverVersion": "0.12.0",
}


def mar(manifest: object = MANIFEST, **members: str) -> bytes:
    raw = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return archive(
        {"MAR-INF/MANIFEST.json": raw} | {f"{name}.py": text.encode() for name, text in members.items()}
    )


def served(data: bytes) -> list[Event]:
    return list(torchserve.inspect(subject(data, "m.mar")))


def rules_of(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.rule, event.subject) for event in events if isinstance(event, Evidence)]


def with_handler(handler: str) -> object:
    return MANIFEST | {"model": {"modelName": "net", "handler": handler}}


def test_a_handler_of_torchserve_gives_facts_and_no_evidence() -> None:
    events = served(mar(with_handler("image_classifier")))
    assert rules_of(events) == []
    assert Fact(FactName.PRODUCER, "torch-model-archiver 0.12.0") in events


def test_a_handler_of_the_archive_is_told() -> None:
    assert rules_of(served(mar(handler="def handle(data, context):\n  return data\n"))) == [
        ("ART-012", "handler:handler.py")
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import os\nos.system('id')", id="commands"),
        pytest.param("import socket as s\ns.create_connection(('h', 1))", id="the network"),
        pytest.param("import pickle\npickle.load(open('x'))", id="another pickle"),
    ],
)
def test_what_served_python_does_is_told(text: str) -> None:
    assert len(rules_of(served(mar(handler=text)))) == 2
    assert len(rules_of(served(mar(with_handler("text_classifier"), other=text)))) == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(archive({"a.py": b""}), id="no manifest"),
        pytest.param(mar(b"{"), id="broken JSON"),
        pytest.param(mar([]), id="no object"),
        pytest.param(mar({"model": 1}), id="no model"),
    ],
)
def test_broken_archives_say_so(data: bytes) -> None:
    with pytest.raises(Malformed):
        served(data)


def tar(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for name in names:
            opened.addfile(tarfile.TarInfo(name))
    return out.getvalue()


@pytest.mark.parametrize("name", ["m.mar", "m.tar.gz", "m"])
@pytest.mark.parametrize("before", ["", "./"])
def test_a_packed_tar_is_served_like_a_zip(name: str, before: str) -> None:
    files = {
        "MAR-INF/MANIFEST.json": json.dumps(MANIFEST).encode(),
        "handler.py": b"import os\nos.system('id')\n",
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as opened:
        for label, content in files.items():
            row = tarfile.TarInfo(before + label)
            row.size = len(content)
            opened.addfile(row, io.BytesIO(content))
    steps = list(examine(BytesSource(out.getvalue()), Location(name), name, Limits()))
    found = [step.item for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    assert [item.subject for item in found] == ["handler:handler.py", "os.system"]
    assert {step.outcome for step in steps if isinstance(step, Ended)} == {Outcome.INSPECTED}


def test_a_nemo_archive_is_known_by_its_configuration() -> None:
    events = list(nemo.inspect(subject(tar("./model_config.yaml", "model_weights.ckpt"), "m.nemo")))
    assert events == [Fact(FactName.FRAMEWORK, "NeMo"), Fact(FactName.MEMBERS, 2)]


@pytest.mark.parametrize(
    "data", [pytest.param(tar("a"), id="no configuration"), pytest.param(b"x" * 600, id="no tar")]
)
def test_what_is_no_nemo_archive_says_so(data: bytes) -> None:
    with pytest.raises(Malformed):
        list(nemo.inspect(subject(data, "m.nemo")))
