"""Who claims what: by content and by name, and what a name promises."""

import struct
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.registry import (
    BY_NAME,
    FORMATS,
    MANIFESTS,
    PROOFS,
    REPORTS,
    broken_promise,
    claims,
    manifest_of,
    manifests_of,
    with_content,
    with_name,
)
from scanner.registry.rows import ByName

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
ZIP = b"PK\x05\x06" + b"\0" * 18
TENSORS = struct.pack("<Q", 2) + b"{}"


def names(name: str, data: bytes) -> list[str]:
    return [claim.format.name for claim in claims(name, data, data)]


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        pytest.param("a.pkl", PICKLE, ["pickle"], id="name and content agree"),
        pytest.param("a.PKL", PICKLE, ["pickle"], id="case does not matter"),
        pytest.param("a", PICKLE, ["pickle"], id="no name, content alone"),
        pytest.param("a.bin", PICKLE, ["pickle"], id="a name that promises nothing"),
        pytest.param("a.safetensors", PICKLE, ["pickle", "safetensors"], id="a broken promise runs both"),
        pytest.param("a.pt", ZIP, ["zip"], id="a checkpoint that is a zip"),
        pytest.param("a.pt", b"", ["pytorch-legacy"], id="an empty checkpoint is broken, not unclaimed"),
        pytest.param("a.pt", b"7z\xbc\xaf\x27\x1c", ["7z"], id="a checkpoint that is something else"),
        pytest.param("a.gz", b"ZF" + b"0x1b".ljust(19), ["joblib-old"], id="old joblib behind a gzip's name"),
        pytest.param("a.bin", b"\x28\xb5\x2f\xfd\0", ["zstd"], id="zstd behind a name that says nothing"),
        pytest.param("a.pt", b"\x5f\x2a\x4d\x18\0\0\0\0", ["zstd"], id="a skippable frame first"),
        pytest.param("a.zip", PICKLE, ["pickle"], id="a pickle behind an archive's name"),
        pytest.param("a.keras", ZIP, ["zip", "keras"], id="a zip that only its name tells apart"),
        pytest.param("a.h5", b"", ["hdf5"], id="an empty HDF5 file"),
        pytest.param("a.onnx", b"anything", ["onnx"], id="a format without a mark"),
        pytest.param("a.txt", b"config of things\nmore\n", [], id="text that begins like an opcode"),
        pytest.param("a.py", b"(a, b) = 1, 2\n", [], id="source that begins like a mark"),
        pytest.param("a.bin", PICKLE + ZIP, ["pickle", "zip"], id="a pickle glued in front of a zip"),
        pytest.param("a", TENSORS, ["safetensors"], id="safetensors in a hub's cache"),
    ],
)
def test_every_row_that_the_bytes_or_the_name_ask_for_claims_the_file(
    name: str, data: bytes, wanted: list[str]
) -> None:
    assert names(name, data) == wanted


