"""What Pipfile and Pipfile.lock write alike: entries of packages, and sources."""

from collections.abc import Iterator, Mapping, Sequence

from sbom.model import Location
from sbom.record import record
from scanner.manifests import locks, pep508, urls
from scanner.model import IndexUse, Origin

# Keys that only what the project itself asks for carries.
INDEX_KEYS = frozenset({"index", "git", "hg", "svn", "bzr", "path", "file", "editable"})

_VARIABLES = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


@record
class Source:
    """An index as pipenv names it."""

    name: str
    url: str
    verify: bool = True


def index_uses(sources: Sequence[Source], where: Location, *, search_all: bool) -> Iterator[IndexUse]:
    """What the sources turn to: the first is the default one, the others only serve who names them.

    ``search_all`` where pipenv is told to ask all of them for everything, as it did before 2022.3.
    """
    for number, source in enumerate(sources):
        url, had = urls.without_credentials(source.url)
        extra = number > 0
        yield IndexUse(
            url,
            where,
            extra=extra,
            explicit=extra and not search_all,
            trusted=not source.verify,
            had_credentials=had,
        )


def origin_of(entry: Mapping[str, object], sources: Sequence[Source]) -> Origin | None:
    """Where an entry's package comes from; the first source serves what names none."""
    editable = entry.get("editable") is True
    for kind in ("git", "hg", "svn", "bzr"):
        url = entry.get(kind)
        if isinstance(url, str):
            ref = str(entry.get("ref", ""))
            return locks.checkout(url, commit=ref, editable=editable, kind=kind)
    for key in ("path", "file"):
        place = entry.get(key)
        if isinstance(place, str):
            return urls.origin_of(place, editable=editable)
    wanted = entry.get("index")
    if isinstance(wanted, str):
        known = next((source.url for source in sources if source.name == wanted), wanted)
        return None if known == "pypi" else locks.index_at(known)
    return locks.index_at(sources[0].url) if sources else None


def marker_of(entry: Mapping[str, object]) -> tuple[str, str]:
    """The marker of an entry, and what of it could not be read (empty: nothing)."""
    tests = []
    wrong = ""
    found = entry.get("markers", "")
    written = [found] if isinstance(found, str) else [""]
    written += [f"{name} {entry[name]}" for name in _VARIABLES if isinstance(entry.get(name), str)]
    for text in filter(None, map(str.strip, written)):
        if pep508.reads_as_marker(text):
            tests.append(text)
        else:
            wrong = text
    if len(tests) < 2:
        return "".join(tests), wrong
    return " and ".join(f"({text})" if " or " in text else text for text in tests), wrong
