"""The settings: which there are, how they are read, and where each value came from.

Defaults, then packs, then the user's own file, then the project's, then the command line. Packs only
tighten: where a pack asks for more than somebody stated, the pack holds, and what was overruled is said.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path, PurePath
from posixpath import dirname, isabs, join, normpath
from typing import Any, Final, cast, get_args

from sbom.record import record, replace
from scanner.errors import ConfigurationError
from scanner.model import LEVELS
from scanner.policy import allow, identities, paths, waivers
from scanner.policy.allow import Allowed
from scanner.policy.model import Context, Pack, Policy, Refresh
from scanner.policy.packs import DEFAULT, effective
from scanner.policy.paths import PathRule
from scanner.policy.plain import At, each_once, lines_of, toml
from scanner.policy.waivers import Waiver
from scanner.text import visible

SECTION: Final = "tool.weighbridge"
LINE: Final = "command line"

# What a user may state for every project on this machine; the rest belongs to a project.
_USERS: Final = frozenset(
    {
        "packs",
        "fail-on",
        "advisories.path",
        "advisories.url",
        "advisories.live-pypi",
        "advisories.live-osv",
        "advisories.max-age-days",
        "advisories.kev",
        "ask-indexes",
        "refresh",
        "private",
        "jobs",
        "hub-cache",
    }
)
# What no file of a tree may state: whether the network is asked, which server is, what is read outside of it.
_NOT_A_TREES: Final = (
    "advisories.url",
    "advisories.live-pypi",
    "advisories.live-osv",
    "ask-indexes",
    "refresh",
    "hub-cache",
)

# Options that are not called as their key is.
_OPTIONS: Final = {
    "packs": "--pack",
    "advisories.path": "--advisories",
    "advisories.max-age-days": "--max-advisory-age",
    "ask-indexes": "--ask-index",
}


@record
class Waivers:
    """The waivers of a configuration: entries of its own, or the name of the file that has them."""

    entries: tuple[Waiver, ...] = ()
    file: str = ""


@record
class Key:
    """One setting. ``adds``: what is stated in several places is joined, not replaced. ``file``: a path."""

    read: Callable[[At], Any]
    default: Any
    adds: bool = False
    file: bool = False


def _read_waivers(at: At) -> Waivers:
    return Waivers(file=at.text()) if isinstance(at.value, str) else Waivers(entries=waivers.read(at))


def _names(at: At) -> tuple[str, ...]:
    return each_once(at.texts())


def _patterns(at: At) -> tuple[str, ...]:
    return each_once([paths.pattern(each) for each in (at.rows() if not isinstance(at.value, str) else [at])])


def _packs(at: At) -> tuple[str, ...]:
    named = at.texts()
    try:
        effective(named)
    except ConfigurationError as error:
        raise at.error(str(error)) from error
    return each_once(named)


# In the order in which they are shown.
KEYS: Final[Mapping[str, Key]] = {
    "packs": Key(_packs, (), adds=True),
    "context": Key(lambda at: at.choice(get_args(Context)), "internal"),
    "fail-on": Key(lambda at: at.choice(LEVELS), "high"),
    "advisories.path": Key(At.text, "", file=True),
    "advisories.url": Key(At.text, ""),
    "advisories.live-pypi": Key(At.text, ""),
    "advisories.live-osv": Key(At.text, ""),
    "advisories.max-age-days": Key(At.count, 7),
    "advisories.kev": Key(At.text, "", file=True),
    "refresh": Key(lambda at: at.choice(get_args(Refresh)), "never"),
    "exclude": Key(_patterns, (), adds=True),
    "ask-indexes": Key(_names, (), adds=True),
    "private": Key(_names, (), adds=True),
    "product": Key(_names, (), adds=True),
    "require-inputs": Key(At.flag, False),  # noqa: FBT003  (the default of a flag)
    "jobs": Key(At.count, 0),
    "cooldown-days": Key(At.count, 0),
    "vex": Key(_names, (), adds=True, file=True),
    "baseline": Key(At.text, "", file=True),
    "waivers": Key(_read_waivers, Waivers()),
    "allow": Key(allow.read, ()),
    "paths": Key(paths.read, ()),
    "identities": Key(identities.read, ()),
    "trusted-root": Key(At.text, "", file=True),
    "hub-cache": Key(At.text, "", file=True),
}
USUAL: Final = "default"  # the hub's cache where the hub's own client has it
_TOP: Final = each_once([key.partition(".")[0] for key in KEYS])
_TABLES: Final = ("allow", "paths", "waivers")


@record
class Setting:
    """A value and where it was stated."""

    value: Any
    origin: str


Stated = Mapping[str, Setting]


@record
class Settings:
    """What is in force. Paths are as the person who runs the scan would write them."""

    pack: Pack
    values: Stated
    notices: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Any:
        """The value of a key of ``KEYS``."""
        return self.values[key].value

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers that stand in the configuration itself."""
        return cast("Waivers", self["waivers"]).entries

    @property
    def waivers_file(self) -> str:
        """The file that the waivers are kept in, if they are."""
        return cast("Waivers", self["waivers"]).file

    @property
    def allowed(self) -> tuple[Allowed, ...]:
        """The globals that somebody vouches for."""
        return cast("tuple[Allowed, ...]", self["allow"])

    @property
    def path_rules(self) -> tuple[PathRule, ...]:
        """What is declared by path."""
        return cast("tuple[PathRule, ...]", self["paths"])

    @property
    def exclude(self) -> tuple[str, ...]:
        """All patterns that are left out."""
        return each_once((*self["exclude"], *paths.excluded(self.path_rules)))

    def policy(self, now: datetime, prefix: str = "") -> Policy:
        """The policy, without what other files say: vex, baseline and a file of waivers are the caller's.

        ``prefix`` is the scanned root as seen from the folder of the configuration (``choose.Choice``).
        """
        return Policy(
            fail_on=self["fail-on"],
            context=self["context"],
            context_stated=self.values["context"].origin != DEFAULT,
            advisories=_path(self["advisories.path"]),
            max_advisory_age_days=self["advisories.max-age-days"],
            require_inputs=self["require-inputs"],
            jobs=self["jobs"],
            cooldown_days=self["cooldown-days"],
            exclude=paths.rebased(self.exclude, prefix),
            now=now,
            prefix=prefix,
            pack=self.pack,
            claims=(*self.waivers, *self.allowed),
            paths=self.path_rules,
            products=self["product"],
            private=self["private"],
            ask_indexes=self["ask-indexes"],
            refresh=self["refresh"],
            advisories_url=self["advisories.url"],
            live_pypi=self["advisories.live-pypi"],
            live_osv=self["advisories.live-osv"],
            kev=_path(self["advisories.kev"]),
            identities=self["identities"],
            hub_cache=_path(self["hub-cache"]),
            notices=self.notices,
        )


