"""Jobs of GitLab run what they say, extend and refer to, in whichever file of the tree that stands."""

import pytest

from scanner.join.runs import runs
from scanner.limits import Limits
from scanner.model import Run

MAIN = ".gitlab-ci.yml"
CODE = {"train.py": "", "eval.py": "", "prepare.py": ""}


def found(files: dict[str, str]) -> tuple[Run, ...]:
    """What the pipelines of a tree run."""
    every = {**CODE, **files}
    return runs(every, lambda path: every[path].encode() if path in every else None, Limits())


def scripts(files: dict[str, str]) -> list[str]:
    return [run.script for run in found(files)]


TEMPLATE = ".fit:\n  script:\n    - python train.py\n"

REACHED = [
    pytest.param({MAIN: f"{TEMPLATE}job:\n  extends: .fit\n"}, "job", 3, id="extends in the same file"),
    pytest.param(
        {MAIN: f"{TEMPLATE}.more:\n  extends: .fit\njob:\n  extends: [.none, .more]\n"}, "job", 3, id="twice"
    ),
    pytest.param(
        {MAIN: "include: ci/t.yml\njob:\n  extends: .fit\n", "ci/t.yml": TEMPLATE},
        "job",
        2,
        id="extends of an included file",
    ),
    pytest.param(
        {
            MAIN: "include:\n  - local: /ci/a.yml\n",
            "ci/a.yml": "include: ci/t.yml\njob: {extends: .fit}\n",
            "ci/t.yml": TEMPLATE,
        },
        "job",
        2,
        id="includes of includes",
    ),
    pytest.param(
        {MAIN: f"{TEMPLATE}job:\n  script:\n    - echo\n    - !reference [.fit, script]\n"},
        "job",
        3,
        id="a reference among commands",
    ),
    pytest.param(
        {MAIN: "include: ci/t.yml\njob:\n  script: !reference [.fit, script]\n", "ci/t.yml": TEMPLATE},
        "job",
        2,
        id="a reference to another file",
    ),
    pytest.param(
        {MAIN: "default:\n  before_script:\n    - python train.py\njob:\n  script: echo\n"},
        "job",
        3,
        id="default",
    ),
    pytest.param(
        {MAIN: "include: ci/t.yml\njob:\n  script: echo\n", "ci/t.yml": "before_script: [python train.py]\n"},
        "job",
        2,
        id="the top of an included file",
    ),
    pytest.param(
        {
            MAIN: "job:\n  trigger:\n    include: ci/child.yml\n",
            "ci/child.yml": f"{TEMPLATE}inner:\n  extends: .fit\n",
        },
        "inner",
        1,
        id="a pipeline that a job starts",
    ),
    pytest.param(
        {
            MAIN: "include: ci/t.yml\njob:\n  variables: {WHAT: train.py}\n",
            "ci/t.yml": "job:\n  script: python $WHAT\n",
        },
        "job",
        2,
        id="a job whose parts are in two files",
    ),
    pytest.param(
        {
            MAIN: ".v:\n  variables: {WHAT: train.py}\njob:\n  variables: !reference [.v, variables]\n"
            "  script: python $WHAT\n"
        },
        "job",
        5,
        id="variables by reference",
    ),
    pytest.param(
        {
            MAIN: ".b:\n  variables: {WHAT: eval.py}\n  script: python $WHAT\n"
            "job:\n  extends: .b\n  variables: {WHAT: train.py}\n"
        },
        "job",
        3,
        id="one's own variables count more",
    ),
]


@pytest.mark.parametrize(("files", "job", "line"), REACHED)
def test_what_a_job_runs_is_found_wherever_it_stands(files: dict[str, str], job: str, line: int) -> None:
    (run,) = found(files)
    assert (run.script, run.job, run.where.path, run.where.line) == ("train.py", job, MAIN, line)


def test_a_script_in_another_file_is_named_behind_the_line_of_the_job() -> None:
    (run,) = found({MAIN: "include: ci/t.yml\njob:\n  extends: .fit\n", "ci/t.yml": TEMPLATE})
    assert [str(where) for where in run.by] == ["ci/t.yml:3"]


QUIET = [
    pytest.param({MAIN: TEMPLATE}, id="a template that nobody extends"),
    pytest.param(
        {MAIN: f"{TEMPLATE}job:\n  extends: .fit\n  script: echo\n"}, id="a job with its own script"
    ),
    pytest.param({MAIN: "before_script: [python train.py]\n"}, id="no job"),
    pytest.param({MAIN: "include: {project: a/b, file: t.yml}\n", "t.yml": TEMPLATE}, id="another project"),
    pytest.param({MAIN: "a:\n  extends: b\nb:\n  extends: a\n"}, id="jobs that extend each other"),
    pytest.param({MAIN: "include: .gitlab-ci.yml\n"}, id="a file that includes itself"),
    pytest.param({MAIN: "a:\n  script: !reference [a, script]\n"}, id="a reference to itself"),
    pytest.param({MAIN: "include: ci/t.yml\na: {script: echo}\n", "ci/t.yml": "[" * 500}, id="no YAML"),
    pytest.param({MAIN: "a: {script: [[], [[]], [a, b, c, d], {b: c}], variables: x, rules: 3}\n"}, id="odd"),
]


@pytest.mark.parametrize("files", QUIET)
def test_what_no_job_runs_is_not_reached(files: dict[str, str]) -> None:
    assert scripts(files) == []


def test_references_that_double_end() -> None:
    rows = [
        f".a{n}:\n  script:\n    - !reference [.a{n + 1}, script]\n    - !reference [.a{n + 1}, script]\n"
        for n in range(40)
    ]
    text = "".join(rows) + ".a40:\n  script: [python eval.py]\njob:\n  extends: .a0\nlast:\n  script: echo\n"
    assert set(scripts({MAIN: text})) <= {"eval.py"}


def test_events_and_secrets_come_along() -> None:
    text = (
        ".fit:\n  rules:\n    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\n"
        "  script: python train.py $HF_TOKEN\njob:\n  extends: .fit\n"
    )
    (run,) = found({MAIN: text})
    assert (run.events, run.secrets) == (("merge request",), ("HF_TOKEN",))
