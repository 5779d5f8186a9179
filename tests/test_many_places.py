"""One package that a repository asks for in many places is one component with all of them."""

import json
from pathlib import Path

from scanner.pipeline import scan
from scanner.policy import Policy
from scanner.reports import json_report

PIN = "torch==2.1.0"
FILES = {
    "requirements.txt": f"flask==3.0.0\n{PIN}\n",
    "Dockerfile": f"FROM python:3.11\nRUN pip install --no-cache-dir \\\n    {PIN}\n",
    "explore.ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["# x"], "metadata": {}},
                {
                    "cell_type": "code",
                    "source": ["import os\n", f"!pip install {PIN}\n"],
                    "metadata": {},
                    "outputs": [],
                },
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    ),
    ".github/workflows/ci.yml": f"on: push\njobs:\n  t:\n    steps:\n      - run: pip install {PIN}\n",
}
MORE = {
    "dvc.yaml": f"stages:\n  a:\n    cmd: pip install {PIN}\n",
    "k8s/job.yaml": "apiVersion: batch/v1\nkind: Job\nspec:\n  containers:\n  - image: x/y:1\n"
    f"    command: [sh, -c, pip install {PIN}]\n",
    "sky.yaml": f"resources: {{cpus: 2}}\nsetup: pip install {PIN}\n",
    "serve.yaml": f"applications:\n- runtime_env: {{pip: [{PIN}]}}\n",
}


def places(root: Path, files: dict[str, str]) -> list[tuple[str, int | None, int | None]]:
    """The path, cell and line of every place of torch, which must be one component."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    report = json.loads(json_report.render(scan(root, Policy(check_advisories=False))))
    (torch,) = [row for row in report["components"] if row["name"] == "torch"]
    assert torch["purl"] == "pkg:pypi/torch@2.1.0"
    return [(where["path"], where["cell"], where["line"]) for where in torch["seen"]]


def test_requirements_image_notebook_and_workflow_are_four_places_of_one_component(tmp_path: Path) -> None:
    assert places(tmp_path, FILES) == [
        (".github/workflows/ci.yml", None, 5),
        ("Dockerfile", None, 3),
        ("explore.ipynb", 1, 2),
        ("requirements.txt", None, 2),
    ]


def test_pipelines_and_clusters_are_more_places_of_it(tmp_path: Path) -> None:
    found = places(tmp_path, {**FILES, **MORE})
    assert {path for path, _, _ in found} == {*FILES, *MORE}


def test_an_mlflow_model_and_its_environment_are_one_project(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors:\n  python_function:\n    env: {conda: conda.yaml}\n")
    (model / "conda.yaml").write_text("dependencies:\n- pip:\n  - mlflow==2.9.2\n")
    (model / "requirements.txt").write_text("mlflow==2.9.2\n")
    report = scan(tmp_path, Policy(check_advisories=False))
    (one,) = report.inventory.components
    assert (one.ref, one.project) == ("pkg:pypi/mlflow@2.9.2", "model")
    assert [str(where) for where in one.seen] == ["model/conda.yaml:3", "model/requirements.txt:1"]