def load(data: bytes, file: str) -> Stated:
    """What a ``weighbridge.toml``, or the ``[tool.weighbridge]`` of a ``pyproject.toml``, states.

    Relative paths in it count from its own folder. Raises ConfigurationError naming file and key, also for a
    pyproject.toml without that section: whoever asks for it to be read expects settings.
    """
    top = toml(data, file)
    if file.rpartition("/")[2] == "pyproject.toml":
        section = _section(top)
        if section is None:
            raise top.error(f"holds no [{SECTION}]")
        return _read(section, data, SECTION)
    rows = top.table()
    if "tool" in rows:
        raise rows["tool"].error("unknown key 'tool': in this file the settings stand at the top, without it")
    return _read(top, data, "")


def has_settings(data: bytes, file: str) -> bool:
    """Whether the file holds settings of ours.

    A pyproject.toml that cannot be read, and speaks of us, does: else its settings would be lost in silence.
    """
    if file.rpartition("/")[2] != "pyproject.toml":
        return True
    try:
        return _section(toml(data, file)) is not None
    except ConfigurationError:
        return SECTION.encode() in data


def on_line(**options: object) -> Stated:
    """What the command line states: ``on_line(fail_on="medium", packs=["strict"])``.

    Words are joined by underscores, tables by two: ``advisories__path``. None states nothing.
    Raises ConfigurationError naming the option.
    """
    stated: dict[str, Setting] = {}
    for name, value in options.items():
        key = name.replace("__", ".").replace("_", "-")
        if value is None or value in ((), []):
            continue
        option = _OPTIONS.get(key, f"--{key}")
        stated[key] = Setting(KEYS[key].read(At(_bare(value), LINE, option)), option)
    return stated


