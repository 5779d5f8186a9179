"""DVC: pipelines (``dvc.yaml``), their locks (``dvc.lock``), tracked files (``*.dvc``) and ``.dvc/config``.

Law: DVC's documentation, "dvc.yaml Files", ".dvc Files", "Project Structure: dvc config". An MD5 without
``hash: md5`` is of DVC before 3.0, which took text with its line ends changed (``md5-dos2unix``); a digest
of a folder is of the list of its files (``.dir``).
"""

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from itertools import islice, product

from sbom.model import Digest, Fact, FactName, Location, Step
from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import urls
from scanner.manifests.installers import Installs
from scanner.model import Evidence, Origin, OriginKind, Reading, Stage, Tracked, Used
from scanner.readers import decoding, yaml
from scanner.text import visible


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LIMITS = Limits()
_HEX = re.compile(r"[0-9a-fA-F]{32}(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{32}|[0-9a-fA-F]{96})?", re.ASCII)
_BY_LENGTH = {40: "sha1", 64: "sha256", 128: "sha512"}
_OUTS = ("outs", "outs_no_cache", "outs_persist", "metrics", "plots")  # the first three are tracked as data
_MAX_TURNS = 64  # of one foreach or matrix
_MAX_TURNS_IN_ALL = 4_096  # of one file; then a stage is read once, with what it leaves open left open
_TEMPLATE = re.compile(r"\$\{[^{}\n]{1,200}\}")
_SECRET_KEYS = _words(
    "password secret_access_key session_token access_key_id account_key sas_token connection_string "
    "client_secret gdrive_client_secret oss_key_secret webdav_password token keyfile_passphrase "
    "passphrase"
)
_NO_SECRET = frozenset({"access_key_id"})  # names an account, opens nothing by itself


# --- tracked files -----------------------------------------------------------------------------------------


def parse_tracked(data: bytes, where: Location) -> Iterator[Reading]:
    """The files and folders of a ``*.dvc`` file, with their digests and where they were imported from.

    Raises Malformed where it is no YAML mapping with ``outs`` or ``deps``.
    """
    documents, _ = yaml.load(data)
    root = documents[0] if documents else None
    if root is None or root.kind != "map" or (root.get("outs") is None and root.get("deps") is None):
        raise Malformed("dvc", line=1, found="neither outs nor deps", wanted="a file that dvc add wrote")
    folder = _text(root, "wdir")
    origins = [origin for dep in _items(root.get("deps")) if (origin := _imported(dep)) is not None]
    origin = origins[0] if len(origins) == 1 else None
    for out in _items(root.get("outs")):
        row = _output(out, where, folder, origin)
        if row is not None:
            yield row


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.items[: _LIMITS.declarations] if node is not None and node.kind == "list" else []


def _text(node: yaml.Node, key: str) -> str:
    found = node.get(key)
    return found.text.strip() if found is not None and found.kind == "scalar" else ""


def _imported(dep: yaml.Node) -> Origin | None:
    """Where ``dvc import`` or ``import-url`` took it from."""
    repo = dep.get("repo")
    if repo is not None and repo.kind == "map":
        url, had = urls.without_credentials(_text(repo, "url"))
        commit, rev = urls.commit_of(_text(repo, "rev_lock")), _text(repo, "rev")
        return Origin(OriginKind.VCS, url, ref="" if commit else rev, commit=commit, had_credentials=had)
    path = _text(dep, "path")
    if not urls.scheme_of(path):
        return None
    url, had = urls.without_credentials(path)
    return Origin(OriginKind.URL, url, had_credentials=had)


def _output(
    out: yaml.Node, where: Location, folder: str, origin: Origin | None = None, *, joins: bool = False
) -> Tracked | None:
    path = _text(out, "path")
    if out.kind != "map" or not path:
        return None
    line = out.get("path")
    return Tracked(
        f"{folder.rstrip('/')}/{path}" if folder and folder != "." else path,
        where.at(line=line.line if line is not None else out.line),
        kind="model" if _text(out, "type") == "model" else "",
        digests=_digests(out),
        facts=_facts(out),
        origin=origin,
        joins=joins,
    )


def _digests(node: yaml.Node) -> tuple[Digest, ...]:
    """What the entry states of the bytes, or of the list of a folder's files."""
    found: list[Digest] = []
    name = _text(node, "hash") or "md5"
    value = _text(node, name) or _text(node, "md5")
    plain = value.removesuffix(".dir")
    if _HEX.fullmatch(plain):
        algorithm = _BY_LENGTH.get(len(plain), "md5")
        if algorithm == "md5" and not _text(node, "hash"):
            algorithm = "md5-dos2unix"
        found.append(Digest(f"{algorithm}.dir" if value.endswith(".dir") else algorithm, plain.lower()))
    return tuple(found)


