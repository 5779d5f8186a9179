"""YAML beside weights: tags that make objects, keys that name callables, remote code, chat templates.

Read from the parser's events: nothing is constructed, so that no tag can name a type here.
Laws: PyYAML's documentation, "YAML tags and Python types"; Hydra's documentation, "Instantiating objects";
NeMo's ``Serialization.from_config_dict`` (``_target_``, and ``target`` beside ``params``); jsonargparse's
``class_path``; the other laws of ``targets``; Ray's Serve configurations; LangChain's prompts
(``template_format``). Published: CVE-2020-14343 (PyYAML), CVE-2025-23304 (NeMo).
"""

import re
from collections.abc import Iterator

from sbom.model import Fact, FactName, Location
from sbom.record import field, mutable
from scanner.artifacts import hub_config, names, ray_config, targets, yolo_config
from scanner.artifacts.names import Kind
from scanner.errors import LimitReached, Malformed
from scanner.model import Derived, Event, Evidence, Subject, factors
from scanner.patterns import pattern
from scanner.text import visible

_PYTHON = "tag:yaml.org,2002:python/"
_SPEAKS = pattern(
    rb"(?:^|[\s\[{,:-])!|^%TAG|target|auto_map|trust_remote_code|class_path|template|import_path|runtime_env"
    rb"|\btype[\"']?\s*:\s*[\"']?\w+\.\w|\\[xuU]",
    re.MULTILINE,
)
_OURS = pattern(
    rb"!!python|yaml\.org,2002:py|_target_|auto_map|trust_remote_code|chat_template|!ruby/|^%TAG",
    re.MULTILINE,
)
_PLAIN = frozenset(
    {"bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str", "tuple", "unicode"}
)
_FOREIGN = pattern(r"(?:!ruby/|tag:ruby\.yaml\.org,2002:)(?:object|class|module|struct|exception|hash|array)")
_JAVA = pattern(r"tag:yaml\.org,2002:((?:[a-z_]\w*\.)+[A-Z]\w*)")
_TARGETS = (*targets.KEYS, "target", "type")
_TEMPLATES = ("chat_template", "template")
_MAP = "auto_map"
_KEYS = frozenset(
    {*_TARGETS, *_TEMPLATES, "params", "path", "nemo_version", "template_format", "import_path"}
)
_ROWS = 200  # targets that are named in the facts


