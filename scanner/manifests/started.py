"""What the commands of a shell start: files of Python, modules, tests, other scripts, targets of make.

Law: the command references of Python 3.13, uv 0.9, torchrun, accelerate, pytest 8 and GNU make. Nothing is
run or expanded but variables that the text sets itself.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from sbom.record import record
from scanner.manifests import shell
from scanner.manifests.installers import bare
from scanner.manifests.shell import Command, Word
from scanner.patterns import pattern

_PYTHON = pattern(r"(?:python|pypy)[0-9.]*w?(?:\.exe)?|ipython3?|py(?:\.exe)?", re.ASCII)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_DEPTH = 4  # shells in shells


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Options of interpreters and launchers that take a value of their own.
_VALUES = _words(
    "-W -X -Q --check-hash-based-pycs -n -np -N --nproc_per_node --nproc-per-node --nnodes --node_rank "
    "--node-rank --master_addr --master-addr --master_port --master-port --rdzv_backend --rdzv-backend "
    "--rdzv_endpoint --rdzv-endpoint --rdzv_id --rdzv-id --max_restarts --max-restarts --num_gpus "
    "--num_nodes --hostfile --include --exclude --config_file --num_processes --num_machines "
    "--machine_rank --main_process_ip --main_process_port --mixed_precision --dynamo_backend --gpu_ids "
    "--ntasks --gres --partition --time --mem --account --job-name --nodes --cpus-per-task --gpus "
    "-p -e --env --environment --name --prefix --extra --group --with --python --project --directory "
    "--package --index --default-index --extra-index-url --with-requirements --with-editable --no-group "
    "-t --tag -f --file --build-arg --target --platform --cache-from --cache-to --progress -o --output "
    "--secret --ssh --label --network --iidfile --builder "
    "--source --rcfile --data-file --omit --server.port --server.address"
)
# Tools that start what follows them in their environment.
_RUNNERS = _words("uv poetry pdm pipenv hatch rye pixi conda mamba micromamba coverage")
_LAUNCHERS = _words("torchrun deepspeed horovodrun mpirun mpiexec srun streamlit")
_LAUNCH_MODULES = _words(
    "torch.distributed.launch torch.distributed.run accelerate.commands.launch coverage cProfile pdb trace "
    "memory_profiler line_profiler kernprof debugpy"
)
_CONTAINERS = frozenset({"docker", "podman", "buildah", "nerdctl"})
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "celery"})
_CODE = (".py", ".pyw", ".ipynb")

Kind = Literal[
    "file", "module", "tests", "script", "make", "dvc", "tox", "nox", "docker", "command", "archive"
]


@record
class Started:
    """One thing that a command starts. ``name`` as written, ``folder`` where the shell stands by then."""

    kind: Kind
    name: str
    line: int
    folder: str = ""


def started(
    lines: Iterable[shell.Line],
    variables: Iterable[tuple[str, str]] = (),
    folder: str = "",
    programs: Collection[str] = (),
) -> Iterator[Started]:
    """What the commands of a piece of shell text start, in order; ``programs`` are the project's own."""
    for row in _of(shell.commands(lines, dict(variables)), folder, 0):
        if row.kind != "command" or row.name in programs:
            yield row


def _of(commands: Sequence[Command], folder: str, depth: int) -> Iterator[Started]:
    for command in commands:
        words = bare(command.words)
        if not words:
            continue
        if words[0].text in {"cd", "pushd"} and len(words) > 1 and not words[1].open:
            to = words[1].text
            folder = to if to.startswith("/") else f"{folder}/{to}" if folder else to
            continue
        yield from _command(words, folder, depth)


