"""Poetry's notation of versions, as PEP 440 writes the same.

Law: Poetry's documentation, "Dependency specification", and poetry-core's constraint parser.
"""

import re

from sbom.record import record

_NUMBER = r"v?(?:[0-9]{1,12}!)?[0-9]{1,12}(?:\.[0-9]{1,12})*"
_TAIL = r"[A-Za-z0-9.+_*-]*"
_CLAUSE = re.compile(rf"(?P<op>===|==|!=|<=|>=|~=|<|>|\^|~|=)?\s*(?P<version>{_NUMBER}{_TAIL}|\*)", re.ASCII)
_WILD = re.compile(r"v?(?P<base>(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*)(?:\.[xX*])+", re.ASCII)
_RELEASE = re.compile(r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)", re.ASCII)
_BETWEEN = re.compile(r"[\s,]*")
_MAX_CHARS = 1_000


class NotPoetrys(ValueError):
    """A text that is no constraint of Poetry's; says why, in words fit for a message."""


@record
class _Bounds:
    """The hull of one alternative: clauses ``>=``/``>`` and ``<=``/``<``, empty where it has none."""

    low: str
    high: str


def specifier(text: str) -> str:
    """``text`` as PEP 440 writes it; empty for any version. Raises NotPoetrys.

    PEP 440 has no alternatives: of ``^1.0 || ^3.0`` only the hull is kept (``>=1.0,<4.0``), which is never
    too few.
    """
    if len(text) > _MAX_CHARS:
        raise NotPoetrys(f"longer than {_MAX_CHARS} characters")
    alternatives = [_clauses(part) for part in re.split(r"\|\|?", text)]
    if len(alternatives) == 1:
        return ",".join(alternatives[0])
    return _hull(alternatives)


def _clauses(text: str) -> list[str]:
    found: list[str] = []
    at, text = 0, text.strip()
    if not text:
        raise NotPoetrys("an empty alternative")
    while at < len(text):
        clause = _CLAUSE.match(text, at)
        if clause is None:
            raise NotPoetrys(f"it cannot be read from {text[at : at + 40]!r} on")
        at = clause.end()
        if clause["version"] == "*":
            if clause["op"] not in {None, "==", "="}:
                raise NotPoetrys("an operator before *")
        else:
            found += _translated(clause["op"] or "", clause["version"])
        between = _BETWEEN.match(text, at)
        after = between.end() if between else at
        if after == at and at < len(text):
            raise NotPoetrys(f"it cannot be read from {text[at : at + 40]!r} on")
        at = after
    return found


def _translated(operator: str, version: str) -> list[str]:
    from scanner import versions

    wild = _WILD.fullmatch(version)
    if wild is not None:
        base = wild["base"]
        match operator:
            case "" | "=" | "==" | "===":
                return [f"=={base}.*"]
            case "!=":
                return [f"!={base}.*"]
            case "^" | "~":
                return _up_to(operator, base)
            case _:
                return [f"{operator}{base}"]
    if versions.pep440(version) is None and operator != "===":
        raise NotPoetrys(f"{version!r} is no version")
    if operator in {"^", "~"}:
        return _up_to(operator, version)
    return [f"{'==' if operator in {'', '='} else operator}{version}"]


def _up_to(operator: str, version: str) -> list[str]:
    """``^`` up to the next change of the first number that is not zero, ``~`` of the second at most."""
    found = _RELEASE.match(version)
    if found is None:
        raise NotPoetrys(f"{version!r} is no version")
    numbers = [int(part) for part in found["release"].split(".")]
    if operator == "~":
        at = 0 if len(numbers) == 1 else 1
    else:
        at = next((index for index, number in enumerate(numbers[:3]) if number), min(len(numbers), 3) - 1)
    bumped = [*numbers[:at], numbers[at] + 1]
    bumped += [0] * (min(len(numbers), 3) - len(bumped))
    epoch = f"{found['epoch']}!" if found["epoch"] else ""
    return [f">={version}", f"<{epoch}{'.'.join(map(str, bumped))}"]


def _hull(alternatives: list[list[str]]) -> str:
    from scanner import versions

    bounds = [_bounds(clauses) for clauses in alternatives]
    parts = []
    for sides, pick in (([one.low for one in bounds], min), ([one.high for one in bounds], max)):
        keys = [(versions.pep440(side.lstrip("<>=")), "=" in side, side) for side in sides]
        if all(side for side in sides) and all(key is not None for key, _, _ in keys):
            # Of equal bounds the one that includes its version admits more.
            wanted = pick(key for key, _, _ in keys if key is not None)
            parts.append(max((includes, side) for key, includes, side in keys if key == wanted)[1])
    return ",".join(parts)


def _bounds(clauses: list[str]) -> _Bounds:
    low = high = ""
    for clause in clauses:
        operator, version = re.match(r"([<>=!~]+)(.*)", clause, re.DOTALL).groups()  # type: ignore[union-attr]
        if operator in {"==", "==="}:
            base = version.removesuffix(".*")
            low, high = f">={base}", (_up_to_next(base) if version != base else f"<={base}")
        elif operator == "~=":
            low = f">={version}"
            high = _up_to_next(version.rpartition(".")[0])
        elif operator[0] == ">":
            low = low or clause
        elif operator[0] == "<":
            high = high or clause
    return _Bounds(low, high)


def _up_to_next(base: str) -> str:
    found = _RELEASE.match(base)
    numbers = [int(part) for part in found["release"].split(".")] if found else [0]
    epoch = f"{found['epoch']}!" if found and found["epoch"] else ""
    return f"<{epoch}{'.'.join(map(str, [*numbers[:-1], numbers[-1] + 1]))}"
