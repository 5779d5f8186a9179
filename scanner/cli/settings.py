"""Options and configuration files into a policy; each wrong one is an error that names it."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sbom.record import record, replace
from scanner.errors import UsageError
from scanner.policy import Policy

if TYPE_CHECKING:
    from scanner.policy.baseline import Baseline
    from scanner.policy.choose import Choice
    from scanner.policy.claims import Claim
    from scanner.policy.config import Settings
    from scanner.policy.identities import Identity

_CONFIG_BYTES = 16 << 20
_TEXT_BYTES = 64 << 20  # a report, a rubric; Limits.text_bytes


@record
class Gathered:
    """The policy of a command, the settings that it came from, and the file that was honoured."""

    policy: Policy
    settings: "Settings"
    choice: "Choice"


def gather(
    root: Path,
    *,
    config: Path | None = None,
    untrusted: bool = False,
    vex: Sequence[Path] = (),
    baseline: Path | None = None,
    check_advisories: bool = True,
    lock: Path | None = None,
    **line: object,
) -> Gathered:
    """What is in force for a scan of ``root``: the packs, the honoured configuration, the command line.

    ``line`` are the options of ``scanner.policy.config.on_line``; None states nothing. Raises UsageError or
    ConfigurationError for what cannot be used, before anything is scanned.
    """
    from scanner.policy import config as configuration

    if not root.exists():
        raise UsageError(f"no such file or folder: {root}")
    choice = _choice(root, config, untrusted=untrusted)
    stated = configuration.load(_read(Path(choice.file)), str(choice.file)) if choice.file else {}
    own = users_file()
    users = configuration.load_users(_read(own), str(own)) if own.is_file() else {}
    told = choice.notices
    if config is None:
        stated, ignored = configuration.of_a_tree(stated, str(own))
        told = (*told, *ignored)
    settings = configuration.resolve(stated, configuration.on_line(**line), users)
    policy = settings.policy(clock(), choice.prefix)
    if policy.advisories is not None and not policy.advisories.exists():
        raise UsageError(f"--advisories: no such file or folder: {policy.advisories}")
    claims = (*policy.claims, *_waivers(settings), *_statements([*map(Path, settings["vex"]), *vex]))
    known = baseline or (Path(settings["baseline"]) if settings["baseline"] else None)
    return Gathered(
        replace(
            policy,
            claims=claims,
            baseline=_baseline(known),
            check_advisories=check_advisories,
            lock=lock,
            identities=_identities(policy.identities),
            hub_cache=_hub_cache(policy.hub_cache, settings),
            trusted_root=_text(settings["trusted-root"], "trusted-root"),
            trust_lock=lock is not None or (not untrusted and _is_here(root)),
            notices=(*told, *policy.notices),
        ),
        settings,
        choice,
    )


def plain() -> Policy | None:
    """The default policy where the working directory configures nothing, else None.

    What a pre-commit hook pays for on every commit: reading two files, parsing none.
    """
    if users_file().is_file():
        return None
    for name in ("weighbridge.toml", "pyproject.toml"):
        try:
            data = _read(Path(name))
        except UsageError:
            continue
        if name == "weighbridge.toml" or b"weighbridge" in data:
            return None
    return Policy(now=clock(), trust_lock=True)


def _is_here(root: Path) -> bool:
    """Whether the person works in the tree: then its lock is his own, as its settings are."""
    return os.path.realpath(root) == os.path.realpath(Path.cwd())


def users_file() -> Path:
    """The user's own configuration, which need not be there: WEIGHBRIDGE_CONFIG names it, else the system's
    convention (on Linux said here: importing platformdirs costs a hook more than the rest of this)."""
    named = os.environ.get("WEIGHBRIDGE_CONFIG")
    if named:
        return Path(named).absolute()
    system: str = sys.platform
    if system == "linux":
        base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
        return Path(base, "weighbridge", "config.toml")
    from platformdirs import user_config_path

    return user_config_path("weighbridge", appauthor=False) / "config.toml"


def _choice(root: Path, config: Path | None, *, untrusted: bool) -> "Choice":
    from scanner.policy.choose import NAMES, decide
    from scanner.policy.config import has_settings

    def settings_in(folder: Path) -> list[str]:
        return [
            name for name in NAMES if (folder / name).is_file() and has_settings(_read(folder / name), name)
        ]

    folder = Path(os.path.realpath(root if root.is_dir() else root.parent))
    here = Path(os.path.realpath(Path.cwd()))
    if config is not None and not config.is_file():
        raise UsageError(f"--config: no such file: {config}")
    explicit = Path(os.path.realpath(config)) if config is not None else None
    return decide(
        folder,
        here,
        explicit=explicit,
        untrusted=untrusted,
        in_root=settings_in(folder),
        in_cwd=settings_in(here) if here != folder else (),
    )


def _hub_cache(named: Path | None, settings: "Settings") -> Path | None:
    """The hub's cache that is to be read: None for none, ``default`` for where the hub's client keeps it.

    Raises UsageError where another one is named and is not there. Law: huggingface_hub's documentation,
    "Environment variables".
    """
    from scanner.policy.config import USUAL

    if named is None:
        return None
    if str(named) != USUAL:
        if not named.is_dir():
            raise UsageError(f"hub-cache ({settings.values['hub-cache'].origin}): no such folder: {named}")
        return named
    told = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if told:
        return Path(told).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.environ.get("HF_HOME") or cache, "hub").expanduser()


def _identities(pinned: "Sequence[Identity]") -> "tuple[Identity, ...]":
    """The identities with the keys and certificates that they name."""
    return tuple(replace(one, material=_text(one.file, one.source)) for one in pinned)


def _text(file: str, place: str) -> str:
    """The text of a PEM or JSON file that the configuration names; nothing where it names none."""
    if not file:
        return ""
    try:
        return read_bounded(Path(file), _CONFIG_BYTES).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{place}: {file} is no text") from error


def _waivers(settings: "Settings") -> "tuple[Claim, ...]":
    if not settings.waivers_file:
        return ()
    from scanner.policy import waivers

    return waivers.load(_read(Path(settings.waivers_file)), settings.waivers_file)


def _statements(files: Sequence[Path]) -> "list[Claim]":
    if not files:
        return []
    from scanner.policy import vex

    return [statement for file in files for statement in vex.load(_read(file), str(file))]


def _baseline(file: Path | None) -> "Baseline | None":
    if file is None:
        return None
    from scanner.policy import baseline

    return baseline.load(_read(file), str(file))


def read_bounded(path: Path, allowed: int = _TEXT_BYTES) -> bytes:
    """The bytes of a file that an option names. UsageError where it cannot be read."""
    try:
        with path.open("rb") as file:  # by what is read, not by what is stated: a pipe has no size
            data = file.read(allowed + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if len(data) > allowed:
        raise UsageError(f"{path}: larger than {allowed >> 20} MiB")
    return data


def _read(path: Path) -> bytes:
    return read_bounded(path, _CONFIG_BYTES)


def clock() -> datetime:
    """The present, or SOURCE_DATE_EPOCH (seconds since 1970, UTC) where the environment sets it."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if stated is None:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(stated), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH: not a number of seconds: {stated!r}") from error


def names_from(source: str | None) -> list[str] | None:
    """The paths that ``--files-from`` lists, newline or NUL between them; None without the option."""
    if source is None:
        return None
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"--files-from: {source}: {error.strerror}") from error
    separator = b"\0" if b"\0" in data else b"\n"
    return [os.fsdecode(name.rstrip(b"\r")) for name in data.split(separator) if name.strip()]