def _bare(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_bare(each) for each in value]
    return str(value) if isinstance(value, PurePath) else value


def load_users(data: bytes, file: str) -> Stated:
    """What the user's own configuration states, for every project on this machine.

    Raises ConfigurationError, also for a key that belongs to a project: a waiver or an exclusion that counts
    everywhere would be seen by nobody who reads the project.
    """
    top = toml(data, file)
    stated = _read(top, data, "")
    for key, setting in stated.items():
        if key not in _USERS:
            allowed = ", ".join(sorted(_USERS))
            raise ConfigurationError(f"{setting.origin}: {key} belongs to a project; here stand {allowed}")
    return stated


def of_a_tree(stated: Stated, own: str) -> tuple[Stated, tuple[str, ...]]:
    """What counts of a file that nobody named, and what to tell of the rest. ``own``: the user's file."""
    dropped = [key for key in _NOT_A_TREES if key in stated]
    notices = tuple(
        f"{key} in {stated[key].origin} is ignored: which servers are asked, and what is read outside of "
        f"the tree, is said in {own}, or in a file that --config names"
        for key in dropped
    )
    return {key: row for key, row in stated.items() if key not in dropped}, notices


def resolve(file: Stated, line: Stated, users: Stated | None = None) -> Settings:
    """The settings in force: the user's, then the file's, then the command line's. Raises
    ConfigurationError."""
    layers = (users or {}, file, line)
    values = {key: _stated(key, row, layers) for key, row in KEYS.items()}
    pack = effective(values["packs"].value)
    notices = []
    if pack.ids:
        by_pack = f"pack {', '.join(pack.ids)}"
        for key, least in _least(pack, values):
            was = values[key]
            values[key] = Setting(least, by_pack)
            if was.origin != DEFAULT:
                notices.append(
                    f"{key} = {_toml(was.value)} ({was.origin}) is laxer than {by_pack}: {_toml(least)} holds"
                )
    return Settings(pack, values, tuple(notices))


def _least(pack: Pack, values: Stated) -> Iterable[tuple[str, object]]:
    """The keys for which the named packs ask for more, with what they ask for."""
    if LEVELS.index(values["fail-on"].value) > LEVELS.index(pack.block_at):
        yield "fail-on", pack.block_at
    if values["context"].value != pack.context == "exposed":
        yield "context", pack.context
    age = values["advisories.max-age-days"]
    # A ceiling, never a permission: pack airgap lets somebody state thirty days, it does not state them.
    if age.value > pack.max_advisory_age_days:
        yield "advisories.max-age-days", pack.max_advisory_age_days


def show(settings: Settings) -> tuple[str, ...]:
    """Lines for people: each value that is in force, as TOML, and where it came from."""
    lines = [f"{key} = {_toml(row.value)}" for key, row in settings.values.items()]
    width = min(max(map(len, lines)), 60)
    pairs = zip(lines, settings.values.values(), strict=True)
    return (
        *(f"{line:<{width}}  # {visible(row.origin, limit=200)}" for line, row in pairs),
        *(f"# pack: {line}" for line in _asks(settings.pack)),
        *(f"# note: {visible(each)}" for each in settings.notices),
    )


