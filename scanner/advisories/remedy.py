"""What to change: the smallest version that clears a package, and the exact edit or command for it.

Names and versions come from files that an attacker may have written, and end in commands that people paste:
what is not plainly a name or a version is never put into one.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from posixpath import basename

from sbom.model import Component
from sbom.record import record
from scanner import versions
from scanner.advisories.match import Group, Match, Package
from scanner.model import Declaration
from scanner.text import visible
from scanner.versions import Key, Pep440

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._/+!-")


@record
class Fix:
    """The smallest version above the current one that no known advisory affects; empty where there is none.

    ``same_major`` whether it stays on the current major version; ``below`` the last version below that is
    clear, where there is none above.
    """

    version: str
    same_major: bool
    below: str = ""


def smallest(package: Package, current: str) -> Fix:
    """The fix for everything that is known against ``current``, one step for all."""
    order = versions.order(package.ecosystem)
    now = order(current) if order else None
    if now is None:
        return Fix("", same_major=False)
    text = package.clear_above(_public(now))
    if not text:
        return Fix("", same_major=False, below=package.clear_below(_public(now)))
    found = order(text) if order else None
    return Fix(text, same_major=found is not None and major(found) == major(now))


def fixed_in(group: Group, current: str, ecosystem: str) -> str:
    """The nearest version above ``current`` that the group's advisories name as fixed, or empty."""
    order = versions.order(ecosystem)
    now = order(current) if order else None
    if order is None or now is None:
        return ""
    above = _public(now)
    rows = sorted(
        (key, text)
        for text in {text for one in group.advisories for text in one.fixed}
        if (key := order(text)) is not None and key > above
    )
    for _, text in rows:
        if all(one.says(text) < Match.PUBLIC for one in group.advisories):
            return text
    return ""


def _public(key: Key) -> Key:
    return key.public if isinstance(key, Pep440) else key


def major(key: Key) -> tuple[int, int]:
    """The branch that a version belongs to: its epoch and first number."""
    return (key.epoch, key.release[0]) if isinstance(key, Pep440) else (0, key.major)


# --- edits ------------------------------------------------------------------------------------------------

# Lock files, by name, and what their own tool wants to hear; {name} and {version} are plain words.
_LOCKS = (
    ("uv.lock", "uv lock --upgrade-package {name}=={version}"),
    ("poetry.lock", "poetry update {name}"),
    ("pdm.lock", "pdm update {name}"),
    ("Pipfile.lock", "pipenv upgrade {name}=={version}"),
    ("pixi.lock", "pixi update {name}"),
    ("conda-lock.yml", "conda-lock lock --update {name}"),
    ("conda-lock.yaml", "conda-lock lock --lockfile conda-lock.yaml --update {name}"),
    ("package-lock.json", "npm install {name}@{version}"),
    ("npm-shrinkwrap.json", "npm install {name}@{version}"),
    ("yarn.lock", "yarn upgrade {name}@{version}"),
    ("pnpm-lock.yaml", "pnpm update {name}@{version}"),
    ("Cargo.lock", "cargo update -p {name}@{current} --precise {version}"),
    ("go.mod", "go get {name}@{version}"),
    ("renv.lock", "Rscript -e 'renv::install(\"{name}@{version}\"); renv::snapshot()'"),
)


_TRANSITIVE = {
    "package-lock.json": "npm update {name}",
    "npm-shrinkwrap.json": "npm update {name}",
    "pnpm-lock.yaml": "pnpm update --depth Infinity {name}",
}


