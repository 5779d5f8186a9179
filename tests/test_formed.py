"""How things are made: stages of pipelines as workflows over what the inventory holds."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from scanner.inventory.formed import shown
from tests.cli.command import weighbridge

Json = dict[str, Any]

DVC = """\
stages:
  prepare:
    cmd: python src/prepare.py data/raw.csv data/clean.csv
    deps: [src/prepare.py, data/raw.csv]
    outs: [data/clean.csv]
  train:
    cmd:
      - python src/train.py --lr ${lr}
      - WANDB_API_KEY=abcdef123456 python src/report.py
    deps:
      - data/clean.csv
    params: [lr, epochs]
    outs:
      - models/net.safetensors
    metrics:
      - metrics.json
"""
LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python src/train.py
    deps: []
    params:
      params.yaml:
        lr: 0.01
        layers: [1, 2]
"""
PROJECT = """\
name: reviews
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
      data: path
    command: "python train.py {alpha} {data}"
"""


def tree(tmp_path: Path, **files: str) -> Path:
    root = tmp_path / "repo"
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def tasks(root: Path, *options: str) -> dict[str, Json]:
    document = weighbridge("sbom", "write", "--no-advisories", *options, ".", cwd=root).json
    flows = [flow for formula in document.get("formulation", []) for flow in formula["workflows"]]
    return {f"{flow['name']}#{task['name']}": task for flow in flows for task in flow["tasks"]}


def refs(rows: list[Json]) -> list[str]:
    found = [row["resource"] for row in rows if "resource" in row]
    return [one.get("ref") or one["externalReference"]["url"] for one in found]


def parameters(task: Json) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for row in task["inputs"] for one in row.get("parameters", ())}


@pytest.mark.parametrize("spec", ["1.6", "1.7"])
def test_stages_of_dvc_say_what_they_run_take_and_give(tmp_path: Path, spec: str) -> None:
    root = tree(tmp_path, dvc_dot_yaml=DVC, dvc_dot_lock=LOCK, src__train_dot_py="import torch\n")
    found = tasks(root, "--spec", spec)
    assert list(found) == ["dvc.yaml#prepare", "dvc.yaml#train"]
    train = found["dvc.yaml#train"]
    assert [one["executed"] for one in train["steps"][0]["commands"]] == [
        "python src/train.py --lr ${lr}",
        "WANDB_API_KEY=*** python src/report.py",
    ]
    assert refs(found["dvc.yaml#prepare"]["outputs"]) == refs(train["inputs"])
    assert [one.partition("?")[0] for one in refs(train["outputs"])] == [
        "pkg:generic/net.safetensors",
        "metrics.json",
    ]
    # What a run was made with stands in the lock; what the stage only names has no value.
    assert parameters(train) == {"epochs": "", "layers": "1, 2", "lr": "0.01"}
    flow = weighbridge("sbom", "write", "--no-advisories", ".", cwd=root).json["formulation"][0]["workflows"][
        0
    ]
    assert flow["taskDependencies"] == [
        {"ref": "workflow:dvc.yaml#train", "dependsOn": ["workflow:dvc.yaml#prepare"]}
    ]


def test_each_turn_of_a_stage_is_a_task_of_its_own(tmp_path: Path) -> None:
    text = (
        "stages:\n  fit:\n    foreach: {us: 3, uk: 4}\n    do:\n      cmd: python fit.py ${key} ${item}\n"
        "  grid:\n    matrix:\n      size: [s, l]\n      seed: [1]\n"
        "    cmd: python grid.py ${item.size} ${item.seed}\n"
    )
    found = tasks(tree(tmp_path, dvc_dot_yaml=text))
    assert {name: task["steps"][0]["commands"][0]["executed"] for name, task in found.items()} == {
        "dvc.yaml#fit@us": "python fit.py us 3",
        "dvc.yaml#fit@uk": "python fit.py uk 4",
        "dvc.yaml#grid@s-1": "python grid.py s 1",
        "dvc.yaml#grid@l-1": "python grid.py l 1",
    }


def test_entry_points_of_mlflow_say_what_they_can_be_told(tmp_path: Path) -> None:
    task = tasks(tree(tmp_path, MLproject=PROJECT))["MLproject#main"]
    assert task["steps"][0]["commands"] == [{"executed": "python train.py {alpha} {data}"}]
    assert parameters(task) == {"alpha": "0.5", "data": ""}


def test_a_job_takes_its_actions_and_what_the_script_that_it_runs_loads(tmp_path: Path) -> None:
    workflow = (
        "on: push\njobs:\n  fit:\n    steps:\n      - uses: actions/checkout@v4\n"
        "      - uses: ./local\n      - name: Fit\n        run: |\n          pip install torch\n"
        "          python train.py\n"
    )
    script = (
        "from transformers import AutoModel\nAutoModel.from_pretrained('google-bert/bert-base-uncased')\n"
    )
    root = tree(tmp_path, _dot_github__workflows__ci_dot_yml=workflow, train_dot_py=script)
    task = tasks(root)[".github/workflows/ci.yml#fit"]
    assert task["steps"] == [
        {"name": "Fit", "commands": [{"executed": "pip install torch\npython train.py"}]}
    ]
    assert refs(task["inputs"]) == [
        "pkg:github/actions/checkout@v4",
        "pkg:huggingface/google-bert/bert-base-uncased",
    ]


