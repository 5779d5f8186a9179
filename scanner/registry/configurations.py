"""Files beside weights that tell a loader what to build: configurations and templates."""

from collections.abc import Iterator

from scanner.model import Event, Subject
from scanner.registry.rows import Format


def _hub_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import hub_config

    return hub_config.inspect(subject)


def _keras_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import keras_config

    return keras_config.inspect(subject)


def _is_keras_json(head: bytes, tail: bytes) -> bool:
    del tail
    begin = head.lstrip()[:1] == b"{"
    return (
        begin
        and b'"class_name"' in head
        and b'"config"' in head
        and (b'"layers"' in head or b'"module"' in head)
    )


def _chat_template(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import chat_template

    return chat_template.inspect(subject)


def _yaml_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import yaml_config

    return yaml_config.inspect(subject)


def _json_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import json_config

    return json_config.inspect(subject)


def _toml_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import toml_config

    return toml_config.inspect(subject)


def _gin_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import gin_config

    return gin_config.inspect(subject)


def _mlflow(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import mlflow_model

    return mlflow_model.inspect(subject)


CONFIGURATIONS: tuple[Format, ...] = (
    Format(
        "hub-config",
        "Hub configuration (the Python that it names or has called, chat templates)",
        names=(
            "config.json",
            "tokenizer_config.json",
            "processor_config.json",
            "preprocessor_config.json",
            "video_preprocessor_config.json",
            "adapter_config.json",
            "generation_config.json",
            "model_index.json",
            "modules.json",
            "chat_template.json",
        ),
        inspect=_hub_config,
        model=False,
    ),
    Format(
        "keras-config",
        "Keras model configuration (Lambda layers, custom objects)",
        names=("config.json", "model.json", "*model_config.json", "*architecture.json"),
        sniff=_is_keras_json,
        inspect=_keras_config,
        model=False,
    ),
    Format(
        "chat-template",
        "Chat template (Jinja)",
        suffixes=(".jinja", ".jinja2"),
        inspect=_chat_template,
        model=False,
    ),
    Format(
        "yaml-config",
        "YAML configuration (object tags, Hydra and NeMo targets, remote code, Ray's environments)",
        suffixes=(".yaml", ".yml"),
        inspect=_yaml_config,
        model=False,
    ),
    Format(
        "json-config",
        "JSON configuration (Hydra and jsonpickle targets, Ray's applications, environments and pickles)",
        suffixes=(".json",),
        inspect=_json_config,
        model=False,
    ),
    Format(
        "toml-config",
        "TOML configuration (Hydra targets, Ray's environments)",
        suffixes=(".toml",),
        inspect=_toml_config,
        model=False,
    ),
    Format(
        "gin-config",
        "Gin configuration (imports, references)",
        suffixes=(".gin",),
        inspect=_gin_config,
        model=False,
    ),
    Format(
        "mlflow",
        "MLflow model description (the module that loads it, code that comes along)",
        names=("mlmodel",),
        inspect=_mlflow,
        promises="code",
        model=False,
    ),
)
