"""What npm, yarn and pnpm share: names, requirements, where a package comes from, integrity strings.

Law: npm's documentation, "package.json" (dependencies) and "package-lock.json" (resolved, integrity); W3C,
"Subresource Integrity".
"""

import base64
import binascii
import re

from sbom.model import Digest
from sbom.record import record
from scanner.manifests import locks, urls
from scanner.model import Origin, OriginKind

# A scope may not begin with a dot; legacy names have capitals and tildes.
NAME = re.compile(r"(?:@[A-Za-z0-9_~!*'()-][\w.~!*'()-]*/)?[A-Za-z0-9_~!*'()-][\w.~!*'()-]*", re.ASCII)
_EXACT = re.compile(
    r"\s*[v=]{0,2}\s*([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)\s*", re.ASCII
)
_HOSTED = re.compile(r"(?:(github|gitlab|bitbucket|gist):)?([\w.-]+/[\w.-]+|[0-9a-f]+)(#.*)?", re.ASCII)
_HOSTS = {
    "": "https://github.com",
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "bitbucket": "https://bitbucket.org",
    "gist": "https://gist.github.com",
}
_REGISTRIES = ("https://registry.npmjs.org/", "https://registry.yarnpkg.com/")
_PLACES = ("file:", "link:", "portal:", "./", "../", "/", "~/")
_SRI_BYTES = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


@record
class Wish:
    """What one requirement asks for: ``name`` the package's own, whatever it is called locally."""

    name: str
    specifier: str = ""
    version: str = ""
    origin: Origin | None = None


def exact(specifier: str) -> str:
    """The version that a requirement pins, or empty."""
    found = _EXACT.fullmatch(specifier)
    return found[1] if found else ""


def wish(name: str, text: str) -> Wish:
    """The requirement ``name: text`` of a package.json or of a lock."""
    text = text.strip()
    if text.startswith("npm:"):
        inner = text[4:]
        at = inner.rfind("@")
        # "npm:left-pad@1" names another package, yarn's "npm:^1" only the registry.
        if at > 0:
            return wish(inner[:at], inner[at + 1 :])
        return wish(inner, "") if NAME.fullmatch(inner) and not inner[0].isdigit() else wish(name, inner)
    if text.startswith("workspace:"):
        return Wish(name, origin=Origin(OriginKind.PATH))
    if text.startswith("patch:"):  # yarn: the package, and a patch of this tree over it
        return wish(name, urls_unquoted(text[6:].partition("#")[0]).removeprefix(f"{name}@"))
    if text.startswith("catalog:"):
        return Wish(name)  # pnpm keeps the range in its workspace file; the lock has the version
    origin = place(text)
    if origin is not None:
        semver = text.partition("#semver:")[2]
        return Wish(name, semver, origin=origin)
    return Wish(name, "" if text in {"*", "latest"} else text, exact(text))


def urls_unquoted(text: str) -> str:
    """The text without its percent signs."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def place(text: str) -> Origin | None:
    """Where a requirement or a lock's ``resolved`` leads; None for a range of the registry's versions."""
    if text.startswith(_PLACES):
        for scheme in ("file:", "link:", "portal:"):
            text = text.removeprefix(scheme)
        return Origin(OriginKind.PATH, text.partition("::")[0] or ".")
    base, _, fragment = text.partition("#")
    ref = "" if fragment.startswith("semver:") else fragment.partition("&")[0].removeprefix("commit=")
    if urls.is_vcs(text) or text.startswith(("ssh://", "git@")):
        bare = re.sub(r"^git\+(?=git://)", "", base)
        return locks.checkout(bare, ref=ref, commit=ref if urls.commit_of(ref) else "")
    if urls.scheme_of(base) in {"http", "https"}:
        if base.endswith(".git"):
            return locks.checkout(base, ref=ref, commit=ref if urls.commit_of(ref) else "")
        return locks.archive(base)
    found = _HOSTED.fullmatch(text)
    if found and (found[1] or "/" in found[2]) and not text.startswith("@"):
        where = f"{_HOSTS[found[1] or '']}/{found[2]}"
        ref = (found[3] or "")[1:]
        ref = "" if ref.startswith("semver:") else ref
        return locks.checkout(where, ref=ref, commit=ref if urls.commit_of(ref) else "")
    return None


def resolved(url: str) -> Origin | None:
    """The origin that a lock's ``resolved`` states: None for npm's own registry."""
    if url.startswith(_REGISTRIES) or not url:
        return None
    found = place(url)
    if found is not None and found.kind is OriginKind.URL and "/-/" in found.url:
        # A registry's address of a tarball: registry/name/-/name-1.2.3.tgz
        base = re.sub(r"/(?:@[^/]+(?:/|%2f))?[^/]+/-/.*$", "/", found.url, flags=re.IGNORECASE)
        return Origin(OriginKind.INDEX, base, had_credentials=found.had_credentials)
    return found


def integrity(lock: locks.Lock, line: int | None, name: str, text: object) -> tuple[Digest, ...]:
    """The digests of a Subresource Integrity string, in hexadecimal; a finding for one that is none."""
    if text is None or text == "":
        return ()
    found: set[Digest] = set()
    for part in text.split() if isinstance(text, str) else ["no string"]:
        digest = sri(part)
        if digest is None:
            lock.bad(line, f"the integrity of {name}: {part}")
        else:
            found.add(digest)
    return tuple(sorted(found))


def sri(text: str) -> Digest | None:
    """The digest of one ``sha512-BASE64``, or None where it states none."""
    algorithm, dash, value = text.partition("?")[0].partition("-")
    algorithm = algorithm.lower()
    if not dash or algorithm not in _SRI_BYTES or len(value) > 100:
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Digest(algorithm, data.hex()) if len(data) == _SRI_BYTES[algorithm] else None