def _facts(node: yaml.Node) -> tuple[Fact, ...]:
    facts = []
    for key, name in (("size", FactName.SIZE), ("nfiles", FactName.FILES)):
        value = _text(node, key)
        if value.isascii() and value.isdigit() and len(value) < 20:
            facts.append(Fact(name, int(value)))
    return tuple(facts)


# --- pipelines ---------------------------------------------------------------------------------------------


@record
class _Stage:
    node: yaml.Node
    where: Location
    lines: list[str]
    folder: str


def parse_pipeline(data: bytes, where: Location) -> Iterator[Reading]:
    """What the stages of a ``dvc.yaml`` install, read and write, and the artifacts that it names.

    Raises Malformed where it is no YAML mapping.
    """
    documents, lines = yaml.load(data)
    root = documents[0] if documents else None
    if root is None or root.kind != "map":
        raise Malformed("dvc-pipeline", line=1, found="no mapping", wanted="stages")
    known = _variables(root.get("vars"))
    installs = Installs(where)
    turns = 0
    stages = root.get("stages")
    for name, stage in stages.entries() if stages is not None and stages.kind == "map" else ():
        # foreach puts the stage's text behind a "do", matrix leaves it where it is.
        inner = stage.get("do") or stage
        each = _turns(stage, known) if turns < _MAX_TURNS_IN_ALL else [known]
        turns += len(each)
        readings = [
            row
            for values in each
            for one in (_Stage(inner, where, lines, _filled(_text(inner, "wdir"), values)),)
            for row in (
                *_commands(one, installs, values),
                *_files(one, values),
                _stated(f"{name}{_turn(values, known) if len(each) > 1 else ''}", one, values),
            )
        ]
        yield from dict.fromkeys(readings)
    artifacts = root.get("artifacts")
    for _, artifact in artifacts.entries() if artifacts is not None and artifacts.kind == "map" else ():
        row = _output(artifact, where, "")
        if row is not None:
            yield row


def _variables(node: yaml.Node | None) -> dict[str, str]:
    """The values that the file itself sets; those of params.yaml are not at hand."""
    known: dict[str, str] = {}
    for item in node.items if node is not None else ():
        for name, value in item.entries():
            if value.kind == "scalar" and "$" not in value.text and len(value.text) <= _LIMITS.literal_bytes:
                known[name] = value.text
    return known


def _turns(stage: yaml.Node, known: dict[str, str]) -> list[Mapping[str, str]]:
    """The values of each stage that a foreach or a matrix makes of this one; of any other just one set."""
    each, matrix = stage.get("foreach"), stage.get("matrix")
    rows: list[dict[str, str]] = []
    if each is not None:
        named = [("", item) for item in each.items] + [(key, value) for key, value in each.entries()]
        rows = [{"key": key, **_values("item", item)} for key, item in named[:_MAX_TURNS]]
    elif matrix is not None and matrix.kind == "map":
        axes = [
            [_values(f"item.{name}", item) for item in axis.items]
            for name, axis in matrix.entries()
            if axis.items
        ]
        together = islice(product(*axes), _MAX_TURNS) if axes else ()
        rows = [{name: text for one in turn for name, text in one.items()} for turn in together]
    return [ChainMap(row, known) for row in rows] or [known]


def _values(name: str, node: yaml.Node) -> dict[str, str]:
    if node.kind == "scalar":
        return {} if "$" in node.text else {name: node.text}
    return {f"{name}.{key}": value.text for key, value in node.entries() if value.kind == "scalar"}


def _filled(text: str, known: Mapping[str, str]) -> str:
    if "${" not in text or len(text) > _LIMITS.line_chars:
        return text
    return _TEMPLATE.sub(lambda found: known.get(found.group()[2:-1].strip(), found.group()), text)


def _commands(stage: _Stage, installs: Installs, known: Mapping[str, str]) -> Iterator[Reading]:
    command = stage.node.get("cmd")
    for node in command.scalars() if command is not None else ():
        rows = yaml.script(node, stage.lines)
        # What DVC fills in may have dots and brackets in its name, which no variable of a shell has.
        yield from installs.read(
            (line, _TEMPLATE.sub(_as_variable, _filled(row, known))) for line, row in rows
        )


def _turn(values: Mapping[str, str], known: Mapping[str, str]) -> str:
    """What DVC adds to the name of a stage for each turn: its key, its item, or the matrix's values."""
    own = {key: text for key, text in values.items() if key not in known or known[key] != text}
    plain = own.get("key") or own.get("item")
    return f"@{plain or '-'.join(text for key, text in own.items() if key.startswith('item.'))}"


