"""Models in XML (PMML, OpenVINO's IR): what their document type and their inclusions have a reader fetch.

Neither format needs a document type. Nothing is fetched here, and no entity is replaced but where the
parser cannot help it (in attributes and declarations), where it bounds how much comes of it.
Laws: XML 1.0, sections 2.8 and 4.2; XInclude 1.1. Weaknesses: CWE-611, CWE-776.
"""

import re
from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.errors import LimitReached, Malformed
from scanner.model import Event, Evidence, Source, Subject, factors
from scanner.text import visible

_PARAMETER = 100  # entities inside of each other that are followed
_SWOLLEN = 10_000_000  # characters that an entity may stand for
_SLACK = 100  # how many times the file itself they may be, where that is more
_ROWS = 200
_CHUNK = 1 << 20
_REFERENCE = re.compile(r"&([^;&\s]{1,200});|%([^;%\s]{1,200});")
_XINCLUDE = "http://www.w3.org/2001/XInclude"
_INCLUDES = re.compile(r"<(?:\w+:)?include\s[^<>]*href")  # up to the next "<": each is looked at once
_PMML, _OPENVINO = "PMML", "net"
_HEADER = 3  # levels down to what tells who wrote it
# Sets of operators that the runtime itself has; every other is an extension's.
_OWN_SETS = ("opset", "type_relaxed_opset", "experimental", "ie_internal", "util", "gpu_opset")


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-021 for each entity, document type, style sheet or inclusion from elsewhere; ART-025 for entities
    that multiply; ART-022 for operators of an extension; facts of the model.

    Raises Malformed for text that is no XML, LimitReached past ``text_bytes``.
    """
    if subject.source.size > subject.limits.text_bytes:
        raise LimitReached("text_bytes", allowed=subject.limits.text_bytes, found=subject.source.size)
    reading = _Reading(subject)
    problem = reading.run()
    yield from reading.told()
    if problem is not None:
        raise problem
    yield from reading.facts


class _Reading:
    def __init__(self, subject: Subject) -> None:
        from xml.parsers import expat

        self._subject = subject
        self._entities: dict[str, str] = {}
        self._outside: list[tuple[str, str, int]] = []
        self._depth = 0
        self._is_openvino = False
        self._used: dict[str, int] = {}
        self._foreign: dict[str, int] = {}
        self.facts: list[Fact] = []
        parser = expat.ParserCreate(namespace_separator=" ")
        # What a parameter entity declares counts: readers that fetch nothing replace the internal ones.
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        # Without this handler an internal entity would be replaced; it is told of it instead.
        parser.DefaultHandler = self._on_other
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.EntityDeclHandler = self._on_entity
        parser.ProcessingInstructionHandler = self._on_instruction
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.ExternalEntityRefHandler = lambda *_: 1  # nothing is fetched
        self._parser = parser

    def run(self) -> Malformed | LimitReached | None:
        """Reads it; what broke, if anything did. What was seen before is kept."""
        from xml.parsers import expat

        source: Source = self._subject.source
        try:
            for at in range(0, source.size, _CHUNK):
                self._parser.Parse(source.read_at(at, _CHUNK), at + _CHUNK >= source.size)
            if not source.size:
                return Malformed("xml", offset=0, found="no bytes", wanted="XML")
        except expat.ExpatError as error:
            found = f"{expat.ErrorString(error.code)} at line {error.lineno}"
            return Malformed("xml", line=error.lineno, found=found, wanted="well-formed XML")
        except LimitReached as error:
            return error
        except (LookupError, ValueError) as error:
            return Malformed("xml", found=visible(str(error), limit=120), wanted="an encoding that is known")
        return None

    # --- what the parser meets ------------------------------------------------------------------------------

    def _on_doctype(self, name: str, system: str | None, public: str | None, has_internal: int) -> None:
        del has_internal
        if system or public:
            self._keep(f"document type {name}", system or public or "")

    def _on_entity(
        self,
        name: str,
        is_parameter: int,
        value: str | None,
        base: str | None,
        system: str | None,
        public: str | None,
        notation: str | None,
    ) -> None:
        del base, notation
        if value is not None:
            self._entities.setdefault(f"%{name}" if is_parameter else name, value)
            if _XINCLUDE in value or _INCLUDES.search(value):
                self._keep("inclusion", value)
        else:
            self._keep(f"entity {name}", system or public or "")

    def _on_other(self, text: str) -> None:
        if text.startswith("&") and text[1:-1] in self._entities:
            self._used[text[1:-1]] = self._used.get(text[1:-1], 0) + 1

    def _on_instruction(self, target: str, data: str) -> None:
        if target == "xml-stylesheet" and "://" in data:
            self._keep("style sheet", data)

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._subject.limits.nesting * 10:
            raise LimitReached("nesting", allowed=self._subject.limits.nesting * 10)
        space, _, local = name.rpartition(" ")
        if self._depth == 1:
            self._on_root(local, attributes)
        elif local == "layer" and self._is_openvino:
            self._on_layer(attributes)
        elif local == "Application" and self._depth <= _HEADER:
            said = f"{attributes.get('name', '')} {attributes.get('version', '')}"
            self.facts.append(Fact(FactName.PRODUCER, visible(said.strip(), limit=120)))
        elif space == _XINCLUDE and local == "include":
            self._keep("inclusion", attributes.get("href", ""))

    def _on_end(self, name: str) -> None:
        del name
        self._depth -= 1

    def _on_root(self, local: str, attributes: dict[str, str]) -> None:
        version = attributes.get("version", "")
        if local == _PMML:
            self.facts.append(Fact(FactName.FRAMEWORK, "PMML"))
        elif local == _OPENVINO:
            self._is_openvino = True
            self.facts.append(Fact(FactName.FRAMEWORK, "OpenVINO"))
            if attributes.get("name"):
                self.facts.append(Fact(FactName.ARCHITECTURE, visible(attributes["name"], limit=160)))
        if version and self.facts:
            self.facts.append(Fact(FactName.FRAMEWORK_VERSION, visible(version, limit=40)))

    def _on_layer(self, attributes: dict[str, str]) -> None:
        version = attributes.get("version", "")
        if version and not version.startswith(_OWN_SETS) and len(self._foreign) < _ROWS:
            name = f"{attributes.get('type', '?')} of {version}"
            self._foreign.setdefault(name, self._parser.CurrentLineNumber)

    def _keep(self, what: str, address: str) -> None:
        if len(self._outside) < _ROWS:
            self._outside.append((what, address, self._parser.CurrentLineNumber))

    # --- saying it ------------------------------------------------------------------------------------------

    def told(self) -> Iterator[Evidence]:
        """The findings, in the order of the file."""
        for what, address, line in self._outside:
            shown = visible(address, limit=200)
            message = (
                f"the {visible(what, limit=80)} is taken from {shown or 'elsewhere'}: a reader opens that"
            )
            where = self._subject.where.at(line=line)
            yield Evidence("ART-021", where, message, f"{visible(what, limit=80)}:{shown}")
        for name, line in self._foreign.items():
            shown = visible(name, limit=120)
            message = f"the operator {shown} is not one of OpenVINO's own and comes from a native library"
            yield Evidence("ART-022", self._subject.where.at(line=line), message, shown)
        sizes = ((self._length(each) * max(1, self._used.get(each, 1)), each) for each in self._entities)
        swollen, name = max(sizes, default=(0, ""))
        if swollen > max(_SWOLLEN, self._subject.source.size * _SLACK):
            shown = visible(name, limit=80)
            message = f"the entity {shown} stands for {swollen:,} characters or more where it is used"
            measured = factors(ref="entities", evidence="confirmed")
            yield Evidence("ART-025", self._subject.where, message, shown, measured)

    def _length(self, name: str) -> int:
        """How many characters an entity stands for, at least; one that holds itself stands for no end."""
        known: dict[str, int] = {}
        waiting = [name]
        while waiting:
            each = waiting[-1]
            if each in known:
                waiting.pop()
                continue
            value = self._entities.get(each, "")
            inside = [found[1] or f"%{found[2]}" for found in _REFERENCE.finditer(value)]
            needed = [other for other in inside if other in self._entities and other not in known]
            if any(other in waiting for other in needed) or len(waiting) > _PARAMETER:
                return _SWOLLEN * _SLACK * max(1, self._subject.source.size)
            if needed:
                waiting.extend(dict.fromkeys(needed))
                continue
            known[each] = len(value) + sum(known.get(other, 0) for other in inside)
            waiting.pop()
        return known[name]
