"""[tool.poetry] of a pyproject.toml: requirements in Poetry's own notation, its groups and its sources.

Law: Poetry's documentation, "The pyproject.toml file", "Dependency specification" and "Repositories".
"""

from collections.abc import Iterator

from sbom.purl import normalise_name
from sbom.record import replace
from scanner.manifests import people, pep508, poetry_versions, toml, urls
from scanner.manifests.locks import PYPI, checkout
from scanner.manifests.project import ProjectFile, kind_of
from scanner.model import Declaration, IndexUse, Origin, OriginKind, ProjectName
from scanner.text import visible

_BASE: toml.Path = ("tool", "poetry")
_PLATFORM = "sys_platform"


def sources(file: ProjectFile) -> None:
    """The indexes of [[tool.poetry.source]], and the places of names that [project] asks for."""
    for path, item in file.items((*_BASE, "source")):
        name, url = (item.get("name"), item.get("url")) if isinstance(item, dict) else (None, None)
        if not isinstance(item, dict) or not isinstance(name, str):
            file.bad(path, "a source is a table with a name")
            continue
        if not isinstance(url, str):
            if name.lower() != "pypi":  # the one that needs no URL
                file.bad(path, "a source is a table with a url")
            continue
        clean, had = urls.without_credentials(url)
        file.indexes[name.lower()] = clean
        priority = str(item.get("priority", "")).lower()
        is_default = priority in {"default", "primary"} or (
            not priority and item.get("secondary") is not True
        )
        file.rows.append(
            IndexUse(
                clean,
                file.at((*path, "url")),
                extra=not is_default,
                explicit=priority == "explicit",
                had_credentials=had,
            )
        )
    if _is_enriched(file):
        for name, value in _listed(file, (*_BASE, "dependencies")):
            for _, item in _alternatives((*_BASE, "dependencies", name), value):
                origin = _origin(file, item) if isinstance(item, dict) else None
                if origin is not None:
                    file.sources.setdefault(normalise_name(name), []).append(origin)


def _is_enriched(file: ProjectFile) -> bool:
    """Whether [project] says what is needed, and Poetry's table only where it comes from."""
    return any(file.get(("project", key)) is not None for key in ("dependencies", "optional-dependencies"))


def requirements(file: ProjectFile) -> None:
    """Everything that Poetry's tables ask for, by group."""
    if file.get(("project", "name")) is None:
        _name(file)
    extras = _extras(file)
    if not _is_enriched(file):
        _group(file, (*_BASE, "dependencies"), "", extras)
    _group(file, (*_BASE, "dev-dependencies"), "dev", {})
    for name in file.table((*_BASE, "group")):
        _group(file, (*_BASE, "group", name, "dependencies"), normalise_name(name), {})
    _group(file, (*_BASE, "requires-plugins"), "poetry-plugins", {})


def _name(file: ProjectFile) -> None:
    words = {
        key: value if isinstance(value := file.get((*_BASE, key)), str) else ""
        for key in ("name", "version", "description", "license")
    }
    if words["name"]:
        file.rows.append(
            ProjectName(
                file.at((*_BASE, "name")),
                words["name"],
                words["version"],
                words["description"],
                words["license"],
                people.listed(file.get((*_BASE, "authors")) or []),
                people.pages(
                    {key: file.get((*_BASE, key)) for key in ("homepage", "repository", "documentation")}
                ),
            )
        )


def _extras(file: ProjectFile) -> dict[str, str]:
    """The extra that each optional name belongs to."""
    found: dict[str, str] = {}
    for extra in file.table((*_BASE, "extras")):
        for _, text in file.texts((*_BASE, "extras", extra)):
            found.setdefault(normalise_name(pep508.name_at(text)[0]), normalise_name(extra))
    return found


def _listed(file: ProjectFile, path: toml.Path) -> Iterator[tuple[str, object]]:
    for name, value in file.table(path).items():
        if name.lower() != "python":
            yield name, value