@pytest.mark.parametrize(
    ("name", "data", "broken"),
    [
        pytest.param("a.safetensors", PICKLE, "pickle", id="tensors that are a pickle"),
        pytest.param("a.gguf", PICKLE, "pickle", id="gguf that is a pickle"),
        pytest.param("a.txt", PICKLE, "pickle", id="text that is a pickle"),
        pytest.param("a.safetensors", ZIP, "zip", id="tensors that are an archive"),
        pytest.param("a.pkl", PICKLE, None, id="a pickle that says so"),
        pytest.param("a.bin", PICKLE, None, id="a name that promises nothing"),
        pytest.param("a", PICKLE, None, id="no name at all"),
        pytest.param("a.safetensors", TENSORS, None, id="tensors that are tensors"),
        pytest.param("a.txt", b"text", None, id="text that is text"),
    ],
)
def test_a_promise_is_broken_by_content_that_runs(name: str, data: bytes, broken: str | None) -> None:
    found = broken_promise(name, claims(name, data, data))
    assert (found.name if found else None) == broken


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("requirements.txt", "requirements"),
        ("a/requirements-dev.txt", "requirements"),
        ("dev-requirements.txt", "requirements"),
        ("Requirements.TXT", "requirements"),
        ("constraints.txt", "requirements"),
        ("requirements.in", "requirements"),
        ("requirements/dev.txt", "requirements"),
        ("pyproject.toml", "pyproject"),
        ("x/uv.lock", "uv-lock"),
        ("setup.py", "setup-py"),
        ("setup.cfg", "setup-cfg"),
        ("tools/run.py", "script"),
        ("pylock.dev.toml", "pylock"),
        ("pylock.toml", "pylock"),
        ("pipfile", "pipfile"),
        ("pipfile.lock", "pipfile-lock"),
        ("pdm.lock", "pdm-lock"),
        ("poetry.lock", "poetry-lock"),
        ("conda-lock.yml", "conda-lock"),
        ("gpu.conda-lock.yml", "conda-lock"),
        ("conda-linux-64.lock", "conda-explicit"),
        ("spec-file.txt", "conda-explicit"),
        ("pixi.toml", "pixi"),
        ("pixi.lock", "pixi-lock"),
        ("wheels/a-1.0-py3-none-any.whl", "wheel"),
        ("dist/a-1.0.tar.gz", "sdist"),
        ("data.tar.gz", None),
        ("env/conda-meta/history", None),
        ("readme.txt", None),
        ("requirements/notes.md", None),
        ("m/MLmodel", "mlmodel"),
        ("data/x.csv.dvc", "dvc"),
        (".dvc/config", "dvc-config"),
        ("x/config", None),
        ("README.md", "hub-card"),
        ("bentofile.yaml", "bentoml"),
    ],
)
def test_manifests_are_known_by_their_names(path: str, row: str | None) -> None:
    found = manifest_of(path)
    assert (found.name if found else None) == row


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        pytest.param("k8s/job.yaml", ["ray", "skypilot", "kubernetes"], id="several marks may stand in it"),
        pytest.param(
            "environment.yml", ["conda-environment", "ray", "skypilot", "kubernetes"], id="a name and marks"
        ),
        pytest.param(
            ".github/workflows/ci.yml", ["ray", "skypilot", "workflow", "kubernetes"], id="a folder and marks"
        ),
        pytest.param("chart/values.yaml", ["ray", "skypilot", "kubernetes", "helm-values"], id="Helm"),
        pytest.param("uv.lock", ["uv-lock"], id="a name that nobody shares"),
    ],
)
def test_a_file_is_read_by_its_name_and_by_every_mark(path: str, rows: list[str]) -> None:
    assert [row.name for row in manifests_of(path)] == rows


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        pytest.param(b"lr: 0.1\nmodel: {name: x}\n", [], id="any other YAML"),
        pytest.param(b"apiVersion: v1\nkind: Pod\n", ["kubernetes"], id="Kubernetes"),
        pytest.param(
            "apiVersion: v1\nkind: Pod\n".encode("utf-16"), ["ray", "skypilot", "kubernetes"], id="UTF-16"
        ),
        pytest.param(
            b'{"\\u0061piVersion": v1, "kind": Pod}', ["ray", "skypilot", "kubernetes"], id="a hidden key"
        ),
        pytest.param(b"- runtime_env: {pip: [x]}", ["ray"], id="Ray"),
    ],
)
def test_marks_are_looked_for_before_anything_is_parsed(data: bytes, rows: list[str]) -> None:
    assert [row.name for row in manifests_of("a/x.yaml") if row.holds is not None and row.holds(data)] == rows


def test_names_of_rows_are_unique() -> None:
    assert len(BY_NAME) == len(FORMATS)
    assert len({row.name for row in MANIFESTS}) == len(MANIFESTS)


def test_rows_cover_only_rows_that_are_there() -> None:
    assert all(other in BY_NAME for row in FORMATS for other in row.covers)


def test_every_row_can_be_met() -> None:
    assert all(row.suffixes or row.names or row.magic or row.sniff for row in FORMATS)
    assert all(
        suffix == suffix.lower() and suffix.startswith(".") for row in FORMATS for suffix in row.suffixes
    )


def test_the_reports_that_the_command_offers_are_there() -> None:
    assert list(REPORTS)[:5] == ["text", "json", "sarif", "cyclonedx", "openvex"]
    assert len(REPORTS) == 14


_MARKS = [bytes(offset) + mark for row in FORMATS for offset, mark in row.magic]
_NAMES = [
    *(before + suffix for row in FORMATS for suffix in row.suffixes for before in ("", "a", "a.b")),
    *(pattern.replace("*", "x").replace("?", "y") for row in FORMATS for pattern in row.names),
    *("", ".", "a", "model.bin.txt", "x" * 300, "a\n.pkl"),
]


def test_the_short_way_to_the_rows_finds_what_asking_every_row_finds() -> None:
    for name in _NAMES:
        assert with_name(name) == [row for row in FORMATS if row.claims_name(name)], name
    for data in [*_MARKS, PICKLE, ZIP, TENSORS, b"", b"{}", b"a: 1\n", bytes(600)]:
        for head in (data, data[:-1], data + bytes(64)):
            assert with_content(head, head) == [row for row in FORMATS if row.claims_content(head, head)]