def _command(words: Sequence[Word], folder: str, depth: int) -> Iterator[Started]:
    head = _last(words[0])
    while head in _RUNNERS and any(word.text == "run" for word in words[1:6]):
        at = next(at for at, word in enumerate(words) if at and word.text == "run")
        words = _after_options(words[at + 1 :])
        if not words:
            return
        if words[0].text.endswith(_CODE):  # uv run train.py, coverage run train.py
            yield from _file(words[0], folder)
            return
        if words[0].text == "-m":
            yield from _module(words[1:], folder)
            return
        head = _last(words[0])
    if _PYTHON.fullmatch(head):
        yield from _python(words[1:], folder)
    elif head == "accelerate" and len(words) > 1 and words[1].text == "launch":
        yield from _python(words[2:], folder)
    elif head in _SHELLS or head in {"source", "."}:
        yield from _shell(words, folder, depth)
    elif head in _LAUNCHERS:
        yield from _launched(words, folder, depth)
    else:
        yield from _tool(head, words, folder)


def _last(word: Word) -> str:
    return word.text.rpartition("/")[2]


def _tool(head: str, words: Sequence[Word], folder: str) -> Iterator[Started]:
    """What a tool runs that is no interpreter, or the file that is the command itself."""
    line = words[0].line
    if head in {"make", "gmake"}:
        yield from _make(words[1:], line, folder)
    elif head in {"pytest", "py.test"}:
        yield from _tests(words[1:], line, folder)
    elif head == "dvc" and any(word.text in {"repro", "exp"} for word in words[1:3]):
        yield Started("dvc", "dvc.yaml", line, folder)
    elif head in {"jupyter", "papermill", "nbmake"}:
        yield from (row for word in words[1:] if word.text.endswith(".ipynb") for row in _file(word, folder))
    elif head in _SERVERS:
        apps = [word for word in words[1:] if ":" in word.text and "/" not in word.text]
        yield from (Started("module", word.text.partition(":")[0], word.line, folder) for word in apps[:1])
    elif head == "spacy":
        yield from _spacy(words[1:], folder)
    elif head == "torchserve":
        yield from _served(words[1:], folder)
    elif head in {"tox", "nox"}:
        yield Started("tox" if head == "tox" else "nox", _valued(words, "-c", "-f") or "", line, folder)
    elif head in _CONTAINERS and any(word.text == "build" for word in words[1:3]):
        yield from _built(words, folder)
    elif words[0].text.endswith((".py", ".sh", ".bash")) and not words[0].open:
        kind: Kind = "file" if words[0].text.endswith(".py") else "script"
        yield Started(kind, words[0].text, line, folder)
    elif not words[0].open:
        yield Started("command", words[0].text, line, folder)


def _spacy(words: Sequence[Word], folder: str) -> Iterator[Started]:
    """The files that spaCy imports before it reads its configuration: ``--code``, several with commas."""
    named = _valued(words, "--code", "--code-path", "-c", "-cp")
    line = words[0].line if words else 1
    for name in named.split(",") if named else ():
        if name.strip():
            yield Started("file", name.strip(), line, folder)


def _served(words: Sequence[Word], folder: str) -> Iterator[Started]:
    """The archives that TorchServe loads: those of ``--models``, and what its configuration says."""
    line = words[0].line if words else 1
    store = _valued(words, "--model-store") or "."
    config = _valued(words, "--ts-config")
    if config:
        yield Started("archive", config, line, folder)
    taking = False
    for word in words:
        if word.text.startswith("-"):
            name, equals, value = word.text.partition("=")
            taking = name == "--models"
            if taking and equals:
                yield from _archive(value, store, line, folder)
        elif taking and not word.open:
            yield from _archive(word.text, store, line, folder)


def _archive(said: str, store: str, line: int, folder: str) -> Iterator[Started]:
    name = said.rpartition("=")[2]
    name = "*.mar" if name == "all" else name
    if "://" not in name:
        yield Started("archive", name if name.startswith("/") else f"{store}/{name}", line, folder)


def _valued(words: Sequence[Word], *names: str) -> str:
    """The value of the first of some options; empty where it is not known."""
    for at, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if name in names:
            return value if equals else words[at + 1].text if at + 1 < len(words) else ""
    return ""


def _built(words: Sequence[Word], folder: str) -> Iterator[Started]:
    """The Dockerfile that an image is built from; what it copies lies below its context."""
    at = next(at for at, word in enumerate(words) if word.text == "build")
    rest = _after_options(words[at + 1 :])
    context = rest[0].text if rest and not rest[0].open else "."
    below = f"{folder}/{context}" if folder else context
    file = _valued(words, "-f", "--file")
    named = (f"{folder}/{file}" if folder else file) if file else f"{below}/Dockerfile"
    yield Started("docker", named, words[0].line, below)


