"""What machine learning's own tools declare: models, data, and what they are trained and served on."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.marks import all_of, any_of
from scanner.registry.rows import Manifest

_YAML = ("*.yml", "*.yaml")

# --- readers, each imported when the first file asks for it ---


def _mlmodel(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import mlflow

    return mlflow.parse_model(data, where)


def _mlproject(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import mlflow

    return mlflow.parse_project(data, where)


def _python_env(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import mlflow

    return mlflow.parse_python_env(data, where)


def _dvc(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dvc

    return dvc.parse_tracked(data, where)


def _dvc_pipeline(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dvc

    return dvc.parse_pipeline(data, where)


def _dvc_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dvc

    return dvc.parse_lock(data, where)


def _dvc_config(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dvc

    return dvc.parse_config(data, where)


def _card(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import card

    return card.parse(data, where)


def _hub_file(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import hub_files

    return hub_files.parse(data, where)


def _bento(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import bento

    return bento.parse(data, where)


def _ray(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import ray

    return ray.parse(data, where)


def _skypilot(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import skypilot

    return skypilot.parse(data, where)


ML: tuple[Manifest, ...] = (
    Manifest("mlmodel", "MLflow MLmodel", ("mlmodel",), _mlmodel),
    Manifest("mlproject", "MLflow MLproject", ("mlproject",), _mlproject),
    Manifest("python-env", "MLflow python_env.yaml", ("python_env.yaml", "python_env.yml"), _python_env),
    Manifest("dvc", "DVC tracked files (*.dvc)", ("*.dvc",), _dvc, ecosystem="dvc", around=True),
    Manifest(
        "dvc-pipeline", "DVC pipeline (dvc.yaml)", ("dvc.yaml",), _dvc_pipeline, ecosystem="dvc", around=True
    ),
    Manifest("dvc-lock", "DVC lock (dvc.lock)", ("dvc.lock",), _dvc_lock, ecosystem="dvc", around=True),
    Manifest(
        "dvc-config",
        "DVC remotes (.dvc/config)",
        ("config", "config.local"),
        _dvc_config,
        ecosystem="dvc",
        marked=True,
        folders=(".dvc", "*/.dvc"),
        around=True,
    ),
    Manifest(
        "hub-card",
        "Model, data set and Space cards (front matter)",
        ("readme.md", "*card*.md"),
        _card,
        ecosystem="huggingface",
        marked=True,
        around=True,
        holds=all_of(b"---"),
    ),
    Manifest(
        "hub-files",
        "Hub configurations (base models, facts)",
        (
            "config.json",
            "adapter_config.json",
            "tokenizer_config.json",
            "generation_config.json",
            "processor_config.json",
            "preprocessor_config.json",
            "model_index.json",
            "modules.json",
            "config_sentence_transformers.json",
        ),
        _hub_file,
        ecosystem="huggingface",
        marked=True,
        around=True,
        holds=any_of(
            *(b"architectures", b"model_type", b"transformers_version", b"_name_or_path", b"auto_map"),
            *(b"_diffusers_version", b"peft_type", b"base_model_name_or_path", b"tokenizer_class"),
            *(b"sentence_transformers", b"__version__"),
        ),
    ),
    Manifest(
        "bentoml",
        "BentoML (bentofile.yaml, bento.yaml)",
        ("bentofile.yaml", "bentofile.yml", "bento.yaml"),
        _bento,
    ),
    Manifest(
        "ray",
        "Ray cluster and Serve configurations (runtime_env)",
        _YAML,
        _ray,
        marked=True,
        around=True,
        holds=any_of(b"runtime_env", b"runtimeEnvYAML", b"serveConfigV2", b"cluster_name"),
    ),
    Manifest(
        "skypilot",
        "SkyPilot tasks",
        _YAML,
        _skypilot,
        ecosystem="oci",
        marked=True,
        around=True,
        holds=all_of((b"resources", b"file_mounts", b"num_nodes"), (b"run", b"setup")),
    ),
)
