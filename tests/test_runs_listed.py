"""How things were made, as runs of MLflow and scripts that train state it."""

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.code import training
from scanner.limits import Limits
from scanner.manifests import mlflow_runs
from scanner.model import Stage
from tests.cli.command import weighbridge

_ID = "0123456789abcdef0123456789abcdef"
_RUN = f"mlruns/7/{_ID}"
_FILES = {
    f"{_RUN}/meta.yaml": f"run_id: {_ID}\nrun_uuid: {_ID}\nrun_name: calm-owl\nstatus: 3\nuser_id: ada\n",
    f"{_RUN}/params/lr": "0.001",
    f"{_RUN}/params/api_token": "hf_abcdefghijklmnopqrstuvwxyz",
    f"{_RUN}/metrics/loss": "1700000000 0.9 0\n1700000100 0.4 2\n1700000050 0.5 1\n",
    f"{_RUN}/metrics/broken": "what\n",
    f"{_RUN}/tags/mlflow.source.git.commit": "a" * 40,
    f"{_RUN}/tags/mlflow.source.name": "train.py",
    f"{_RUN}/tags/mlflow.user": "ada",
    f"{_RUN}/inputs/1/meta.yaml": "source_id: 11223344\nsource_type: DATASET\n",
    "mlruns/7/datasets/11223344/meta.yaml": 'name: sales\nsource: \'{"uri": "data/sales.csv"}\'\n',
    f"{_RUN}/artifacts/model/MLmodel": "flavors: {}\n",
}


def _stages(files: dict[str, str]) -> dict[str, Stage]:
    return dict(mlflow_runs.stages(files, lambda path: files[path].encode() if path in files else None))


def test_a_run_tells_its_values_its_results_and_what_it_was_run_from() -> None:
    [(path, stage)] = _stages(_FILES).items()
    assert path == f"{_RUN}/meta.yaml"
    assert stage.name == "calm-owl"
    assert dict(stage.parameters)["lr"] == "0.001"
    assert stage.metrics == (("loss", "0.4"),)  # of the latest step, wherever it stands
    assert dict(stage.about) == {"commit": "a" * 40, "source": "train.py", "status": "FINISHED"}
    assert [one.path for one in stage.outputs] == ["artifacts/model"]
    assert [one.path for one in stage.inputs] == ["../../../data/sales.csv"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({f"{_RUN}/meta.yaml": "artifact_location: x\nname: Default\n"}, id="an experiment's"),
        pytest.param({f"{_RUN}/meta.yaml": "a: [\n"}, id="no YAML"),
        pytest.param({f"{_RUN}/meta.yaml": "[1]\n"}, id="a list"),
        pytest.param({f"{_RUN}/meta.yaml": ""}, id="empty"),
    ],
)
def test_what_is_no_run_states_nothing(change: dict[str, str]) -> None:
    assert _stages(_FILES | change) == {}


@pytest.mark.parametrize(
    "change",
    [
        {f"{_RUN}/inputs/1/meta.yaml": "source_id: ../../../etc\n"},
        {f"{_RUN}/inputs/1/meta.yaml": "source_id: [1]\n"},
        {"mlruns/7/datasets/11223344/meta.yaml": "source: '[1]'\n"},
        {"mlruns/7/datasets/11223344/meta.yaml": "source: '" + "[" * 5000 + "'\n"},
    ],
)
def test_a_data_set_that_cannot_be_told_is_left_out(change: dict[str, str]) -> None:
    [stage] = _stages(_FILES | change).values()
    assert stage.inputs == ()


def test_no_more_than_a_thousand_runs_are_told() -> None:
    files = {f"mlruns/0/{at:032x}/meta.yaml": "run_id: x\n" for at in range(1100)}
    assert len(_stages(files)) == mlflow_runs.MAX_RUNS


