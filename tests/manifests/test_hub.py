"""Cards and configurations of a hub: what they name there, what they say, and what is only a path."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import FactName, Kind, Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import card, hub, hub_files
from scanner.model import Declaration, Described, Evidence, ManifestParser, Reading

COMMIT = "26bca36bde8333b5d7f72e9ed20ccda6a618af24"
HERE = Location("README.md")


def read(parse: ManifestParser, text: str) -> list[Reading]:
    return list(parse(text.encode("utf-8", "surrogatepass"), HERE))


def named(parse: ManifestParser, text: str) -> list[tuple[str, str, int | None]]:
    rows = [row for row in read(parse, text) if isinstance(row, Declaration)]
    assert all(row.ecosystem == "huggingface" for row in rows)
    return [(row.name, row.version or row.specifier, row.where.line) for row in rows]


def said(parse: ManifestParser, text: str) -> list[tuple[str, object]]:
    rows = [row for row in read(parse, text) if isinstance(row, Described)]
    return [(fact.name.value, fact.value) for row in rows for fact in row.facts]


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "revision", "name", "version", "ref"),
    [
        ("org/name", "", "org/name", "", ""),
        ("org/name", COMMIT.upper(), "org/name", COMMIT, ""),
        ("org/name", "main", "org/name", "", "main"),
        ("org/name", COMMIT[:7], "org/name", "", COMMIT[:7]),
        ("gpt2", "", "gpt2", "", ""),
        ("https://huggingface.co/org/name", "", "org/name", "", ""),
        ("https://huggingface.co/datasets/org/d", "", "datasets/org/d", "", ""),
        (f"https://hf.co/org/name/tree/{COMMIT}", "", "org/name", COMMIT, ""),
        (f"hf://org/name@{COMMIT}", "", "org/name", COMMIT, ""),
        ("hf://datasets/squad", "", "datasets/squad", "", ""),
        ("datasets/org/d", "", "datasets/org/d", "", ""),
    ],
)
def test_a_name_is_pinned_by_a_whole_commit_alone(
    text: str, revision: str, name: str, version: str, ref: str
) -> None:
    found = hub.reference(text, HERE, revision)
    assert found is not None
    assert (found.name, found.version, found.specifier) == (name, version, ref)


@pytest.mark.parametrize(
    "text",
    ["", "a/b/c", "-x/y", "a..b/c", "a--b/c", "x/y.git", "a b", "../x", "org/", "/x", "x" * 200, "ö/x"],
)
def test_what_the_hub_would_refuse_is_no_name(text: str) -> None:
    assert hub.reference(text, HERE) is None


@pytest.mark.parametrize(
    ("text", "is_hub"),
    [
        ("meta-llama/Llama-3-8B", True),
        ("bert-base-uncased", True),
        ("gpt2", True),
        ("my-model", False),
        ("./out", False),
        ("/home/me/llama", False),
        ("output/checkpoint-500", False),
        ("results/bert", False),
        ("org/checkpoint-500", False),
        ("C:\\models\\x", False),
        ("org/model.safetensors", False),
        ("a/b/c", False),
        ("", False),
    ],
)
def test_what_a_loader_was_given_may_be_a_path(text: str, is_hub: bool) -> None:
    assert (hub.loaded_from(text, HERE) is not None) == is_hub


# --- cards ------------------------------------------------------------------------------------------------

CARD = """\
---
license: other
license_name: llama3
license_link: LICENSE
base_model:
  - meta-llama/Llama-3-8B
  - ./local
base_model_relation: finetune
datasets: [squad, "org/data"]
library_name: peft
pipeline_tag: text-generation
language: [en, de]
tags:
- llama
model-index:
- name: net
  results:
  - task: {type: text-generation}
    dataset: {name: GLUE, type: glue, config: sst2, split: test}
    metrics:
    - {type: accuracy, value: 0.91, verified: true}
    - {name: f1, value: 0.5}