def pin(declarations: Sequence[Declaration], name: str, current: str, target: str) -> str:
    """The edits that move a pinned package to ``target``, one for each place that pins it, joined by "; ".

    First the lines: a range that does not allow the target would make a lock's tool refuse.
    """
    lines: list[str] = []
    commands: list[str] = []
    for row in declarations:
        command = _lock_command(row, name, target)
        if command:
            commands.append(command)
        elif row.version or row.locked:
            lines.append(_line(row, _exactly(row, row.version or current), _exactly(row, target)))
        elif row.specifier and not versions.allows(row.ecosystem, row.specifier, target):
            lines.append(_line(row, row.specifier, raised(row.specifier, target, row.ecosystem)))
    if not lines and not commands:
        lines = [f"{_shown(name)}=={_shown(current)} -> {_shown(name)}=={_shown(target)}"]
    found = "; ".join(dict.fromkeys((*lines, *commands)))
    hashed = [row for row in declarations if row.hashes and not _lock_command(row, name, target)]
    if hashed:
        found += _hashes(hashed[0], name, target)
    if "+" in current and all(row.ecosystem == "pypi" for row in declarations):
        local = _shown("+" + current.partition("+")[2])
        found += (
            f" — take the build of {target} from the index that served {local};"
            " without one the default index's build would replace it"
        )
    return found


def _hashes(row: Declaration, name: str, target: str) -> str:
    """What to do about hashes that belong to the old version."""
    if row.ecosystem != "pypi" or row.conda or not (_is_plain(name) and _is_plain(target)):
        return " (and its hashes)"
    return (
        f" (and its hashes: pip-compile --generate-hashes -P {name}=={target} where the file is compiled,"
        f" else pip download --no-deps -d new {name}=={target}, then pip hash new/*)"
    )


def limit(declarations: Sequence[Declaration], component: Component, change: Callable[[str], str]) -> str:
    """The edits that narrow or raise every range that is declared for a component."""
    steps = [
        _line(row, row.specifier, _in_kind(row, change(row.specifier)))
        for row in declarations
        if not row.version and not row.locked and change(row.specifier) != row.specifier
    ]
    name = _shown(component.name)
    if component.ecosystem not in {"", "pypi"}:
        name += " "
    alone = f"{name}{_shown(component.specifier)} -> {name}{_shown(change(component.specifier))}"
    return "; ".join(dict.fromkeys(steps)) or alone


def _in_kind(row: Declaration, new: str) -> str:
    """Conda's ``=1.13.0`` is a pin to people, and stays one: ``=1.13.1``, not ``>=1.13.1``."""
    stem = row.specifier.removeprefix("==").removesuffix(".*")
    if row.conda and row.specifier == f"=={stem}.*" and stem.count(".") > 1 and "," not in new:
        return f"=={new.removeprefix('>=')}.*" if new.startswith(">=") else new
    return new


def lowest_above(texts: Sequence[str], key: Key) -> str:
    """The lowest of some versions that lies above ``key``, or empty."""
    order = versions.pep440 if isinstance(key, Pep440) else versions.semver
    rows = sorted((found, text) for text in texts if (found := order(text)) is not None and found > key)
    return rows[0][1] if rows else ""


def raised(specifier: str, target: str, ecosystem: str = "pypi") -> str:
    """The range with its lower bounds replaced by ``>=target``; caps that exclude it fall."""
    if ecosystem != "pypi":
        return _raised_semantic(specifier.strip(), target, ecosystem)
    wanted = versions.specifier(specifier)
    key = versions.pep440(target)
    if wanted is None or key is None or len(wanted.alternatives) != 1:
        return f">={target}"
    kept = [
        str(clause)
        for clause in wanted.alternatives[0]
        if clause.operator not in {">=", ">"} and versions.Specifier(((clause,),)).allows(key)
    ]
    return ",".join([f">={target}", *kept])


def without(specifier: str, bad: Sequence[str]) -> str:
    """The range with single releases shut out."""
    wanted = versions.specifier(specifier)
    kept = [str(clause) for clause in wanted.alternatives[0]] if wanted else []
    return ",".join([*kept, *(f"!={text}" for text in bad)])


def _raised_semantic(specifier: str, target: str, ecosystem: str) -> str:
    """The same for npm and Cargo, in the manner of the range: a caret stays one, a cap stays where it can."""
    if "||" not in specifier and specifier.startswith(">"):
        caps = [part for part in specifier.replace(",", " ").split() if part.startswith("<")]
        kept = [cap for cap in caps if versions.allows(ecosystem, cap, target)]
        return (" " if ecosystem == "npm" else ", ").join([f">={target}", *kept])
    if specifier.startswith("~"):
        return f"~{target}"
    return target if ecosystem == "cargo" else f"^{target}"