_TRAIN = """
import argparse
from transformers import Trainer, TrainingArguments
parser = argparse.ArgumentParser()
parser.add_argument("-l", "--lr", type=float, default=1e-4)
parser.add_argument("--name")
args = parser.parse_args()
arguments = TrainingArguments(output_dir="out/model", num_train_epochs=3, learning_rate=args.lr, b=(0.9, -1))
trainer = Trainer(model=model, args=arguments)
trainer.train()
trainer.save_model("out/final")
"""


def _stage(text: str) -> Stage | None:
    return training.stage(text.encode(), "jobs/train.py", Limits())


def test_a_script_tells_what_is_written_of_its_training() -> None:
    stage = _stage(_TRAIN)
    assert stage is not None
    assert (stage.name, stage.where.line) == ("train.py", 10)
    assert [step.name for step in stage.steps] == ["trainer.train"]
    assert dict(stage.parameters) == {
        "--lr": "0.0001",
        "TrainingArguments.output_dir": "out/model",
        "TrainingArguments.num_train_epochs": "3",
        "TrainingArguments.learning_rate": "",  # computed: the name is all that is written
        "TrainingArguments.b": "(0.9, -1)",
        "Trainer.model": "",
        "Trainer.args": "",
    }
    assert [one.path for one in stage.outputs] == ["../out/model", "../out/final"]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("from sklearn.svm import SVC\nSVC(C=2).fit(x, y)", "fit"),
        ("from sklearn import svm\nm = svm.SVC(C=2)\nm.fit(x, y)", "m.fit"),
        ("import xgboost as xgb\nb = xgb.train({}, d)", "xgb.train"),
        ("import pytorch_lightning as pl\nt = pl.Trainer(max_epochs=3)\nt.fit(m)", "t.fit"),
        ("from trl import SFTTrainer\nself.t = SFTTrainer(model=1)\nself.t.train()", "self.t.train"),
        ("import keras\nm = keras.Sequential([])\nm.fit(x, epochs=2)", "m.fit"),
    ],
)
def test_calls_that_train_are_known_by_what_made_the_object(text: str, step: str) -> None:
    stage = _stage(text)
    assert stage is not None
    assert [one.name for one in stage.steps] == [step]


@pytest.mark.parametrize(
    "text",
    [
        "model.train()",  # torch's switch
        "model = build()\nmodel.fit(x)",
        "curve.fit(x)\nscheduler.train(1)",
        "for batch in data:\n    loss.backward()\n    optimizer.step()",
        "x = a.train( ]",
        "x = " + "-" * 3000 + "1\ny.train()",
        "",
    ],
)
def test_what_is_no_training_states_nothing(text: str) -> None:
    assert _stage(text) is None


def test_runs_and_scripts_are_in_the_formulation(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    for path, text in {**_FILES, "jobs/train.py": _TRAIN}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "jobs" / "train.py").write_text(
        "from datasets import load_dataset\nd = load_dataset('imdb')\n" + _TRAIN
    )
    document: dict[str, Any] = weighbridge("sbom", "write", "--no-advisories", ".", cwd=root).json
    flows = {row["name"]: row["tasks"] for form in document["formulation"] for row in form["workflows"]}
    assert set(flows) == {"jobs/train.py", f"{_RUN}/meta.yaml"}
    [script], [run] = flows["jobs/train.py"], flows[f"{_RUN}/meta.yaml"]
    data = [one["bom-ref"] for one in document["components"] if one["type"] == "data"]
    assert [row["resource"] for row in script["inputs"] if "resource" in row] == [{"ref": data[0]}]
    rows = [row for given in run["inputs"] for row in given.get("parameters", [])]
    assert {"name": "lr", "value": "0.001"} in rows
    assert "hf_abc" not in json.dumps(document)
    [measured] = [row for row in run["outputs"] if row["type"] == "metrics"]
    assert json.loads(measured["data"]["content"]) == [["loss", "0.4"]]
    assert {"name": "weighbridge:about:commit", "value": "a" * 40} in run["properties"]
    assert "ada" not in json.dumps(run)