@mutable
class _Level:
    """An open mapping or list: which key waits for its value, and what was said under the keys that count.

    ``is_remote`` inside of an ``auto_map``, whose texts are classes. ``environment`` inside of a
    ``runtime_env``: what it says so far, ``under`` the key of it that this level is the value of.
    """

    is_map: bool
    is_remote: bool = False
    key: str = ""
    has_key: bool = False
    own: dict[str, tuple[str, int]] = field(default_factory=dict)
    environment: dict[str, object] | None = None
    under: str = ""


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-001 for tags and targets that run code, ART-002 for others nobody vouches for, ART-016 for
    objects of unknown classes, ART-012 where remote code is trusted, ART-031 for what YOLO's loaders run;
    facts of a NeMo model.

    Raises Malformed for broken YAML that speaks of any of these: other broken YAML is somebody else's.
    """
    limits = subject.limits
    if subject.source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=subject.source.size)
    data = subject.source.read_at(0, subject.source.size)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode("utf-8", "surrogatepass")
    yield from yolo_config.told(data, subject.where, limits.message_chars)
    if not _SPEAKS.search(data):
        return
    yield from _Reading(subject).run(data, speaks=bool(_OURS.search(data)))


def _opened(above: _Level | None, *, is_map: bool, is_remote: bool) -> _Level:
    if above is None or above.environment is None:
        starts = above is not None and above.is_map and above.key == ray_config.KEY and is_map
        return _Level(is_map, is_remote, environment={} if starts else None)
    return _Level(is_map, is_remote, environment=above.environment, under=above.under or above.key or "?")


def _keep(environment: dict[str, object], level: _Level, value: str) -> None:
    """One text of a runtime environment, under the key of it that counts."""
    if level.under == "env_vars":
        variables = environment.setdefault("env_vars", {})
        if isinstance(variables, dict):
            variables[level.key] = value
    elif level.under:
        held = environment.setdefault(level.under, [])
        if isinstance(held, list):
            held.append(value)
    else:
        environment[level.key] = value


class _Reading:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._levels: list[_Level] = []
        self._said: set[tuple[str, int]] = set()
        self._is_nemo = subject.name.lower() == "model_config.yaml"
        self._targets: list[str] = []
        self._scalars: dict[str, str] = {}

    def run(self, data: bytes, *, speaks: bool) -> Iterator[Event]:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        nodes = 0
        try:
            for event in yaml.parse(data, Loader=loader):
                nodes += 1
                if nodes > self._subject.limits.yaml_nodes:
                    raise LimitReached("yaml_nodes", allowed=self._subject.limits.yaml_nodes)
                yield from self._on_event(event)
        except (yaml.YAMLError, UnicodeError, ValueError) as error:
            if speaks:
                mark = getattr(error, "problem_mark", None)
                found = str(getattr(error, "problem", "") or type(error).__name__)
                line = mark.line + 1 if mark is not None else None
                raise Malformed("yaml", line=line, found=visible(found, limit=120), wanted="YAML") from error
            return
        yield from self._facts()

    def _on_event(self, event: object) -> Iterator[Event]:
        kind = type(event).__name__
        mark = getattr(event, "start_mark", None)
        line = mark.line + 1 if mark is not None else 1
        tag = getattr(event, "tag", None)
        if tag:
            yield from self._tag(str(tag), str(getattr(event, "value", "")), line)
        anchor = getattr(event, "anchor", None) or ""
        if kind == "ScalarEvent":
            if anchor:
                self._scalars[anchor] = str(getattr(event, "value", ""))
            yield from self._scalar(str(getattr(event, "value", "")), line)
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            if len(self._levels) >= self._subject.limits.nesting:
                raise LimitReached("nesting", allowed=self._subject.limits.nesting)
            above = self._levels[-1] if self._levels else None
            is_remote = above is not None and (above.is_remote or (above.is_map and above.key == _MAP))
            self._levels.append(_opened(above, is_map=kind[0] == "M", is_remote=is_remote))
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            level = self._levels.pop()
            yield from self._closed(level)
            if level.environment is not None and not level.under:
                limit = self._subject.limits.message_chars
                yield from ray_config.environment_told(level.environment, self._where(line), limit)
            self._taken()
        elif kind == "AliasEvent" and anchor in self._scalars:
            yield from self._scalar(self._scalars[anchor], line)
        elif kind == "AliasEvent":
            self._taken()

    def _taken(self) -> None:
        """A value is complete: the mapping around it goes on with a key."""
        level = self._levels[-1] if self._levels else None
        if level is None or not level.is_map:
            return
        if level.has_key:
            if level.key in _KEYS:
                level.own.setdefault(level.key, ("", 0))
            level.key, level.has_key = "", False
        else:
            level.has_key = True

    def _scalar(self, value: str, line: int) -> Iterator[Event]:
        level = self._levels[-1] if self._levels else None
        if level is None:
            return
        if level.is_map and not level.has_key:
            level.key, level.has_key = value, True
            return
        if (level.is_remote or (level.is_map and level.key == _MAP)) and targets.DOTTED.search(value):
            yield from self._class(value, line)
        if level.environment is not None:
            _keep(level.environment, level, value)
        if level.is_map:
            if level.key in _KEYS:
                level.own[level.key] = (value, line)
            if level.key == "trust_remote_code" and value.lower() in ("true", "yes", "on", "1"):
                yield hub_config.trusted(self._where(line))
            level.key, level.has_key = "", False

    def _closed(self, level: _Level) -> Iterator[Event]:
        """What a whole mapping has called."""
        for key in _TEMPLATES:
            text, line = level.own.get(key, ("", 0))
            if text and (key == "chat_template" or level.own.get("template_format", ("", 0))[0] == "jinja2"):
                where = self._subject.where.inside(f"{key} at line {line}")
                yield Derived("chat-template", text.encode("utf-8", "surrogatepass"), where)
        for key in _TARGETS:
            path, line = level.own.get(key, ("", 0))
            if not path or (key == "target" and not (self._is_nemo or "params" in level.own)):
                continue
            if not targets.DOTTED.fullmatch(path):
                continue
            if key == "type":
                if targets.judge(path).capability in targets.RUNS:
                    yield from self._target(path, key, line)
                continue
            if len(self._targets) < _ROWS:
                self._targets.append(path)
            yield from self._target(path, key, line)
            asked, at = level.own.get("path", ("", 0))
            if path.rpartition(".")[2] in targets.RESOLVERS and targets.DOTTED.fullmatch(asked):
                yield from self._target(asked, "path", at)
        entry, line = level.own.get("import_path", ("", 0))
        if targets.DOTTED.fullmatch(entry.replace(":", ".", 1)):
            yield from self._target(entry.replace(":", ".", 1), "import_path", line)
        self._is_nemo = self._is_nemo or "nemo_version" in level.own

    # --- saying it ----------------------------------------------------------------------------------------

    def _where(self, line: int) -> Location:
        return self._subject.where.at(line=line)

    def _target(self, path: str, key: str, line: int) -> Iterator[Event]:
        found = targets.evidence(path, key, self._where(line), self._subject.limits.message_chars)
        if found is not None and (path, line) not in self._said:
            self._said.add((path, line))
            yield found

    def _tag(self, tag: str, value: str, line: int) -> Iterator[Event]:
        limit = self._subject.limits.message_chars
        if tag.startswith(_PYTHON):
            verb, _, path = tag[len(_PYTHON) :].partition(":")
            if verb not in _PLAIN:
                yield from self._python(verb, path or value, line)
            return
        java = _JAVA.fullmatch(tag)
        if java is not None or _FOREIGN.match(tag):
            shown = visible(tag, limit=160)
            message = f"the tag {shown} makes an object of a class of another language's loader"
            measured = factors(ref="tag", evidence="indicated")
            yield Evidence("ART-002", self._where(line), visible(message, limit=limit), shown, measured)

    def _python(self, verb: str, path: str, line: int) -> Iterator[Event]:
        """One ``!!python/verb:path``: what PyYAML's unsafe loaders make of it."""
        module = verb == "module"
        verdict = names.classify(path, "") if module else targets.judge(path)
        calls = verb in ("object/apply", "object/new")
        limit, shown = self._subject.limits.message_chars, visible(path or "?", limit=160)
        where = self._where(line)
        does = {"object/apply": "calls", "object/new": "makes", "object": "makes", "name": "names"}
        says = f"the tag !!python/{visible(verb, limit=40)} {does.get(verb, 'imports')} {shown}"
        if verdict.kind in (Kind.SINK, Kind.CARRIES):
            message = (
                f"{says}, which {verdict.capability or 'rebuilds code'}: loaders that are not safe do it"
            )
            evidence = "confirmed" if calls else "indicated"
            measured = factors(ref="tag", exploitation="poc", evidence=evidence)
            yield Evidence("ART-001", where, visible(message, limit=limit), shown, measured)
        elif verdict.kind is Kind.HONEST and (verdict.use == "call" or verb != "object/apply"):
            return
        elif verb == "object/apply":
            message = f"{says}, which nobody vouches for: loaders that are not safe do it"
            yield Evidence(
                "ART-002", where, visible(message, limit=limit), shown, factors(evidence="indicated")
            )
        else:
            yield Evidence("ART-016", where, visible(f"{says}, which nobody vouches for", limit=limit), shown)

    def _class(self, name: str, line: int) -> Iterator[Event]:
        if (name, 0) not in self._said and len(self._said) < self._subject.limits.evidence_rows:
            self._said.add((name, 0))
            yield hub_config.remote_code(self._where(line), _MAP, name)

    def _facts(self) -> Iterator[Event]:
        if self._is_nemo and self._targets:
            yield Fact(FactName.FRAMEWORK, "NeMo")
            yield Fact(FactName.ARCHITECTURE, visible(self._targets[-1], limit=160))