---
# base_model: evil/not-front-matter
"""


def test_a_card_names_its_base_and_its_data_and_says_the_rest() -> None:
    assert named(card.parse, CARD) == [
        ("meta-llama/Llama-3-8B", "", 6),
        ("datasets/squad", "", 9),
        ("datasets/org/data", "", 9),
    ]
    assert said(card.parse, CARD) == [
        ("framework", "peft"),
        ("task", "text-generation"),
        ("language", "en"),
        ("language", "de"),
        ("tag", "llama"),
        ("base-model-relation", "finetune"),
        ("licence-link", "LICENSE"),
        ("base-model", "meta-llama/Llama-3-8B"),
        ("base-model", "./local"),
        ("dataset", "squad"),
        ("dataset", "org/data"),
        ("licence", "llama3"),
        ("metric", "accuracy: 0.91 (GLUE, sst2, test)"),
        ("metric", "f1: 0.5 (GLUE, sst2, test)"),
    ]
    (about,) = [row for row in read(card.parse, CARD) if isinstance(row, Described)]
    assert (about.kind, about.name) == (Kind.MODEL, "net")


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("co2_eq_emissions: 120", "120 g CO2eq"),
        (
            "co2_eq_emissions:\n  emissions: 1.5\n  hardware_used: 8 A100\n  source: mlco2\n",
            "1.5 g CO2eq (hardware used: 8 A100; source: mlco2)",
        ),
        ("co2_eq_emissions:\n  source: mlco2", None),
        ("co2_eq_emissions: ''", None),
        ("co2_eq_emissions: [1, 2]", None),
    ],
)
def test_a_card_tells_what_training_emitted(front: str, told: str | None) -> None:
    rows = dict(said(card.parse, f"---\npipeline_tag: fill-mask\n{front}\n---\n"))
    assert rows.get("emissions") == told


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("co2_eq_emissions:\n  energy_consumed: 0.12\n  training_type: fine-tuning", "0.12 kWh: fine-tuning"),
        ("co2_eq_emissions:\n  energy_consumed: 3\n  emissions: 9", "3 kWh: training"),
        ("co2_eq_emissions:\n  energy_consumed: a lot", None),
        ("co2_eq_emissions:\n  energy_consumed: [1]", None),
        ("co2_eq_emissions: 120", None),
    ],
)
def test_a_card_tells_the_energy_of_training(front: str, told: str | None) -> None:
    rows = dict(said(card.parse, f"---\npipeline_tag: fill-mask\n{front}\n---\n"))
    assert rows.get("energy") == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("- **Developed by:** Ada Lovelace", "Ada Lovelace"),
        ("* **Developed By**: [Acme Research](https://acme.example)", "Acme Research"),
        ("- **Developed by [optional]:** [More Information Needed]", None),
        ("- **Shared by:** somebody", None),
        ("Developed by accident.", None),
    ],
)
def test_a_card_tells_who_developed_the_model(line: str, told: str | None) -> None:
    rows = dict(said(card.parse, f"---\npipeline_tag: fill-mask\n---\n# Model\n\n{line}\n"))
    assert rows.get("author") == told


def test_a_data_set_card_is_of_data() -> None:
    text = (
        "---\npretty_name: Cats\ntask_categories: [image-classification]\n"
        "source_datasets: [original, 'extended|glue']\n---\n"
    )
    (about,) = [row for row in read(card.parse, text) if isinstance(row, Described)]
    assert (about.kind, about.name) == (Kind.DATA, "Cats")
    assert named(card.parse, text) == [("datasets/glue", "", 4)]


def test_a_space_runs_a_release_of_its_sdk() -> None:
    text = (
        "---\nsdk: gradio\nsdk_version: 4.36.1\nmodels: [org/a]\npreload_from_hub:\n"
        f"- org/b a.bin {COMMIT}\n---\n"
    )
    rows = [row for row in read(card.parse, text) if isinstance(row, Declaration)]
    assert [(row.ecosystem, row.name, row.version, row.where.line) for row in rows] == [
        ("pypi", "gradio", "4.36.1", 3),
        ("huggingface", "org/b", COMMIT, 6),
        ("huggingface", "org/a", "", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# A project\nbase_model: a/b\n", id="no front matter"),
        pytest.param("---\ntitle: My blog\ntags: [x]\n---\n", id="somebody else's front matter"),
        pytest.param("text\n---\nbase_model: a/b\n---\n", id="a rule in the text"),
        pytest.param("---\nbase_model: a/b\n", id="front matter that never ends"),
        pytest.param("---\n- base_model\n---\n", id="a list"),
        pytest.param("", id="nothing"),
    ],
)
def test_any_other_readme_is_nobodys(text: str) -> None:
    assert read(card.parse, text) == []


def test_what_no_repository_can_be_called_is_told() -> None:
    (row,) = [row for row in read(card.parse, "---\nbase_model: a b c\n---\n") if isinstance(row, Evidence)]
    assert (row.rule, row.where.line) == ("COV-005", 2)


def test_a_card_that_is_no_yaml_or_explodes_is_told() -> None:
    with pytest.raises(Malformed) as broken:
        read(card.parse, "---\nlicense: mit\nbase_model: [a\n---\n")
    assert broken.value.line is not None
    bomb = "---\nlicense: mit\na: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + at)}: &{chr(98 + at)} [{','.join([f'*{chr(97 + at)}'] * 10)}]\n" for at in range(8)
    )
    with pytest.raises(LimitReached):
        read(card.parse, bomb + "---\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_hold_in_every_encoding(encoding: str, end: str) -> None:
    text = "---\nlicense: mit\nauthor: Zoë\nbase_model: a/b\n---\nx\n".replace("\n", end)
    rows = [row for row in card.parse(text.encode(encoding), HERE) if isinstance(row, Declaration)]
    assert [(row.name, row.where.line) for row in rows] == [("a/b", 4)]


# --- configurations ---------------------------------------------------------------------------------------


def test_an_adapter_names_its_base_at_its_commit() -> None:
    text = json.dumps(
        {
            "peft_type": "LORA",
            "base_model_name_or_path": "org/b",
            "revision": COMMIT,
            "task_type": "CAUSAL_LM",
        },
        indent=1,
    )
    assert named(hub_files.parse, text) == [("org/b", COMMIT, 3)]
    assert said(hub_files.parse, text) == [
        ("task", "CAUSAL_LM"),
        ("framework", "peft"),
        ("model-type", "LORA"),
        ("base-model-relation", "adapter"),
        ("base-model", "org/b"),
    ]


def test_a_configuration_tells_of_the_weights_beside_it() -> None:
    text = json.dumps(
        {
            "_name_or_path": "./out",
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "num_hidden_layers": 32,
            "vocab_size": 32000,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.40.0",
            "quantization_config": {"quant_method": "gptq", "bits": 4},
            "encoder": {"_name_or_path": "org/enc"},
            "auto_map": {"AutoModel": ["evil/repo--m.M", None]},
        },
        indent=1,
    )
    assert named(hub_files.parse, text) == [("org/enc", "", 16), ("evil/repo", "", 18)]
    assert said(hub_files.parse, text) == [
        ("architecture", "LlamaForCausalLM"),
        ("model-type", "llama"),
        ("dtypes", "bfloat16"),
        ("layers", 32),
        ("vocabulary", 32000),
        ("framework", "transformers"),
        ("framework-version", "transformers 4.40.0"),
        ("quantization", "gptq 4-bit"),
    ]


def test_sentence_transformers_and_diffusers_are_known() -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    assert said(hub_files.parse, json.dumps(modules)) == [
        ("framework", "sentence-transformers"),
        ("loader", "sentence_transformers.models.Transformer"),
    ]
    versions = {"__version__": {"sentence_transformers": "2.2.2", "pytorch": "2.0"}}
    assert ("framework-version", "sentence_transformers 2.2.2") in said(hub_files.parse, json.dumps(versions))
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.21",
        "_name_or_path": "org/sd",
    }
    assert named(hub_files.parse, json.dumps(index)) == [("org/sd", "", 1)]


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"a": {"architectures": []}}', "[1, {}]", '"x"', '{"name": "x"}']
)
def test_any_other_configuration_is_nobodys(text: str) -> None:
    assert read(hub_files.parse, text) == []


def test_hostile_configurations_end_in_an_error_of_ours() -> None:
    with pytest.raises(LimitReached):
        read(hub_files.parse, '{"model_type":' + "[" * 10_000 + "]" * 10_000 + "}")
    with pytest.raises(Malformed):
        read(hub_files.parse, '{"model_type": ')


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("org/x"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*hub_files.MARKS, "quantization_config", "revision"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_ends_in_readings(document: object) -> None:
    for row in read(hub_files.parse, json.dumps(document)):
        assert isinstance(row, Declaration | Described)


@given(
    st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}/[a-z][a-z0-9]{0,8}", fullmatch=True), unique=True, max_size=5)
)
def test_a_rendered_card_reads_back(names: list[str]) -> None:
    text = "---\nlicense: mit\nbase_model:\n" + "".join(f"- {name}\n" for name in names) + "---\n"
    assert named(card.parse, text) == [(name, "", at) for at, name in enumerate(names, 4)]
    bases = [value for name, value in said(card.parse, text) if name == FactName.BASE_MODEL.value]
    assert bases == names