def _after_options(words: Sequence[Word]) -> Sequence[Word]:
    """What is left behind the options; ``-m`` stays, since what follows it is run."""
    at = 0
    while at < len(words) and words[at].text.startswith("-") and words[at].text not in {"-m", "--module"}:
        at += 2 if words[at].text in _VALUES else 1
    return words[at:]


def _python(words: Sequence[Word], folder: str) -> Iterator[Started]:
    rest = _after_options([word for word in words if word.text != "--"])
    if not rest:
        return
    if rest[0].text in {"-m", "--module"}:
        yield from _module(rest[1:], folder)
    elif not any(word.text == "-c" for word in words[: len(words) - len(rest)]):
        yield from _file(rest[0], folder)


def _module(words: Sequence[Word], folder: str) -> Iterator[Started]:
    if not words or words[0].open:
        return
    name = words[0].text
    if name in {"pytest", "unittest"}:
        yield from _tests(words[1:], words[0].line, folder)
    elif name == "spacy":
        yield from _spacy(words[1:], folder)
    elif name in _LAUNCH_MODULES:
        rest = _after_options([word for word in words[1:] if word.text != "run"])
        if rest and rest[0].text in {"-m", "--module"}:
            yield from _module(rest[1:], folder)
        elif rest:
            yield from _file(rest[0], folder)
    else:
        yield Started("module", name, words[0].line, folder)


def _file(word: Word, folder: str) -> Iterator[Started]:
    if not word.open and word.text and word.text != "-":
        yield Started("file", word.text, word.line, folder)


def _launched(words: Sequence[Word], folder: str, depth: int) -> Iterator[Started]:
    """A launcher starts a file of Python, a module, or a whole command."""
    rest = _after_options(words[1:])
    if rest and rest[0].text in {"-m", "--module"}:
        yield from _module(rest[1:], folder)
        return
    if rest and rest[0].text == "run":
        rest = _after_options(rest[1:])
    if rest and rest[0].text.endswith(_CODE):
        yield from _file(rest[0], folder)
    elif rest and depth < _DEPTH:
        yield from _of([Command(list(rest))], folder, depth + 1)


def _shell(words: Sequence[Word], folder: str, depth: int) -> Iterator[Started]:
    for at, word in enumerate(words[1:], 1):
        text = word.text
        if text.startswith("-") and not text.startswith("--") and text.endswith("c") and at + 1 < len(words):
            inner = words[at + 1]
            if depth < _DEPTH:
                first = inner.line - inner.text.count("\n")
                rows = [(first + row, line) for row, line in enumerate(inner.text.split("\n"))]
                yield from _of(shell.commands(rows), folder, depth + 1)
            return
        if not text.startswith(("-", "+")):
            if not word.open:
                yield Started("script", text, word.line, folder)
            return


def _make(words: Sequence[Word], line: int, folder: str) -> Iterator[Started]:
    targets: list[str] = []
    at = 0
    while at < len(words):
        text = words[at].text
        if text in {"-C", "--directory"} and at + 1 < len(words):
            folder = f"{folder}/{words[at + 1].text}" if folder else words[at + 1].text
            at += 1
        elif text in {"-f", "-j", "--file", "-o", "-W", "-I"}:
            at += 1
        elif not text.startswith("-") and "=" not in text and not words[at].open:
            targets.append(text)
        at += 1
    for target in targets or [""]:
        yield Started("make", target, line, folder)


def _tests(words: Sequence[Word], line: int, folder: str) -> Iterator[Started]:
    named = [
        word.text.partition("::")[0]
        for at, word in enumerate(words)
        if not word.text.startswith("-")
        and not word.open
        and (at == 0 or words[at - 1].text not in {"-k", "-m", "-n", "-p", "-c", "-o", "--tb", "--maxfail"})
        and ("/" in word.text or word.text.endswith(".py") or "test" in word.text)
    ]
    for name in named or [""]:
        yield Started("tests", name, line, folder)
