"""Dockerfiles and Containerfiles: the images that stages begin from, and what their commands install.

Law: Docker's "Dockerfile reference" (BuildKit frontend 1.x): parser directives, continuation, here-documents,
ARG and ENV, JSON form. Values of ARG are the file's own defaults.
"""

import json
import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.record import field, mutable
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import images, urls
from scanner.manifests.installers import Installs
from scanner.manifests.shell import Line
from scanner.model import Evidence, Reading
from scanner.readers import decoding
from scanner.text import visible

_LIMITS = Limits()
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:\s+|$)")
_FLAG = re.compile(r"\s*--([a-z.-]+)(?:=(\S*))?(?=\s|\\|$)")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.IGNORECASE)
_HEREDOC = re.compile(r"<<(-?)(?:'([^'\s]+)'|\"([^\"\s]+)\"|([A-Za-z0-9_.!-]+))")
_ASSIGNED = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)=((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])*)", re.DOTALL
)


@mutable
class _Instruction:
    """One instruction: its word in capitals, and the physical lines of what follows it."""

    word: str
    lines: list[Line]
    documents: list[list[Line]] = field(default_factory=list)

    @property
    def line(self) -> int:
        return self.lines[0][0]

    @property
    def text(self) -> str:
        return " ".join(row.removesuffix("\\").strip() for _, row in self.lines).strip()