GITLAB = """\
image: python:3.12
variables: {PIP_QUIET: "1"}
default:
  before_script: [pip install torch]
.setup:
  script: [dvc pull]
.fit:
  image: {name: "pytorch/pytorch:2.6.0"}
  script: [echo never]
stages: [fit, test]
fit:
  extends: [.fit]
  before_script:
    - !reference [.setup, script]
  script:
    - python train.py --token hunter2secret
  artifacts:
    paths: [models/net.safetensors, $OUT/x.bin]
test:
  stage: test
  script: pytest
deploy:
  trigger: other/project
"""


def test_jobs_of_gitlab_say_what_they_run_in_what_image_and_what_they_hand_on(tmp_path: Path) -> None:
    script = (
        "from transformers import AutoModel\nAutoModel.from_pretrained('google-bert/bert-base-uncased')\n"
    )
    found = tasks(tree(tmp_path, **{"_dot_gitlab-ci_dot_yml": GITLAB}, train_dot_py=script))
    assert list(found) == [".gitlab-ci.yml#fit", ".gitlab-ci.yml#test"]
    fit, test = found.values()
    assert fit["steps"] == [
        {"name": "before_script", "commands": [{"executed": "dvc pull"}]},
        {"name": "script", "commands": [{"executed": "python train.py --token ***"}]},
    ]
    assert [one.partition("?")[0] for one in refs(fit["inputs"])] == [
        "pkg:oci/pytorch",
        "pkg:huggingface/google-bert/bert-base-uncased",
    ]
    assert refs(fit["outputs"]) == ["models/net.safetensors"]
    # What a job does not say the default says, and then the top of the file.
    assert [step["commands"][0]["executed"] for step in test["steps"]] == ["pip install torch", "pytest"]
    assert [one.partition("?")[0] for one in refs(test["inputs"])] == ["pkg:oci/python"]


def test_jobs_of_gitlab_that_stand_for_one_another_without_end_come_to_one(tmp_path: Path) -> None:
    ring = "a:\n  extends: [b, a]\n  script: [!reference [a, script]]\n"
    wide = "".join(
        f"j{at}:\n  script: [{', '.join([f'!reference [j{at + 1}, script]'] * 40)}]\n" for at in range(12)
    )
    text = f"first: {{script: make}}\n{ring}b:\n  extends: first\n{wide}j12:\n  script: []\n"
    found = tasks(tree(tmp_path, **{"_dot_gitlab-ci_dot_yml": text}))
    assert [name.partition("#")[2] for name in found] == ["first", "b"]


def test_where_no_file_states_a_step_there_is_no_formulation(tmp_path: Path) -> None:
    root = tree(tmp_path, dvc_dot_yaml="stages: {}\n", requirements_dot_txt="torch==2.6.0\n")
    assert tasks(root) == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("python a.py --token abc123", "python a.py --token ***"),
        ("HF_TOKEN='hf_x' python a.py", "HF_TOKEN='***' python a.py"),
        ("export DB_PASSWORD=p;ls", "export DB_PASSWORD=***;ls"),
        ("curl -H 'X-Api-Key: abc'", "curl -H 'X-Api-Key: ***'"),
        ("login hf_" + "a" * 34, "login ***"),
        ("git clone https://u:p@h/x", "git clone https://***@h/x"),
        ("python a.py --token $TOKEN --tokenizer ./t", "python a.py --token $TOKEN --tokenizer ./t"),
        ("curl -H 'Authorization: Bearer abc.def'", "curl -H 'Authorization: Bearer ***'"),
        ("python a.py --lr 0.1", "python a.py --lr 0.1"),
    ],
)
def test_no_secret_of_a_command_is_told(command: str, said: str) -> None:
    assert shown(command) == said


def test_a_command_of_a_megabyte_is_cut() -> None:
    assert len(shown("x" * 1_000_000)) < 5_000


@pytest.mark.parametrize(
    "text",
    [
        "stages: [1, 2]\n",
        "stages:\n  a: 7\n  b: [x]\n",
        "stages:\n  a:\n    cmd: {x: y}\n    params: 7\n    deps: {a: b}\n    outs: q\n",
        "stages:\n  a:\n    cmd: x\n    params: [[1], {p.yaml: 3}, {q.yaml: [1, {z: 1}]}]\n",
        "stages:\n  a:\n    cmd: x\n    deps: [{a: {b: c}}, '']\n    outs: {x: y}\n",
    ],
)
def test_stages_of_another_shape_end_in_no_error(tmp_path: Path, text: str) -> None:
    done = weighbridge("sbom", "write", "--no-advisories", ".", cwd=tree(tmp_path, dvc_dot_yaml=text))
    assert (done.code, "Traceback" in done.err) in {(0, False), (3, False)}
    assert cast("str", json.loads(done.out)["bomFormat"]) == "CycloneDX"
