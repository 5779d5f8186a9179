"""The words that everyone in the scanner speaks.

Frozen, slotted, few. A reader of files yields *events* (declarations, evidence, facts, members); the
pipeline gathers them, the judge turns evidence into findings, a report holds it all.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Literal, Protocol

from sbom.model import Digest, Fact, Inventory, Kind, Location, Rating, Step
from sbom.record import field, mutable, record
from scanner.limits import Budget, Limits

FactorName = Literal["exploitation", "origin", "trigger", "context", "effect", "evidence"]
FACTORS: tuple[FactorName, ...] = ("exploitation", "origin", "trigger", "context", "effect", "evidence")

FactorSource = Literal["measured", "feed", "declared", "rule-default", "unknown-policy", "pack-floor"]

Level = Literal["info", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("info", "low", "medium", "high", "critical")


class Outcome(StrEnum):
    """What became of one file or member under one inspector: exactly one of these."""

    INSPECTED = "inspected"  # read in depth, to its end
    RECOGNISED = "recognised"  # known format, not read in depth
    UNCLAIMED = "unclaimed"  # no inspector reads this
    ABSENT = "absent"  # a pointer whose object is not here
    MALFORMED = "malformed"  # broke a law of its format
    LIMITED = "limited"  # a named limit ended the reading
    CHANGED = "changed"  # not the same file at the end as at the beginning
    CRASHED = "crashed"  # our reader raised what it should not
    LATE = "late"  # the worker passed its deadline
    DIED = "died"  # the worker was killed
    UNREADABLE = "unreadable"  # the system would not give us the bytes
    MISSING_DEPENDENCY = "missing-dependency"  # the decoder is not installed


# Outcomes after which nobody may call the bytes clean.
INCOMPLETE = frozenset(Outcome) - {Outcome.INSPECTED, Outcome.UNCLAIMED}


@record
class Measured:
    """One factor's value, where it came from and what to look at to check it."""

    value: str
    source: FactorSource = "measured"
    ref: str = ""


Factors = tuple[tuple[FactorName, Measured], ...]


def factors(source: FactorSource = "measured", ref: str = "", **values: str) -> Factors:
    """Factors of an Evidence: ``factors(effect="total", evidence="confirmed", ref="CVSS v3 vector")``."""
    unknown = set(values) - set(FACTORS)
    if unknown:
        raise ValueError(f"no such factor: {sorted(unknown)}")
    return tuple((name, Measured(values[name], source, ref)) for name in FACTORS if name in values)


@record
class Evidence:
    """A rule that holds at a place, and what was measured there. Never a severity.

    ``subject`` names what the finding is about for its fingerprint, free of line numbers and of message
    text: the resolved call (``posix.system``), a package (``pkg:pypi/torch@2.1.0``), an advisory's id.
    ``remedy`` is the exact edit or command where it is known, else the rule's own remedy is shown.
    ``component`` is the ref of the component it is about, where it is about one. ``ratings`` are the opinions
    of advisories, told beside the rubric's and never counted; no inspector has any, so that workers and the
    cache do not carry them.
    """

    rule: str
    where: Location
    message: str
    subject: str = ""
    factors: Factors = ()
    remedy: str = ""
    component: str = ""
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    ratings: tuple[Rating, ...] = ()


@record
class Inspection:
    """What one inspector made of one file or member."""

    where: Location
    inspector: str
    outcome: Outcome
    detail: str = ""
    evidence: tuple[Evidence, ...] = ()
    facts: tuple[Fact, ...] = ()


@record
class Artifact:
    """One file, or one member that an inspector claimed. ``digests`` are of the file's own bytes."""

    where: Location
    format: str
    size: int
    digests: tuple[Digest, ...] = ()
    inspections: tuple[Inspection, ...] = ()
    unclaimed_members: int = 0


# --- what a manifest yields -------------------------------------------------------------------------------


class OriginKind(StrEnum):
    """Where a declared package is to be fetched from."""

    INDEX = "index"  # a package index; url empty means the ecosystem's own
    URL = "url"
    VCS = "vcs"
    PATH = "path"


@record
class Origin:
    """Where a declared package comes from. ``url`` never holds credentials; ``commit`` is immutable."""

    kind: OriginKind
    url: str = ""
    ref: str = ""
    commit: str = ""
    editable: bool = False
    had_credentials: bool = False


