"""URLs in manifests: credentials taken out, commits and file names recognised. Nothing is fetched."""

import re

from sbom.model import Digest
from sbom.record import replace
from scanner.model import Origin, OriginKind
from scanner.patterns import pattern

# A backslash ends the host, as the URL reader below pip has it: what follows is no user name.
_PARTS = pattern(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*+):(?://(?P<netloc>[^/?#\\]*+))?(?P<rest>.*)", re.ASCII | re.DOTALL
)
_VARIABLE = pattern(r"\$\{[A-Z0-9_]++\}", re.ASCII)
_SECRET_KEY = pattern(
    r"([?&;](?:[\w.-]{0,40}(?:token|secret|passw|signature|credential|api[_-]?key|access[_-]?key|auth)[\w.-]{0,40}|sig|key)=)"
    r"[^&;#\s\"']++",
    re.ASCII | re.IGNORECASE,
)
# Greedy up to the last @ before the path, as URL readers split it: a password may hold one too.
_USERINFO = pattern(r"(://)[^/?#\s\"']*@", re.ASCII)
# A password with a bare slash is no URL, and a secret all the same: user:…/…@host.
_BROKEN_USERINFO = pattern(
    r"(://)[^/?#\s\"':@\[]*+:(?![0-9]*+[/?#\s\"'])[^/?#\s\"'@]*+[/?#][^\s\"'@]{0,256}+@", re.ASCII
)
_SHOWN_CHARS = 1_000
_VCS = pattern(r"(git|hg|svn|bzr)\+", re.ASCII | re.IGNORECASE)
_HARMLESS_USERS = frozenset({"git", "hg", "anonymous", "anon"})
_WEB = frozenset({"http", "https", "ftp"})
_COMMIT = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII | re.IGNORECASE)
_FRAGMENT_HASH = pattern(r"[#&](sha1|sha224|sha384|sha256|sha512|md5)=([0-9a-f]+)", re.ASCII | re.IGNORECASE)
_EGG = pattern(r"[#&]egg=([^&]*)", re.ASCII)
_EGG_NAME = pattern(r"([A-Za-z0-9]++(?:[._-]++[A-Za-z0-9]++)*+)(?:\[([^\]]*)\])?", re.ASCII)
_SDIST = pattern(r"(.+?)-v?([0-9][A-Za-z0-9.!+_]*)", re.ASCII)
HASH_DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
ARCHIVES = (
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
)


def masked(text: str) -> str:
    """``text`` with the credentials of every URL in it replaced by ``***``; for messages.

    Of a long text only the beginning is kept, so that no half of a credential stands at the cut.
    """
    if len(text) > _SHOWN_CHARS:
        text = (
            masked(text[: 4 * _SHOWN_CHARS])[:_SHOWN_CHARS] + " …" if len(text) > 4 * _SHOWN_CHARS else text
        )
    if "://" not in text and "=" not in text:
        return text
    text = _BROKEN_USERINFO.sub(r"\1***@", text) if "://" in text else text
    text = _USERINFO.sub(lambda found: _masked_user(found.group(0)), text)
    return _SECRET_KEY.sub(_masked_value, text)


def _masked_user(found: str) -> str:
    return found if not _is_secret(found[3:-1], ssh=False) else "://***@"


def _masked_value(found: re.Match[str]) -> str:
    value = found.group(0)[len(found.group(1)) :]
    return found.group(0) if _VARIABLE.fullmatch(value) else f"{found.group(1)}***"


def _is_secret(userinfo: str, *, ssh: bool) -> bool:
    """Whether a URL's user part tells something that a reader of the file should not know."""
    user, colon, password = userinfo.partition(":")
    if colon and password:
        return not _VARIABLE.fullmatch(password)
    # A user name alone is how access tokens are written; over ssh it is only a name.
    return not ssh and user.lower() not in _HARMLESS_USERS and not _VARIABLE.fullmatch(user) and user != ""


def without_credentials(url: str) -> tuple[str, bool]:
    """The URL without credentials, and whether there were any (a ``${VARIABLE}`` is none)."""
    parts = _PARTS.fullmatch(url)
    if parts is None or parts.group("netloc") is None:
        clean = _SECRET_KEY.sub(r"\1***", url)
        return clean, clean != url
    if _BROKEN_USERINFO.match(url, url.find("://")):
        return _BROKEN_USERINFO.sub(r"\1", url), True
    scheme, netloc, rest = parts.group("scheme"), parts.group("netloc"), parts.group("rest")
    userinfo, at, host = netloc.rpartition("@")
    ssh = "ssh" in scheme.lower()
    had = bool(at) and _is_secret(userinfo, ssh=ssh)
    if at:
        user = userinfo.partition(":")[0]
        netloc = f"{user}@{host}" if ssh and user else host
    clean = _SECRET_KEY.sub(_masked_value, rest)
    return f"{scheme}://{netloc}{clean}", had or clean != rest


