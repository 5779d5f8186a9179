"""What is there: components, where they were seen, how they hang together.

Everything is frozen and compares by value, so that results can be sorted and written twice with the
same bytes. One closed vocabulary of facts: a fact that no report could name is no fact.
"""

from enum import StrEnum

from sbom.record import ordered, record


@record
class Location:
    """A place in the scanned tree.

    ``path`` is POSIX and relative to the scanned root; ``member`` the path inside containers, outermost
    first; ``offset`` a byte in the innermost of them, counted from 0; ``line`` counted from 1; ``cell`` a
    notebook's code cell, counted from 1 (the line then counts inside the cell).
    """

    path: str
    member: tuple[str, ...] = ()
    offset: int | None = None
    line: int | None = None
    cell: int | None = None

    @property
    def order(self) -> tuple[str, tuple[str, ...], int, int, int]:
        """A key that sorts places as a person reads them."""
        return (
            self.path,
            self.member,
            -1 if self.cell is None else self.cell,
            -1 if self.line is None else self.line,
            -1 if self.offset is None else self.offset,
        )

    def inside(self, name: str) -> "Location":
        """The member ``name`` of the container that stands here."""
        return Location(self.path, (*self.member, name))

    def at(self, *, offset: int | None = None, line: int | None = None) -> "Location":
        """A byte or a line of what stands here."""
        return Location(self.path, self.member, offset, line, self.cell)

    def __str__(self) -> str:
        text = "!".join((self.path, *self.member))
        if self.cell is not None:
            text += f"[cell {self.cell}]"
        if self.line is not None:
            return f"{text}:{self.line}"
        return text if self.offset is None else f"{text}@{self.offset}"


@ordered
class Digest:
    """``algorithm`` in hashlib's spelling (``sha256``), ``value`` in lower-case hexadecimal."""

    algorithm: str
    value: str


class FactName(StrEnum):
    """The closed vocabulary of what can be known about a component."""

    ARCHITECTURE = "architecture"
    AUTHOR = "author"  # who made it, "name <address>" where it is stated so
    BASE_MODEL = "base-model"
    BASE_RELATION = "base-model-relation"  # finetune, adapter, quantized, merge
    BYTE_ORDER = "byte-order"
    CACHED = "cached-revision"  # "main: <commit>", as a hub's cache on this machine has it
    CALLS = "calls"
    CONTEXT_LENGTH = "context-length"
    DATASET = "dataset"
    DTYPES = "dtypes"
    EMISSIONS = "emissions"  # of training, as its author states them
    ENERGY = "energy"  # of an activity, as its author states it: "12.5 kWh: training"
    ETHICS = "ethical-consideration"  # in the words of its card
    FILES = "files"
    FORMAT_VERSION = "format-version"
    FRAMEWORK = "framework"
    FRAMEWORK_VERSION = "framework-version"
    HIDDEN_SIZE = "hidden-size"
    IDENTIFIER = "identifier"  # what a registry or a tracking server calls it
    IMPORTS = "imports"
    INPUTS = "inputs"
    KERNEL = "kernel"  # that a notebook was saved with
    LANGUAGE = "language"
    LAYERS = "layers"
    LICENCE = "licence"
    LIMITATION = "limitation"
    LICENCE_LINK = "licence-link"
    LINK = "link"  # a page on it: "label address"
    LOADER = "loader"  # the module that loads it
    MEMBERS = "members"
    MAINTAINER = "maintainer"
    METADATA = "metadata"
    METRIC = "metric"  # "type: value (what it was measured on)"
    MODEL_TYPE = "model-type"
    ORGANISATION = "organisation"  # that made it
    OUTPUTS = "outputs"
    PARAMETERS = "parameters"
    PICKLE_PROTOCOL = "pickle-protocol"
    PRODUCER = "producer"
    PROOF = "proof"  # "holds: git-lfs, sha256" and what else the tree states of its bytes
    QUANTIZATION = "quantization"
    SAVED_OUTPUTS = "saved-outputs"  # code cells of a notebook whose results its bytes hold, too
    SIZE = "size"  # in bytes
    TAG = "tag"
    TASK = "task"
    TENSORS = "tensors"
    USE = "use"  # what its card says that it is for
    VOCABULARY = "vocabulary"


@record
class Fact:
    """One thing that the bytes themselves say; ``value`` is plain data."""

    name: FactName
    value: str | int | float | bool


