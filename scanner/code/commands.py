"""Pure: whether a command runs a file that was fetched, or only holds its name.

``tar xf FILE`` and ``wc FILE`` hold it; ``FILE``, ``bash FILE``, ``cat FILE | sh``, ``pip install FILE`` run
what stands in it. A command is a text, parts of which may not be known, or a list of words.
Law: POSIX.1-2017, "Shell Command Language" (2.9 Shell Commands).
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from scanner.code.values import Choice, Const, Items, Made, Mix, Name, Value, text_of

Is = Callable[[Value], bool]

_FILE, _OPEN = "\ue000", "\ue001"  # what stands for the file in a text, and for a part that is not known
_CHARS = 4_096  # of one command
_LEVELS = 4  # of calls around a name: str(os.path.abspath(FILE))
_SEPARATORS = re.compile(r"(\|\||&&|\||[;&\n`(){}])")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_INTERPRETERS = frozenset(
    {
        *(
            "sh",
            "bash",
            "zsh",
            "dash",
            "ksh",
            "fish",
            "csh",
            "tcsh",
            "python",
            "pypy",
            "perl",
            "ruby",
            "node",
        ),
        *("php", "lua", "rscript", "julia", "source", ".", "pwsh", "powershell", "cmd", "osascript", "wine"),
        *("ipython", "uv", "deno", "bun", "tclsh", "mono", "java"),
    }
)
# Before the command that is meant; with how many words of their own at most.
_AROUND = {
    **dict.fromkeys(("sudo", "nohup", "env", "time", "exec", "command", "then", "do", "else", "eval"), 0),
    **dict.fromkeys(("if", "while", "!", "xargs", "stdbuf", "setsid", "builtin", "doas"), 0),
    "nice": 0,
    "timeout": 1,
    "chroot": 1,
    "flock": 1,
}
# They run what the package brings: its build, its hooks, its module.
_INSTALLERS = {
    **dict.fromkeys(
        ("pip", "pip3", "conda", "mamba", "npm", "yarn", "pnpm", "gem", "apt", "apt-get"), "install"
    ),
    **dict.fromkeys(("yum", "dnf", "zypper", "snap", "easy_install", "pipx", "cargo", "go"), "install"),
    **dict.fromkeys(("dpkg", "rpm", "msiexec", "installer"), ""),
}
_OF_NAMES = (
    *("os.path.", "posixpath.", "pathlib.", "builtins.str", "os.fspath"),
    *(".strip", ".absolute", ".resolve", ".as_posix"),
)


def runs(value: Value, is_file: Is, *, shell: bool) -> bool:
    """Whether a command runs the file that ``is_file`` knows; ``shell``: a text is for a shell."""
    if isinstance(value, Choice):
        return any(runs(each, is_file, shell=shell) for each in value.values)
    if isinstance(value, Items):
        words = [_text(each, is_file) for each in value.values]
        if shell:
            return _runs(words[0] if words else "")
        return _starts(words)
    text = _text(value, is_file)
    return _runs(text) if shell else text == _FILE


def runs_one_of(value: Value, names: Collection[str], *, shell: bool) -> str:
    """The first of some files, by the paths that they were fetched to, that a command runs; else empty."""
    if not names or not isinstance(value, Const | Mix | Items):
        return ""
    words = [_text(each, _no) for each in (value.values if isinstance(value, Items) else (value,))]
    for name in sorted(names):
        bare = name.removeprefix("./")
        named = re.compile(rf"(?<![\w./-])(?:\./)?{re.escape(bare)}(?![\w./-])")
        marked = [named.sub(_FILE, word) for word in words] if bare else words
        if shell or not isinstance(value, Items):
            found = bool(marked) and (_runs(marked[0]) if shell else marked[0] == _FILE)
        else:
            found = _starts(marked)
        if found:
            return name
    return ""


def _no(value: Value) -> bool:
    del value
    return False


def _text(value: Value, is_file: Is, level: int = 0) -> str:
    """The command with a mark for the file and one for each part that is not known."""
    if isinstance(value, Const):
        return "" if value.value is None else str(value.value)[:_CHARS]
    if is_file(value):
        return _FILE
    if isinstance(value, Name) and value.dotted == "sys.executable":
        return "python"
    if level > _LEVELS:
        return _OPEN
    if isinstance(value, Mix):
        mark = "/" if value.path else ""
        return mark.join(_text(each, is_file, level + 1) for each in value.parts)[:_CHARS]
    if isinstance(value, Made):
        given = (value.base, *value.args) if value.base is not None else value.args
        if value.dotted.endswith(".join") and isinstance(value.base, Const) and len(value.args) == 1:
            inner = value.args[0]
            words = inner.values if isinstance(inner, Items) else (inner,)
            return (text_of(value.base) or " ").join(_text(each, is_file, level + 1) for each in words)[
                :_CHARS
            ]
        if value.dotted.startswith(_OF_NAMES) or value.dotted.endswith(_OF_NAMES):
            return "/".join(_text(each, is_file, level + 1) for each in given)[:_CHARS]
    return _OPEN


def _runs(text: str) -> bool:
    """Whether a shell that is given the text runs the file."""
    if _FILE not in text:
        return False
    piped = ""  # what comes in through a pipe
    for command, mark in _commands(text):
        if _starts(command) or (_FILE in piped and _reads(command)):
            return True
        piped = " ".join((piped, *command)) if mark == "|" else ""
    return False


def _commands(text: str) -> Iterator[tuple[list[str], str]]:
    """The words of each command, quotes taken off, with the sign behind it."""
    parts = _SEPARATORS.split(text.replace("\\\n", " ").replace('"', " ").replace("'", " "))
    for at in range(0, len(parts), 2):
        words = parts[at].split()
        if words:
            yield words, parts[at + 1] if at + 1 < len(parts) else ""


def _starts(words: Sequence[str]) -> bool:
    """Whether the words of one command start the file, hand it to an interpreter or install it."""
    rest = _meant(words)
    if not rest:
        return False
    name, given = _name(rest[0]), rest[1:]
    if _FILE in rest[0]:
        return True
    if name in _INTERPRETERS:
        for at, word in enumerate(given):
            if word.startswith("<"):
                return any(_FILE in each for each in given[at:])
            if name.startswith(("python", "uv")) and word in {"-m", "run", "pip"}:
                return _starts(given[at + (word != "pip") :])
            if word in {"-c", "-e", "-Command", "/c", "-jar"}:
                return any(_FILE in each for each in given[at + 1 :])
            if not word.startswith("-"):
                return _FILE in word
        return False
    if name in _INSTALLERS:
        said = _INSTALLERS[name]
        return (not said or said in given) and any(_FILE in each for each in given)
    return False


def _reads(words: Sequence[str]) -> bool:
    """Whether a command runs what comes in through a pipe: an interpreter that is given no program."""
    rest = _meant(words)
    if not rest or _name(rest[0]) not in _INTERPRETERS:
        return False
    return all(word.startswith(("-", "<", ">", "2>")) and word not in {"-c", "-e"} for word in rest[1:])


def _meant(words: Sequence[str]) -> Sequence[str]:
    """The command itself, without assignments, ``sudo`` and the like before it."""
    at, own = 0, 0
    while at < len(words):
        word = words[at]
        if _ASSIGNED.match(word) or (at and word.startswith("-")):
            at += 1
        elif own and _FILE not in word:
            at, own = at + 1, own - 1
        elif _name(word) in _AROUND:
            at, own = at + 1, _AROUND[_name(word)]
        else:
            break
    return words[at:]


def _name(word: str) -> str:
    """The program's name, without its folder and the number of its release."""
    return re.sub(r"(?:\.exe|[\d.]+)\Z", "", word.replace("\\", "/").rpartition("/")[2].lower()) or word
