"""From the lines of build pipelines to the files of code that they run."""

import pytest

from scanner.join import runs
from scanner.limits import Limits
from scanner.manifests.started import started
from scanner.model import Run

WORKFLOW = ".github/workflows/ci.yml"
CODE = {"train.py": "", "pkg/app/__main__.py": "", "src/tool.py": "", "tests/test_a.py": "", "nb.ipynb": ""}


def workflow(run: str, rest: str = "", on: str = "push") -> str:
    body = "\n".join(f"          {line}" for line in run.split("\n"))
    return (
        f"on: {on}\njobs:\n  build:\n    runs-on: x\n{rest}    steps:\n      - run: |\n{body}\n"
        if run
        else f"on: {on}\njobs:\n  build:\n    runs-on: x\n{rest}"
    )


def found(files: dict[str, str], limits: Limits | None = None) -> tuple[Run, ...]:
    data = {path: text.encode() for path, text in {**CODE, **files}.items()}
    return runs.runs(frozenset(data), data.get, limits or Limits())


def scripts(files: dict[str, str]) -> list[str]:
    return [run.script for run in found(files)]


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python train.py --epochs 3", "train.py"),
        ("python3.11 -u -W ignore ./train.py", "train.py"),
        ("FOO=1 sudo -E nohup python train.py &", "train.py"),
        ("python -m pkg.app", "pkg/app/__main__.py"),
        ("python -m tool", "src/tool.py"),
        ("uv run --extra gpu python train.py", "train.py"),
        ("uv run train.py", "train.py"),
        ("poetry run python -m pkg.app", "pkg/app/__main__.py"),
        ("conda run -n env python train.py", "train.py"),
        ("torchrun --nproc_per_node 4 train.py", "train.py"),
        ("python -m torch.distributed.run --nproc_per_node=2 train.py", "train.py"),
        ("accelerate launch --config_file a.yaml train.py", "train.py"),
        ("mpirun -np 4 python train.py", "train.py"),
        ("bash -c 'cd pkg && python ../train.py'", "train.py"),
        ("cd src && python tool.py", "src/tool.py"),
        ("./train.py", "train.py"),
        ("pytest -q -k fast tests", "tests/test_a.py"),
        ("python -m pytest", "tests/test_a.py"),
        ("coverage run -m pytest", "tests/test_a.py"),
        ("spacy train c.cfg --code train.py", "train.py"),
        ("python -m spacy assemble c.cfg out --code=x.py,src/tool.py", "src/tool.py"),
        ("jupyter nbconvert --execute nb.ipynb", "nb.ipynb"),
        ("uvicorn tool:app --port 80", "src/tool.py"),
        ("echo start && python train.py | tee log", "train.py"),
        ("python /workspace/train.py", "train.py"),
    ],
)
def test_a_command_leads_to_the_code_that_it_starts(command: str, script: str) -> None:
    assert scripts({WORKFLOW: workflow(command)}) == [script]


@pytest.mark.parametrize(
    "command",
    [
        "echo python train.py",
        "python -c 'import train.py'",
        "python $SCRIPT",
        "python ../../outside.py",
        "cat train.py",
        "pip install -r train.py",
        "# python train.py",
        "python -m http.server",
    ],
)
def test_what_only_looks_like_it_starts_nothing(command: str) -> None:
    assert scripts({WORKFLOW: workflow(command)}) == []


MAKE = (
    "PY ?= python\nall: fit\n\nfit: prepare\n\t@$(PY) train.py\nprepare:\n\techo\n"
    "other:\n\tpython src/tool.py\n"
)