_ROWS: tuple[tuple[str, ...], ...] = (
    *(row.names for row in FORMATS),
    *(row.names for row in MANIFESTS),
    *(row.names for row in PROOFS),
)
_GLOBS = sorted({name for names in _ROWS for name in names} | {"a*b*c", "[!x]?*", "*", "?"})
_ALL = ByName(enumerate(_ROWS))


@given(st.sampled_from(_GLOBS), st.text("ab1-_.*[x!f0", max_size=12), st.sampled_from(["", "a", "A.yml"]))
def test_names_made_ready_fit_what_their_patterns_fit(glob: str, filling: str, end: str) -> None:
    for name in (glob.replace("*", filling) + end, filling + glob.replace("*", ""), filling, glob):
        assert ByName([("row", [glob])]).of(name) == ["row"] * fnmatchcase(name, glob)
        fitting = [at for at, names in enumerate(_ROWS) if any(fnmatchcase(name, each) for each in names)]
        assert _ALL.of(name) == fitting


def test_a_serialised_object_of_java_is_known_by_its_mark_under_any_name() -> None:
    head = b"\xac\xed\x00\x05sr\x00\x11java.util.HashSet"
    for name in ("model.ser", "model.bin", "weka.model"):
        assert "java-object" in [claim.format.name for claim in claims(name, head, head)]
    assert "java-object" not in [claim.format.name for claim in claims("m.bin", b"\xac\xed\x00\x04", b"")]


TORCH7 = struct.pack("<iii", 4, 1, 3) + b"V 1" + struct.pack("<i", 17) + b"torch.FloatTensor"
COREML = b"\x08\x01\x12\x04\x0a\x02in" + b"\xa2\x19\x02\x0a\x00"  # field 404 behind the description
PROGRAM = b"\x0a\x10\x08\x00\x10" + b"\xff" * 9 + b"\x01\x1a\x02\x0a\x00"


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        pytest.param(b'{"learner":{"attributes":{}},"version":[3,2,0]}', "xgboost", id="XGBoost, JSON"),
        pytest.param(b'{"version": [1, 7, 6],\n "learner": {}}', "xgboost", id="XGBoost, JSON of old"),
        pytest.param(b"\x01\xab\xff\xffversion:\3\0", "xgboost", id="XGBoost, a matrix"),
        pytest.param(b"______LightGBM_Binary_File_Token______\n", "lightgbm", id="LightGBM, a data set"),
        pytest.param(
            b'{\n  "features_info":\n {\n "float_features":\n []}}', "catboost", id="CatBoost, JSON"
        ),
        pytest.param(TORCH7, "torch7", id="Torch7"),
        pytest.param(b"4\n1\n3\nV 1\n13\nnn.Sequential\n", "torch7", id="Torch7, text"),
        pytest.param(
            struct.pack("<IQIi", 0, 0, 0, 4) + b"\x08\x05\x10\x02" + bytes(8), "paddle", id="Paddle, a tensor"
        ),
        pytest.param(PROGRAM, "paddle", id="Paddle, a program"),
        pytest.param(COREML, "coreml", id="Core ML"),
        pytest.param(b'{"item_handlers": "x"}', "orbax", id="Orbax"),
        pytest.param(b"A\n3\n262657\n", "r-data", id="R, text"),
    ],
)
def test_a_format_is_recognised_under_any_name(data: bytes, wanted: str) -> None:
    assert wanted in names("weights.bin", data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("old.bst", struct.pack("<fII", 0.5, 3, 0) + bytes(200), id="XGBoost before its mark"),
        pytest.param("table.t7", struct.pack("<ii", 3, 1) + bytes(40), id="a table of Torch7"),
        pytest.param("m.mlmodel", b"\x08\x04\x12\x02\x0a\x00", id="Core ML, cut off"),
        pytest.param("m.msgpack", b"\x81\xa6params\x80", id="Flax"),
    ],
)
def test_a_mark_that_not_every_file_has_contradicts_no_name(name: str, data: bytes) -> None:
    (claim,) = claims(name, data, data)
    assert claim.by_name
    assert claim.format.by_name_only


@pytest.mark.parametrize(
    "data",
    [
        bytes(200),
        b'{"learners": 1}',
        b"\x08\x01\x12\x02\x0a\x00\x12\x00",
        b"4\n1\n3\n",
        b"\4\0\0\0" + bytes(40),
    ],
)
def test_other_bytes_are_not_taken_for_a_model(data: bytes) -> None:
    found = set(names("weights.bin", data))
    assert not found & {"xgboost", "catboost", "coreml", "paddle", "torch7", "orbax"}
