"""Package URLs, written by hand: the library costs 35 ms to import, and writing needs twenty lines of it.

Law: package-url/purl-spec, "How to build a purl string", and the type definitions named at each function.
"""

import re
from collections.abc import Mapping

# Left as they are in name, namespace and version; everything else is percent-encoded. The slash is encoded
# in a name; the colon is not (purl-spec: "the ':' ... must NOT be encoded").
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:")
_RUNS = re.compile(r"[-_.]+")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9._~:-]*", re.ASCII)


def normalise_name(name: str) -> str:
    """A Python distribution's name as indexes compare it (PEP 503): ``Foo.Bar_baz`` is ``foo-bar-baz``."""
    return _RUNS.sub("-", name).lower()


def quote(text: str, *, keep: str = "") -> str:
    """``text`` percent-encoded as a segment of a package URL; characters in ``keep`` stay."""
    if _PLAIN.fullmatch(text):
        return text
    allowed = _UNRESERVED | frozenset(keep.encode())
    # surrogateescape: a file name that did not decode keeps its bytes
    data = text.encode("utf-8", "surrogateescape" if _decodes_back(text) else "surrogatepass")
    return "".join(chr(byte) if byte in allowed else f"%{byte:02X}" for byte in data)


def _decodes_back(text: str) -> bool:
    return not any(0xD800 <= ord(char) <= 0xDFFF and not 0xDC80 <= ord(char) <= 0xDCFF for char in text)


def build(
    kind: str,
    name: str,
    version: str = "",
    *,
    namespace: str = "",
    qualifiers: Mapping[str, str] | None = None,
    subpath: str = "",
) -> str:
    """The package URL of these parts, encoded; empty qualifiers are left out, the others sorted by key."""
    spaces = "".join(f"{quote(part)}/" for part in namespace.split("/") if part)
    url = f"pkg:{kind}/{spaces}{quote(name)}"
    if version:
        url += f"@{quote(version)}"
    # A slash may stand in a qualifier's value as it is: only & and = and # would be read as something else.
    pairs = [
        f"{key.lower()}={quote(value, keep='/')}"
        for key, value in sorted((qualifiers or {}).items())
        if value
    ]
    if pairs:
        url += "?" + "&".join(pairs)
    parts = [quote(part) for part in subpath.split("/") if part not in {"", ".", ".."}]
    return f"{url}#{'/'.join(parts)}" if parts else url


def pypi(name: str, version: str = "", **qualifiers: str) -> str:
    """``pkg:pypi/torch@2.1.0%2Bcu121``: the name normalised as PEP 503 says, the version as written."""
    return build("pypi", normalise_name(name), version, qualifiers=qualifiers)


def generic(name: str, version: str = "", *, namespace: str = "", **qualifiers: str) -> str:
    """``pkg:generic/model.pt?checksum=sha256:…``: what no package system knows."""
    return build("generic", name, version, namespace=namespace, qualifiers=qualifiers)


def github(owner: str, repository: str, version: str = "", *, subpath: str = "") -> str:
    """``pkg:github/owner/repository@ref``: owner and repository in lower case (type github)."""
    return build("github", repository.lower(), version, namespace=owner.lower(), subpath=subpath)


def huggingface(identifier: str, revision: str = "", **qualifiers: str) -> str:
    """``pkg:huggingface/namespace/name@<commit>``: case kept, the revision in lower case (type huggingface).

    The namespace is required: an identifier without one (``bert-base-uncased``) raises ValueError.
    """
    namespace, _, name = identifier.strip("/").rpartition("/")
    if not namespace or not name:
        raise ValueError(f"not a namespaced identifier: {identifier!r}")
    return build("huggingface", name, revision.lower(), namespace=namespace, qualifiers=qualifiers)


def hub(identifier: str, revision: str = "", *, address: str = "https://huggingface.co") -> str:
    """The package URL of anything on the hub: a model (``owner/name``), ``datasets/…`` or ``spaces/…``.

    The type huggingface knows models alone, and only those with a namespace; all else is generic, with its
    address. Only a whole commit is a version (type huggingface); what is none is left out.
    """
    commit = revision.lower() if _COMMIT.fullmatch(revision) else ""
    if identifier.count("/") == 1 and not identifier.startswith(("datasets/", "spaces/")):
        return huggingface(identifier, commit)
    space, _, name = identifier.removeprefix("datasets/").removeprefix("spaces/").rpartition("/")
    return generic(name, commit, namespace=space, download_url=f"{address}/{identifier}")


def oci(image: str, *, digest: str = "", tag: str = "") -> str:
    """``pkg:oci/name@sha256:…?repository_url=host/path/name&tag=…``: lower case, the digest as version."""
    image = image.lower().strip("/")
    return build(
        "oci", image.rpartition("/")[2], digest.lower(), qualifiers={"repository_url": image, "tag": tag}
    )


def conda(name: str, version: str = "", **qualifiers: str) -> str:
    """``pkg:conda/name@version?build=…&channel=…&subdir=…&type=…`` (type conda)."""
    return build("conda", name.lower(), version, qualifiers=qualifiers)


def npm(name: str, version: str = "", **qualifiers: str) -> str:
    """``pkg:npm/%40scope/name@1.2.3``: the scope is the namespace, its at-sign encoded (type npm)."""
    scope, _, bare = name.rpartition("/")
    return build("npm", bare, version, namespace=scope, qualifiers=qualifiers)


def cargo(name: str, version: str = "", **qualifiers: str) -> str:
    """``pkg:cargo/serde@1.0.1``: names keep their case (type cargo)."""
    return build("cargo", name, version, qualifiers=qualifiers)


def golang(module: str, version: str = "", **qualifiers: str) -> str:
    """``pkg:golang/github.com/owner/module/v2@v2.0.1``: all in lower case (type golang)."""
    namespace, _, name = module.strip("/").lower().rpartition("/")
    return build("golang", name, version, namespace=namespace, qualifiers=qualifiers)


def cran(name: str, version: str = "", **qualifiers: str) -> str:
    """``pkg:cran/ggplot2@3.5.1``: names keep their case (type cran)."""
    return build("cran", name, version, qualifiers=qualifiers)
