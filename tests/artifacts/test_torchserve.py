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


def with_requirements(text: str, name: str = "requirements.txt", named: str = "") -> bytes:
    model = {"modelName": "net", "handler": "text_classifier"} | (
        {"requirementsFile": named} if named else {}
    )
    manifest = json.dumps(MANIFEST | {"model": model}).encode()
    return archive({"MAR-INF/MANIFEST.json": manifest, name: text.encode()})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("torch==2.1.0\nnumpy>=1.20 # pip install git+https://x\n", id="releases"),
        pytest.param("--hash sha256:00\n-r more.txt\n-c c.txt\n", id="files beside it"),
        pytest.param("--index-url https://pypi.org/simple\n", id="the known index"),
        pytest.param("--extra-index-url https://download.pytorch.org/whl/cu121\ntorch\n", id="PyTorch's"),
        pytest.param(f"git+https://github.com/a/b@{'0' * 40}\n", id="a commit"),
        pytest.param("https://x/a.whl#sha256=00\n", id="a digest"),
    ],
)
def test_requirements_that_say_which_bytes_they_mean_are_no_evidence(text: str) -> None:
    assert rules_of(served(with_requirements(text))) == []


@pytest.mark.parametrize(
    "line",
    [
        "git+https://github.com/a/b",
        "a @ git+https://github.com/a/b@main",
        "-e git+ssh://git@x/y#egg=y",
        "git+git@github.com:a/b.git",
        "http://x/a.whl",
        "a[b] @ https://x/a.tar.gz",
        "-i http://x/simple",
        "--index-url=https://x/simple",
        "--extra-index-url https://pypi.org.x/simple",
        "--extra-index-url https://pypi.org@x/simple",
        "--index-url http://pypi.org/simple",
        "-f https://x/links",
        "-r https://x/more.txt",
        "./vendored",
        "wheels/a-1-py3-none-any.whl",
    ],
)
def test_requirements_from_elsewhere_are_told(line: str) -> None:
    assert rules_of(served(with_requirements(f"torch\n{line}\n"))) == [
        ("ART-023", f"requirements.txt:{line}")
    ]


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        pytest.param("http://x/a.whl", "deps.txt", "deps.txt", id="another name"),
        pytest.param("http://x/a.whl", "deps.txt", "/tmp/deps.txt", id="the name with a folder"),
        pytest.param("http://x/a\\\n.whl", "requirements.txt", "", id="a line that goes on"),
        pytest.param("  \thttp://x/a.whl", "requirements.txt", "", id="behind blanks"),
    ],
)
def test_requirements_are_found_however_they_are_written(text: str, name: str, named: str) -> None:
    assert [rule for rule, _ in rules_of(served(with_requirements(text, name, named)))] == ["ART-023"]


@pytest.mark.parametrize("handler", ["../../evil.py:run", "/tmp/evil.py", "a\\..\\..\\evil.py", "~/evil.py"])
def test_a_handler_from_outside_of_the_archive_is_more_than_one_that_it_brings(handler: str) -> None:
    found = [event for event in served(mar(with_handler(handler))) if isinstance(event, Evidence)]
    assert [dict(event.factors)["trigger"].value for event in found] == ["on_use"]
