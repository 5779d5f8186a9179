"""Kubernetes objects and Helm charts: images, installs, models, and what only a rendering would tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import helm, kubernetes
from scanner.model import Declaration, Evidence, ManifestParser, Reading, Tracked

SHA = "b" * 64


def read(parse: ManifestParser, text: str) -> list[Reading]:
    return list(parse(text.encode(), Location("k8s/x.yaml")))


def asked(parse: ManifestParser, text: str) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.ecosystem, row.name, row.version or row.specifier, row.where.line)
        for row in read(parse, text)
        if isinstance(row, Declaration)
    ]


OBJECTS = f"""\
# a comment
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers:
          - {{name: i, image: "python:3.11", command: [sh, -c, "pip install torch==2.1.0 && python x.py"]}}
          containers:
            - name: a
              image: ghcr.io/o/i@sha256:{SHA}
              args:
              - pip
              - install
              - flask==2.0
          volumes:
          - image: {{reference: "quay.io/m/w:1"}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
spec:
  predictor:
    model: {{storageUri: "hf://org/name:main"}}
---
kind: List
apiVersion: v1
items:
- apiVersion: argoproj.io/v1alpha1
  kind: Workflow
  spec:
    templates:
    - script:
        image: python:3.10
        command: [bash]
        source: |
          pip install pandas
    - container:
        image: busybox
        command: [sh, -c]
        args:
        - |
          if ! [ -x "$(command -v pip)" ]; then python3 -m ensurepip; fi
          PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet 'kfp==2.7.0' '--no-deps' && "$0" "$@"
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
- name: nginx
  newName: mirror/nginx
  newTag: "1.2"
- name: left-alone
"""


def test_every_object_of_a_file_is_read_whatever_its_kind() -> None:
    assert asked(kubernetes.parse, OBJECTS) == [
        ("oci", "python", "3.11", 10),
        ("pypi", "torch", "2.1.0", 10),
        ("oci", "ghcr.io/o/i", f"sha256:{SHA}", 13),
        ("pypi", "flask", "2.0", 17),
        ("oci", "quay.io/m/w", "1", 19),
        ("huggingface", "org/name", "main", 25),
        ("oci", "python", "3.10", 35),
        ("pypi", "pandas", "", 38),
        ("oci", "busybox", "latest", 40),
        ("pypi", "kfp", "2.7.0", 45),
        ("oci", "mirror/nginx", "1.2", 52),
    ]


def test_a_compiled_pipeline_is_read() -> None:
    text = (
        "pipelineInfo: {name: p}\ndeploymentSpec:\n  executors:\n    a:\n      container:\n"
        "        image: python:3.9\n        command: [sh, -c, pip install numpy==1.0]\n"
        "schemaVersion: 2.1.0\n"
    )
    assert asked(kubernetes.parse, text) == [("oci", "python", "3.9", 6), ("pypi", "numpy", "1.0", 7)]


def test_a_model_in_a_bucket_is_known_by_its_address() -> None:
    text = "apiVersion: v1\nkind: InferenceService\nspec: {model: {storageUri: 's3://u:p@b/m/iris.pkl'}}\n"
    (row,) = [row for row in read(kubernetes.parse, text) if isinstance(row, Tracked)]
    assert (row.path, row.kind, row.where.line) == ("s3://b/m/iris.pkl", "model", 3)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: {image: x/y:1}", id="no kind"),
        pytest.param(
            "apiVersion: v1\nkind: CustomResourceDefinition\nspec: {image: a/b:1}", id="a definition"
        ),
        pytest.param("apiVersion: v1\nkind: ConfigMap\ndata: {image: word}", id="a word that is no image"),
        pytest.param("- apiVersion: v1\n- kind: Pod", id="a list"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_object_or_names_none_is_nobodys(text: str) -> None:
    assert read(kubernetes.parse, text) == []


TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
spec:
  {{- with .Values.x }}
  containers:
    - image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
    - image: nginx:1.25 # fixed
    -   image:   'a/b'
  {{- end }}
"""


def test_a_template_is_read_by_lines_and_says_what_is_filled_in() -> None:
    assert asked(kubernetes.parse, TEMPLATE) == [("oci", "nginx", "1.25", 7), ("oci", "a/b", "latest", 8)]
    (row,) = [row for row in read(kubernetes.parse, TEMPLATE) if isinstance(row, Evidence)]
    assert (row.rule, row.where.line) == ("COV-005", 6)
    assert ".Values.image.repository" in row.message


def test_braces_inside_of_a_text_make_no_template() -> None:
    text = 'apiVersion: v1\nkind: Workflow\nspec:\n  container: {image: "a/b:1", args: ["{{inputs.x}}"]}\n'
    assert asked(kubernetes.parse, text) == [("oci", "a/b", "1", 4)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("apiVersion: v1\nkind: [", Malformed, id="no YAML"),
        pytest.param("apiVersion: v1\nkind: Pod\na: " + "[" * 300 + "]" * 300, LimitReached, id="too deep"),
        pytest.param("apiVersion: v1\nkind: Pod\n#" + "x" * 3_000_000, LimitReached, id="too long"),
    ],
)
def test_hostile_objects_end_in_an_error_of_ours(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(kubernetes.parse, text)


def test_a_shared_anchor_is_read_once() -> None:
    text = "apiVersion: v1\nkind: Pod\na: &a {containers: [{image: x/y:1}]}\nb: [*a, *a, *a]\n"
    assert asked(kubernetes.parse, text) == [("oci", "x/y", "1", 3)]


# --- Helm -------------------------------------------------------------------------------------------------


def test_a_chart_depends_on_charts() -> None:
    text = (
        "apiVersion: v2\nname: c\ndependencies:\n- name: redis\n  version: ~17.0\n"
        "  repository: https://u:p@h\n- {name: own, repository: 'file://../x'}\n"
        "- {name: pg, version: 1.2.3}\n"
    )
    assert asked(helm.parse_chart, text) == [("helm", "redis", "~17.0", 5), ("helm", "pg", "1.2.3", 8)]
    lock = (
        "dependencies:\n- {name: redis, version: 17.0.5, repository: 'https://h'}\n"
        "digest: sha256:x\ngenerated: now\n"
    )
    assert [row.locked for row in read(helm.parse_chart, lock) if isinstance(row, Declaration)] == [True]
    assert read(helm.parse_chart, "a: 1") == []


def test_values_name_images_whole_and_in_parts() -> None:
    text = (
        "image:\n  repository: vllm/vllm-openai\n  tag: ''\nside:\n"
        "  image: {registry: quay.io, repository: x/y, tag: 1.2}\ninit:\n  image: busybox:1.36\n"
        "sidecarImage: a/b\ngit: {repository: 'https://h/r.git', tag: v1}\n"
        "worker: {image: one, tag: 2}\n"
    )
    assert sorted(asked(helm.parse_values, text), key=lambda row: row[3] or 0) == [
        ("oci", "vllm/vllm-openai", "", 2),
        ("oci", "quay.io/x/y", "1.2", 5),
        ("oci", "busybox", "1.36", 7),
        ("oci", "a/b", "latest", 8),
        ("oci", "one", "2", 10),
    ]


@given(st.lists(st.from_regex(r"[a-z]{1,6}/[a-z]{1,6}:[0-9]{1,3}", fullmatch=True), max_size=5, unique=True))
def test_rendered_containers_read_back(names: list[str]) -> None:
    rows = "".join(f"  - image: {name}\n" for name in names)
    text = f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{rows}"
    assert asked(kubernetes.parse, text) == [
        ("oci", name.partition(":")[0], name.partition(":")[2], at) for at, name in enumerate(names, 5)
    ]


@given(st.text(alphabet="apiVersonkd: \n-{}[]\"'&*|>image", max_size=120))
def test_any_text_ends_in_readings_or_an_error_of_ours(text: str) -> None:
    for parse in (kubernetes.parse, helm.parse_chart, helm.parse_values):
        try:
            read(parse, f"apiVersion: v1\nkind: Pod\n{text}")
        except (Malformed, LimitReached):
            continue
