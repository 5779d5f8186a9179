"""Models that commands fetch from an address, and whether a comparison of their digest follows in the file.

Laws: the references of curl, wget and aria2c (``--checksum``); coreutils' manual, "sha2 utilities" (``-c``);
Docker's "Dockerfile reference", ``ADD --checksum``. Nothing is fetched here.
"""

import re
from collections.abc import Iterator, Sequence

from sbom.model import Location
from sbom.record import record, replace
from scanner.limits import Limits
from scanner.manifests import endings, urls
from scanner.manifests.shell import Command, Word
from scanner.model import Evidence
from scanner.text import visible

_LIMITS = Limits()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FETCHES = endings.FETCHES | {"torchserve"}
# A commit in the address of a host that serves by commit says which bytes are meant.
_PINNED = re.compile(
    r"https://(?:(?:www\.)?(?:huggingface\.co|hf\.co|github\.com)/\S+/(?:resolve|raw|blob)/"
    r"|raw\.githubusercontent\.com/[^/]+/[^/]+/)[0-9a-f]{40}/"
)
_ASKS_ONLY = re.compile(r"--head|--spider|--upload-file|--form|--data(?:-\w+)?|-[a-zA-Z]*[ITFd]", re.ASCII)
_NAMED = re.compile(r"\A[\w.-]+=(?=https?://)", re.ASCII)  # TorchServe's NAME=URL
_OUTPUT = re.compile(
    r"(?P<name>-[a-zA-Z]*[oO]|--output|--output-document|--out)(?:=(?P<given>.+))?", re.ASCII
)
_SUMS = re.compile(r"(?:sha(?:224|256|384|512|1)?|md5|b2|b3)sum|shasum|rhash|hashdeep", re.ASCII)
_COMPARES = re.compile(r"--check|-[a-zA-Z]*c[a-zA-Z]*|--status", re.ASCII)
_SIGNED = {
    "gpg": _words("--verify"),
    "gpgv": frozenset[str](),
    "cosign": _words("verify-blob verify-blob-attestation"),
    "minisign": _words("-V -Vm"),
    "signify": _words("-V"),
    "openssl": _words("-verify -signature"),
    "slsa-verifier": _words("verify-artifact"),
    "gh": _words("attestation"),
    "model_signing": _words("verify"),
}
_SHOWS = _words("tee cat")
_COMPARERS = _words("test [ [[ diff cmp")
_PASSES = _words("true :")  # as what stands behind ``||``: the comparison's failure changes nothing
_REMEDY = (
    "compare its SHA-256 with one that is written down, before it is used: "
    "echo '<64 hex digits>  FILE' | sha256sum -c -"
)


@record
class _Fetched:
    """``name`` as it is saved, empty where that is not known."""

    shown: str
    name: str
    where: Location
    remedy: str


