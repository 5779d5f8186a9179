"""``weighbridge trace`` and the chain in reports, as a user meets them on a sample like typical/."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import weighbridge

SAMPLE = Path(__file__).resolve().parents[2] / "sample_projects" / "typical"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "typical"
    shutil.copytree(SAMPLE, root)
    if not (root / "checkpoints" / "epoch-3.pt").is_file():
        pytest.skip("the samples are not built: python tools/build_samples.py")
    return root


STEPS = [
    ".github/workflows/train.yml:12 (job smoke; on push, pull_request) runs train.py",
    "train.py:18",
    "torch.load, from torch 2.1.2+cu121, when it is run; it runs what it reads",
    "loads checkpoints/epoch-3.pt",
    "SRC-004 low:",
    "Fix: ",
]


def in_order(text: str, steps: list[str]) -> bool:
    at = 0
    flat = " ".join(text.split())
    for step in steps:
        at = flat.find(step, at)
        if at < 0:
            return False
    return True


def test_the_text_report_shows_the_whole_chain(tree: Path) -> None:
    done = weighbridge("scan", ".", "--no-advisories", cwd=tree)
    assert in_order(done.out.partition("What is loaded, and what runs it")[2], STEPS)


@pytest.mark.parametrize(
    "name", ["checkpoints/epoch-3.pt", "epoch-3.pt", "torch", "pkg:pypi/torch", "train.py:18"]
)
def test_trace_prints_the_way_from_the_pipeline_to_the_fix(tree: Path, name: str) -> None:
    done = weighbridge("trace", name, "--no-advisories", cwd=tree)
    assert done.code == 0
    assert in_order(done.out, STEPS)


def test_trace_knows_models_and_data_sets_of_a_hub(tree: Path) -> None:
    for name, line in (
        ("bert-base-uncased", "train.py:13"),
        ("imdb", "train.py:22"),
        ("datasets/imdb", "train.py:22"),
    ):
        assert line in weighbridge("trace", name, "--no-advisories", cwd=tree).out


def test_trace_as_json_is_one_document_with_the_findings(tree: Path) -> None:
    found = weighbridge("trace", "train.py:18", "--no-advisories", "--format", "json", cwd=tree).json
    (chain,) = found["chains"]
    assert chain["runs"][0]["events"] == ["push", "pull_request"]
    assert {row["rule"] for row in chain["findings"]} == {"ART-003", "SRC-004"}


def test_what_nothing_loads_is_exit_1_with_the_nearest_name(tree: Path) -> None:
    done = weighbridge("trace", "bert-base-uncase", "--no-advisories", cwd=tree)
    assert done.code == 1
    assert "Nearest: bert-base-uncased" in done.out


def test_what_nobody_can_tell_is_exit_3_and_said(tree: Path) -> None:
    (tree / "other.py").write_text("import torch, sys\ntorch.load(sys.argv[1])\n")
    done = weighbridge("trace", "weights/none.pt", "--no-advisories", cwd=tree)
    assert done.code == 3
    assert "other.py:2" in done.out


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("{root}/checkpoints/epoch-3.pt", id="an absolute path"),
        pytest.param("typical/checkpoints/epoch-3.pt", id="from the working directory"),
        pytest.param("./typical/../typical/checkpoints/", id="a folder, and a detour"),
        pytest.param("checkpoints\\epoch-3.pt", id="as Windows writes it"),
        pytest.param("C:\\work\\typical\\checkpoints\\epoch-3.pt", id="a path of another machine"),
        pytest.param("{root}/train.py:18", id="a line at an absolute path"),
        pytest.param("typical", id="the checkout itself"),
    ],
)
def test_a_path_may_be_spelled_in_any_way(tree: Path, name: str) -> None:
    done = weighbridge("trace", name.format(root=tree), "typical", "--no-advisories", cwd=tree.parent)
    assert done.code == 0
    assert "loads checkpoints/epoch-3.pt" in done.out


@pytest.mark.parametrize(
    "name",
    [
        "https://huggingface.co/bert-base-uncased/tree/main",
        "pkg:huggingface/bert-base-uncased",
        "BERT-Base-Uncased",
        "train.py:13",
    ],
)
def test_a_model_may_be_named_by_its_address(tree: Path, name: str) -> None:
    assert "train.py:13" in weighbridge("trace", name, "--no-advisories", cwd=tree).out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("weights/model.safetensors", "weights/model.safetensors is in the checkout, and no line of code"),
        ("weights/", "weights is a folder of the checkout, and no line of code"),
        ("train.py:1", "Nothing is loaded at train.py:1. Lines of it that load something: train.py:13,"),
        ("README.md:2", "No line of README.md that was read loads anything."),
        ("scikit_learn", "scikit-learn ~=1.3 is asked for (pyproject.toml:15, requirements.txt:9), and no"),
        ("pkg:pypi/torch@2.6.0", "What the checkout has of that is torch 2.1.2+cu121 (pyproject.toml:12,"),
        ("nothing/of/that", "Nothing in the checkout is called nothing/of/that, and no line of code"),
        ("C:\\a\\b.pt", "Nothing in the checkout is called C:\\a\\b.pt, and no line of code"),
        ("a" * 5_000, "Nothing in the checkout is called aaa"),
        ("http://[", "Nothing in the checkout is called http://[, and no line"),
        ("\x1b[31mred", "Nothing in the checkout is called \\x1b[31mred, and no line"),
    ],
)
def test_what_nothing_loads_is_told_for_what_it_is(tree: Path, name: str, said: str) -> None:
    done = weighbridge("trace", name, "--no-advisories", cwd=tree)
    assert done.code == 1
    assert said in " ".join(done.out.split())


@pytest.mark.parametrize("name", ["/etc/passwd", "../other/a.pt", "..", "~/models/a.pt"])
def test_a_path_out_of_the_checkout_is_wrong_usage(tree: Path, name: str) -> None:
    done = weighbridge("trace", name, "--no-advisories", cwd=tree)
    assert done.code == 2
    assert "lies outside of the checkout" in done.err


def test_an_absolute_path_that_the_code_names_is_found(tree: Path) -> None:
    (tree / "other.py").write_text("import pickle\npickle.load(open('/opt/models/a.pkl', 'rb'))\n")
    assert "other.py:2" in weighbridge("trace", "/opt/models/a.pkl", "--no-advisories", cwd=tree).out


def test_an_empty_name_and_a_foreign_format_are_usage_errors(tree: Path) -> None:
    assert weighbridge("trace", " ", cwd=tree).code == 2
    assert weighbridge("trace", "torch", "--format", "xml", cwd=tree).code == 2


def test_the_bill_of_materials_lists_what_only_code_mentions(tree: Path) -> None:
    done = weighbridge("sbom", "write", ".", "--no-advisories", cwd=tree)
    parts = {part["name"]: part for part in json.loads(done.out)["components"]}
    model = parts["distilbert-base-uncased-finetuned-sst-2-english"]
    assert model["type"] == "machine-learning-model"
    assert model["evidence"]["occurrences"] == [
        {"additionalContext": "cell 2", "line": 5, "location": "notebooks/errors.ipynb"}
    ]
    needs = {row["ref"]: row.get("dependsOn", []) for row in json.loads(done.out)["dependencies"]}
    assert "pkg:pypi/torch@2.1.2%2Bcu121" in needs[parts["epoch-3.pt"]["bom-ref"]]
    assert parts["datasets/imdb"]["type"] == "data"


def test_sarif_points_from_the_file_to_the_line_that_loads_it(tree: Path) -> None:
    done = weighbridge("scan", ".", "--no-advisories", "--format", "sarif", cwd=tree)
    results = json.loads(done.out)["runs"][0]["results"]
    (row,) = [one for one in results if one["properties"]["rule"] == "ART-003"]
    said = {one["message"]["text"] for one in row["relatedLocations"]}
    assert "torch.load loads it here, which .github/workflows/train.yml:12 runs." in said
