"""What calls of the hub's libraries take from folders of the tree itself."""

import pytest

from scanner.code.local import chosen, is_dataset_script
from scanner.model import LoadSite
from tests.code.reading import reading

T = "import transformers\n"
D = "from datasets import load_dataset\n"
P = "import diffusers\n"
SAFE, PICKLE = "m/model.safetensors", "m/pytorch_model.bin"


def sites(text: str, *held: str, datasets: str = "") -> dict[str, bool | None]:
    """What is loaded, and whether that may run code."""
    locked = {"datasets": datasets} if datasets else {}
    found = reading({"main.py": text}, held=held, locked=locked).sites
    return {str(getattr(row.target, "name", row.target)): row.unsafe for row in found}


def rules(text: str, *held: str, datasets: str = "") -> list[str]:
    locked = {"datasets": datasets} if datasets else {}
    return sorted({row.rule for row in reading({"main.py": text}, held=held, locked=locked).evidence})


def given(options: str) -> str:
    return f"{T}transformers.AutoModel.from_pretrained('./m'{options})\n"


@pytest.mark.parametrize(
    ("text", "held", "wanted"),
    [
        pytest.param(given(""), (SAFE, PICKLE), {SAFE: False}, id="safetensors come first"),
        pytest.param(given(""), (PICKLE,), {PICKLE: None}, id="else a pickle"),
        pytest.param(given(", use_safetensors=False"), (SAFE, PICKLE), {PICKLE: None}, id="ruled out"),
        pytest.param(given(", weights_only=False"), (PICKLE,), {PICKLE: True}, id="without its safe mode"),
        pytest.param(given(", variant='x'"), (SAFE, "m/model.x.bin"), {"m/model.x.bin": None}, id="variant"),
        pytest.param(given(", subfolder='x'"), (PICKLE, "m/x/model.pt"), {"m/x/model.pt": None}, id="below"),
        pytest.param(
            given(""),
            ("m/model-00001-of-00002.safetensors", "m/model-00002-of-00002.safetensors"),
            {"m/model-00001-of-00002.safetensors": False, "m/model-00002-of-00002.safetensors": False},
            id="shards",
        ),
        pytest.param(given(", trust_remote_code=True"), (SAFE,), {SAFE: False, "m": True}, id="program"),
        pytest.param(given("").replace("./m", "."), ("model.bin",), {"model.bin": None}, id="root"),
        pytest.param(given("").replace("AutoModel", "AutoTokenizer"), (PICKLE,), {}, id="a tokenizer"),
        pytest.param(given("").replace("./m", "o/m"), (PICKLE,), {}, id="of the hub"),
        pytest.param(
            f"{P}diffusers.DiffusionPipeline.from_pretrained('m')\n",
            ("m/unet/diffusion_pytorch_model.bin", "m/vae/diffusion_pytorch_model.safetensors"),
            {"m/unet/diffusion_pytorch_model.bin": None, "m/vae/diffusion_pytorch_model.safetensors": False},
            id="the parts of a pipeline",
        ),
    ],
)  # fmt: skip
def test_the_file_that_is_taken_is_the_one_the_library_would_take(
    text: str, held: tuple[str, ...], wanted: dict[str, bool | None]
) -> None:
    assert sites(text, *held) == wanted


def test_a_folder_of_the_tree_is_no_stranger_in_whatever_version() -> None:
    text = given(", trust_remote_code=True")
    assert rules(text, SAFE, "m/modeling.py") == ["SRC-004"]
    assert rules(text.replace("./m", "o/m"), SAFE) == ["SRC-001"]


def test_the_commit_of_foreign_code_is_kept_for_the_join() -> None:
    commit = "b" * 40
    read = reading({"main.py": given(f", trust_remote_code=True, code_revision='{commit}'")}, held=[SAFE])
    (row,) = (row for row in read.sites if row.format == "hub-code")
    assert isinstance(row, LoadSite)
    assert row.options == (("code_revision", commit),)


LOAD = f"{D}load_dataset('d/x'{{}})\n"
TRUST = LOAD.format(", trust_remote_code=True")


@pytest.mark.parametrize(
    ("text", "version", "unsafe", "told"),
    [
        pytest.param(TRUST, "", True, ["DAT-002"], id="trusted"),
        pytest.param(TRUST, "4.1.0", False, [], id="no release from 4.0 on runs one"),
        pytest.param(LOAD.format(""), "2.14.0", True, ["DAT-002"], id="older ones do not ask"),
        pytest.param(LOAD.format(""), "2.21.0", None, [], id="newer ones ask"),
        pytest.param(LOAD.format(""), "", None, [], id="no release is known"),
    ],
)
def test_a_script_is_run_as_the_release_has_it(
    text: str, version: str, unsafe: bool | None, told: list[str]
) -> None:
    assert sites(text, "d/x/x.py", datasets=version) == {"d/x/x.py": unsafe}
    assert rules(text, "d/x/x.py", datasets=version) == told


def test_a_folder_of_data_alone_runs_nothing() -> None:
    assert sites(TRUST, "d/x/train.parquet") == {}
    assert rules(TRUST, "d/x/train.parquet") == []


def test_a_script_may_be_named_itself() -> None:
    assert sites(TRUST.replace("d/x", "d/x/load.py"), "d/x/load.py") == {"d/x/load.py": True}


def pipeline(name: str, options: str = "") -> str:
    return f"{P}diffusers.DiffusionPipeline.from_pretrained('o/m', custom_pipeline='{name}'{options})\n"


@pytest.mark.parametrize(
    ("name", "options", "rule"),
    [
        pytest.param("o/p", "", "SRC-001", id="of the hub"),
        pytest.param("o/p", f", custom_revision='{'a' * 40}'", "SRC-002", id="at a commit"),
        pytest.param("lpw", "", "SRC-001", id="of the community"),
        pytest.param("./p", "", "SRC-004", id="of the tree, a folder"),
        pytest.param("p/pipeline.py", "", "SRC-004", id="of the tree, a file"),
    ],
)
def test_a_pipeline_of_its_own_is_told_by_where_it_comes_from(name: str, options: str, rule: str) -> None:
    assert rules(pipeline(name, options), "p/pipeline.py") == sorted([rule, "SRC-005"])


def test_a_pipeline_that_is_nowhere_is_not_guessed_at() -> None:
    assert rules(pipeline("./gone.py")) == ["SRC-005"]


@pytest.mark.parametrize(
    "name",
    [
        "optimizer.bin",
        "training_args.bin",
        "model.safetensors.index.json",
        "xmodel.safetensors",
        "model.bin.txt",
    ],
)
def test_other_files_are_no_weights(name: str) -> None:
    assert chosen(frozenset({f"m/{name}"}), "m") == ()


def test_what_builds_a_data_set_is_known_by_its_class() -> None:
    assert is_dataset_script(b"import datasets\nclass A(datasets.ArrowBasedBuilder): ...")
    assert not is_dataset_script(b"import datasets\nclass A: ...")
    assert not is_dataset_script(b"class A(GeneratorBasedBuilder): ...")