@pytest.mark.parametrize(
    ("files", "wanted", "by"),
    [
        pytest.param({WORKFLOW: workflow("make"), "Makefile": MAKE}, "train.py", ["Makefile:5"], id="make"),
        pytest.param(
            {WORKFLOW: workflow("make other"), "Makefile": MAKE}, "src/tool.py", ["Makefile:9"], id="a target"
        ),
        pytest.param(
            {WORKFLOW: workflow("make -C sub"), "sub/Makefile": "a:\n\tpython ../train.py\n"},
            "train.py",
            ["sub/Makefile:2"],
            id="make elsewhere",
        ),
        pytest.param(
            {WORKFLOW: workflow("bash ci/run.sh"), "ci/run.sh": "set -e\npython train.py\n"},
            "train.py",
            ["ci/run.sh:2"],
            id="a script",
        ),
        pytest.param(
            {
                WORKFLOW: workflow("./run.sh"),
                "run.sh": "make fit",
                "Makefile": MAKE,
            },
            "train.py",
            ["run.sh:1", "Makefile:5"],
            id="a script that calls make",
        ),
        pytest.param(
            {WORKFLOW: workflow("dvc repro"), "dvc.yaml": "stages:\n  fit:\n    cmd: python train.py\n"},
            "train.py",
            ["dvc.yaml:3"],
            id="a stage of DVC",
        ),
    ],
)
def test_make_scripts_and_stages_are_followed(files: dict[str, str], wanted: str, by: list[str]) -> None:
    (run,) = found(files)
    assert (run.script, [str(where) for where in run.by]) == (wanted, by)
    assert run.where.path == WORKFLOW
    assert run.where.line == 7


def test_events_and_secrets_of_the_job_are_told() -> None:
    rest = "    env:\n      KEY: ${{ secrets.HF_TOKEN }}\n      B: ${{ secrets['B'] }}\n"
    (run,) = found({WORKFLOW: workflow("python train.py", rest, "[push, pull_request_target]")})
    assert (run.job, run.events, run.secrets) == ("build", ("push", "pull_request_target"), ("B", "HF_TOKEN"))


def test_an_action_of_the_tree_is_followed_with_the_job_that_uses_it() -> None:
    uses = "on: push\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/fit\n"
    action = "runs:\n  using: composite\n  steps:\n    - run: python train.py\n      shell: bash\n"
    (run,) = found({WORKFLOW: uses, ".github/actions/fit/action.yml": action})
    assert (run.script, run.where.line, run.events) == ("train.py", 5, ("push",))


def test_working_directories_count() -> None:
    rest = "    defaults:\n      run:\n        working-directory: src\n"
    assert scripts({WORKFLOW: workflow("python tool.py", rest)}) == ["src/tool.py"]


def test_gitlab_is_read_with_its_events_and_what_its_secrets_are_called() -> None:
    text = (
        "variables:\n  EPOCHS: '3'\ndefault:\n  before_script: [echo]\nfit:\n  rules:\n"
        "    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\n  script:\n"
        "    - export T=$HF_TOKEN\n    - python train.py $EPOCHS\n"
    )
    (run,) = found({".gitlab-ci.yml": text})
    assert (run.script, run.job, run.events, run.secrets) == (
        "train.py",
        "fit",
        ("merge request",),
        ("HF_TOKEN",),
    )
    assert run.where.line == 10


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({WORKFLOW: "on: [push\njobs: {"}, id="no YAML"),
        pytest.param({WORKFLOW: workflow("make"), "Makefile": "a: a\n\tmake a\n"}, id="make calls itself"),
        pytest.param({WORKFLOW: workflow("bash a.sh"), "a.sh": "bash a.sh"}, id="a script calls itself"),
        pytest.param({WORKFLOW: workflow("make"), "Makefile": "\x00\xff:\n\t\x00"}, id="no text"),
        pytest.param({WORKFLOW: workflow("python a\x00b.py")}, id="a name that no path can have"),
        pytest.param({WORKFLOW: "on: push\njobs:\n  a: &a\n    steps: []\n    x: *a\n"}, id="a knot"),
    ],
)
def test_broken_pipelines_run_nothing_and_break_nothing(files: dict[str, str]) -> None:
    assert scripts(files) == []


def test_no_more_files_are_followed_than_the_limit_says() -> None:
    calls = "\n".join(f"bash s{number}.sh" for number in range(50))
    files = {f"s{number}.sh": "python train.py" for number in range(50)}
    rows = found({WORKFLOW: workflow(calls), **files}, Limits(pipeline_files=11))
    assert len(rows) == 10


def test_a_shell_keeps_its_folder_from_one_command_to_the_next() -> None:
    rows = started([(1, "cd a"), (2, "python x.py; (cd b; python y.py)")])
    assert [(row.name, row.folder) for row in rows] == [("x.py", "a"), ("y.py", "a/b")]


