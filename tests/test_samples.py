"""The sample projects: built the same everywhere, harmless, and each showing what it says it shows."""

import hashlib
import importlib.util
import io
import json
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Done, weighbridge

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample_projects"
BUILDER = ROOT / "tools" / "build_samples.py"
PROJECTS = ("clean", "typical", "hostile")

ACTING = {
    "pytorch_model.bin": "system",
    "broken_after.pkl": "system",
    "memo.pkl": "system",
    "resolver.pkl": "resolve_name",
    "popped.pkl": "system",
    "instance.pkl": "exec",
    "unvouched.pkl": "restore",
    "renamed.safetensors": "system",
}


def build(into: Path) -> Path:
    """The built samples under ``into``; a bare interpreter does it, so that any can."""
    subprocess.run(
        [sys.executable, "-I", "-S", str(BUILDER), "--into", str(into)], check=True, capture_output=True
    )
    return into


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def models(built: Path) -> Path:
    return built / "hostile" / "models"


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Dummy:
    """Stands for whatever a stream names; remembers what it was called with and never does it."""

    called: list[tuple[str, tuple[object, ...]]]

    def __init__(self, full_name: str, called: list[tuple[str, tuple[object, ...]]]) -> None:
        self.full_name, self.called = full_name, called

    def __call__(self, *arguments: object) -> "Dummy":
        self.called.append((self.full_name, arguments))
        return Dummy(f"{self.full_name}()", self.called)

    def __setitem__(self, key: object, value: object) -> None:
        pass


class Harmless(pickle.Unpickler):
    """The real machine with dummies for every global: what would be called, without a call."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.called: list[tuple[str, tuple[object, ...]]] = []

    def find_class(self, module: str, name: str) -> Dummy:
        return Dummy(f"{module}.{name}", self.called)

    def persistent_load(self, pid: object) -> object:
        return pid


def calls(data: bytes) -> list[tuple[str, tuple[object, ...]]]:
    machine = Harmless(data)
    try:
        machine.load()
    except (pickle.UnpicklingError, EOFError):
        return machine.called  # it acted before it broke
    return machine.called


def test_two_builds_are_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert digests(build(tmp_path)) == digests(built)


def test_the_committed_weights_are_the_ones_that_the_builder_makes(built: Path) -> None:
    committed = (SAMPLES / "clean" / "model.safetensors").read_bytes()
    assert committed == (built / "clean" / "model.safetensors").read_bytes()
    assert len(committed) < 2048


def test_nothing_that_is_built_is_kept_in_the_repository(built: Path) -> None:
    paths = [f"sample_projects/{name}" for name in digests(built) if not name.startswith("clean/")]
    listed = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"],
        cwd=ROOT,
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    if listed.returncode == 128:
        pytest.skip("not a git checkout")
    assert len(listed.stdout.split(b"\0")[:-1]) == len(paths)


@pytest.mark.parametrize(("file", "wanted"), ACTING.items(), ids=ACTING)
def test_each_hostile_pickle_calls_what_it_shows_in_the_real_machine(
    models: Path, file: str, wanted: str
) -> None:
    named = [name for name, _ in calls((models / file).read_bytes())]
    assert any(name.rpartition(".")[2].startswith(wanted) for name in named)


def test_every_payload_is_harmless(models: Path) -> None:
    """Only texts that print: no address, no path, no shell syntax that could do anything else."""
    sayings = re.compile(
        rb"echo weighbridge-sample: this ran while the file was loaded|print\(\"weighbridge-sample"
    )
    for path in filter(Path.is_file, models.rglob("*")):
        data = path.read_bytes()
        assert len(re.findall(rb"echo |print\(", data)) == len(sayings.findall(data))
        for word in (b"http", b"curl", b"wget", b"bash", b"/bin", b"socket", b"rm -", b"base64"):
            assert word not in data
    for file in ACTING:
        for name, arguments in calls((models / file).read_bytes()):
            if name.rpartition(".")[2].startswith(("system", "exec", "resolve_name()")):
                assert sayings.match(str(arguments[0]).encode())


@pytest.mark.parametrize("file", ["typical/checkpoints/epoch-3.pt", "hostile/models/checkpoint.pt"])
def test_checkpoints_have_the_layout_of_torch(built: Path, file: str) -> None:
    data = (built / file).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        folder = archive.namelist()[0].partition("/")[0]
        assert archive.namelist()[0] == f"{folder}/data.pkl"
        assert {f"{folder}/version", f"{folder}/byteorder", f"{folder}/data/0"} <= set(archive.namelist())
        for info in archive.infolist():
            name, extra = struct.unpack("<HH", data[info.header_offset + 26 : info.header_offset + 30])
            assert (info.header_offset + 30 + name + extra) % 64 == 0
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
        named = [name for name, _ in calls(archive.read(f"{folder}/data.pkl"))]
    harmful = "posix.system" in named
    assert harmful == file.startswith("hostile")
    assert "torch._utils._rebuild_tensor_v2" in named


def test_the_archives_disagree_with_themselves_as_they_say(models: Path) -> None:
    with pytest.raises(zipfile.BadZipFile, match="CRC"), zipfile.ZipFile(models / "wrong_crc.pt") as archive:
        archive.read("archive/data.pkl")
    with pytest.raises(zipfile.BadZipFile), zipfile.ZipFile(models / "cut.pt"):
        pass
    with zipfile.ZipFile(models / "two_names.zip") as archive:
        assert archive.namelist() == ["readme.txt"]
        assert b"weights.pkl" in (models / "two_names.zip").read_bytes()
    with zipfile.ZipFile(models / "slip.zip") as archive:
        assert any(name.startswith("../") for name in archive.namelist())
    with zipfile.ZipFile(models / "twice.zip") as archive:
        assert archive.namelist() == ["model.pkl", "model.pkl"]


@pytest.mark.parametrize("project", PROJECTS)
def test_advisories_are_well_formed_osv_records_beside_and_not_inside_the_sample(project: str) -> None:
    files = sorted((SAMPLES / "advisories" / project).glob("*.json"))
    assert files
    for file in files:
        record = json.loads(file.read_text())
        assert file.stem == record["id"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["modified"])
        assert record["summary"]
        assert record["details"]
        for affected in record["affected"]:
            assert affected["package"]["ecosystem"] == "PyPI"
            assert affected.get("ranges") or affected.get("versions")


@pytest.mark.parametrize("project", PROJECTS)
def test_each_sample_has_a_readme_with_the_command(project: str) -> None:
    readme = (SAMPLES / project / "README.md").read_text()
    assert (
        f"weighbridge scan sample_projects/{project} --advisories sample_projects/advisories/{project}"
        in readme
    )


def test_the_clean_requirements_are_pinned_and_hashed() -> None:
    text = (SAMPLES / "clean" / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    assert all(re.match(r"[a-z]+==[\d.]+\s.*--hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_the_pointer_is_a_pointer() -> None:
    pointer = (SAMPLES / "typical" / "weights" / "model.safetensors").read_text()
    assert re.fullmatch(
        r"version https://git-lfs\.github\.com/spec/v1\noid sha256:[0-9a-f]{64}\nsize \d+\n", pointer
    )


# --- end to end -------------------------------------------------------------------------------------------

Scan = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def scan(tmp_path: Path, built: Path) -> Scan:
    """The command over a sample whose built files are there, away from the user's own settings."""
    if (
        importlib.util.find_spec("scanner.__main__") is None
        or importlib.util.find_spec("scanner.pipeline") is None
    ):
        pytest.skip("the command is not there yet")

    def run(project: str, *options: str) -> subprocess.CompletedProcess[str]:
        tree = tmp_path / project
        shutil.copytree(SAMPLES / project, tree)
        shutil.copytree(built / project, tree, dirs_exist_ok=True)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "PYTHONPATH": str(ROOT),
        }
        known = SAMPLES / "advisories" / project
        command = [sys.executable, "-m", "scanner", "scan", str(tree), "--advisories", str(known)]
        return subprocess.run(
            [*command, "--max-advisory-age", "36500", *options],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=tmp_path,
        )

    return run


