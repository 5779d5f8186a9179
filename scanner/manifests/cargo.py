"""Cargo.toml: what a crate or a workspace asks for, by section.

Law: the Cargo book, "Specifying Dependencies" and "Workspaces".
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import Malformed
from scanner.manifests import locks, people, toml, urls
from scanner.manifests.cargo_lock import NAME
from scanner.manifests.project import ProjectFile, kind_of
from scanner.model import Declaration, Origin, OriginKind, ProjectName, Reading

_SECTIONS = (
    ("dependencies", ""),
    ("dev-dependencies", "dev"),
    ("dev_dependencies", "dev"),
    ("build-dependencies", "build"),
    ("build_dependencies", "build"),
)
_EXACT = re.compile(r"=\s*([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)", re.ASCII)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One declaration for each requirement, at its line; of ``[workspace.dependencies]`` only constraints.

    A requirement that breaks the format is COV-005 at its line. Raises Malformed where the file is no TOML or
    no manifest of Cargo's, LimitReached.
    """
    document, text, trouble = toml.load(data)
    if not {"package", "project", "workspace", "dependencies"} & document.keys():
        raise Malformed("cargo", line=1, found="another format", wanted="[package] or [workspace]")
    file = ProjectFile(where, document, toml.lines_of(text))
    if trouble:
        file.bad((), trouble)
    _project(file)
    _members(file)
    for section, group in _SECTIONS:
        _section(file, (section,), group)
        for target in file.table(("target",)):
            if isinstance(file.get(("target", target)), dict):
                _section(file, ("target", target, section), group, marker=target)
    _section(file, ("workspace", "dependencies"), "", constraint=True)
    for registry in file.table(("patch",)):
        _section(file, ("patch", registry), "")
    yield from file.rows


def _project(file: ProjectFile) -> None:
    key = "package" if "package" in file.document else "project"
    table = file.table((key,))
    said = {
        name: value if isinstance(value := table.get(name), str) else ""
        for name in ("name", "version", "description", "license")
    }
    if said["name"]:
        file.rows.append(
            ProjectName(
                file.at((key, "name")),
                said["name"],
                said["version"],
                said["description"],
                said["license"],
                people.listed(table.get("authors", [])),
                people.pages({key: table.get(key) for key in ("homepage", "repository", "documentation")}),
            )
        )


def _members(file: ProjectFile) -> None:
    """The folders that are resolved together with this one, as patterns."""
    if "workspace" not in file.document:
        return
    for path, pattern in file.texts(("workspace", "members")):
        file.rows.append(
            Declaration(
                pattern,
                file.at(path),
                ecosystem="cargo",
                origin=Origin(OriginKind.PATH, pattern.rstrip("/") or "."),
                locked=True,
                own=True,
            )
        )


def _section(
    file: ProjectFile, path: toml.Path, group: str, *, marker: str = "", constraint: bool = False
) -> None:
    for key, value in file.table(path).items():
        place = (*path, key)
        entry = {"version": value} if isinstance(value, str) else value
        if not isinstance(entry, dict):
            file.bad(place, f"it is {kind_of(value)}, neither a version nor a table")
            continue
        name = entry.get("package", key)
        version = entry.get("version", "")
        if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(version, str):
            file.bad(place, "it names no crate")
            continue
        features = entry.get("features")
        exact = _EXACT.fullmatch(version.strip())
        file.rows.append(
            Declaration(
                name,
                file.at(place),
                ecosystem="cargo",
                version=exact[1] if exact else "",
                specifier="" if version.strip() == "*" else version.strip(),
                marker=marker,
                extras=tuple(
                    sorted({one for one in features if isinstance(one, str)})
                    if isinstance(features, list)
                    else ()
                ),
                group=group or ("optional" if entry.get("optional") is True else ""),
                origin=_origin(entry),
                constraint=constraint,
            )
        )


def _origin(entry: toml.Table) -> Origin | None:
    match entry:
        case {"git": str(url)}:
            asked = [entry[key] for key in ("rev", "tag", "branch") if isinstance(entry.get(key), str)]
            commit = entry.get("rev")
            commit = urls.commit_of(commit) if isinstance(commit, str) else ""
            return locks.checkout(url, ref=str(asked[0]) if asked else "", commit=commit)
        case {"path": str(folder)}:
            return Origin(OriginKind.PATH, folder)
        case {"registry-index": str(url)} | {"registry": str(url)}:
            clean, had = urls.without_credentials(url.removeprefix("sparse+"))
            return Origin(OriginKind.INDEX, clean, had_credentials=had)
    return None
