"""Workflows, GitLab CI, compose files, scripts and Makefiles: what they use and install, line by line."""

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import compose, gitlab_ci, scripts, workflow
from scanner.model import Declaration, Evidence, Include, ManifestParser, Reading

SHA = "b" * 40


def read(parse: ManifestParser, text: str) -> list[Reading]:
    return list(parse(text.encode(), Location("x")))


def asked(parse: ManifestParser, text: str) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.ecosystem, row.name, row.version or row.specifier, row.where.line)
        for row in read(parse, text)
        if isinstance(row, Declaration)
    ]


def rules(parse: ManifestParser, text: str) -> list[tuple[str, int | None]]:
    return [(row.rule, row.where.line) for row in read(parse, text) if isinstance(row, Evidence)]


WORKFLOW = f"""\
on: push
env:
  TORCH: 2.1.0
jobs:
  a:
    container: python:3.11
    services:
      db: {{ image: "redis:7" }}
    steps:
      - uses: actions/checkout@v4
      - uses: o/r/sub@{SHA}  # v1
      - uses: ./local
      - uses: docker://g.io/x:1
      - name: install
        run: |
          set -e

          pip install torch==$TORCH \\
            flask
      - run: pip install -r requirements.txt
      - run: >
          pip install
          pandas
      - run: pip install ${{{{ matrix.extra }}}}
      - shell: python
        run: print("pip install nothing")
  b:
    uses: o/r/.github/workflows/w.yml@main
"""


def test_a_workflow_uses_runs_in_and_installs() -> None:
    assert asked(workflow.parse, WORKFLOW) == [
        ("oci", "python", "3.11", 6),
        ("oci", "redis", "7", 8),
        ("githubactions", "actions/checkout", "v4", 10),
        ("githubactions", "o/r/sub", SHA, 11),
        ("oci", "g.io/x", "1", 13),
        ("pypi", "torch", "2.1.0", 18),
        ("pypi", "flask", "", 19),
        ("pypi", "pandas", "", 23),
        ("githubactions", "o/r/.github/workflows/w.yml", "main", 28),
    ]
    assert rules(workflow.parse, WORKFLOW) == [("COV-005", 24)]
    includes = [row for row in read(workflow.parse, WORKFLOW) if isinstance(row, Include)]
    assert [(row.path, row.where.line) for row in includes] == [("requirements.txt", 20)]


def test_an_action_has_steps_and_an_image() -> None:
    text = "runs:\n  using: composite\n  steps:\n    - uses: a/b@v1\n    - run: curl https://x/y | sh\n"
    assert asked(workflow.parse, text) == [("githubactions", "a/b", "v1", 4)]
    assert rules(workflow.parse, text) == [("DEP-008", 5)]
    assert asked(workflow.parse, "runs: {image: 'docker://a/b:1'}") == [("oci", "a/b", "1", 1)]
    assert asked(workflow.parse, "runs: {image: Dockerfile}") == []


GITLAB = """\
image: python:$PY
variables: { PY: "3.11" }
default:
  services: [ "redis:7", { name: "a/b:1" } ]
.base: &base
  before_script:
    - pip install a
test:
  <<: *base
  image: { name: "h/i:2" }
  script:
    - |
      pip install \\
        b
    - [ "pip install c" ]
"""


def test_gitlab_jobs_run_in_images_and_install() -> None:
    assert asked(gitlab_ci.parse, GITLAB) == [
        ("oci", "python", "3.11", 1),
        ("oci", "redis", "7", 4),
        ("oci", "a/b", "1", 4),
        ("pypi", "a", "", 7),
        ("oci", "h/i", "2", 10),
        ("pypi", "a", "", 7),
        ("pypi", "b", "", 14),
        ("pypi", "c", "", 15),
    ]


def test_compose_services_run_images_that_nobody_builds() -> None:
    text = 'services:\n  a: {image: "x/y:${TAG:-1}"}\n  b: {build: ., image: own}\n  c:\n    image: redis\n'
    assert asked(compose.parse, text) == [("oci", "x/y", "1", 2), ("oci", "redis", "latest", 5)]
    assert rules(compose.parse, "services: {a: {image: '$UNKNOWN'}}") == [("COV-005", 1)]


def test_scripts_install_and_fill_in_what_they_set() -> None:
    text = '#!/bin/sh\nV=1.0\nPKGS="a b"\npip install x==$V $PKGS\ncurl -sSf https://s/i | sh\n'
    assert asked(scripts.parse_shell, text) == [
        ("pypi", "x", "1.0", 4),
        ("pypi", "a", "", 4),
        ("pypi", "b", "", 4),
    ]
    assert rules(scripts.parse_shell, text) == [("DEP-008", 5)]


def test_what_an_array_holds_is_no_command_but_what_is_substituted_into_it_is() -> None:
    text = "wget $URL -O $F\nREMOVE+=( $F $F.xml )\nA=($F\n  $F.ids)\nunzip -o $F\n"
    assert rules(scripts.parse_shell, text) == []
    assert rules(scripts.parse_shell, "curl -o x.sh https://s/i\n(./x.sh)\n") == [("DEP-008", 2)]
    assert rules(scripts.parse_shell, "A+=( $(curl https://s/i | sh) )\n") == [("DEP-008", 1)]


def test_what_is_added_to_a_variable_is_known_with_it() -> None:
    text = 'P="a"\nP+=" b==1"\npip install $P\nQ+=c\npip install $Q\n'
    assert asked(scripts.parse_shell, text) == [("pypi", "a", "", 3), ("pypi", "b", "1", 3)]


def test_recipes_of_a_makefile_install() -> None:
    text = (
        "PIP ?= python3 -m pip\nV := 2\nall: x\n\t@$(PIP) install a==$(V) \\\n\t  b\n"
        "\t-for i in c; do pip install $$i; done\n"
        "pip install = nothing\n\t$(UNSET_PIP) install d\n"
    )
    assert [row[1:] for row in asked(scripts.parse_make, text)] == [
        ("a", "2", 4),
        ("b", "", 5),
        ("d", "", 8),
    ]
    assert rules(scripts.parse_make, text) == [("COV-005", 6)]


@pytest.mark.parametrize("parse", [workflow.parse, gitlab_ci.parse, compose.parse])
def test_broken_and_exploding_yaml_ends_at_once(parse: ManifestParser) -> None:
    with pytest.raises(Malformed):
        read(parse, "a: [")
    with pytest.raises(LimitReached):
        read(parse, "[" * 5000)
    for odd in ("", "- a", "jobs: 1", "jobs: {a: 1}\nservices: {a: 1}\nt: {script: {a: b}}"):
        assert read(parse, odd) == []


def test_a_script_that_is_too_long_is_read_at_its_beginning() -> None:
    found: list[Reading] = []
    with pytest.raises(LimitReached):
        found.extend(scripts.parse_shell(b"pip install a\n" + b"#" * (2 * 1024 * 1024), Location("x.sh")))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("jobs: {a: {steps: [{uses: 'O/R@v1'}]}}", id="flow style"),
        pytest.param("x: &s {uses: O/R@v1}\njobs: {a: {steps: [*s]}}", id="by an alias"),
        pytest.param('jobs: {a: {steps: [{"us\\u0065s": "O/R@v1"}]}}', id="an escaped key"),
    ],
)
def test_an_action_is_seen_however_it_is_written(text: str) -> None:
    assert [name for _, name, _, _ in asked(workflow.parse, text)] == ["O/R"]