def test_the_clean_sample_has_nothing_to_report(scan: Scan) -> None:
    done = scan("clean", "--format", "json")
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["coverage"]["not_checked"] == []
    assert done.returncode == 0, report["verdict"]
    assert [f for f in report["findings"] if f["level"] != "info"] == []


def test_the_typical_sample_names_the_version_that_clears_each_package(scan: Scan) -> None:
    done = scan("typical", "--format", "json")
    report = json.loads(done.stdout)
    known = [f for f in report["findings"] if f["rule"].startswith("ADV-")]
    remedies = {f["component"].partition("@")[0].rpartition("/")[2]: f["remedy"] for f in known}
    assert "2.6.0" in remedies["torch"]
    assert "4.36.0" in remedies["transformers"]
    assert "10.0.1" in remedies["pillow"]
    assert "4.14.0" in remedies["gradio"]
    assert "2.10.1" in remedies["mlflow"]
    harmful = [f for f in report["findings"] if f["rule"] in {"ART-001", "ART-002", "ART-004"}]
    assert harmful == [], "the checkpoint is honest"
    absent = [row for row in report["artifacts"] if row["path"] == "weights/model.safetensors"]
    assert {i["outcome"] for row in absent for i in row["inspections"]} == {"absent"}


def test_the_hostile_sample_shows_what_would_run(scan: Scan, models: Path) -> None:
    done = scan("hostile", "--format", "json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    found: dict[str, set[str]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["where"]["path"], set()).add(finding["rule"])
    acting = [
        *(f"models/{name}" for name in ACTING if name != "unvouched.pkl"),
        *(f"models/{name}" for name in ("checkpoint.pt", "cut.pt", "wrong_crc.pt", "two_names.zip")),
        *(f"models/{name}" for name in ("slip.zip", "nested.zip", "twice.zip", "squeezed.joblib")),
    ]
    assert [path for path in acting if "ART-001" not in found.get(path, set())] == []
    assert "ART-002" in found["models/unvouched.pkl"]
    assert "ART-004" in found["models/broken_after.pkl"]
    assert "ART-005" in found["models/renamed.safetensors"]
    assert "ART-007" in found["models/slip.zip"]
    assert "ART-013" in found["models/lying.safetensors"]
    for name in ("packed.pt", "squeezed.pkl.zst", "pipeline.skops", "training.yaml"):
        assert "ART-001" in found[f"models/{name}"], name
    assert "ART-008" in found["models/dense.keras"]
    assert "ART-009" in found["models/exported/saved_model.pb"]
    files = [path.relative_to(models).as_posix() for path in models.rglob("*") if path.is_file()]
    assert [path for path in files if f"models/{path}" not in found] == []
    bad = {f["component"].partition("@")[0] for f in report["findings"] if f["rule"] == "ADV-004"}
    assert {"pkg:pypi/litellm", "pkg:pypi/lightning", "pkg:pypi/mistralai"} <= bad


def test_the_text_report_of_the_hostile_sample_cannot_move_the_cursor(scan: Scan) -> None:
    done = scan("hostile")
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "\\x1b[2J" in done.stdout
    assert "What would run if you load it" in done.stdout


@pytest.mark.parametrize("project", PROJECTS)
def test_a_scan_writes_nothing_into_what_it_scans(
    scan: Scan, tmp_path: Path, built: Path, project: str
) -> None:
    before = {**digests(SAMPLES / project), **digests(built / project)}
    scan(project)
    assert digests(tmp_path / project) == before


# --- tampered ---------------------------------------------------------------------------------------------


def rules(done: Done) -> set[tuple[str, str, str]]:
    return {(row["rule"], row["level"], row["where"]["path"]) for row in done.json["findings"]}


@pytest.fixture
def tampered(tmp_path: Path, built: Path) -> Path:
    tree = tmp_path / "tampered"
    shutil.copytree(SAMPLES / "tampered", tree)
    shutil.copytree(built / "tampered", tree, dirs_exist_ok=True)
    return tree


CHANGED = {
    ("HSH-001", "critical", "models/base.safetensors"),
    ("HSH-010", "high", "models/encoder.safetensors"),
    ("HSH-010", "high", "wheels/sampled-1.0-py3-none-any.whl"),
    ("DAT-003", "high", "data/train.csv"),
}


def test_one_bit_of_each_locked_file_is_a_finding_with_its_rule_and_level(tampered: Path) -> None:
    done = weighbridge("verify", ".", "-f", "json", cwd=tampered)
    assert (done.code, rules(done)) == (1, CHANGED)


def test_a_scan_of_the_tampered_sample_also_sees_the_wheel_and_the_fetched_object(tampered: Path) -> None:
    done = weighbridge("scan", ".", "--no-advisories", "-f", "json", cwd=tampered)
    fetched = next(tampered.glob("clone/.git/lfs/objects/*/*/*")).relative_to(tampered).as_posix()
    wanted = CHANGED | {
        ("HSH-007", "critical", "wheels/sampled-1.0-py3-none-any.whl"),
        ("HSH-004", "high", fetched),
    }
    assert (done.code, rules(done)) == (1, wanted)


def test_git_itself_takes_the_clone_in_the_sample_for_a_repository(tampered: Path) -> None:
    """So what the scan reads there is what git would act on."""
    ask = ["git", "-c", "safe.directory=*", "-C", str(tampered / "clone")]
    listed = subprocess.run([*ask, "ls-files", "--stage"], capture_output=True, text=True, check=True)
    mode, name, _, path = listed.stdout.split()
    assert (mode, path) == ("100644", "models/adapter.safetensors")
    blob = subprocess.run([*ask, "cat-file", "blob", name], capture_output=True, check=True)
    assert blob.stdout == (tampered / "clone" / path).read_bytes()


def test_the_tampered_sample_as_it_was_locked_is_clean(tampered: Path) -> None:
    loaded = importlib.util.spec_from_file_location("build_samples", BUILDER)
    assert loaded is not None
    assert loaded.loader is not None
    builder = importlib.util.module_from_spec(loaded)
    sys.modules["build_samples"] = builder  # its dataclasses look for their module
    loaded.loader.exec_module(builder)
    for path, data in builder.untouched().items():
        changed = (tampered / path).read_bytes()
        assert sum((old ^ new).bit_count() for old, new in zip(data, changed, strict=True)) >= 1
        (tampered / path).write_bytes(data)
    scanned = weighbridge("scan", ".", "--no-advisories", "-f", "json", cwd=tampered)
    assert rules(scanned) == set()
    done = weighbridge("verify", ".", "-f", "json", cwd=tampered)
    assert (done.code, rules(done)) == (3, set()), "the pointer alone is not what the lock is about"
    assert "5 as locked" in done.json["sources"][0]["detail"]
