"""Ray's runtime environments: what is fetched, installed and run before the first line of an application.

Law: Ray's documentation, "Runtime environments": ``working_dir`` and ``py_modules`` may be addresses of
archives whose code is put on the path; ``pip``, ``uv`` and ``conda`` are installed; ``py_executable`` and
``worker_process_setup_hook`` run.
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.artifacts import installs, targets
from scanner.model import Evidence, factors
from scanner.text import visible

KEY = "runtime_env"
_FETCHED = ("working_dir", "py_modules", "java_jars")
_INSTALLED = ("pip", "uv", "conda", "packages", "dependencies")
# How an interpreter or its launcher is spelled where nothing else is meant.
_INTERPRETERS = ("python", "uv run", "pypy", "/usr/bin/python", "/usr/local/bin/python")
_SHELL = (";", "|", "&", "$(", "`", " -c ", " -c", "://")
_LOADERS = frozenset({"LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PYTHONSTARTUP"})
_ROWS = 1000


def told(config: object, where: Location, limit: int) -> Iterator[Evidence]:
    """The findings of each runtime environment in a parsed configuration."""
    for mapping in targets.mappings(config):
        environment = mapping.get(KEY)
        if isinstance(environment, dict):
            yield from environment_told(environment, where, limit)


def environment_told(environment: dict[str, object], where: Location, limit: int) -> Iterator[Evidence]:
    """ART-023 for what is fetched or installed from an address, ART-001 and ART-002 for what is run."""
    for key in _FETCHED:
        for text in _texts(environment.get(key)):
            if installs.is_unpinned_address(text):
                measured = factors(ref=key, effect="partial")
                yield installs.evidence(
                    text, key, "serving this runs code that it fetches from", where, measured
                )
    for key in _INSTALLED:
        for line in installs.foreign(_texts(environment.get(key))):
            yield installs.evidence(line, key, "serving this installs", where, factors(ref=key))
    for key in ("worker_process_setup_hook", "py_executable"):
        value = environment.get(key)
        if isinstance(value, str):
            yield from _run(key, value, where, limit)
    variables = environment.get("env_vars")
    for name, value in variables.items() if isinstance(variables, dict) else ():
        if name not in _LOADERS:
            continue
        shown = visible(str(value), limit=160)
        message = f"env_vars sets {name}, which has every process of it load {shown}"
        measured = factors(ref="env_vars", exploitation="poc", evidence="indicated")
        yield Evidence("ART-002", where, visible(message, limit=limit), name, measured)


def _run(key: str, value: str, where: Location, limit: int) -> Iterator[Evidence]:
    if key == "worker_process_setup_hook":
        path = value.replace(":", ".", 1)
        found = targets.evidence(path, key, where, limit) if targets.DOTTED.fullmatch(path) else None
        if found is not None:
            yield found
        return
    if value.startswith(_INTERPRETERS) and not any(mark in value for mark in _SHELL):
        return
    message = f"{key} has each worker run {visible(value, limit=160)}"
    measured = factors(ref=key, exploitation="poc", evidence="indicated")
    yield Evidence("ART-001", where, visible(message, limit=limit), key, measured)


def _texts(value: object) -> list[str]:
    """The texts of a value: itself, the items of a list, those of a mapping that pip or conda is given."""
    waiting: list[object] = [value]
    found: list[str] = []
    while waiting and len(found) < _ROWS:
        each = waiting.pop(0)
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, list):
            waiting = [*each[:_ROWS], *waiting]
        elif isinstance(each, dict):
            waiting = [*(each[key] for key in (*_INSTALLED, "pip_install_options") if key in each), *waiting]
    return found
