"""What a walk leaves out by itself, each under the name of its rule.

A folder's name is not enough: whoever plants a model may call its folder ``.git`` or ``.pytest_cache``. So a
folder is recognised by its layout, and inside it only what such a folder is made of is left out; any other
file there is read as anywhere else. Names can still be forged one by one. What is left out is therefore shown
in the coverage, and a symbolic link from outside to something left out is read under the link's own name.
"""

# A path is bytes here, for a name need not decode, and pathlib holds no bytes.
# ruff: noqa: PTH118, PTH208

import os
import re
from collections.abc import Callable

from sbom.record import record
from scanner.patterns import pattern

_GIT_FOLDERS = frozenset(
    (
        *(b"annex branches filter-repo gitflow hooks info lfs logs modules objects refs reftable".split()),
        *(b"rebase-apply rebase-merge sequencer svn worktrees rr-cache fsmonitor--daemon lost-found".split()),
    )
)
# HEAD, FETCH_HEAD, COMMIT_EDITMSG …; config, config.worktree; index, index.lock, sharedindex.<hash>
_GIT_FILE = pattern(
    rb"[A-Z][A-Z_]*(\.lock)?|(config|config\.worktree|description|index|packed-refs|shallow|gitk\.cache|gc\.log)"
    rb"(\.lock|\.pid)?|gc\.pid|packed-refs\.new|sharedindex\.[0-9a-f]+|commondir|gitdir|fsmonitor--daemon\.ipc"
)

_VENV_TOP = frozenset(
    b"bin Scripts include Include share etc man var pyvenv.cfg .lock .gitignore CACHEDIR.TAG".split()
)
_VENV_LIBRARY = pattern(rb"(lib|lib64)/(python|pypy)[0-9.]+t?(/.*)?|Lib(/.*)?", re.DOTALL)
_VENV_LIBRARY_PARENT = pattern(rb"lib|lib64")

_TAGS = rb"\.gitignore|CACHEDIR\.TAG|README\.md"
# What the tool itself writes there, over the path inside the cache.
_CACHES: dict[bytes, re.Pattern[bytes]] = {
    b".mypy_cache": pattern(
        rb"missing_stubs|[0-9.]+/(.*/)?[^/]+\.(json|ts|ff|meta|data|deps)(\.json|\.ff)?|[0-9.]+/cache[.0-9]*\.db(-\w+)?"
    ),
    b".ruff_cache": pattern(rb"[0-9]+\.[0-9.]+[0-9A-Za-z.]*/[0-9a-f]+"),
    b".pytest_cache": pattern(rb"v/cache/(lastfailed|nodeids|stepwise)"),
    b".hypothesis": pattern(
        rb"(examples|tmp)/[0-9a-f]+(/[0-9a-f]+)?|unicode_data/[0-9.]+/[a-z0-9-]+\.json\.gz|constants/[0-9a-f]+"
        rb"|\.hypothesis/.*\.patch|patches/[^/]+\.patch"
    ),
    b".tox": pattern(rb"(.*/)?(\.tox-info\.json|[^/]+\.log|[^/]+\.lock|\.pkg_meta\.json)"),
    b".nox": pattern(rb"(.*/)?([^/]+\.log|\.nox-.*)"),
    b".import_linter_cache": pattern(rb"[^/]+\.(data|meta)\.json"),
}
_TAG = pattern(_TAGS)
_BUNDLER = pattern(rb"(.*/)?[^/]+\.(json|json\.gz|pack|pack\.gz|js|map|css|tsbuildinfo)")
_BYTECODE = pattern(rb"[^/]+\.py[co]")


@record
class Rule:
    """A rule that holds for one folder. ``holds`` is asked with the path inside it."""

    name: str
    holds: Callable[[bytes, bool], bool]

    def leaves_out(self, inside: bytes, *, is_folder: bool) -> bool:
        """Whether what stands at this path inside the folder is part of what such a folder is made of."""
        return self.holds(inside, is_folder)


def rule_of(relative: bytes, absolute: bytes, names: set[bytes]) -> Rule | None:
    """The rule that holds for the folder at ``relative``, whose members are ``names``; None for any other."""
    name = relative.rpartition(b"/")[2]
    if name == b".git" and {b"HEAD", b"objects", b"refs"} <= names:
        return _GIT
    if b"pyvenv.cfg" in names and _has_interpreter(absolute, names):
        return _VENV
    if name in _CACHES:
        return _CACHE_RULES[name]
    if name == b"__pycache__":
        return _PYCACHE
    return _NODE if name == b".cache" and relative.endswith(b"node_modules/.cache") else None


def _has_interpreter(absolute: bytes, names: set[bytes]) -> bool:
    if b"Scripts" in names and os.path.lexists(os.path.join(absolute, b"Scripts", b"python.exe")):
        return True
    if b"bin" not in names:
        return False
    try:
        programs = os.listdir(os.path.join(absolute, b"bin"))
    except OSError:
        return False
    return any(program.startswith((b"python", b"pypy")) for program in programs)


def _in_git(inside: bytes, is_folder: bool) -> bool:  # noqa: FBT001 — one signature for all rules
    return inside in _GIT_FOLDERS if is_folder else _GIT_FILE.fullmatch(inside) is not None


def _in_venv(inside: bytes, is_folder: bool) -> bool:  # noqa: FBT001 — as above
    if inside in _VENV_TOP or _VENV_LIBRARY.fullmatch(inside):
        return True
    # ``lib64`` is a link to ``lib``; as a folder it is entered for what else may stand in it.
    return not is_folder and _VENV_LIBRARY_PARENT.fullmatch(inside) is not None


def _by_name(pattern: re.Pattern[bytes]) -> Callable[[bytes, bool], bool]:
    def holds(inside: bytes, is_folder: bool) -> bool:  # noqa: FBT001 — as above
        return not is_folder and (pattern.fullmatch(inside) or _TAG.fullmatch(inside)) is not None

    return holds


_GIT = Rule("git-directory", _in_git)
_VENV = Rule("virtual-environment", _in_venv)
_PYCACHE = Rule("cache", _by_name(_BYTECODE))
_NODE = Rule("cache", _by_name(_BUNDLER))
_CACHE_RULES = {name: Rule("cache", _by_name(pattern)) for name, pattern in _CACHES.items()}
