"""pixi.toml and [tool.pixi] of a pyproject.toml: conda's packages and PyPI's, by feature and by platform.

Law: pixi's documentation, "Manifest reference". A version field is conda's, that of a [pypi-dependencies] row
PEP 440's.
"""

from collections.abc import Iterator

from sbom.model import Digest, Location
from sbom.purl import normalise_name
from sbom.record import replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import conda, conda_names, locks, people, pep508, toml, urls
from scanner.manifests.project import BUILD_GROUP, ProjectFile, kind_of
from scanner.manifests.requirements import declared
from scanner.model import Declaration, IndexUse, Origin, OriginKind, ProjectName, Reading
from scanner.text import visible

_LIMITS = Limits()
_CONDA = ("dependencies", "host-dependencies", "build-dependencies", "run-dependencies", "dev")
_BUILDING = ("host-dependencies", "build-dependencies")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a pixi.toml declares: its name, channels, indexes and dependencies.

    A value of a wrong type is COV-005 at its line; the rest is read. Raises Malformed where the file is no
    TOML, LimitReached past the nesting, the bytes or the declarations of one manifest.
    """
    yield from ProjectFile.opened(data, where).read_by((_name, _workspace))


def of_pyproject(file: ProjectFile) -> None:
    """Adds what [tool.pixi] declares to the rows of a pyproject.toml."""
    _workspace(file, ("tool", "pixi"))


def _name(file: ProjectFile) -> None:
    for key in ("workspace", "project", "package"):
        table = file.table((key,))
        if isinstance(table.get("name"), str):
            words = {
                word: value if isinstance(value := table.get(word), str) else ""
                for word in ("name", "version", "description", "license")
            }
            file.rows.append(
                ProjectName(
                    file.at((key, "name")),
                    words["name"],
                    words["version"],
                    words["description"],
                    words["license"],
                    people.listed(table.get("authors", [])),
                )
            )
            return


def _workspace(file: ProjectFile, base: toml.Path = ()) -> None:
    channel = ""
    for key in ("workspace", "project"):
        channel = channel or _channels(file, (*base, key, "channels"))
    _part(file, base, "", channel)
    for feature in file.table((*base, "feature")):
        at = (*base, "feature", feature)
        group = "" if feature == "default" else normalise_name(feature)
        _part(file, at, group, _channels(file, (*at, "channels")) or channel)
    package = (*base, "package")
    if file.get(package) is not None:
        _tables(file, package, "", channel, builds=True)
        backend = (*package, "build", "backend")
        table = file.table(backend)
        if isinstance(table.get("name"), str):
            wish = {key: value for key, value in table.items() if key != "name"}
            _conda_row(file, backend, str(table["name"]), wish, BUILD_GROUP, channel, "")


def _channels(file: ProjectFile, path: toml.Path) -> str:
    """The first channel of a list; those with an address are told as indexes."""
    first = ""
    for place, item in file.items(path):
        name = item.get("channel") if isinstance(item, dict) else item
        if not isinstance(name, str):
            file.bad(place, f"it is {kind_of(item)}, not a channel")
            continue
        first = first or name
        if urls.scheme_of(name):
            clean, had = urls.without_credentials(name)
            had = had or conda_names.has_token(name)
            file.rows.append(IndexUse(clean, file.at(place), explicit=True, had_credentials=had))
    return first


def _part(file: ProjectFile, base: toml.Path, group: str, channel: str) -> None:
    """What one feature, or the workspace itself, declares: for all platforms and for single ones."""
    _tables(file, base, group, channel)
    for target in file.table((*base, "target")):
        _tables(file, (*base, "target", target), group, channel, marker=conda_names.marker_of(target))
    _indexes(file, (*base, "pypi-options"))


def _tables(
    file: ProjectFile, base: toml.Path, group: str, channel: str, *, marker: str = "", builds: bool = False
) -> None:
    for key in _CONDA:
        scope = BUILD_GROUP if builds and key in _BUILDING else group
        for name, wish in file.table((*base, key)).items():
            _conda_row(file, (*base, key, name), name, wish, scope, channel, marker)
    for name, wish in file.table((*base, "constraints")).items():
        _conda_row(file, (*base, "constraints", name), name, wish, group, channel, marker, constraint=True)
    for name, wish in file.table((*base, "pypi-dependencies")).items():
        _pypi_row(file, (*base, "pypi-dependencies", name), name, wish, group, marker)


def _add(file: ProjectFile, row: Declaration) -> None:
    if len(file.rows) >= _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations)
    file.rows.append(row)


# --- conda's ----------------------------------------------------------------------------------------------


def _conda_row(
    file: ProjectFile,
    path: toml.Path,
    name: str,
    wish: object,
    group: str,
    channel: str,
    marker: str,
    *,
    constraint: bool = False,
) -> None:
    table = {"version": wish} if isinstance(wish, str) else wish
    if not isinstance(table, dict):
        file.bad(path, f"it is {kind_of(wish)}, not a version or a table")
        return
    version, own_channel = table.get("version", "*"), table.get("channel", channel)
    if not isinstance(version, str) or not isinstance(own_channel, str):
        file.bad(path, "its version or its channel is no string")
        return
    found = conda.package(name.lower(), version, file.at(path), own_channel, group=group)
    if found is None:
        file.bad(path, f"{visible(version, limit=80)} is no version of conda's")
        return
    origin = _place(table)
    archive = conda_names.archive_of(origin.url) if origin is not None else None
    if archive is not None:
        found = replace(found, version=archive.version, specifier=f"=={archive.version}")
    hashes = (locks.digest_of(f"{key}:{table[key]}") for key in ("md5", "sha256") if key in table)
    digests: tuple[Digest, ...] = tuple(digest for digest in hashes if digest is not None)
    _add(file, replace(found, origin=origin, marker=marker, hashes=digests, constraint=constraint))


def _place(table: toml.Table) -> Origin | None:
    """Where a row that no index serves comes from: a checkout, an address, a path."""
    match table:
        case {"git": str(url), **rest}:
            commit = rest.get("rev")
            ref = rest.get("tag", rest.get("branch", ""))
            return locks.checkout(url, ref=str(ref), commit=commit if isinstance(commit, str) else "")
        case {"url": str(url)}:
            return urls.origin_of(url)
        case {"path": str(path)}:
            return Origin(OriginKind.PATH, path, editable=table.get("editable") is True)
        case _:
            return None


# --- PyPI's -----------------------------------------------------------------------------------------------


def _pypi_row(file: ProjectFile, path: toml.Path, name: str, wish: object, group: str, marker: str) -> None:
    table = {"version": wish} if isinstance(wish, str) else wish
    if not isinstance(table, dict):
        file.bad(path, f"it is {kind_of(wish)}, not a version or a table")
        return
    version = table.get("version", "*")
    text = "" if version in {"*", ""} else str(version)
    if text[:1].isdigit():
        text = f"=={text}"
    extras = [str(extra) for extra in table["extras"]] if isinstance(table.get("extras"), list) else []
    own = table.get("env-markers")
    asked = f"{name}{'[' + ','.join(extras) + ']' if extras else ''} {text}"
    try:
        found = pep508.parse(f"{asked} ; {own}" if isinstance(own, str) and own else asked)
    except pep508.InvalidRequirement as error:
        file.bad(path, f"{visible(asked, limit=120)} is no requirement ({error})")
        return
    row = declared(found, file.at(path), group=group)
    both = f"({row.marker}) and ({marker})" if row.marker and marker else row.marker or marker
    origin = _place(table)
    if origin is not None and origin.kind is OriginKind.URL:
        told, exact, _ = urls.named_by(origin.url)
        row = replace(row, version=exact if told else row.version)
    index = table.get("index")
    if origin is None and isinstance(index, str):
        origin = locks.index_at(index)
    hashes = urls.fragment_hashes(str(table.get("url", "")))
    _add(file, replace(row, origin=origin, marker=both, hashes=hashes))


def _indexes(file: ProjectFile, path: toml.Path) -> None:
    """[pypi-options]: as uv reads them, the first index that knows a name serves it."""
    options = file.table(path)
    first_wins = not str(options.get("index-strategy", "")).startswith("unsafe")
    main = options.get("index-url")
    rows = [((*path, "index-url"), main, False, False)] if isinstance(main, str) else []
    for place, text in file.texts((*path, "extra-index-urls")):
        rows.append((place, text, True, False))
    for place, item in file.items((*path, "find-links")):
        link = item.get("url", item.get("path")) if isinstance(item, dict) else None
        if isinstance(link, str):
            rows.append((place, link, True, True))
        else:
            file.bad(place, "it is neither { url = … } nor { path = … }")
    for place, text, extra, flat in rows:
        clean, had = urls.without_credentials(text)
        file.rows.append(
            IndexUse(
                clean, file.at(place), extra=extra, had_credentials=had, flat=flat, first_wins=first_wins
            )
        )