def _stated(name: str, stage: _Stage, known: Mapping[str, str]) -> Stage:
    """The stage itself: what it runs, what it takes, the parameters that it reads by name, what it gives."""
    command = stage.node.get("cmd")
    commands = tuple(_filled(node.text.strip(), known) for node in (command.scalars() if command else ()))
    named = [
        (one.text, "")
        for item in _items(stage.node.get("params"))
        for one in (
            [item] if item.kind == "scalar" else [v for _, node in item.entries() for v in node.items]
        )
        if one.kind == "scalar" and one.text
    ]
    given = [
        row for key in _OUTS for item in _items(stage.node.get(key)) for row in _file(item, stage, known)
    ]
    taken = [row for item in _items(stage.node.get("deps")) for row in _file(item, stage, known)]
    return Stage(
        stage.where.at(line=stage.node.line),
        name,
        (Step(commands=commands),) if commands else (),
        tuple(Used(row.path, row.where) for row in taken),
        tuple(Used(row.path, row.where) for row in given),
        tuple(named),
    )


def _as_variable(found: re.Match[str]) -> str:
    return "${" + re.sub(r"\W", "_", found.group()[2:-1].strip()) + "}"


def _files(stage: _Stage, known: Mapping[str, str]) -> Iterator[Reading]:
    for key in _OUTS[:3]:
        for item in _items(stage.node.get(key)):
            yield from _file(item, stage, known, joins=False)
    for item in _items(stage.node.get("deps")):
        yield from _file(item, stage, known, joins=True)


def _file(
    item: yaml.Node, stage: _Stage, known: Mapping[str, str], *, joins: bool = False
) -> Iterator[Tracked]:
    """One entry: a path, or a path with options under it. A template names no file before it is filled in."""
    node = item.pairs[0][0] if item.kind == "map" and item.pairs else item
    path = _filled(node.text, known)
    if node.kind != "scalar" or not path or "${" in path:
        return
    address = urls.scheme_of(path)
    folder = "" if address or stage.folder in {"", "."} or "${" in stage.folder else f"{stage.folder}/"
    clean, had = urls.without_credentials(path) if address else (path, False)
    origin = Origin(OriginKind.URL, clean, had_credentials=had) if address else None
    yield Tracked(
        f"{folder}{clean}", stage.where.at(line=node.line), origin=origin, joins=joins and not address
    )


def parse_lock(data: bytes, where: Location) -> Iterator[Reading]:
    """What the stages of a ``dvc.lock`` wrote, and where else they name what is tracked.

    Raises Malformed where it is no YAML mapping with stages.
    """
    documents, _ = yaml.load(data)
    root = documents[0] if documents else None
    if (
        root is None
        or root.kind != "map"
        or not {"stages", "schema", "datasets"} & {name for name, _ in root.entries()}
    ):
        raise Malformed("dvc-lock", line=1, found="no stages", wanted="schema, stages")
    stages = root.get("stages")
    count = 0
    for name, stage in stages.entries() if stages is not None and stages.kind == "map" else ():
        for key in ("outs", "deps"):
            for item in _items(stage.get(key)):
                row = _output(
                    item, where, "", joins=key == "deps" and not urls.scheme_of(_text(item, "path"))
                )
                if row is None:
                    continue
                count += 1
                if count > _LIMITS.declarations:
                    raise LimitReached("declarations", allowed=_LIMITS.declarations)
                yield row
        if parameters := tuple(_parameters(stage.get("params"))):
            yield Stage(where.at(line=stage.line), name, parameters=parameters)


def _parameters(node: yaml.Node | None) -> Iterator[tuple[str, str]]:
    """The values that a run was made with: of each file of parameters, by name."""
    for _, file in node.entries() if node is not None else ():
        for name, value in islice(file.entries(), _MAX_TURNS_IN_ALL):
            if value.kind == "scalar":
                yield name, value.text
            elif value.kind == "list" and all(one.kind == "scalar" for one in value.items):
                yield name, ", ".join(one.text for one in value.items)


# --- remotes -----------------------------------------------------------------------------------------------


def parse_config(data: bytes, where: Location) -> Iterator[Reading]:
    """DEP-013 for each credential in ``.dvc/config``: in a remote's address, or under a key of its own."""
    if len(data) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
    text, _ = decoding.decode(data)
    section = ""
    for number, row in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = row.strip()
        if line.startswith("["):
            section = line[1 : _LIMITS.literal_bytes].strip("]'\" ").removeprefix("remote").strip('" ')
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or line.startswith(("#", ";")) or not value:
            continue
        key = key.lower()
        _, had = urls.without_credentials(value) if key in {"url", "endpointurl", "proxy"} else ("", False)
        secret = key in _SECRET_KEYS - _NO_SECRET and not value.startswith("${")
        if had or secret:
            yield _credential(where.at(line=number), section, key)


def _credential(where: Location, section: str, key: str) -> Evidence:
    name = visible(section, limit=80)
    return Evidence(
        "DEP-013",
        where,
        f"This line holds a credential of the data remote {name} ({visible(key, limit=40)}): everybody who "
        "can read the repository, or its history, has it",
        f"{where.path}: {name}.{key}",
        remedy=f"Revoke it, then set it anew with `dvc remote modify --local {name} {key} …`, "
        "which writes to .dvc/config.local and is never committed.",
    )