@record
class Declaration:
    """One line that asks for a package.

    ``name`` as written, ``version`` exact or empty, ``specifier`` as written (``>=2,<3``), ``group`` the
    extra or dependency group (empty: always), ``locked`` where a lock file pins it, ``requires`` the names
    (or ``name==version``) that the lock says it depends on, ``conda:name`` where that is another ecosystem's.
    ``sdist_only`` where a lock lists no wheel; ``installed`` where it lies there unpacked, so that nothing is
    fetched; ``qualifiers`` tell one build from another in its package URL. ``conda``: the name by which
    conda knows it, where its line or lock is conda's. ``publishers``: who attested it when it was locked, as
    ``GitHub org/repository``. ``makers`` are facts on who made it and where it is told of.
    """

    name: str
    where: Location
    ecosystem: str = "pypi"
    version: str = ""
    specifier: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    group: str = ""
    hashes: tuple[Digest, ...] = ()
    origin: Origin | None = None
    direct: bool = True
    locked: bool = False
    constraint: bool = False
    requires: tuple[str, ...] = ()
    sdist_only: bool = False
    own: bool = False  # the lock's entry for the project itself
    installed: bool = False
    qualifiers: tuple[tuple[str, str], ...] = ()
    licence: str = ""
    conda: str = ""
    publishers: tuple[str, ...] = ()
    keyed: bool = False  # written as name = "range"
    makers: tuple[Fact, ...] = ()


@record
class Include:
    """Another file that this one pulls in, relative to it; ``constraint`` for ``-c``.

    ``by_command`` where a command names it, relative to wherever that is run: the file keeps its own project.
    """

    path: str
    where: Location
    constraint: bool = False
    by_command: bool = False


@record
class ProjectName:
    """What the project calls itself; ``authors`` as ``name <address>``, ``links`` as ``label address``."""

    where: Location
    name: str = ""
    version: str = ""
    description: str = ""
    licence: str = ""
    authors: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@record
class IndexUse:
    """A package index that a file turns to. ``extra`` beside the default one; ``explicit`` only when named.

    ``trusted`` where verification of its certificate is switched off (``url`` may then be a bare host).
    ``flat`` for a page or folder of links; ``first_wins`` where the installer takes each name from the first
    index that knows it and never from a second.
    """

    url: str
    where: Location
    extra: bool = False
    explicit: bool = False
    trusted: bool = False
    had_credentials: bool = False
    flat: bool = False
    first_wins: bool = False


@record
class InstallMode:
    """Options of a file that change how everything in it is installed."""

    where: Location
    require_hashes: bool = False
    pre: bool = False


@record
class Described:
    """What a file says of the model or data set that it lies beside.

    The facts go to the models in its folder, with ``below`` also to those in folders below it. Where no
    weights lie there, ``name`` (if any) is what the thing is called all the same.
    """

    where: Location
    facts: tuple[Fact, ...]
    kind: Kind = Kind.MODEL
    name: str = ""
    below: bool = False


@record
class Tracked:
    """A file, folder or address that a manifest keeps track of, without being a package.

    ``path`` as written (relative to the manifest, or an address); ``kind`` empty where only the name can
    tell; ``joins``: it is known only where something else tells of it too (code that a stage depends on).
    """

    path: str
    where: Location
    kind: Literal["", "model", "data"] = ""
    digests: tuple[Digest, ...] = ()
    facts: tuple[Fact, ...] = ()
    origin: Origin | None = None
    joins: bool = False


@record
class Used:
    """What a stage takes or gives: a path as written, an address, or an action's name."""

    path: str
    where: Location


