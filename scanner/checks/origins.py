"""Where packages come from: second indexes, mutable refs, plain http, credentials in the open."""

from collections.abc import Iterator

from sbom.model import Component
from sbom.purl import normalise_name
from sbom.record import record
from scanner.checks.pins import names
from scanner.model import Declaration, Evidence, IndexUse, Origin, OriginKind, Stock, factors
from scanner.text import visible

BUILD_GROUP = "build-system"
PYPI = "https://pypi.org/simple"
_PYPI_HOSTS = frozenset({"pypi.org", "pypi.python.org", "files.pythonhosted.org"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  (compared with, never bound)


@record
class KnownIndex:
    """A public index whose publisher is known and who alone can upload to it."""

    host: str
    path: str
    publisher: str


# Only indexes that one publisher fills. An index where anybody can register a name (test.pypi.org, a user's
# channel on a hosting service) is none of these, however often it is used.
KNOWN_INDEXES = (
    KnownIndex("download.pytorch.org", "/", "PyTorch"),
    KnownIndex("download-r2.pytorch.org", "/", "PyTorch"),
    KnownIndex("pypi.nvidia.com", "/", "NVIDIA"),
    KnownIndex("pypi.ngc.nvidia.com", "/", "NVIDIA"),
    KnownIndex("developer.download.nvidia.com", "/compute/", "NVIDIA"),
    KnownIndex("repo.radeon.com", "/rocm/", "AMD"),
    KnownIndex("pytorch-extension.intel.com", "/release-whl/", "Intel"),
    KnownIndex("storage.googleapis.com", "/jax-releases/", "JAX"),
    KnownIndex("storage.googleapis.com", "/jax-nightly-releases/", "JAX"),
    KnownIndex("storage.googleapis.com", "/libtpu-releases/", "Google"),
    KnownIndex("storage.googleapis.com", "/libtpu-wheels/", "Google"),
    KnownIndex("storage.googleapis.com", "/pytorch-xla-releases/", "PyTorch/XLA"),
    KnownIndex("data.pyg.org", "/", "PyTorch Geometric"),
    KnownIndex("data.dgl.ai", "/", "DGL"),
    KnownIndex("download.openmmlab.com", "/", "OpenMMLab"),
    KnownIndex("wheels.vllm.ai", "/", "vLLM"),
    KnownIndex("flashinfer.ai", "/whl/", "FlashInfer"),
    KnownIndex("abetlen.github.io", "/llama-cpp-python/", "llama-cpp-python"),
    KnownIndex("huggingface.github.io", "/autogptq-index/", "Hugging Face"),
    KnownIndex("www.paddlepaddle.org.cn", "/packages/", "PaddlePaddle"),
    KnownIndex("paddle-whl.bj.bcebos.com", "/", "PaddlePaddle"),
)


def check(stock: Stock) -> Iterator[Evidence]:
    """DEP-003, DEP-006, DEP-012 and DEP-013."""
    yield from _second_indexes(stock)
    for use in stock.indexes:
        yield from _of_index(use)
    for component in stock.inventory.components:
        for row in stock.declarations.get(component.ref, ()):
            if row.origin is not None and not row.own:
                yield from _of_origin(row, row.origin, component, stock)


def split(url: str) -> tuple[str, str, str]:
    """Scheme, host and path of a URL: host in lower case, without user and port."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return "", url.partition("/")[0].partition(":")[0].lower(), ""
    cut = min((at for at in map(rest.find, "/?#\\") if at >= 0), default=len(rest))
    host = rest[:cut].rpartition("@")[2].lower()
    host = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    return scheme.rpartition("+")[2].lower(), host.rstrip("."), rest[cut:]


def known_index(url: str) -> KnownIndex | None:
    """The row of the table that this URL belongs to; only over https."""
    scheme, host, path = split(url)
    if scheme != "https" or ".." in path or "%" in path:
        return None
    path = path.rstrip("/") + "/" if path else "/"
    return next((row for row in KNOWN_INDEXES if row.host == host and path.startswith(row.path)), None)


# --- a second index ---------------------------------------------------------------------------------------


def _second_indexes(stock: Stock) -> Iterator[Evidence]:
    """Where two indexes may answer for one name, and nothing but the higher version decides."""
    known: dict[frozenset[str], tuple[str, str]] = {}
    for use in stock.indexes:
        if not use.extra or use.explicit or use.trusted:
            continue
        projects = frozenset(stock.projects.get(use.where.path, (".",)))
        if projects not in known:
            known[projects] = (_main_index(stock, projects), _loose_names(stock, projects))
        main, loose = known[projects]
        if loose and not _same(use.url, main):
            yield _confusion(use, main, loose)


def _main_index(stock: Stock, projects: frozenset[str]) -> str:
    """The index that the projects' files put in the place of PyPI, or PyPI."""
    for use in stock.indexes:
        if not use.extra and not use.explicit and projects & set(stock.projects.get(use.where.path, (".",))):
            return use.url
    return PYPI


def _same(one: str, other: str) -> bool:
    return split(one)[1:] == split(other)[1:] or (is_pypi(one) and is_pypi(other))


def is_pypi(url: str) -> bool:
    """Whether the URL is one of PyPI's own."""
    return split(url)[1] in _PYPI_HOSTS


def _loose_names(stock: Stock, projects: frozenset[str]) -> str:
    """The names, for a message, that any index may serve and whose bytes nothing ties down."""
    found: list[Declaration] = []
    for component in stock.inventory.components:
        if component.project not in projects or component.ecosystem != "pypi":
            continue
        rows = stock.declarations.get(component.ref, ())
        if any(row.hashes or row.locked or _is_placed(row) for row in rows):
            continue
        found.extend(row for row in rows if not row.constraint)
    count = len({normalise_name(row.name) for row in found})
    return f"{count} name{'s' if count > 1 else ''} without hashes ({names(found)})" if found else ""


def _is_placed(row: Declaration) -> bool:
    return row.origin is not None and (row.origin.kind is not OriginKind.INDEX or bool(row.origin.url))


def _confusion(use: IndexUse, main: str, which: str) -> Evidence:
    shown, shown_main = visible(use.url, limit=160), visible(main, limit=160)
    subject = f"{use.where.path}: {use.url}"
    publisher = known_index(use.url)
    both_known = (publisher or is_pypi(use.url)) and (known_index(main) or is_pypi(main))
    remedy = (
        "Pin these with hashes, or give each index its names: uv's `explicit = true` with [tool.uv.sources], "
        "or one index that mirrors both."
    )
    if both_known or use.first_wins:
        measured = factors(
            effect="weakens", trigger="on_use", exploitation="none", evidence="confirmed", ref=use.url
        )
        order = "the first that knows a name serves it" if use.first_wins else "the higher version wins"
        message = f"{shown} and {shown_main} may both serve {which}: {order}"
        return Evidence("DEP-003", use.where, message, subject, measured, remedy)
    message = (
        f"Any of {which} may come from {shown} or from {shown_main}, whichever offers the higher version: "
        "who registers a private name on the public index gets it installed"
    )
    return Evidence("DEP-003", use.where, message, subject, remedy=remedy)


# --- one URL ----------------------------------------------------------------------------------------------


def _of_index(use: IndexUse) -> Iterator[Evidence]:
    shown = visible(use.url, limit=160)
    subject = f"{use.where.path}: {use.url}"
    if use.had_credentials:
        yield _credentials(use.where.path, use)
    if use.trusted:
        if split(use.url)[1] not in _LOOPBACK:
            yield Evidence(
                "DEP-012",
                use.where,
                f"Certificates of {shown} are not checked: whoever sits between can serve other packages",
                subject,
                remedy="Remove the option; give pip the authority's certificate with --cert or PIP_CERT.",
            )
    elif _is_plain(use.url):
        yield Evidence(
            "DEP-012",
            use.where,
            f"Packages come from {shown} without encryption: whoever sits between can serve others",
            subject,
            remedy=f"Use https:// in place of {visible(use.url.partition('://')[0])}://.",
        )


def _is_plain(url: str) -> bool:
    scheme, host, _ = split(url)
    return scheme in {"http", "ftp"} and host not in _LOOPBACK and not host.endswith(".localhost")


def _credentials(path: str, row: IndexUse | Declaration) -> Evidence:
    url = row.url if isinstance(row, IndexUse) else (row.origin.url if row.origin else "")
    return Evidence(
        "DEP-013",
        row.where,
        f"This line holds credentials for {visible(split(url)[1] or url, limit=120)}: everybody who can read "
        "the repository, or its history, has them",
        f"{path}: {url}",
        remedy="Revoke them, then write ${VARIABLE} in their place, or use a keyring or .netrc.",
    )


def _of_origin(row: Declaration, origin: Origin, component: Component, stock: Stock) -> Iterator[Evidence]:
    if origin.had_credentials:
        yield _credentials(row.where.path, row)
    fixed = bool(row.hashes) or bool(origin.commit)
    if _is_plain(origin.url) and not fixed:
        yield Evidence(
            "DEP-012",
            row.where,
            f"{visible(row.name, limit=80)} comes from {visible(origin.url, limit=160)} without encryption",
            f"{row.where.path}: {origin.url}",
            remedy="Use https://, and state the file's hash.",
            component=component.ref,
        )
    if fixed or row.group == BUILD_GROUP or _settled(component, stock):
        return
    if origin.kind is OriginKind.VCS:
        yield _mutable_ref(row, origin, component)
    elif origin.kind is OriginKind.URL:
        yield _mutable_url(row, origin, component)


def _settled(component: Component, stock: Stock) -> bool:
    """Whether a lock ties the component to a commit or to hashes."""
    rows = stock.declarations.get(component.ref, ())
    return any(row.locked and (row.hashes or (row.origin is not None and row.origin.commit)) for row in rows)


def _mutable_ref(row: Declaration, origin: Origin, component: Component) -> Evidence:
    name = visible(row.name or component.name, limit=80)
    ref = f"the ref {visible(origin.ref, limit=80)}" if origin.ref else "the default branch"
    return Evidence(
        "DEP-006",
        row.where,
        f"{name} is built from {ref} of {visible(origin.url, limit=160)}: "
        "whoever can push there decides what runs",
        subject=component.purl,
        remedy=f"Name the commit: {visible(origin.url, limit=160)}@<40 hexadecimal digits>.",
        component=component.ref,
    )


def _mutable_url(row: Declaration, origin: Origin, component: Component) -> Evidence:
    name = visible(row.name or component.name, limit=80)
    return Evidence(
        "DEP-006",
        row.where,
        f"{name} is fetched from {visible(origin.url, limit=160)} without a hash: "
        "what is served there may change",
        subject=component.purl,
        remedy="Append #sha256=<digest> to the URL, or --hash=sha256:<digest> to the line.",
        component=component.ref,
    )