class Unchecked:
    """Remembers what the commands of one file fetch, until a comparison of its digest."""

    def __init__(self) -> None:
        self._open: list[_Fetched] = []

    def see(
        self,
        words: Sequence[Word],
        commands: Sequence[Command],
        at: int,
        where: Location,
        *,
        inside: bool = False,
    ) -> None:
        """One of the commands, in their order, with its words behind what only introduces it.

        ``inside``: what it puts out goes into the words of another command.
        """
        if not words:
            return
        command = commands[at]
        head = words[0].text.replace("\\", "/").rpartition("/")[2]
        if head in _FETCHES:
            self._fetched(words, command, where)
        elif _is_check(head, words, commands[at + 1 :], inside=inside) and _is_heeded(commands[at + 1 :]):
            before = commands[at - 1] if command.piped and at else None
            self._settle(words, command, before, head)

    def added(self, sources: Sequence[str], where: Location) -> None:
        """What Docker's ADD takes from addresses without a ``--checksum``."""
        for source in sources:
            if _is_model(source, ""):
                self._note(
                    source, _name(source), where, "add its digest: ADD --checksum=sha256:<64 hex digits> …"
                )

    def end(self) -> Iterator[Evidence]:
        """HSH-002 for each file that nothing was compared with."""
        for one in self._open:
            message = f"{one.shown} is fetched without a digest to check it against"
            yield Evidence("HSH-002", one.where, message, f"url:{one.shown}", (), one.remedy)
        self._open = []

    def _fetched(self, words: Sequence[Word], command: Command, where: Location) -> None:
        texts = [word.text for word in words[1:]]
        if any(_ASKS_ONLY.fullmatch(text) for text in texts if not text.startswith("-o")):
            return
        if any(text.startswith("--checksum") for text in texts):
            return  # aria2c compares it itself
        named = [*command.targets, *_outputs(texts, wget=words[0].text.endswith("wget"))]
        if words[0].text.endswith("torchserve"):
            words = [replace(word, text=_NAMED.sub("", word.text)) for word in words]
        addresses = [word for word in words[1:] if urls.scheme_of(word.text) in {"http", "https", "ftp"}]
        for word in addresses:
            saved = named[0] if len(named) == len(addresses) == 1 else ""
            if _is_model(word.text, saved):
                name = (saved or _name(word.text)).rpartition("/")[2]
                self._note(word.text, name, where.at(line=word.line), _REMEDY)

    def _note(self, url: str, name: str, where: Location, remedy: str) -> None:
        if not _PINNED.match(url) and len(self._open) < _LIMITS.declarations:
            clean = urls.without_credentials(url)[0].partition("?")[0]
            self._open.append(_Fetched(visible(urls.masked(clean), limit=200), name, where, remedy))

    def _settle(self, words: Sequence[Word], command: Command, before: Command | None, head: str) -> None:
        """Drops what the comparison is of: the files that it names; all where it reads a list of them."""
        given = [*words[1:], *(before.words if before is not None else ())]
        said = " ".join((command.body, *(word.text for word in given)))
        told = not any(word.open for word in given) and bool(command.body or before is not None)
        by_name = told or (
            _SUMS.fullmatch(head) and not any(_COMPARES.fullmatch(word.text) for word in words[1:])
        )
        self._open = [one for one in self._open if by_name and one.name and one.name not in said]


def _is_check(head: str, words: Sequence[Word], rest: Sequence[Command], *, inside: bool) -> bool:
    """Whether a command compares a digest or a signature; one that only shows a digest does not."""
    texts = [word.text for word in words[1:]]
    if _SUMS.fullmatch(head):
        piped = bool(rest) and rest[0].piped and not _starts(rest[0], _SHOWS)
        compared = any(_starts(each, _COMPARERS) for each in rest)
        return inside or piped or compared or any(map(_COMPARES.fullmatch, texts))
    if re.fullmatch(r"python[0-9.]*", head):
        return any("hashlib" in text for text in texts)
    asked = _SIGNED.get(head)
    return asked is not None and (not asked or any(text in asked for text in texts))


def _starts(command: Command, heads: frozenset[str]) -> bool:
    return any(word.text in heads for word in command.words[:3])


def _is_heeded(rest: Sequence[Command]) -> bool:
    return not rest or rest[0].piped or not _starts(rest[0], _PASSES)


def _outputs(texts: Sequence[str], *, wget: bool) -> Iterator[str]:
    for at, text in enumerate(texts):
        found = _OUTPUT.fullmatch(text)
        if found is None or (found["name"].endswith("O") and not wget) or (found["name"] == "-o" and wget):
            continue  # curl's -O takes no name, and wget's -o names its log
        name = found["given"] or (texts[at + 1] if at + 1 < len(texts) else "")
        if name and name != "-":
            yield name


def _name(url: str) -> str:
    return url.partition("?")[0].partition("#")[0].rpartition("/")[2]


def _is_model(url: str, saved: str) -> bool:
    if urls.scheme_of(url) not in {"http", "https", "ftp"}:
        return False
    path = url.partition("?")[0].partition("#")[0]
    for name, telling in ((_name(url), path), (saved.rpartition("/")[2], saved)):
        if endings.is_model(name, telling):
            return True
    return False
