"""pyproject.toml: what a project is called, what it needs, and where from.

Law: the Python Packaging User Guide's "pyproject.toml specification" (PEP 621, PEP 639), "Dependency Groups"
(PEP 735), PEP 518; uv's documentation for [tool.uv], setuptools' for [tool.setuptools.dynamic].
"""

from collections.abc import Iterator

from sbom.model import Location
from sbom.purl import normalise_name
from sbom.record import replace
from scanner.knots import knots
from scanner.limits import Limits
from scanner.manifests import cooldown, people, toml, urls
from scanner.manifests.project import ProjectFile, kind_of, require
from scanner.model import Include, IndexUse, Origin, OriginKind, ProjectName, Reading
from scanner.text import visible

_LIMITS = Limits()
BUILD_GROUP = "build-system"
_PYPI = frozenset({"https://pypi.org/simple", "https://pypi.org/simple/", "https://pypi.python.org/simple"})


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a pyproject.toml declares: its name, its requirements by group, its sources and indexes.

    A value of a wrong type is COV-005 at its line; the rest is read. Raises Malformed where the file is no
    TOML, LimitReached past the nesting or the bytes of one manifest.
    """
    project_tables = (uv_indexes, uv_sources, _poetry_sources, _project, _groups, _build_system)
    yield from ProjectFile.opened(data, where).read_by((*project_tables, _tools, _poetry, _pixi))


def _pixi(file: ProjectFile) -> None:
    if file.get(("tool", "pixi")) is not None:
        from scanner.manifests import pixi

        pixi.of_pyproject(file)


# --- [project] --------------------------------------------------------------------------------------------


def _project(file: ProjectFile) -> None:
    project = file.table(("project",))
    if not project:
        return
    words = {}
    for key in ("name", "version", "description"):
        value = project.get(key)
        if value is not None and not isinstance(value, str):
            file.bad(("project", key), f"it is {kind_of(value)}, not a string")
        words[key] = value if isinstance(value, str) else ""
    licence = project.get("license")
    text = licence.get("text") if isinstance(licence, dict) else licence
    where = file.at(("project", "name") if "name" in project else ("project",))
    file.rows.append(
        ProjectName(
            where,
            name=words["name"],
            version=words["version"],
            description=words["description"],
            licence=text if isinstance(text, str) else "",
            authors=people.listed(project.get("authors", [])),
            links=people.pages(project.get("urls")),
        )
    )
    for path, requirement in file.texts(("project", "dependencies")):
        require(file, path, requirement, "")
    for extra in file.table(("project", "optional-dependencies")):
        for path, requirement in file.texts(("project", "optional-dependencies", extra)):
            require(file, path, requirement, normalise_name(extra))
    _dynamic(file)


def _dynamic(file: ProjectFile) -> None:
    """Dependencies that are computed at build time: the files that they come from, where those are named."""
    for path, key in file.texts(("project", "dynamic")):
        if key not in {"dependencies", "optional-dependencies"}:
            continue
        if file.get(("project", key)) is not None:
            file.bad(path, f"{key} is both listed and called dynamic")
            continue
        named = _dynamic_files(file, key)
        if file.get(("tool", "poetry", "dependencies")) is not None:
            continue  # Poetry's own table says it
        if named:
            file.rows.extend(Include(name, file.at(place)) for place, name in named)
        else:
            file.bad(path, f"the {key} are computed when the project is built, which is never done here")


def _dynamic_files(file: ProjectFile, key: str) -> list[tuple[toml.Path, str]]:
    base: toml.Path = ("tool", "setuptools", "dynamic", key)
    spots = [(*base, "file")]
    if key == "optional-dependencies":
        value = file.get(base)
        spots = [(*base, extra, "file") for extra in value] if isinstance(value, dict) else []
    else:
        spots.append(("tool", "hatch", "metadata", "hooks", "requirements_txt", "files"))
    found: list[tuple[toml.Path, str]] = []
    for spot in spots:
        value = file.get(spot)
        if isinstance(value, str):
            found.append((spot, value))
        elif value is not None:
            found.extend(file.texts(spot))
    return found


# --- [dependency-groups], [build-system] ------------------------------------------------------------------


def _groups(file: ProjectFile) -> None:
    groups = file.table(("dependency-groups",))
    known: dict[str, str] = {}
    includes: dict[str, list[tuple[toml.Path, str]]] = {}
    for name in groups:
        group = normalise_name(name)
        path: toml.Path = ("dependency-groups", name)
        if group in known:
            file.bad(path, f"the group {visible(name)} is there twice, as {visible(known[group])} too")
        known.setdefault(group, name)
        for place, item in file.items(path):
            target = item.get("include-group") if isinstance(item, dict) and len(item) == 1 else None
            if isinstance(item, str):
                require(file, place, item, group)
            elif isinstance(target, str):
                includes.setdefault(group, []).append((place, normalise_name(target)))
            else:
                file.bad(place, "it is neither a requirement nor { include-group = … }")
    graph = {group: {target for _, target in includes.get(group, ()) if target in known} for group in known}
    circles = {group: number for number, part in enumerate(knots(graph)) for group in part}
    for group, wanted in includes.items():
        for place, target in wanted:
            if target not in known:
                file.bad(place, f"there is no group {visible(target)}")
            elif circles[target] == circles[group]:
                file.bad(place, f"the group {visible(group)} includes itself")


def _build_system(file: ProjectFile) -> None:
    if file.table(("build-system",)):
        for path, requirement in file.texts(("build-system", "requires")):
            require(file, path, requirement, BUILD_GROUP)


# --- [tool.uv] --------------------------------------------------------------------------------------------


def uv_indexes(file: ProjectFile) -> None:
    unsafe = file.get(("tool", "uv", "index-strategy")) in {"unsafe-first-match", "unsafe-best-match"}
    for path, item in file.items(("tool", "uv", "index")):
        url = item.get("url") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(url, str):
            file.bad(path, "an index is a table with a url")
            continue
        use = _index_use(file, (*path, "url"), url)
        name = item.get("name")
        if isinstance(name, str):
            file.indexes[name] = use.url
        default = item.get("default") is True
        explicit = item.get("explicit") is True
        flat = item.get("format") == "flat"
        file.rows.append(replace(use, extra=not default, explicit=explicit, first_wins=not unsafe, flat=flat))
    for base in (("tool", "uv"), ("tool", "uv", "pip")):
        url = file.get((*base, "index-url"))
        if isinstance(url, str):
            file.rows.append(_index_use(file, (*base, "index-url"), url))
        for path, extra in file.texts((*base, "extra-index-url")):
            file.rows.append(replace(_index_use(file, path, extra), extra=True, first_wins=not unsafe))
        for path, links in file.texts((*base, "find-links")):
            if urls.scheme_of(links):
                file.rows.append(replace(_index_use(file, path, links), extra=True, flat=True))
        for path, host in file.texts((*base, "allow-insecure-host")):
            file.rows.append(IndexUse(host, file.at(path), explicit=True, trusted=True))


def _index_use(file: ProjectFile, path: toml.Path, text: str) -> IndexUse:
    url, had = urls.without_credentials(text)
    return IndexUse(url, file.at(path), had_credentials=had)


def uv_sources(file: ProjectFile) -> None:
    for name, value in file.table(("tool", "uv", "sources")).items():
        path: toml.Path = ("tool", "uv", "sources", name)
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            place = (*path, index) if isinstance(value, list) else path
            origin = _uv_source(file, item) if isinstance(item, dict) else None
            if origin is None:
                file.bad(place, "it is no source of uv's: git, url, path, index or workspace")
            else:
                file.sources.setdefault(normalise_name(name), []).append(origin)


def _uv_source(file: ProjectFile, item: toml.Table) -> Origin | None:
    match item:
        case {"git": str(url)}:
            ref = next((str(item[key]) for key in ("rev", "tag", "branch") if key in item), "")
            clean, had = urls.without_credentials(url)
            commit = urls.commit_of(ref) if "rev" in item else ""
            url = clean if urls.is_vcs(clean) else f"git+{clean}"
            return Origin(OriginKind.VCS, url, ref="" if commit else ref, commit=commit, had_credentials=had)
        case {"url": str(url)}:
            return urls.origin_of(url)
        case {"path": str(target)}:
            return Origin(OriginKind.PATH, target, editable=item.get("editable") is True)
        case {"workspace": True}:
            return Origin(OriginKind.PATH, "", editable=True)
        case {"index": str(name)}:
            url = file.indexes.get(name, name)
            return Origin(OriginKind.INDEX, "" if url in _PYPI else url)
        case _:
            return None


# --- other tools ------------------------------------------------------------------------------------------


def _tools(file: ProjectFile) -> None:
    for table in (("tool", "uv"), ("tool", "uv", "pip")):
        place = (*table, "exclude-newer")
        if (value := file.get(place)) is not None:
            file.rows.append(cooldown.reading("uv", "exclude-newer", value, file.at(place)))
    for path, text in file.texts(("tool", "uv", "dev-dependencies")):
        require(file, path, text, "dev")
    for key in ("constraint-dependencies", "override-dependencies"):
        for path, text in file.texts(("tool", "uv", key)):
            require(file, path, text, "", constraint=True)
    for group in file.table(("tool", "pdm", "dev-dependencies")):
        for path, text in file.texts(("tool", "pdm", "dev-dependencies", group)):
            require(file, path, text.removeprefix("-e "), normalise_name(group))
    _pdm_sources(file)
    _hatch(file)


def _hatch(file: ProjectFile) -> None:
    for name, value in file.table(("tool", "hatch", "envs")).items():
        for key in ("dependencies", "extra-dependencies") if isinstance(value, dict) else ():
            for path, text in file.texts(("tool", "hatch", "envs", name, key)):
                require(file, path, text, normalise_name(name))
    for path, text in file.texts(("tool", "hatch", "build", "dependencies")):
        require(file, path, text, BUILD_GROUP)
    for target in file.table(("tool", "hatch", "build", "targets")):
        if isinstance(file.get(("tool", "hatch", "build", "targets", target)), dict):
            for path, text in file.texts(("tool", "hatch", "build", "targets", target, "dependencies")):
                require(file, path, text, BUILD_GROUP)


def _pdm_sources(file: ProjectFile) -> None:
    for path, item in file.items(("tool", "pdm", "source")):
        url = item.get("url") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(url, str):
            # A source without a URL only changes what another one is asked for.
            continue
        use = _index_use(file, (*path, "url"), url)
        extra, unverified = item.get("name") != "pypi", item.get("verify_ssl") is False
        flat = item.get("type") == "find_links"
        file.rows.append(replace(use, extra=extra, trusted=unverified, flat=flat))


def _poetry_sources(file: ProjectFile) -> None:
    if file.table(("tool", "poetry")):
        from scanner.manifests import poetry

        poetry.sources(file)


def _poetry(file: ProjectFile) -> None:
    if isinstance(file.get(("tool", "poetry")), dict):
        from scanner.manifests import poetry

        poetry.requirements(file)
