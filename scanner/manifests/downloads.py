"""Downloads that a script runs unseen: piped, substituted, or saved and started without a look at them."""

import re
from collections.abc import Iterator, Sequence

from sbom.model import Location
from scanner.manifests import urls
from scanner.manifests.shell import Command, Word
from scanner.model import Evidence
from scanner.patterns import pattern
from scanner.text import visible


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FETCHES = frozenset({"curl", "wget", "fetch", "aria2c"})
_RUNS = pattern(
    r"(?:ba|da|z|k|a|c|fi)?sh|python[0-9.]*|node|perl|ruby|php|Rscript|pwsh|powershell|source|\.|eval",
    re.ASCII,
)
_CHECKS = _words(
    "sha256sum sha512sum sha384sum shasum sha1sum md5sum gpg gpgv cosign minisign openssl b2sum sigstore"
)
_FILTERS = _words("tee sed cat tr gunzip zcat gzip xz bzip2 base64 head tail grep awk tac rev")
_PREFIXES = _words("sudo doas env time exec nohup command nice ! then do else if eval")


def _plain(words: Sequence[Word]) -> list[Word]:
    at, count = 0, len(words)
    while at < count:
        text = words[at].text
        if text in _PREFIXES and at + 1 < count and text != "eval":
            at += 1
            while at < count and words[at].text.startswith("-"):
                at += 2 if words[at].text in {"-u", "-g"} else 1
        elif re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text):
            at += 1
        else:
            break
    return list(words[at:])


def _head(words: Sequence[Word]) -> str:
    return words[0].text.rpartition("/")[2] if words else ""


class Downloads:
    """Remembers what was saved, over the pieces of one file."""

    def __init__(self) -> None:
        self._saved: dict[str, str] = {}  # file name -> URL
        self._checked = False

    def check(self, commands: Sequence[Command], where: Location) -> Iterator[Evidence]:
        """DEP-008, in a notebook SRC-007, for each of these commands that runs what was just fetched."""
        source = ""  # what flows through the pipe
        for command in commands:
            words = _plain(command.words)
            head = _head(words)
            if not command.piped:
                source = ""
            if head in _CHECKS:
                self._saved.clear()  # somebody looked; at what, only a run would tell
            runs = _RUNS.fullmatch(head) is not None
            if runs and (url := self._fed(command, words) or (source if _reads_input(words) else "")):
                yield _evidence(url, head, where.at(line=words[0].line))
                source = ""
            elif (name := self._started(words, runs=runs)) in self._saved:
                url = self._saved.pop(name)
                yield _evidence(url, name, where.at(line=words[0].line))
            if head in _FETCHES:
                source = _address(words)
                self._save(command, words, source)
            elif source and not runs and head not in _FILTERS:
                source = ""

    def _fed(self, command: Command, words: Sequence[Word]) -> str:
        """What is fetched inside the words or the input of a command that runs its input."""
        inner = [one for word in words[1:3] for one in word.runs] + list(command.fed)
        for one in inner:
            rest = _plain(one.words)
            if _head(rest) in _FETCHES:
                return _address(rest)
        return ""

    def _started(self, words: Sequence[Word], *, runs: bool) -> str:
        if not words:
            return ""
        if words[0].text.rpartition("/")[2] in self._saved and words[0].text.startswith(
            ("./", "/", "~", "$")
        ):
            return words[0].text.rpartition("/")[2]
        if runs:
            for word in words[1:]:
                if not word.text.startswith("-"):
                    return word.text.rpartition("/")[2]
        return ""

    def _save(self, command: Command, words: Sequence[Word], url: str) -> None:
        names = list(command.targets)
        rest = [word.text for word in words[1:]]
        for at, text in enumerate(rest):
            option = re.fullmatch(r"(?:-[a-zA-Z]*[oO]|--output|--output-document)(?:=(.+))?", text)
            follows = rest[at + 1] if at + 1 < len(rest) else ""
            if option and (text[-1] != "O" or words[0].text.endswith("wget")):
                names.append(option.group(1) or follows)
        names.append(url.partition("?")[0].rpartition("/")[2])
        for name in names:
            plain = name.rpartition("/")[2]
            if plain and plain != "-":
                self._saved[plain] = url


def _address(words: Sequence[Word]) -> str:
    known = [word.text for word in words[1:] if "://" in word.text]
    rest = [word.text for word in words[1:] if not word.text.startswith("-")]
    return (known or rest or ["an address"])[-1]


def _reads_input(words: Sequence[Word]) -> bool:
    """Whether an interpreter runs what it is piped: it has no script of its own."""
    at = 1
    while at < len(words):
        text = words[at].text
        if text in {"-", "-s", "/dev/stdin"} or text == "--":
            return True
        if not text.startswith("-"):
            return False
        if re.fullmatch(r"-[a-z]*s[a-z]*", text) and words[0].text.endswith("sh"):
            return True
        if re.fullmatch(r"-[a-zA-Z]*c|-m|-e|-n|-p|-ne|-pe", text):
            return False
        at += 1
    return True


def _evidence(url: str, runner: str, where: Location) -> Evidence:
    shown = visible(urls.masked(urls.without_credentials(url)[0]), limit=200)
    return Evidence(
        "DEP-008" if where.cell is None else "SRC-007",
        where,
        f"What {shown} serves that day is run at once ({visible(runner, limit=80)}): nobody has seen it, and "
        "no digest is compared",
        subject=f"download:{shown}",
    )