def is_vcs(url: str) -> bool:
    """Whether the URL asks for a checkout."""
    return _VCS.match(url) is not None or url[:6].lower() == "git://"


def scheme_of(url: str) -> str:
    """The scheme in lower case, or nothing where this is no URL. A drive letter is no scheme."""
    found = _PARTS.fullmatch(url)
    return found.group("scheme").lower() if found and len(found.group("scheme")) > 1 else ""


def origin_of(url: str, *, editable: bool = False) -> Origin:
    """Where this URL or path leads, without credentials."""
    base, _, _ = url.partition("#")
    clean, had = without_credentials(base)
    if is_vcs(url):
        return replace(_checkout(clean), editable=editable, had_credentials=had)
    scheme = scheme_of(url)
    if scheme == "file":
        path = clean[5:]
        return Origin(OriginKind.PATH, path.removeprefix("//"), editable=editable)
    if scheme:
        return Origin(OriginKind.URL, clean, editable=editable, had_credentials=had)
    return Origin(OriginKind.PATH, base, editable=editable)


def _checkout(url: str) -> Origin:
    slash = url.find("/", url.find("://") + 3) if "://" in url else url.find(":")
    at = url.rfind("@")
    ref = ""
    if 0 <= slash < at:
        url, ref = url[:at], url[at + 1 :]
    fixed = _COMMIT.fullmatch(ref) or (url.lower().startswith("svn+") and ref.isdigit())
    return Origin(OriginKind.VCS, url, ref="" if fixed else ref, commit=ref.lower() if fixed else "")


def commit_of(ref: str) -> str:
    """The ref in lower case where it is a whole commit, which nobody can move; else nothing."""
    return ref.lower() if _COMMIT.fullmatch(ref) else ""


def fragment_hashes(url: str) -> tuple[Digest, ...]:
    """Digests that the URL's fragment states (``#sha256=…``)."""
    _, hash_sign, fragment = url.partition("#")
    found = [(name.lower(), value.lower()) for name, value in _FRAGMENT_HASH.findall(hash_sign + fragment)]
    return tuple(Digest(name, value) for name, value in found if len(value) == HASH_DIGITS[name])


def named_by(url: str) -> tuple[str, str, tuple[str, ...]]:
    """Name, exact version and extras that a URL or path tells by its egg, its file name or its repository."""
    base, hash_sign, fragment = url.partition("#")
    egg = _EGG.search(hash_sign + fragment)
    found = _EGG_NAME.fullmatch(_unquoted(egg.group(1))) if egg else None
    file_name = _unquoted(base.partition("?")[0].replace("\\", "/").rstrip("/").rpartition("/")[2])
    name, version = ("", "") if is_vcs(url) else _from_file_name(file_name)
    if found:
        extras = tuple(part.strip() for part in (found.group(2) or "").split(",") if part.strip())
        return found.group(1), version, extras
    if name:
        return name, version, ()
    if is_vcs(url):
        file_name = _checkout(base).url.rstrip("/").rpartition("/")[2].rpartition(":")[2]
        file_name = file_name.removesuffix(".git")
    elif archive := re.search(r"://(?:www\.)?(?:github|gitlab)\.com/[^/]+/([^/]+)/", base):
        file_name = archive.group(1)  # …/archive/main.zip names the branch, not the package
    plain = _EGG_NAME.fullmatch(file_name)
    return (plain.group(1) if plain else ""), "", ()


def _from_file_name(file_name: str) -> tuple[str, str]:
    lower = file_name.lower()
    if lower.endswith(".whl"):
        parts = file_name[:-4].split("-")
        return (parts[0], parts[1].replace("_", "-")) if len(parts) in {5, 6} else ("", "")
    for suffix in ARCHIVES:
        if lower.endswith(suffix):
            found = _SDIST.fullmatch(file_name[: -len(suffix)])
            return (found.group(1), found.group(2)) if found else ("", "")
    return "", ""


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def web_host(url: str) -> tuple[str, str]:
    """Scheme and host (without port and user, lower case) of a web URL; empty where it is none."""
    parts = _PARTS.fullmatch(url)
    if parts is None or parts.group("netloc") is None or parts.group("scheme").lower() not in _WEB:
        return "", ""
    host = parts.group("netloc").rpartition("@")[2].lower()
    host = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return parts.group("scheme").lower(), host
