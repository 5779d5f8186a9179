"""MLflow's runs as its tracking store keeps them in files: what was run, with what, and what came of it.

Law: MLflow's ``FileStore``: ``<experiment>/<run>/meta.yaml`` beside ``params/<name>``, ``tags/<name>``,
``metrics/<name>`` (a line for each time: timestamp, value, step), ``inputs/<id>/meta.yaml`` that names a data
set of the experiment, and ``artifacts/``.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sbom.model import Location, Step
from scanner.errors import ScanError
from scanner.manifests.mlflow import short
from scanner.model import Stage, Used
from scanner.readers import decoding, yaml

MAX_RUNS: Final = 1_000
_MAX_ROWS: Final = 1_000  # of one kind of one run
_RUN: Final = re.compile(
    r"(?P<run>(?:.*/)?[^/]+/[0-9a-f]{32})/"
    r"(?:(?P<meta>meta\.yaml)|(?P<kind>params|metrics|tags)/(?P<name>.+)|inputs/(?P<input>[^/]+)/meta\.yaml"
    r"|artifacts/(?P<artifact>[^/]+)(?:/.*)?)",
    re.DOTALL,
)
_TAGS: Final = (  # what of the tags is told: the others are people's own, and name people
    ("mlflow.source.git.commit", "commit"),
    ("mlflow.source.git.repoURL", "repository"),
    ("mlflow.gitRepoURL", "repository"),
    ("mlflow.source.name", "source"),
    ("mlflow.source.type", "source type"),
    ("mlflow.project.entryPoint", "entry point"),
)
_STATUS: Final = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}

Read = Callable[[str], bytes | None]


def stages(paths: Iterable[str], read: Read) -> Iterator[tuple[str, Stage]]:
    """Each run among the files of a tree as a stage, with the path of its ``meta.yaml``; the first thousand.

    ``read`` gives the bytes of a file, None where it cannot be read.
    """
    runs: dict[str, list[re.Match[str]]] = {}
    for path in sorted(paths):
        if found := _RUN.fullmatch(path):
            runs.setdefault(found["run"], []).append(found)
    told = 0
    for run, files in runs.items():
        if told < MAX_RUNS and any(each["meta"] for each in files):
            stage = _stage(run, files, read)
            if stage is not None:
                told += 1
                yield f"{run}/meta.yaml", stage


def _stage(run: str, files: Sequence[re.Match[str]], read: Read) -> Stage | None:
    meta = _mapping(read(f"{run}/meta.yaml"))
    if not {"run_id", "run_uuid"} & set(meta):
        return None
    tags = dict(_texts(files, "tags", read, wanted=frozenset(name for name, _ in (*_TAGS, _NAME))))
    about = {told: short(tags[name]) for name, told in _TAGS if tags.get(name)}
    for key, told in (("status", "status"), ("entry_point_name", "entry point")):
        if meta.get(key):
            about.setdefault(told, short(_STATUS.get(meta[key], meta[key])))
    where = Location(f"{run}/meta.yaml")
    artifacts = dict.fromkeys(each["artifact"] for each in files if each["artifact"])
    name = meta.get("run_name") or tags.get(_NAME[0]) or posixpath.basename(run)
    return Stage(
        where,
        short(name),
        (Step(about.get("entry point") or about.get("source") or "run"),),
        tuple(_inputs(run, files, read, where)),
        tuple(Used(f"artifacts/{name}", where) for name in list(artifacts)[:_MAX_ROWS]),
        tuple((name, short(text)) for name, text in _texts(files, "params", read)),
        tuple((name, value) for name, text in _texts(files, "metrics", read) if (value := _last(text))),
        tuple(sorted(about.items())),
    )


_NAME: Final = ("mlflow.runName", "")


def _texts(
    files: Sequence[re.Match[str]], kind: str, read: Read, wanted: frozenset[str] | None = None
) -> Iterator[tuple[str, str]]:
    rows = [each for each in files if each["kind"] == kind and (wanted is None or each["name"] in wanted)]
    for each in rows[:_MAX_ROWS]:
        data = read(each[0])
        if data is not None:
            yield each["name"], decoding.decode(data)[0].strip()


def _last(text: str) -> str:
    """The value of the latest step; empty where no line has one."""
    rows: list[tuple[float, float, int, str]] = []
    for at, line in enumerate(text.splitlines()):
        parts = line.split()
        try:
            when, value, step = parts[0], parts[1], parts[2] if len(parts) > 2 else "0"
            rows.append((float(step), float(when), at, str(float(value)) and value))
        except (ValueError, IndexError):
            continue  # MLflow would refuse the line
    return max(rows)[3] if rows else ""


def _inputs(run: str, files: Sequence[re.Match[str]], read: Read, where: Location) -> Iterator[Used]:
    """The data sets that were logged as inputs: by the place they came from, else by their name."""
    experiment = posixpath.dirname(run)
    for each in [one for one in files if one["input"]][:_MAX_ROWS]:
        source = _mapping(read(each[0])).get("source_id", "")
        if not re.fullmatch(r"[0-9a-f]{8,64}", source):
            continue
        data = _mapping(read(f"{experiment}/datasets/{source}/meta.yaml"))
        place = _place(data.get("source", "")) or data.get("name", "")
        if place:
            yield Used(_from_root(place, run), where)


def _place(source: str) -> str:
    """Where a data set came from: its source is JSON of one of several shapes."""
    try:
        value: object = json.loads(source)
    except (ValueError, RecursionError):
        return ""
    rows = value if isinstance(value, dict) else {}
    found = [rows.get(key) for key in ("uri", "url", "path", "mlflow_source_name")]
    return next((one for one in found if isinstance(one, str) and one), "")


def _from_root(place: str, run: str) -> str:
    """The path as it stands to the run's folder: a run names what it took from where it was started."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:|/", place):
        return place
    return posixpath.relpath(place, run)


def _mapping(data: bytes | None) -> Mapping[str, str]:
    """The texts of a YAML file's own keys; nothing where it is none."""
    if data is None:
        return {}
    try:
        documents, _ = yaml.load(data)
    except ScanError:
        return {}
    root = documents[0] if documents else None
    rows = root.entries() if root is not None and root.kind == "map" else ()
    return {
        key: value.text for key, value in rows if value.kind == "scalar" and value.text not in {"null", "~"}
    }
