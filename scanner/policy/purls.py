"""Package URLs, read and compared: does a statement about this one speak of that one.

Law: package-url/purl-spec, "How to parse a purl string". Never raises: what cannot be read is None.
"""

from urllib.parse import unquote

from sbom.purl import normalise_name
from sbom.record import record
from scanner import versions

_LOWER = frozenset({"github", "bitbucket", "gitlab", "oci", "conda"})
_MAX_CHARS = 4096


@record
class Purl:
    """The parts of a package URL, in the one spelling of their type."""

    kind: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: frozenset[tuple[str, str]] = frozenset()
    subpath: str = ""

    def covers(self, other: "Purl") -> bool:
        """Whether what is said of this one holds for the other: what this one leaves open, it leaves open.

        A version that is stated must be the other's; so a range, whose version nobody knows, is not covered.
        """
        return (
            (self.kind, self.namespace, self.name) == (other.kind, other.namespace, other.name)
            and (not self.version or same_version(self.kind, self.version, other.version))
            and self.qualifiers <= other.qualifiers
            and self.subpath in {"", other.subpath}
        )


def parse(text: str) -> Purl | None:
    """The package URL, or None where the text is none."""
    if len(text) > _MAX_CHARS or text[:4].lower() != "pkg:":
        return None
    rest, _, subpath = text[4:].lstrip("/").partition("#")
    rest, _, query = rest.partition("?")
    kind, slash, rest = rest.partition("/")
    kind = kind.lower()
    # A version with a bare slash in it would be read as a namespace: the specification wants it encoded.
    head, last = rest.rstrip("/").rpartition("/")[::2]
    name, _, version = last.partition("@")
    if not slash or not kind or not name:
        return None
    namespace = "/".join(unquote(part) for part in head.split("/") if part)
    inside = unquote(subpath.strip("/"))
    return _normal(kind, namespace, unquote(name), unquote(version), _qualifiers(query), inside)


def same_version(kind: str, first: str, second: str) -> bool:
    """Whether two versions are one in the type's own order; without an order, letter by letter."""
    if first == second:
        return True
    order = versions.order(versions.ecosystem(kind))
    if order is None:
        return False
    one, two = order(first), order(second)
    return one is not None and one == two


def _qualifiers(query: str) -> frozenset[tuple[str, str]]:
    pairs = (part.partition("=") for part in query.split("&"))
    return frozenset((key.lower(), unquote(value)) for key, _, value in pairs if key and value)


def _normal(
    kind: str, namespace: str, name: str, version: str, qualifiers: frozenset[tuple[str, str]], subpath: str
) -> Purl:
    if kind == "pypi":
        name = normalise_name(name)
    elif kind in _LOWER:
        namespace, name = namespace.lower(), name.lower()
    elif kind == "huggingface":
        version = version.lower()
    return Purl(kind, namespace, name, version, qualifiers, subpath)
