"""MLflow: what a model's description pulls in and says, what a project runs in."""

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import mlflow
from scanner.model import Declaration, Described, Evidence, Include, ManifestParser, ProjectName, Reading


def read(parse: ManifestParser, text: str) -> list[Reading]:
    return list(parse(text.encode(), Location("m/MLmodel")))


MODEL = """\
artifact_path: model
flavors:
  python_function:
    code: code
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    python_version: 3.10.12
  sklearn:
    code: null
    sklearn_version: 1.3.0
  transformers:
    task: text-generation
    source_model_name: org/base
mlflow_version: 2.9.2
model_size_bytes: 1024
model_uuid: 0d2f5e
run_id: abc
signature:
  inputs: '[{"type": "double", "name": "x"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
"""


def test_a_model_pulls_in_its_environment_and_tells_what_it_is() -> None:
    rows = read(mlflow.parse_model, MODEL)
    includes = [(row.path, row.where.line) for row in rows if isinstance(row, Include)]
    assert includes == [("conda.yaml", 6), ("python_env.yaml", 7)]
    (about,) = [row for row in rows if isinstance(row, Described)]
    assert (about.name, about.below) == ("m", True)
    assert [(fact.name.value, fact.value) for fact in about.facts] == [
        ("loader", "code: code"),
        ("loader", "mlflow.sklearn"),
        ("framework-version", "python 3.10.12"),
        ("framework", "sklearn"),
        ("framework-version", "sklearn 1.3.0"),
        ("framework", "transformers"),
        ("task", "text-generation"),
        ("base-model", "org/base"),
        ("identifier", "mlflow model_uuid: 0d2f5e"),
        ("identifier", "mlflow run_id: abc"),
        ("framework-version", "mlflow 2.9.2"),
        ("size", 1024),
        ("inputs", "x: double"),
        ("outputs", "int64[-1]"),
    ]


def test_an_environment_in_one_name_is_pulled_in_too() -> None:
    rows = read(mlflow.parse_model, "flavors:\n  python_function:\n    env: conda.yaml\n")
    assert [(row.path, row.where.line) for row in rows if isinstance(row, Include)] == [("conda.yaml", 3)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", Malformed, id="empty"),
        pytest.param("a: 1", Malformed, id="no flavors"),
        pytest.param("flavors: [", Malformed, id="no YAML"),
        pytest.param("flavors: " + "[" * 300 + "]" * 300, LimitReached, id="too deep"),
    ],
)
def test_what_is_no_model_is_told(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(mlflow.parse_model, text)


@pytest.mark.parametrize("schema", ["'[1,2'", "'{}'", "'[null]'", "[a, b]", "'" + "[" * 5000 + "'"])
def test_a_signature_that_is_none_costs_itself_alone(schema: str) -> None:
    rows = read(mlflow.parse_model, f"flavors:\n  x: {{x_version: 1}}\nsignature:\n  inputs: {schema}\n")
    (about,) = [row for row in rows if isinstance(row, Described)]
    assert [fact.name.value for fact in about.facts] == ["framework", "framework-version"]


PROJECT = """\
name: train
conda_env: env.yml
docker_env:
  image: repo/img:1.0
entry_points:
  main:
    parameters: {lr: float}
    command: "pip install torch==2.1.0 && python train.py {lr}"
  other:
    command: >
      pip install
      flask
"""


def test_a_project_runs_in_what_it_names() -> None:
    rows = read(mlflow.parse_project, PROJECT)
    assert [(row.name, row.where.line) for row in rows if isinstance(row, ProjectName)] == [("train", 1)]
    assert [(row.path, row.where.line) for row in rows if isinstance(row, Include)] == [("env.yml", 2)]
    asked = [(row.name, row.version, row.where.line) for row in rows if isinstance(row, Declaration)]
    assert asked == [("repo/img", "1.0", 4), ("torch", "2.1.0", 8), ("flask", "", 12)]
    with pytest.raises(Malformed):
        read(mlflow.parse_project, "- a")


def test_a_python_environment_is_a_list_of_requirement_lines() -> None:
    text = (
        "python: 3.10\nbuild_dependencies:\n- pip==23.0\ndependencies:\n- -r requirements.txt\n"
        "- flask>=2\n- =bad\n"
    )
    rows = read(mlflow.parse_python_env, text)
    asked = [(row.name, row.group, row.where.line) for row in rows if isinstance(row, Declaration)]
    assert asked == [("pip", "build-system", 3), ("flask", "", 6)]
    assert [(row.path, row.where.line) for row in rows if isinstance(row, Include)] == [
        ("requirements.txt", 5)
    ]
    assert [(row.rule, row.where.line) for row in rows if isinstance(row, Evidence)] == [("COV-005", 7)]
    assert read(mlflow.parse_python_env, "a: 1") == []


def test_what_mlflow_itself_wrote_is_read() -> None:
    # Written by mlflow-skinny 3.17.2: mlflow.pyfunc.save_model("m", python_model=..., signature=...).
    text = """\
flavors:
  python_function:
    cloudpickle_version: 3.1.3
    code: null
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.pyfunc.model
    python_model: python_model.pkl
    python_version: 3.11.7
    streamable: false
is_signature_from_type_hint: false
mlflow_version: 3.17.2
model_id: null
model_size_bytes: 1332
model_uuid: c81c6fce0caa46c2b76f30c47b0f1335
prompts: null
signature:
  inputs: '[{"type": "any", "required": true}]'
  outputs: '[{"type": "any", "required": true}]'
  params: null
type_hint_from_example: false
utc_time_created: '2026-11-24 14:21:19.280452'
"""
    rows = read(mlflow.parse_model, text)
    assert [row.path for row in rows if isinstance(row, Include)] == ["conda.yaml", "python_env.yaml"]
    (about,) = [row for row in rows if isinstance(row, Described)]
    assert [(fact.name.value, fact.value) for fact in about.facts] == [
        ("framework-version", "cloudpickle 3.1.3"),
        ("loader", "mlflow.pyfunc.model"),
        ("framework-version", "python 3.11.7"),
        ("identifier", "mlflow model_uuid: c81c6fce0caa46c2b76f30c47b0f1335"),
        ("framework-version", "mlflow 3.17.2"),
        ("size", 1332),
        ("inputs", "any"),
        ("outputs", "any"),
    ]