def _asks(pack: Pack) -> Iterable[str]:
    """What the packs ask for beyond the settings."""
    named = ", ".join(pack.ids) or DEFAULT
    yield f"{named}: blocks at {pack.block_at}, held to the {pack.gate_on} of a finding"
    if pack.factor_floors:
        yield "no factor below " + ", ".join(f"{name} {value}" for name, value in pack.factor_floors.items())
    for rule, floors in pack.elevated.items():
        yield f"{rule} never below " + ", ".join(f"{name} {value}" for name, value in floors.items())
    if pack.coverage_required:
        yield "coverage has to be complete"
    if pack.known_exploitable_block:
        yield "a hole that attackers use blocks at any level"
    if pack.network_forbidden:
        yield "no network"
    if pack.origin_required:
        yield f"origin of protected files: {pack.origin_required} ({', '.join(pack.protected_globs)})"
    if pack.required_evidence:
        yield "evidence asked for: " + ", ".join(pack.required_evidence)
    if pack.require_rules:
        yield "rules that have to be run: " + ", ".join(pack.require_rules)
    if pack.fix:
        yield "time to mend: " + ", ".join(f"{level} {text}" for level, text in pack.fix.items())


# --- reading ------------------------------------------------------------------------------------------------


def _section(top: At) -> At | None:
    tool = top.table().get("tool")
    return tool.table().get("weighbridge") if tool else None


def _read(at: At, data: bytes, section: str) -> Stated:
    rows = at.keys_of(_TOP)
    lines = _lines(data)
    stated: dict[str, Setting] = {}
    for name, value in rows.items():
        if name == "advisories":
            inner = tuple(key.partition(".")[2] for key in KEYS if key.startswith("advisories."))
            found = {f"advisories.{key}": each for key, each in value.keys_of(inner).items()}
        else:
            found = {name: value}
        for key, each in found.items():
            header, last = _header(section, key)
            line = lines.get((header, last)) or lines.get((section, key.partition(".")[0]))
            place = f":{line}" if line else f" {each.path}"
            stated[key] = Setting(_value(key, each, data, section), f"{at.file}{place}")
    return stated


def _value(key: str, at: At, data: bytes, section: str) -> Any:
    if key in _TABLES and not isinstance(at.value, str):
        header = f"{section}.{key}" if section else key
        placed = waivers.entry_lines(data, header)
        if key == "waivers":
            return Waivers(entries=waivers.read(at, placed))
        return allow.read(at, placed) if key == "allow" else paths.read(at)
    value = KEYS[key].read(at)
    if isinstance(value, Waivers):
        return replace(value, file=_from(at.file, value.file))
    if not KEYS[key].file or (key == "hub-cache" and value == USUAL):
        return value
    return (
        tuple(_from(at.file, each) for each in value) if isinstance(value, tuple) else _from(at.file, value)
    )


def _from(file: str, path: str) -> str:
    """A path in a file counts from the folder that the file is in."""
    return path if isabs(path) or not dirname(file) else normpath(join(dirname(file), path))


def _header(section: str, key: str) -> tuple[str, str]:
    head, dot, last = key.rpartition(".")
    return (f"{section}.{head}" if section and head else section or head, last) if dot else (section, key)


def _lines(data: bytes) -> dict[tuple[str, str], int]:
    """The line of each key by table, as far as lines alone can tell: only for messages."""
    found: dict[tuple[str, str], int] = {}
    for number, header, line in lines_of(data.decode("utf-8", "replace")):
        key, equals, _ = line.partition("=")
        if equals:
            found.setdefault((header, key.strip().strip("\"'")), number)
    return found


def _stated(key: str, row: Key, layers: Iterable[Stated]) -> Setting:
    found = [each[key] for each in layers if key in each]
    if not found:
        return Setting(row.default, DEFAULT)
    if row.adds:
        origins = ", ".join(each.origin for each in found)
        return Setting(each_once([value for each in found for value in each.value]), origins)
    return found[-1]


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _toml(value: object) -> str:
    """A value on one line, as it would be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Waivers):
        return _toml(value.file) if value.file else f"[{_number(len(value.entries))}]"
    if isinstance(value, tuple):
        if all(isinstance(each, str) for each in value):
            return f"[{', '.join(map(_toml, value))}]"
        return f"[{_number(len(value))}]"
    return f'"{visible(str(value), limit=200)}"'


def _number(count: int) -> str:
    return "" if not count else "1 entry" if count == 1 else f"{count} entries"