class Kind(StrEnum):
    """What a component is, in CycloneDX' words."""

    APPLICATION = "application"
    LIBRARY = "library"
    MODEL = "machine-learning-model"
    DATA = "data"
    FILE = "file"
    CONTAINER = "container"


class Scope(StrEnum):
    """Whether the component is part of what runs."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    EXCLUDED = "excluded"


@record
class Component:
    """One thing that the repository uses.

    ``ref`` is unique in an inventory. ``version`` is exact or empty; what is only a range stands in
    ``specifier`` and never in ``version``. ``project`` is the POSIX folder of the nearest manifest
    (``.`` for the root). ``seen`` holds every place that asks for it, sorted.

    ``part_of`` is the ref of what it is a piece of (a shard of its model), ``lacks`` the names of its own
    pieces that are not there. ``texts`` pairs licences of SPDX' list with the files that hold their text.
    """

    ref: str
    name: str
    kind: Kind
    version: str = ""
    specifier: str = ""
    purl: str = ""
    project: str = "."
    ecosystem: str = ""
    digests: tuple[Digest, ...] = ()
    facts: tuple[Fact, ...] = ()
    licences: tuple[str, ...] = ()
    scope: Scope = Scope.REQUIRED
    direct: bool = True
    origin: str = ""
    seen: tuple[Location, ...] = ()
    part_of: str = ""
    lacks: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


@ordered
class Relation:
    """``source`` depends on ``target``; both are component refs."""

    source: str
    target: str


@record
class Project:
    """One project of the repository: the folder of a manifest and what it calls itself.

    ``authors`` as ``name <address>``, ``links`` as ``label address``; ``texts`` as of a component.
    """

    path: str
    name: str = ""
    version: str = ""
    description: str = ""
    licence: str = ""
    where: Location | None = None
    authors: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()


@record
class Step:
    """Commands that run one after the other, as written but for secrets; ``name`` where they have one."""

    name: str = ""
    commands: tuple[str, ...] = ()


@record
class Task:
    """One piece of work that a file of the tree states: what it runs, takes and gives.

    ``inputs`` and ``outputs`` are component refs, or POSIX paths and addresses of what is no component.
    ``parameters`` are names and values, the value empty where only the name is stated; ``metrics`` what came
    of it was measured to be; ``about`` what else is stated of it (a commit, how it ended).
    """

    name: str
    line: int | None = None
    steps: tuple[Step, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    metrics: tuple[tuple[str, str], ...] = ()
    about: tuple[tuple[str, str], ...] = ()


@record
class Workflow:
    """How things are made, as the file at ``path`` states it."""

    path: str
    tasks: tuple[Task, ...] = ()


@record
class Inventory:
    """Everything that is there. ``complete`` names the projects whose dependencies are fully locked."""

    components: tuple[Component, ...] = ()
    relations: tuple[Relation, ...] = ()
    projects: tuple[Project, ...] = ()
    complete: tuple[str, ...] = ()
    workflows: tuple[Workflow, ...] = ()


@record
class Rating:
    """One opinion on how bad: ``method`` is CycloneDX' word (``CVSSv31``, ``CVSSv4``, ``other``).

    ``severity`` is empty where the one who gives the vector says no word, and none follows from it.
    """

    source: str
    severity: str = ""
    method: str = "other"
    score: float | None = None
    vector: str = ""
    justification: str = ""


@record
class Vulnerability:
    """Something known or found to be wrong with components of the inventory.

    ``affects`` are component refs; ``state`` and ``justification`` are CycloneDX' words for its analysis,
    ``reason`` says it for people; ``properties`` are names and values of the writer's own. ``told_by`` is the
    name of the tool (see ``Tool``) that knew of it.
    """

    id: str
    source: str
    affects: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    ratings: tuple[Rating, ...] = ()
    cwes: tuple[int, ...] = ()
    description: str = ""
    detail: str = ""
    recommendation: str = ""
    state: str = ""
    justification: str = ""
    reason: str = ""
    references: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    told_by: str = ""


@record
class Source:
    """What the document was made of: a commit (40 or 64 hexadecimal digits) and a link to its repository."""

    commit: str = ""
    url: str = ""


@record
class Tool:
    """Who wrote the document, with which data: ``digests`` of what it consulted."""

    name: str
    version: str
    kind: Kind = Kind.APPLICATION
    description: str = ""
    digests: tuple[Digest, ...] = ()
