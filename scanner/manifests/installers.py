"""Install commands in shell text: what pip, uv, conda and apt are told to fetch, and what runs unseen.

Law: the command references of pip 25, uv 0.9, conda 25, mamba 2 and apt 3. Nothing is run or expanded but
variables that the text sets itself.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sbom.model import Location
from sbom.record import mutable, replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import conda, fetched, pep508, requirements, shell, urls
from scanner.manifests.downloads import Downloads
from scanner.manifests.shell import Command, Line, Word
from scanner.manifests.unchecked import Unchecked
from scanner.model import Declaration, Evidence, Include, IndexUse, InstallMode, Reading
from scanner.patterns import pattern
from scanner.text import visible

_LIMITS = Limits()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DEPTH = 6  # shells in shells
_PIP = pattern(r"pip[0-9.]*(?:\.exe)?", re.ASCII)
_VARIABLE_PIP = pattern(r"\$[{(]?(?:[A-Z_]*PIP[0-9]*)[})]?", re.ASCII | re.IGNORECASE)
_PYTHON_FLAGS = _words("-u -I -B -E -s -S -O -OO -q -v")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_KEYWORDS = _words("! then do else elif if while until { time exec command builtin nohup eval")
# Commands that run the rest of their words, and their options that take a value.
_PREFIXES = {
    "sudo": "-u -g -h -p -C -D -R -T --user --group",
    "doas": "-u -C",
    "env": "-u -C -S --unset --chdir",
    "nice": "-n",
    "ionice": "-c -n",
    "timeout": "-k -s --signal --kill-after",
    "retry": "",
    "gosu": "",
    "stdbuf": "-i -o -e",
    "xvfb-run": "-s -n",
}
_PIP_VALUES = _words(
    "-t --target --platform --python-version --implementation --abi --root --prefix --src "
    "--upgrade-strategy -C --config-settings --config-setting --global-option --install-option "
    "--build-option --no-binary --only-binary --progress-bar --report --root-user-action --log --proxy "
    "--retries --timeout --exists-action --cert --client-cert --cache-dir --use-feature "
    "--use-deprecated --python -p --keyring-provider --resume-retries --index-strategy --link-mode "
    "--resolution --prerelease --exclude-newer --exclude-newer-package --override --overrides "
    "--torch-backend --no-build-package --no-binary-package --refresh-package -P --upgrade-package "
    "--reinstall-package --config-file --directory --project --extra --group --optional --color "
    "--fork-strategy --build-constraint --build-constraints -b --excludes --no-build-isolation-package "
    "--python-platform --package --script --rev --tag --branch --bounds --marker -m --no-extra "
    "--default-timeout --uploaded-prior-to -d --dest"
)
_PIP_MEANT = {
    "-r": "requirement",
    "--requirement": "requirement",
    "--requirements": "requirement",
    "-c": "constraint",
    "--constraint": "constraint",
    "--constraints": "constraint",
    "-e": "editable",
    "--editable": "editable",
    "-i": "index",
    "--index-url": "index",
    "--pypi-url": "index",
    "--default-index": "index",
    "--extra-index-url": "extra",
    "--index": "extra",
    "-f": "links",
    "--find-links": "links",
    "--trusted-host": "trusted",
    "--allow-insecure-host": "trusted",
    "--with": "with",
    "--with-requirements": "requirement",
    "--with-editable": "editable",
    "--from": "with",
}
_CONDA = frozenset({"conda", "mamba", "micromamba"})
_CONDA_VALUES = _words(
    "-n --name -p --prefix --solver --experimental --subdir --platform --repodata-fn --root-prefix -r"
)
_APT = frozenset({"apt", "apt-get", "aptitude"})
_APT_VALUES = _words("-o --option -t --target-release --default-release -c --config-file -a")


@mutable
class _Run:
    """What one pip-like command line says."""

    indexed: bool = True
    uv: bool = False


class Installs:
    """Reads shell text piece by piece: what one piece downloads, a later one may run."""

    def __init__(self, where: Location, variables: Mapping[str, str] | None = None) -> None:
        self.where = where
        self.variables = dict(variables or {})
        self._downloads = Downloads()
        self.unchecked = Unchecked()
        self._count = 0

    def read(self, lines: Iterable[Line], where: Location | None = None) -> Iterator[Reading]:
        """What the physical lines (each with its number) install, in their order.

        A word that cannot be read is COV-005 at its line. Raises LimitReached past the declarations of one
        manifest.
        """
        self.where = where or self.where
        try:
            found = shell.commands(lines, self.variables)
            yield from self._counted(self._of(found, 0))
        except LimitReached:
            yield from self.unchecked.end()
            raise

    def read_words(self, words: Sequence[str], line: int | Sequence[int]) -> Iterator[Reading]:
        """What a command installs that no shell reads: its words as they are, each on a line."""
        lines = [line] * len(words) if isinstance(line, int) else line
        command = Command([Word(text, at) for text, at in zip(words, lines, strict=True)])
        yield from self._counted(self._of([command], 0))

    def _counted(self, rows: Iterable[Reading]) -> Iterator[Reading]:
        for row in rows:
            self._count += 1
            if self._count > _LIMITS.declarations:
                raise LimitReached("declarations", allowed=_LIMITS.declarations)
            yield row

    def end(self) -> Iterator[Reading]:
        """What only the end of the file tells: HSH-002 for models that nothing was compared with."""
        yield from self._counted(self.unchecked.end())

    # --- commands ---

    def _of(self, commands: Sequence[Command], depth: int, *, inside: bool = False) -> Iterator[Reading]:
        yield from self._downloads.check(commands, self.where)
        for at, command in enumerate(commands):
            words = bare(command.words)
            yield from self._command(command, words, depth)
            self.unchecked.see(words, commands, at, self.where, inside=inside)

    def _command(self, command: Command, words: Sequence[Word], depth: int) -> Iterator[Reading]:
        for word in command.words:
            if word.runs:
                yield from self._of(word.runs, depth, inside=True)
        yield from self._of(command.fed, depth, inside=True) if command.fed else ()
        if not words:
            return
        head = words[0].text.replace("\\", "/").rpartition("/")[2]
        if head in _SHELLS and depth < _DEPTH:
            script = _script(words, command)
            if script is not None:
                text, line = script
                rows = [(line + at, row) for at, row in enumerate(text.split("\n"))]
                yield from self._of(shell.commands(rows, self.variables), depth + 1)
            return
        arguments = _of_pip(head, words)
        if arguments is not None:
            yield from self._pip(*arguments)
        elif head in _CONDA:
            yield from self._conda(words[1:], depth)
        elif head in _APT:
            yield from self._apt(words[1:])
        else:
            yield from fetched.fetched(words, self.where)

    # --- pip and uv ---

    def _pip(self, words: Sequence[Word], run: _Run) -> Iterator[Reading]:
        asked: list[tuple[Word, bool]] = []
        rest = iter(_split_options(words))
        run.indexed = all(word.text != "--no-index" for word in words)
        for word in rest:
            if not word.text.startswith("-") or word.text == "-":
                asked.append((word, False))
                continue
            name, equals, value = word.text.partition("=")
            given = replace(word, text=value) if equals else word
            if name in _PIP_MEANT:
                given = given if equals else next(rest, replace(word, text=""))
                meant = _PIP_MEANT[name]
                if meant == "editable":
                    asked.append((given, True))
                elif meant == "with":
                    asked += [(replace(given, text=one), False) for one in given.text.split(",") if one]
                else:
                    yield from self._option(meant, given, run)
            elif name in _PIP_VALUES:
                if not equals:
                    next(rest, None)
            elif name == "--require-hashes":
                yield InstallMode(self.where.at(line=word.line), require_hashes=True)
            elif name == "--pre":
                yield InstallMode(self.where.at(line=word.line), pre=True)
        for word, editable in asked:
            yield from self._requirement(word, editable=editable)

    def _option(self, meant: str, word: Word, run: _Run) -> Iterator[Reading]:
        where = self.where.at(line=word.line)
        if not word.text or word.text == "-":
            return
        if word.open and meant in {"requirement", "constraint"}:
            yield self._bad(
                word, "it holds a variable that is not set here: which file is meant is not known"
            )
            return
        url, had = urls.without_credentials(word.text)
        match meant:
            case "requirement" | "constraint":
                if urls.scheme_of(word.text) in {"http", "https", "ftp"}:
                    yield self._bad(word, "the list lies elsewhere, and is never fetched")
                else:
                    yield Include(url, where, constraint=meant == "constraint", by_command=True)
            case "index" | "extra":
                url = url.partition("=")[2] if run.uv and re.match(r"[A-Za-z0-9_-]+=", url) else url
                if not word.open and (run.indexed or had):
                    extra = meant == "extra"
                    yield IndexUse(
                        url,
                        where,
                        extra=extra,
                        explicit=not run.indexed,
                        had_credentials=had,
                        first_wins=run.uv,
                    )
            case "links":
                if urls.scheme_of(word.text) and not word.open:
                    yield IndexUse(url, where, extra=True, had_credentials=had, flat=True)
            case "trusted":
                if not word.open:
                    yield IndexUse(word.text, where, explicit=True, trusted=True)
            case _:
                pass

    def _requirement(self, word: Word, *, editable: bool) -> Iterator[Reading]:
        where = self.where.at(line=word.line)
        if not word.open:
            found = requirements.asked_for(word.text, where, editable=editable)
            if found is None and re.fullmatch(r"[A-Za-z0-9._-]+@[^@/:]+", word.text):
                # uv's short form: tool@1.2.3, tool@latest
                name, _, version = word.text.partition("@")
                spelled = name if version == "latest" else f"{name}=={version}"
                found = requirements.asked_for(spelled, where, editable=False)
            if found is not None:
                yield found
                return
        name, extras = pep508.name_at(word.text)
        whole = bool(name) and not word.text.startswith("$")
        why = "it holds a variable that is not set here" if word.open else "it is no requirement"
        yield self._bad(word, why)
        if whole and "/" not in word.text:
            yield Declaration(name, where, extras=extras)

    # --- conda ---

    def _conda(self, words: Sequence[Word], depth: int) -> Iterator[Reading]:
        words = words[_options_end(words, _CONDA_VALUES) :]
        verb = words[0].text if words else ""
        if verb == "run":
            rest = list(words[1 + _options_end(words[1:], _CONDA_VALUES | {"--cwd"}) :])
            if rest and depth < _DEPTH:
                yield from self._of([Command(rest)], depth + 1)
            return
        in_env = verb == "env" and len(words) > 1 and words[1].text in {"create", "update"}
        if verb not in {"install", "create", "update", "upgrade"} and not in_env:
            return
        channel = ""
        asked: list[Word] = []
        rows = iter(_split_options(words[2 if in_env else 1 :]))
        for word in rows:
            if not word.text.startswith("-"):
                asked.append(word)
                continue
            name, equals, value = word.text.partition("=")
            if name in {"-c", "--channel", "-f", "--file"}:
                given = replace(word, text=value) if equals else next(rows, replace(word, text=""))
                if name in {"-c", "--channel"}:
                    channel = channel or given.text
                elif given.text and not given.open:
                    yield Include(given.text, self.where.at(line=word.line), by_command=True)
            elif name in _CONDA_VALUES and not equals:
                next(rows, None)
        for word in asked if not in_env else ():
            where = self.where.at(line=word.line)
            found = None if word.open else conda.declared(word.text, where, channel)
            if found is None:
                why = (
                    "it holds a variable that is not set here"
                    if word.open
                    else "it is no match specification"
                )
                yield self._bad(word, why)
            else:
                yield found

    # --- apt ---

    def _apt(self, words: Sequence[Word]) -> Iterator[Reading]:
        plain: list[Word] = []
        rows = iter(words)
        for word in rows:
            if word.text.startswith("-"):
                if word.text in _APT_VALUES:
                    next(rows, None)
                continue
            plain.append(word)
        if not plain or plain[0].text not in {"install", "satisfy"}:
            return
        for word in plain[1:]:
            name, _, version = word.text.partition("=")
            name = name.partition("/")[0].partition(":")[0]
            if word.open or not re.fullmatch(r"[a-z0-9][a-z0-9+.-]*[+]?", name, re.ASCII):
                continue
            known = "" if "*" in version else version
            yield Declaration(
                name, self.where.at(line=word.line), ecosystem="apt", version=known,
                specifier=f"={version}" if version else "",
            )  # fmt: skip

    def _bad(self, word: Word, why: str) -> Evidence:
        shown = visible(urls.masked(word.text), limit=160)
        return Evidence(
            "COV-005",
            self.where.at(line=word.line),
            f"Not read from an install command: {shown} ({why})",
            subject=f"{self.where.path}: {shown}",
            remedy="Name the packages in a requirements file, where they can be read and locked.",
        )


def installs(
    lines: Iterable[Line], where: Location, variables: Mapping[str, str] | None = None
) -> Iterator[Reading]:
    """What one piece of shell text installs."""
    return Installs(where, variables).read(lines)


def bare(words: Sequence[Word]) -> Sequence[Word]:
    """The words of a command without what only introduces it: assignments, sudo, keywords."""
    at, count = 0, len(words)
    while at < count:
        head = words[at].text.rpartition("/")[2]
        if words[at].text in _KEYWORDS or re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[at].text):
            at += 1
        elif head in _PREFIXES:
            values = _PREFIXES[head].split()
            at += 1
            while at < count and words[at].text.startswith("-"):
                at += 2 if words[at].text in values else 1
            at += head in {"timeout", "gosu"}
        else:
            break
    return words[at:]


def _script(words: Sequence[Word], command: Command) -> tuple[str, int] | None:
    """The text that a shell is handed to run, and its line."""
    for at, word in enumerate(words[1:], 1):
        if not word.text.startswith("-"):
            return None
        if not word.text.startswith("--") and word.text.endswith("c") and at + 1 < len(words):
            text = words[at + 1]
            return text.text, text.line - text.text.count("\n")
    return (command.body, command.body_line) if command.body else None


def _of_pip(head: str, words: Sequence[Word]) -> tuple[Sequence[Word], _Run] | None:
    """The words behind the verb of a pip-like install, or None where this is none."""
    rest = list(words[1:])
    if _PIP.fullmatch(head) or _VARIABLE_PIP.fullmatch(words[0].text):
        return _after_verb(rest, {"install", "download", "wheel"}, _Run())
    if head == "uv":
        return _of_uv(rest)
    if head == "uvx":
        return _tool(rest, _Run(uv=True))
    if head == "pipx" and rest and rest[0].text in {"install", "inject", "run"}:
        return _tool(rest[1:], _Run()) if rest[0].text == "run" else (rest[1:], _Run())
    while rest and rest[0].text in _PYTHON_FLAGS:
        rest.pop(0)
    if len(rest) > 1 and rest[0].text == "-m":
        if rest[1].text == "pip":
            return _after_verb(rest[2:], {"install", "download", "wheel"}, _Run())
        if rest[1].text == "uv":
            return _of_uv(rest[2:])
    return None


def _of_uv(words: Sequence[Word]) -> tuple[Sequence[Word], _Run] | None:
    rest = list(words[_options_end(words, _PIP_VALUES) :])
    verbs = [word.text for word in rest[:2]]
    run = _Run(uv=True)
    if verbs == ["pip", "install"] or verbs == ["tool", "install"]:
        return rest[2:], run
    if verbs == ["pip", "sync"]:
        # Its words are files.
        return [replace(word, text=f"--requirement={word.text}") if not word.text.startswith("-") else word
                for word in rest[2:]], run  # fmt: skip
    if verbs == ["tool", "run"]:
        return _tool(rest[2:], run)
    if verbs[:1] == ["add"]:
        return rest[1:], run
    if verbs[:1] == ["run"]:
        return _only_options(rest[1:]), run
    return None


def _tool(words: Sequence[Word], run: _Run) -> tuple[Sequence[Word], _Run]:
    """``uvx tool arguments``: the first word is the package, unless --from names it."""
    options = _only_options(words)
    named = any(word.text.partition("=")[0] in {"--from", "--spec"} for word in options)
    rest = words[len(options) :]
    return ([*options, *rest[:1]] if not named else options), run


def _only_options(words: Sequence[Word]) -> list[Word]:
    """The options that a command line begins with, with their values."""
    at = 0
    while at < len(words) and words[at].text.startswith("-") and words[at].text != "--":
        takes = words[at].text in _PIP_VALUES or words[at].text in _PIP_MEANT
        at += 2 if takes else 1
    return list(words[:at])


def _options_end(words: Sequence[Word], values: Collection[str]) -> int:
    """Where the options that a command line begins with end, those with a value counted twice."""
    at = 0
    while at < len(words) and words[at].text.startswith("-"):
        at += 2 if words[at].text in values else 1
    return at


def _after_verb(words: Sequence[Word], verbs: set[str], run: _Run) -> tuple[Sequence[Word], _Run] | None:
    end = _options_end(words, _PIP_VALUES | _PIP_MEANT.keys())
    before, rest = words[:end], words[end:]
    if not rest or rest[0].text not in verbs:
        return None
    return [*before, *rest[1:]], run


def _split_options(words: Iterable[Word]) -> list[Word]:
    """Clusters of short options taken apart: ``-qr file``, ``-rfile``, ``-Uq``."""
    found: list[Word] = []
    for word in words:
        text = word.text
        if not text.startswith("-") or text.startswith("--") or len(text) <= 2:
            found.append(word)
            continue
        for at, letter in enumerate(text[1:], 1):
            option = f"-{letter}"
            found.append(replace(word, text=option))
            if option in _PIP_VALUES or option in _PIP_MEANT:
                if value := text[at + 1 :]:
                    found.append(replace(word, text=value.removeprefix("=")))
                break
    return found