TOOLS = [
    pytest.param(
        {"tox.ini": "[tox]\nenvlist = x\n[testenv]\ncommands =\n    {envpython} train.py {posargs}\n"},
        "tox -e x",
        id="tox",
    ),
    pytest.param(
        {"noxfile.py": "def s(session):\n    session.run('python', 'train.py')\n"}, "nox -s s", id="nox"
    ),
    pytest.param(
        {"Dockerfile": "FROM x\nRUN a && \\\n  python train.py\n"},
        "docker build -t x .",
        id="RUN of an image",
    ),
    pytest.param(
        {"Dockerfile": 'FROM x\nCMD ["python", "train.py"]\n'}, "docker buildx build --push .", id="CMD"
    ),
    pytest.param(
        {"Dockerfile": 'ENTRYPOINT ["python"]\nCMD ["train.py"]\n'},
        "docker build .",
        id="ENTRYPOINT with CMD",
    ),
    pytest.param(
        {"d/my.Dockerfile": "CMD python train.py\n"}, "docker build -f d/my.Dockerfile .", id="another file"
    ),
    pytest.param({"Dockerfile": "CMD python /app/train.py\n"}, "podman build .", id="where the image has it"),
]


@pytest.mark.parametrize(("files", "command"), TOOLS)
def test_tools_lead_to_the_code_that_their_files_start(files: dict[str, str], command: str) -> None:
    rows = found({WORKFLOW: workflow(command), **files})
    assert [row.script for row in rows] == ["train.py"]
    assert [where.path for where in rows[0].by] == list(files)


@pytest.mark.parametrize(
    "project",
    [
        '[project.scripts]\ngo-train = "pkg.app.__main__:main"\n',
        '[tool.poetry.scripts]\ngo-train = "pkg.app:main"\n',
    ],
)
def test_a_command_of_the_project_leads_to_its_module(project: str) -> None:
    files = {WORKFLOW: workflow("go-train --epochs 3"), "pyproject.toml": project}
    assert scripts(files) == ["pkg/app/__main__.py"]
    assert scripts({**files, "pyproject.toml": "[project"}) == []


CALLED = (
    "on: workflow_call\njobs:\n  j:\n    steps:\n"
    "      - run: python train.py\n        env: {A: '${{ secrets.B }}'}\n"
)
CALLER = "on: {}\njobs:\n  c:\n    uses: ./.github/workflows/{}.yml\n    secrets: inherit\n"


def test_a_workflow_that_is_called_runs_in_the_events_of_its_caller() -> None:
    rows = found(
        {WORKFLOW: CALLER.format("pull_request_target", "called"), ".github/workflows/called.yml": CALLED}
    )
    assert [(row.where.path, row.events) for row in rows] == [
        (".github/workflows/called.yml", ("workflow_call",)),
        (WORKFLOW, ("pull_request_target",)),
    ]
    assert rows[1].secrets == ("B", "inherited")
    assert [str(where) for where in rows[1].by] == [".github/workflows/called.yml:5"]


@pytest.mark.parametrize(
    "include", ["include: /ci/a.yml", "include: [{local: ci/a.yml}]", "include:\n  - local: 'ci/*.yml'"]
)
def test_a_pipeline_of_gitlab_includes_files_of_the_tree(include: str) -> None:
    files = {".gitlab-ci.yml": f"{include}\n", "ci/a.yml": "job:\n  script: python train.py\n"}
    assert scripts(files) == ["train.py"]


@pytest.mark.parametrize(
    "include", ["include: https://h/x.yml", "include: {remote: x}", "include: ../a.yml", "include: [[x]]"]
)
def test_what_a_pipeline_includes_from_elsewhere_is_not_followed(include: str) -> None:
    assert scripts({".gitlab-ci.yml": include, "ci/a.yml": "job:\n  script: python train.py\n"}) == []


def test_pipelines_that_call_each_other_end() -> None:
    one, two = (f"on: push\njobs:\n  c:\n    uses: ./.github/workflows/{name}.yml\n" for name in "ba")
    assert found({".github/workflows/a.yml": one, ".github/workflows/b.yml": two}) == ()


@pytest.mark.parametrize("text", ["", "[", "a = [\n", "session.run(", "CMD [", "[testenv]\n commands"])
def test_broken_files_of_tools_start_nothing(text: str) -> None:
    files = {"tox.ini": text, "noxfile.py": text, "Dockerfile": text, "pyproject.toml": text}
    assert scripts({WORKFLOW: workflow("tox\nnox\ndocker build .\ngo-train"), **files}) == []
