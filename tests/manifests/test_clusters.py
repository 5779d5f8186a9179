"""BentoML, Ray and SkyPilot: what is packed, what an environment asks for, what nodes install."""

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import bento, ray, skypilot
from scanner.model import Declaration, Evidence, Include, IndexUse, ManifestParser, Reading

COMMIT = "26bca36bde8333b5d7f72e9ed20ccda6a618af24"


def read(parse: ManifestParser, text: str) -> list[Reading]:
    return list(parse(text.encode(), Location("x.yaml")))


def asked(parse: ManifestParser, text: str) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.ecosystem, row.name, row.version or row.specifier, row.where.line)
        for row in read(parse, text)
        if isinstance(row, Declaration)
    ]


BENTO = f"""\
service: "service:svc"
python:
  packages:
  - scikit-learn
  - pandas>1  # why
  - =bad
  requirements_txt: "./req.txt"
  index_url: http://x.example/simple
  extra_index_url: [https://u:p@y.example]
  trusted_host: [x.example]
conda:
  channels: [conda-forge]
  dependencies: [h5py, {{pip: [tqdm]}}]
docker:
  base_image: python:3.10
  system_packages: [git, libgomp1=1.2]
models:
  - iris:latest
  - tag: a:abc
  - {{registry: huggingface, model_id: org/m, revision: {COMMIT}}}
"""


def test_a_bento_packs_packages_images_and_models() -> None:
    assert asked(bento.parse, BENTO) == [
        ("pypi", "scikit-learn", "", 4),
        ("pypi", "pandas", ">1", 5),
        ("pypi", "h5py", "", 13),
        ("pypi", "tqdm", "", 13),
        ("oci", "python", "3.10", 15),
        ("apt", "git", "", 16),
        ("apt", "libgomp1", "1.2", 16),
        ("bentoml", "iris", "latest", 18),
        ("bentoml", "a", "abc", 19),
        ("huggingface", "org/m", COMMIT, 20),
    ]
    rows = read(bento.parse, BENTO)
    assert [(row.path, row.where.line) for row in rows if isinstance(row, Include)] == [("./req.txt", 7)]
    uses = [
        (row.url, row.extra, row.trusted, row.had_credentials) for row in rows if isinstance(row, IndexUse)
    ]
    assert uses == [
        ("http://x.example/simple", False, False, False),
        ("https://y.example", True, False, True),
        ("x.example", False, True, False),
    ]
    assert [(row.rule, row.where.line) for row in rows if isinstance(row, Evidence)] == [("COV-005", 6)]


@pytest.mark.parametrize("text", ["", "a: 1", "- service", "service: ["])
def test_what_is_no_bento_is_told(text: str) -> None:
    with pytest.raises(Malformed):
        read(bento.parse, text)


CLUSTER = """\
cluster_name: x
provider: {type: aws}
docker:
  image: rayproject/ray-ml:2.9.0
available_node_types:
  gpu:
    worker_setup_commands: [pip install nvidia-ml-py]
    docker: {worker_image: a/b:1}
setup_commands:
  - pip install -U "ray[default]==2.9.0"
  - >
    pip install
    torch
"""


def test_a_cluster_sets_up_its_nodes() -> None:
    assert asked(ray.parse, CLUSTER) == [
        ("pypi", "ray", "2.9.0", 10),
        ("pypi", "torch", "", 13),
        ("pypi", "nvidia-ml-py", "", 7),
        ("oci", "a/b", "1", 8),
        ("oci", "rayproject/ray-ml", "2.9.0", 4),
    ]


def test_every_runtime_environment_is_read_wherever_it_stands() -> None:
    text = (
        "applications:\n- name: a\n  runtime_env:\n    pip: [torch==2.0]\n    conda: env.yml\n"
        "    image_uri: a/b:1\n- runtime_env:\n    uv: {packages: [flask]}\n"
        "- runtime_env: {pip: ./requirements.txt}\n- deployments:\n"
        "  - ray_actor_options: {runtime_env: {conda: {dependencies: [pip, {pip: [nltk]}]}}}\n"
    )
    assert asked(ray.parse, text) == [
        ("pypi", "torch", "2.0", 4),
        ("oci", "a/b", "1", 6),
        ("pypi", "flask", "", 8),
        ("pypi", "pip", "", 11),
        ("pypi", "nltk", "", 11),
    ]
    includes = [(row.path, row.where.line) for row in read(ray.parse, text) if isinstance(row, Include)]
    assert includes == [("env.yml", 5), ("./requirements.txt", 9)]


def test_an_environment_behind_an_anchor_is_read_once() -> None:
    text = "x: &e {pip: [a]}\napps: [{runtime_env: *e}, {runtime_env: *e}]\n"
    assert asked(ray.parse, text) == [("pypi", "a", "", 1)]


def test_yaml_in_a_text_keeps_its_lines() -> None:
    text = (
        "kind: RayJob\nspec:\n  runtimeEnvYAML: |\n    pip:\n      - requests==2.26.0\n"
        "  serveConfigV2: |\n    applications:\n    - runtime_env: {pip: [flask]}\n"
    )
    assert asked(ray.parse, text) == [("pypi", "requests", "2.26.0", 5), ("pypi", "flask", "", 8)]
    (row,) = read(ray.parse, "a: {runtimeEnvYAML: 'pip: ['}")
    assert isinstance(row, Evidence)
    inner = "'" * 2
    assert read(ray.parse, f"a: {{runtimeEnvYAML: {inner}}}") == []


@pytest.mark.parametrize(
    "text", ["", "runtime_env: x", "cluster_name: x", "a: [runtime_env]", "cluster_name: {provider: 1}"]
)
def test_what_is_not_rays_is_nobodys(text: str) -> None:
    assert read(ray.parse, text) == []


TASK = """\
resources:
  accelerators: A100:8
  any_of:
    - image_id: docker:nvcr.io/nvidia/pytorch:23.10-py3
    - image_id: ami-123
envs: {VER: 0.2.0}
setup: |
  pip install vllm==$VER
run: |
  uv pip install nltk
  python x
---
setup: pip install a
num_nodes: 2
"""


def test_a_task_runs_in_an_image_and_installs() -> None:
    assert asked(skypilot.parse, TASK) == [
        ("oci", "nvcr.io/nvidia/pytorch", "23.10-py3", 4),
        ("pypi", "vllm", "0.2.0", 8),
        ("pypi", "nltk", "", 10),
        ("pypi", "a", "", 13),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("run: pip install a", id="a command alone"),
        pytest.param("resources: {limits: 1}\nrun: pip install a", id="somebody else's resources"),
        pytest.param("resources: {cpus: 1}\nrun: [pip install a]", id="commands in a list"),
        pytest.param("resources: {cpus: 1}", id="no command"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_task_is_nobodys(text: str) -> None:
    assert read(skypilot.parse, text) == []


@pytest.mark.parametrize("parse", [bento.parse, ray.parse, skypilot.parse])
def test_hostile_files_end_in_an_error_of_ours(parse: ManifestParser) -> None:
    with pytest.raises(LimitReached):
        read(parse, "service: " + "[" * 300 + "]" * 300)
    with pytest.raises(Malformed):
        read(parse, "service: &a [*a]")