def _exactly(row: Declaration, version: str) -> str:
    """A pin as the row's manifest writes it."""
    if row.ecosystem == "pypi":
        return f"=={version}"
    if row.ecosystem == "githubactions":
        return f"@v{version}" if row.version.startswith("v") and version[:1].isdigit() else f"@{version}"
    return f"={version}" if row.ecosystem == "cargo" else version


def _lock_command(row: Declaration, name: str, target: str) -> str:
    file = basename(row.where.path)
    if row.conda:
        name = row.conda
    if row.installed:  # nobody edits what lies there installed
        place, wanted = visible(row.where.path, limit=200), f"{_shown(name)} {_shown(target)}"
        is_environment = file.lower().endswith(("metadata", "pkg-info", ".egg-info", ".json"))
        return f"{place}: install {wanted} there" if is_environment else f"{place}: replace it by {wanted}"
    command = next((text for ending, text in _LOCKS if file == ending), "")
    if not row.direct:  # "npm install" would make it a dependency of the project's own
        command = _TRANSITIVE.get(file, command)
    if file == "go.mod" and not target.startswith("v"):
        target = f"v{target}"
    if not command and row.conda and row.locked:
        return _conda_command(row, name, target)
    if not command and file.startswith("pylock.") and file.endswith(".toml"):
        return f"{visible(row.where.path)}: lock again with {_shown(name)}>={_shown(target)}"
    current = row.version or target
    if command and not (_is_plain(name) and _is_plain(target) and _is_plain(current)):
        return f"{visible(row.where.path)}: lock {_shown(name)} again at {_shown(target)}"
    folder = row.where.path.rpartition("/")[0]
    place = f"in {visible(folder)}: " if command and folder else ""
    return place + command.format(name=name, version=target, current=current) if command else ""


def _conda_command(row: Declaration, name: str, target: str) -> str:
    """How a lock of conda's is made anew that is called as people like, or is a list of an environment."""
    place = visible(row.where.path, limit=200)
    path = row.where.path
    if not (_is_plain(name) and _is_plain(target) and _is_plain(path)):
        return f"{place}: lock {_shown(name)} again at {_shown(target)}"
    if path.lower().endswith((".yml", ".yaml")):
        return f"conda-lock lock --lockfile {path} --update {name}"
    return f"{place}: conda install {name}={target} in its environment, then conda list --explicit > {path}"


def _is_plain(text: str) -> bool:
    """Whether it can stand in a command as it is: no shell would read anything into it, and no option."""
    return bool(text) and text[0] not in "-." and _PLAIN.issuperset(text)


def _line(row: Declaration, old: str, new: str) -> str:
    if row.conda:
        place, name = visible(str(row.where), limit=200), visible(row.conda, limit=120)
        return f"{place}: {name}{_shown(_of_conda(old))} -> {name}{_shown(_of_conda(new))}"
    extras = f"[{','.join(row.extras)}]" if row.extras else ""
    if row.ecosystem not in {"pypi", "conda"}:
        extras = "" if row.ecosystem == "githubactions" else " "
    if row.keyed:
        name = visible(row.name, limit=120)
        place = visible(str(row.where), limit=200)
        return f'{place}: {name} = "{_shown(old) or "*"}" -> {name} = "{_shown(new)}"'
    name = visible(row.name + extras, limit=120)
    return f"{visible(str(row.where), limit=200)}: {name}{_shown(old)} -> {name}{_shown(new)}"


def _of_conda(specifier: str) -> str:
    """A range as conda writes it: ``=1.13.0`` for what begins with that."""
    if specifier.startswith("==") and specifier.endswith(".*") and "," not in specifier:
        return specifier[1:-2]
    return specifier


@lru_cache(maxsize=4096)
def _shown(text: str) -> str:
    return visible(text, limit=120)