def _alternatives(path: toml.Path, value: object) -> list[tuple[toml.Path, object]]:
    return (
        [((*path, index), item) for index, item in enumerate(value)]
        if isinstance(value, list)
        else [(path, value)]
    )


def _group(file: ProjectFile, path: toml.Path, group: str, extras: dict[str, str]) -> None:
    for name, value in _listed(file, path):
        if pep508.name_at(name)[0] != name:
            file.bad((*path, name), "it is no name of a package")
            continue
        for place, item in _alternatives((*path, name), value):
            declaration = _declaration(file, place, name, item)
            if declaration is None:
                continue
            if isinstance(item, dict) and item.get("optional") is True:
                group_of = extras.get(normalise_name(name), "optional")
                declaration = replace(declaration, group=group or group_of)
            else:
                declaration = replace(declaration, group=group)
            file.rows.append(declaration)


def _declaration(file: ProjectFile, path: toml.Path, name: str, item: object) -> Declaration | None:
    if isinstance(item, str):
        item = {"version": item}
    if not isinstance(item, dict):
        file.bad(path, f"it is {kind_of(item)}, neither a version nor a table")
        return None
    origin = _origin(file, item)
    placed = origin is not None and origin.kind is not OriginKind.INDEX
    specifier = "" if placed else _specifier(file, path, item.get("version", "*"))
    extras = item.get("extras")
    version = pep508.pinned(specifier)
    if placed and origin is not None and origin.kind is OriginKind.URL:
        version = urls.named_by(origin.url)[1]
    return Declaration(
        name,
        file.at(path),
        version=version,
        specifier=specifier,
        marker=_marker(file, path, item),
        extras=tuple(sorted({str(extra) for extra in extras})) if isinstance(extras, list) else (),
        origin=origin,
        keyed=True,
    )


def _specifier(file: ProjectFile, path: toml.Path, written: object) -> str:
    """The versions; any of them, with a finding, where they cannot be read: the name is known."""
    if not isinstance(written, str):
        file.bad(path, f"its version is {kind_of(written)}, not a string")
        return ""
    try:
        return poetry_versions.specifier(written)
    except poetry_versions.NotPoetrys as error:
        shown = visible(urls.masked(written), limit=80)
        file.bad(path, f"{shown} is no constraint of Poetry's ({visible(str(error), limit=120)})")
        return ""


def _origin(file: ProjectFile, item: toml.Table) -> Origin | None:
    match item:
        case {"git": str(url)}:
            ref = next((str(item[key]) for key in ("rev", "tag", "branch") if key in item), "")
            return checkout(
                url, ref=ref, commit=str(item.get("rev", "")), editable=item.get("develop") is True
            )
        case {"path": str(place)} | {"file": str(place)}:
            return urls.origin_of(place, editable=item.get("develop") is True)
        case {"url": str(url)}:
            return urls.origin_of(url)
        case {"source": str(name)}:
            url = file.indexes.get(name.lower(), name)
            return Origin(OriginKind.INDEX, "" if url.rstrip("/") in PYPI or url.lower() == "pypi" else url)
        case _:
            return None


def _marker(file: ProjectFile, path: toml.Path, item: toml.Table) -> str:
    tests: list[str] = []
    written = item.get("markers")
    if isinstance(written, str) and written.strip():
        if pep508.reads_as_marker(written):
            tests.append(written.strip())
        else:
            file.bad((*path, "markers"), f"{visible(written, limit=120)} is no marker")
    python = item.get("python")
    if isinstance(python, str):
        for clause in filter(None, _specifier(file, (*path, "python"), python).split(",")):
            version = clause.lstrip("<>=!~")
            operator = clause[: len(clause) - len(version)]
            name = "python_full_version" if version.removesuffix(".*").count(".") > 1 else "python_version"
            tests.append(f'{name} {operator} "{version}"')
    platform = item.get("platform")
    if isinstance(platform, str) and platform.replace("_", "").isalnum() and platform.isascii():
        tests.append(f'{_PLATFORM} == "{platform}"')
    if len(tests) < 2:
        return "".join(tests)
    return " and ".join(f"({text})" if " or " in text else text for text in tests)