@record
class Stage:
    """One piece of work that a pipeline's file states. ``line`` of ``where`` is that of its name.

    What another file says of the same stage (a lock the values of its ``parameters``) has no ``steps``.
    ``metrics`` and ``about`` as of a task.
    """

    where: Location
    name: str
    steps: tuple[Step, ...] = ()
    inputs: tuple[Used, ...] = ()
    outputs: tuple[Used, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    metrics: tuple[tuple[str, str], ...] = ()
    about: tuple[tuple[str, str], ...] = ()


@record
class CoolDown:
    """A setting of ``tool`` about how old a release has to be: ``days`` (None: not understood), or ``until``.

    ``until`` is the ISO date after which nothing may have been published. ``said`` is the value as written,
    empty where the file has no such setting.
    """

    where: Location
    tool: str
    key: str
    said: str = ""
    days: float | None = None
    until: str = ""


Reading = (
    CoolDown
    | Declaration
    | Include
    | ProjectName
    | IndexUse
    | InstallMode
    | Described
    | Tracked
    | Stage
    | Evidence
)

ManifestParser = Callable[[bytes, Location], Iterator[Reading]]


@record
class Stock:
    """Everything that the manifests declare and the tree holds, merged.

    ``declarations`` has the lines behind each component, by its ref; ``projects`` the projects that each
    manifest belongs to, by its path. ``evidence`` is what the merging itself found: includes that lead
    nowhere, contradictions.
    """

    inventory: Inventory
    declarations: Mapping[str, tuple[Declaration, ...]]
    indexes: tuple[IndexUse, ...] = ()
    modes: tuple[InstallMode, ...] = ()
    cooldowns: tuple[CoolDown, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    projects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# --- what files say of the bytes of others ------------------------------------------------------------------


@record
class Stated:
    """What a file of the tree says of the bytes of a file: the one at ``path`` from the root.

    ``kind`` names the row of the table of proofs. ``digest`` is in hashlib's spelling or one of those in
    ``scanner.files.digest``; ``size`` in bytes, ``at_least`` a bound on it. ``rule`` is what is broken where
    it is not so; without one the statement is merely stale. ``anchors`` where whoever put the file there
    cannot have written it, so that bytes which bear it out are pinned. ``says`` puts in words who states it.
    ``wanted``: where no such file lies in the tree, that is a finding, too.
    ``parts``: it is about the tensors of these safetensors files, which have ``size`` bytes together.
    ``trouble`` is what is wrong whatever the bytes are, ``unchecked`` why nobody can tell. ``factors`` are
    measured of the file that it is about.
    """

    path: str
    where: Location
    kind: str
    digest: Digest | None = None
    size: int | None = None
    at_least: int | None = None
    rule: str = ""
    says: str = ""
    anchors: bool = False
    wanted: bool = False
    parts: tuple[str, ...] = ()
    trouble: str = ""
    unchecked: str = ""
    factors: Factors = ()


class ProofState(StrEnum):
    """What became of a statement about bytes."""

    HOLDS = "holds"
    FAILS = "fails"
    STALE = "stale"  # it tells of an earlier state, and nothing vouches that it should still be so
    UNCHECKED = "cannot-be-checked"


@record
class Proof:
    """A statement held against the bytes. ``where`` is what it is about, ``source`` who states it."""

    where: Location
    kind: str
    source: Location
    state: ProofState
    algorithm: str = ""
    value: str = ""
    detail: str = ""


# --- what an artifact yields ------------------------------------------------------------------------------


class Source(Protocol):
    """Bytes behind one bounded reader. ``size`` in bytes, known before anything is read."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; shorter only where the bytes end.

        Raises Unreadable, Changed, LimitReached or (a broken container) Malformed.
        """
        ...


@record
class Member:
    """One member of a container, to be examined as if it had been found alone."""

    name: str
    source: Source
    where: Location


@record
class Derived:
    """Bytes found inside an artifact that another inspector reads: ``format`` names its row.

    ``source`` instead of ``data`` where they are too many to hold.
    """

    format: str
    data: bytes
    where: Location
    source: Source | None = None


Event = Evidence | Fact | Member | Derived


@record
class OnDisk:
    """A file that a row of the manifest table reads by itself, in pieces or with what lies beside it.

    ``beside`` has the small files next to it that the row asks for, by their names.
    """

    source: Source
    where: Location
    beside: Mapping[str, bytes] = field(default_factory=dict)


FileReader = Callable[[OnDisk], Iterator[Reading]]

Inspector = Callable[["Subject"], Iterator[Event]]


# --- what code yields --------------------------------------------------------------------------------------


@record
class Resolved:
    """What a load is of: a ``path`` from the root of the tree or as written, a ``url``, a ``hub`` name.

    ``held`` where the scanned tree has that path; ``by_default`` where it is only the default of an option.
    """

    kind: Literal["path", "url", "hub", "text"]
    name: str
    held: bool = False
    by_default: bool = False


@record
class Unresolved:
    """Why nobody can tell from the code alone what is loaded."""

    reason: str


@record
class LoadSite:
    """One line of code that loads something.

    ``api`` is the full name of what is called, ``format`` what it reads (``pytorch``, ``pickle``, ``keras``),
    ``library`` the package whose release decides on defaults. ``unsafe``: whether what is loaded may run
    code by this call; None where a release or an option decides that is not known. ``function`` is the
    function that it stands in, empty at the top of a module. ``reached_on_import``: importing the module
    is enough; ``reached_when_run``: running it as a program is.
    """

    api: str
    where: Location
    target: Resolved | Unresolved
    library: str = ""
    format: str = ""
    options: tuple[tuple[str, str], ...] = ()
    unsafe: bool | None = None
    function: str = ""
    reached_on_import: bool = False
    reached_when_run: bool = False
    because: str = ""


ReferenceKind = Literal["hub-model", "hub-dataset", "hub-space", "torchhub", "url", "spacy", "nltk"]


@record
class Reference:
    """Something outside that code names: ``revision`` as written, empty where the code leaves it open."""

    kind: ReferenceKind
    name: str
    where: Location
    revision: str = ""
    api: str = ""

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a whole commit, which nobody can move."""
        return len(self.revision) == 40 and all(char in "0123456789abcdef" for char in self.revision.lower())


@record
class Run:
    """A file of code that a build pipeline runs.

    ``where`` is the pipeline's own line, ``by`` the lines of Makefiles and scripts that it goes through.
    ``events`` start it; ``secrets`` are the names of those that its job is handed.
    """

    script: str
    where: Location
    job: str = ""
    by: tuple[Location, ...] = ()
    events: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@record
class Chain:
    """One line that loads something, joined with what runs it and what it loads.

    ``loads`` names what is loaded, or says why nobody can tell. ``unsafe`` as in ``LoadSite``. ``reached``:
    importing the module is enough (``import``), running it is (``run``), a function has to be called
    (``call``), or nobody can tell (empty). ``runs`` are the pipelines that come there, ``artifacts`` the
    files of the tree that are loaded; ``component`` is the ref of what is taken from outside, ``library``
    that of the library which loads it; both empty where the inventory has none.
    """

    where: Location
    api: str
    loads: str
    unsafe: bool | None = None
    because: str = ""
    reached: Literal["import", "run", "call", ""] = ""
    runs: tuple[Run, ...] = ()
    artifacts: tuple[Location, ...] = ()
    component: str = ""
    library: str = ""


@record
class CodeReading:
    """What all code of a tree loads and names, and what is to be said of it."""

    sites: tuple[LoadSite, ...] = ()
    references: tuple[Reference, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    files: int = 0


# --- what is shown of one artifact ------------------------------------------------------------------------


@record
class Table:
    """What a reader can show of the bytes to a person: rows under columns, in the order of the bytes.

    ``left``: how many rows there are beyond those that stand here.
    """

    title: str
    where: Location
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 0


@record
class Asked:
    """How much is to be shown: at most ``rows`` of a table; ``trace`` the steps up to each call, ``around``
    so many of them."""

    rows: int = 20
    trace: bool = False
    around: int = 8


Account = Callable[["Subject", Asked], Iterator[Table]]


# --- what a report holds ----------------------------------------------------------------------------------


@record
class Rule:
    """One rule of the rubric's data. ``defaults`` has a value for each factor but ``context``.

    ``assumes`` names the factors whose default is a guess about the case at hand, not part of what the rule
    says: where nobody measured them, the finding lists them as assumed. The trigger never falls below
    ``trigger_floor``.
    """

    id: str
    title: str
    defaults: Mapping[FactorName, str]
    why: str
    remedy: str
    before: str = ""
    after: str = ""
    cwe: tuple[int, ...] = ()
    atlas: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()
    ssdf_218a: tuple[str, ...] = ()
    trigger_floor: str = ""
    assumes: tuple[FactorName, ...] = ()


@record
class Measurement:
    """A factor that the join measured for a subject (an artifact's SHA-256, or a component's ref).

    ``covered`` where everything that could contradict it was seen (for ``dormant``: no load of that format
    was left unresolved); without it, a value better than the rule's default is not taken.
    """

    subject: str
    factor: FactorName
    value: str
    because: str
    covered: bool = False


class Status(StrEnum):
    """Whether a finding counts."""

    OPEN = "open"
    WAIVED = "waived"
    DISPUTED = "disputed"
    NOT_AFFECTED = "not-affected"


@record
class Decision:
    """Why a finding does not count, on whose word and for how long.

    ``source`` names the file and the entry in it. ``stated`` and ``expires`` are ISO dates or empty.
    ``justification`` is OpenVEX' word where one was given, ``vex_status`` what the statement said.
    """

    kind: Literal["waiver", "dispute", "vex", "allow"]
    reason: str
    source: str
    owner: str = ""
    approvers: tuple[str, ...] = ()
    stated: str = ""
    expires: str = ""
    justification: str = ""
    vex_status: str = ""


@record
class Finding:
    """Evidence with its six factors and the level that follows from them.

    ``decision`` says why where the status is not open. ``known``: a baseline has it, so that it no longer
    fails the scan; ``first_seen`` and ``due`` (ISO dates) are empty where no baseline knows them.
    """

    evidence: Evidence
    title: str
    level: Level
    potential: Level
    factors: Factors
    assumed: tuple[FactorName, ...]
    because: str
    remedy: str
    fingerprint: str
    status: Status = Status.OPEN
    decision: Decision | None = None
    known: bool = False
    first_seen: str = ""
    due: str = ""


@record
class Consulted:
    """A source that was asked, and as of when. ``state``: current, partial, stale, absent, off, unused,
    built-in, failed."""

    name: str
    state: str
    as_of: str = ""
    records: int = 0
    digest: str = ""
    detail: str = ""


@record
class Verified:
    """What the package indexes said: evidence, each index as a source, and what was not asked.

    ``settled``: rule and subject of what looked bad without them, and is not.
    """

    evidence: tuple[Evidence, ...] = ()
    sources: tuple[Consulted, ...] = ()
    notices: tuple[str, ...] = ()
    settled: frozenset[tuple[str, str]] = frozenset()


@record
class Excluded:
    """Something that the walk left out by a named rule."""

    path: str
    rule: str


@record
class NotChecked:
    """Something that should have been checked and was not."""

    where: Location
    inspector: str
    outcome: str
    detail: str


@record
class ManifestRow:
    """One manifest, what became of it, and how many declarations it held."""

    path: str
    format: str
    outcome: Outcome
    declarations: int
    detail: str = ""


@record
class Coverage:
    """What was looked at. ``state``: complete, partial or failed; ``deadline_struck``: not reproducible."""

    state: str
    files: int
    bytes: int
    outcomes: tuple[tuple[str, int], ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    unclaimed_members: int = 0
    manifests: int = 0
    manifest_rows: tuple[ManifestRow, ...] = ()
    deadline_struck: bool = False


@record
class Clock:
    """How soon findings of a level are to be dealt with: ISO 8601 durations, empty where none is asked."""

    level: Level
    triage: str = ""
    mitigate: str = ""
    fix: str = ""


@record
class Condition:
    """A condition of escalation or disclosure that these findings meet. Not legal advice."""

    id: str
    says: str
    fingerprints: tuple[str, ...] = ()


@record
class Verdict:
    """The answer. ``release``: eligible, conditional, indeterminate, ineligible.

    ``blocking``: the fingerprints of the findings for which the scan fails, sorted.
    """

    exit_code: int
    level: Level
    grade: str
    release: str
    sentence: str
    gate: Level
    counts: tuple[tuple[Level, int], ...] = ()
    clocks: tuple[Clock, ...] = ()
    conditions: tuple[Condition, ...] = ()
    blocking: tuple[str, ...] = ()


@record
class ToolInfo:
    """What made the report: versions and digests of program, rubric and rules."""

    version: str
    rubric_version: str
    rubric_digest: str
    rules_digest: str
    names_version: str = ""


@record
class Report:
    """Everything that was found, and the verdict on it."""

    tool: ToolInfo
    target: str
    inventory: Inventory
    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...]
    sources: tuple[Consulted, ...]
    coverage: Coverage
    verdict: Verdict
    notices: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    chains: tuple[Chain, ...] = ()


@mutable
class Subject:
    """What an inspector is handed: the bytes, the place, and what it may use.

    ``name`` is the file's or member's own last name; ``limits`` and ``budget`` bound the work (the budget
    is shared by all levels of one file's containers). ``claimed_by_suffix`` is true where nothing in the
    content asked for this inspector, only the name did.
    """

    source: Source
    where: Location
    name: str
    limits: Limits
    budget: Budget
    depth: int = 0
    claimed_by_suffix: bool = False
    siblings: tuple[str, ...] = ()