@mutable
class _File:
    where: Location
    outer: dict[str, str] = field(default_factory=dict)  # ARG before the first FROM
    known: dict[str, str] = field(default_factory=dict)  # ARG and ENV of the stage
    stages: set[str] = field(default_factory=set)
    begun: int = 0


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The images and installs of a Dockerfile, in the order of its lines.

    A reference that cannot be read is COV-005 at its line. Raises LimitReached past the bytes of one file.
    """
    if len(data) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
    text, _ = decoding.decode(data)
    file = _File(where)
    installs = Installs(where)
    for each in _instructions(text):
        yield from _read(file, each, installs)
    yield from installs.end()


def _instructions(text: str) -> Iterator[_Instruction]:
    rows = list(enumerate(text.removeprefix("\ufeff").split("\n"), 1))
    escape = "\\"
    for _, row in rows:
        if not row.startswith("#"):
            break
        if found := _ESCAPE.fullmatch(row.rstrip("\r")):
            escape = found.group(1)
    at = 0
    while at < len(rows):
        lines: list[Line] = []
        while at < len(rows):
            number, row = rows[at]
            at += 1
            row = row.rstrip("\r")
            if row.lstrip().startswith("#") or (lines and not row.strip()):
                if not lines:
                    break
                continue
            ends = row.rstrip().endswith(escape)
            lines.append((number, f"{row.rstrip()[:-1]}\\" if ends else row))
            if not ends:
                break
        first = _INSTRUCTION.match(lines[0][1].removesuffix("\\") if lines else "")
        if not lines or first is None:
            continue
        word = first.group(1).upper()
        lines[0] = (lines[0][0], lines[0][1][first.end() :])
        if word == "ONBUILD" and (inner := _INSTRUCTION.match(lines[0][1])):
            word = inner.group(1).upper()
            lines[0] = (lines[0][0], lines[0][1][inner.end() :])
        found_one = _Instruction(word, lines)
        if word in {"RUN", "COPY", "ADD"}:
            at = _documents(found_one, rows, at)
        yield found_one


def _documents(one: _Instruction, rows: list[Line], at: int) -> int:
    """Takes the here-documents of an instruction; where the next instruction begins."""
    for found in _HEREDOC.finditer("\n".join(row for _, row in one.lines)):
        mark = found.group(2) or found.group(3) or found.group(4)
        body: list[Line] = []
        while at < len(rows):
            number, row = rows[at]
            at += 1
            row = row.rstrip("\r")
            if (row.lstrip("\t") if found.group(1) else row) == mark:
                break
            body.append((number, row))
        one.documents.append([*body, (body[-1][0] + 1 if body else one.line + 1, mark)])
    return at


def _read(file: _File, one: _Instruction, installs: Installs) -> Iterator[Reading]:
    match one.word:
        case "FROM":
            yield from _from(file, one)
            installs.variables = file.known
        case "ARG" | "ENV":
            _assign(file, one)
        case "RUN" | "CMD" | "ENTRYPOINT":
            yield from _run(file, one, installs)
        case "COPY" | "ADD":
            flags, _ = _flags(one.lines[0][1])
            if "from" in flags:
                yield from _image(file, flags["from"], one.line)
            elif one.word == "ADD":
                _add(file, one, installs)
        case _:
            pass


def _add(file: _File, one: _Instruction, installs: Installs) -> None:
    """Notes the addresses that an ADD fetches without a digest to check them against."""
    flags, rest = _flags(one.text)
    if "checksum" not in flags:
        words = _json_form(rest) or rest.split()
        texts = [images.expanded(word.strip("\"'"), {**file.outer, **file.known}) for word in words[:-1]]
        installs.unchecked.added(texts, file.where.at(line=one.line))


def _flags(text: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    while found := _FLAG.match(text):
        flags[found.group(1)] = found.group(2) or ""
        text = text[found.end() :]
    return flags, text.lstrip()


def _from(file: _File, one: _Instruction) -> Iterator[Reading]:
    file.begun += 1
    file.known = {}
    _, rest = _flags(one.text)
    words = rest.split()
    if words:
        yield from _image(file, words[0], one.line, file.outer)
    if len(words) >= 3 and words[1].upper() == "AS":
        file.stages.add(words[2].lower())


def _image(file: _File, reference: str, line: int, known: dict[str, str] | None = None) -> Iterator[Reading]:
    text = images.expanded(reference.strip("\"'"), {**file.outer, **file.known} if known is None else known)
    if (
        text.lower() in file.stages
        or text.lower() == "scratch"
        or (text.isdigit() and int(text) < file.begun)
    ):
        return
    found = images.declared(text, file.where.at(line=line))
    if found is not None:
        yield found
        return
    shown = visible(urls.masked(text), limit=160)
    why = "it holds a variable without a default" if "$" in text else "it is no reference to an image"
    yield Evidence(
        "COV-005",
        file.where.at(line=line),
        f"This image is not known: {shown} ({why})",
        subject=f"{file.where.path}: {shown}",
        remedy="Give the ARG a default that names the image by its digest.",
    )


def _assign(file: _File, one: _Instruction) -> None:
    target = file.known if file.begun else file.outer
    text = one.text
    pairs = _ASSIGNED.findall(text)
    if one.word == "ENV" and not re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text):
        name, _, value = text.partition(" ")
        pairs = [(name, value.strip())]
    for name, value in pairs:
        plain = re.sub(r"\\(.)", r"\1", value.strip("\"'"))
        whole = images.expanded(plain, {**file.outer, **file.known})
        if "$" not in whole:
            target[name] = whole
    if one.word == "ARG":
        for name in text.split():
            if file.begun and name in file.outer:
                target.setdefault(name, file.outer[name])


def _run(file: _File, one: _Instruction, installs: Installs) -> Iterator[Reading]:
    first_line, first = one.lines[0]
    while found := _FLAG.match(first):
        source = re.search(r"(?:^|,)from=([^,]+)", found.group(2) or "")
        if found.group(1) == "mount" and source:
            yield from _image(file, source.group(1), first_line)
        first = first[found.end() :]
        if first.strip() == "\\" and len(one.lines) > 1:
            one.lines.pop(0)
            first_line, first = one.lines[0]
    rest: list[Line] = [(first_line, first.lstrip()), *one.lines[1:]]
    if rest[0][1].startswith("[") and (words := _json_form(" ".join(row.rstrip("\\") for _, row in rest))):
        yield from installs.read_words(words, first_line)
        return
    if one.documents and _HEREDOC.sub("", rest[0][1]).strip() == "":
        for body in one.documents:
            # A first line of #! names another interpreter than the shell.
            if not re.match(r"#!(?!.*sh\b)", body[0][1]):
                yield from installs.read(body[:-1])
        return
    for body in one.documents:
        rest.extend(body)
    yield from installs.read(rest)


def _json_form(text: str) -> list[str] | None:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    good = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if good else None
