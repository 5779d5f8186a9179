"""The settings of one scan, as values."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sbom.record import field, record
from scanner.limits import Limits
from scanner.model import LEVELS, FactorName, Finding, Level, Status

if TYPE_CHECKING:
    from scanner.policy.baseline import Baseline
    from scanner.policy.claims import Claim
    from scanner.policy.identities import Identity
    from scanner.policy.paths import PathRule

Context = Literal["internal", "exposed"]
GateOn = Literal["level", "potential"]
Refresh = Literal["never", "daily"]
Floors = Mapping[FactorName, str]


@record
class Pack:
    """One or several packs, joined. The values are those of the pack ``default`` where nobody named one.

    ``ids`` are the packs that were named; without any the values are defaults, and hold nobody to them.
    ``gate_on``: whether a finding is held to its level, or to what it would be if it were confirmed.
    ``factor_floors`` holds for every rule, ``elevated`` for one (it has the others in it already).
    ``required_evidence``, ``require_rules``, ``protected_globs`` and ``origin_required`` are what somebody
    else has to show; ``fix`` shortens the rubric's time to mend, by level. Durations are ISO 8601.
    """

    ids: tuple[str, ...] = ()
    block_at: Level = "high"
    warn_at: Level = "medium"
    gate_on: GateOn = "level"
    context: Context = "internal"
    max_advisory_age_days: int = 7
    factor_floors: Floors = field(default_factory=dict)
    elevated: Mapping[str, Floors] = field(default_factory=dict)
    coverage_required: bool = False
    known_exploitable_block: bool = False
    network_forbidden: bool = False
    origin_required: str = ""
    required_evidence: tuple[str, ...] = ()
    require_rules: tuple[str, ...] = ()
    protected_globs: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    disclosure_clock: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    fix: Mapping[Level, str] = field(default_factory=dict)

    def floors(self, rule: str) -> Floors:
        """The least that each factor of this rule's findings is taken for."""
        return self.elevated.get(rule, self.factor_floors)

    def missing_evidence(self, shown: frozenset[str]) -> tuple[str, ...]:
        """What the packs ask for beside the scan and nobody has shown."""
        return tuple(each for each in self.required_evidence if each not in shown)


@record
class Policy:
    """The settings of one scan.

    ``fail_on``: the level at which the exit code becomes 1; a named pack's gate holds where it is stricter.
    ``context``: internal, or exposed where what is scanned is released, published or serves a public network.
    ``advisories``: a zip or folder of OSV records; None takes the snapshot that was imported last.
    ``check_advisories``: False switches the check off, and the report says so. ``max_advisory_age_days``: an
    older snapshot is a finding and exit code 3. ``require_inputs``: nothing to scan is exit code 3. ``jobs``:
    worker processes for large files, 0 for one a processor. ``exclude``: patterns in .gitignore's syntax,
    shown in coverage. ``now``: the clock, UTC.

    ``claims`` are waivers, VEX statements and allowed globals, in that order. ``products`` are the package
    URLs that the scanned tree itself goes by. ``private``: patterns of names that never leave this machine.
    ``live``: ask PyPI's and OSV's services, too, at ``live_pypi`` and ``live_osv`` where those are said.
    ``verify_index``: hold what is locked against what the package indexes published; ``index_url``: a mirror
    that is asked in PyPI's place, ``ask_indexes`` the others that may be asked, as no file of a tree decides.
    ``prefix``: the scanned root, seen from the folder of the configuration whose patterns apply.
    ``context_stated``: whether anybody declared the context, or it is only assumed. ``shown``: the evidence
    beside the scan (``sbom``, ``verdict`` …) that packs may ask for and that is at hand. ``projects``: the
    scan is limited to these, by folder or by name. ``cooldown_days``: how old releases have to be before a
    tool takes them; 0 asks for nothing. ``lock``: the lock to hold the tree to, None for the tree's own;
    ``trust_lock``: whether that may make a finding milder, as what a stranger's tree brings along may not.
    ``identities``: who may sign what, the files they name read; ``trusted_root``: the text of sigstore's
    trusted root, empty for the one that its library brings. ``hub_cache``: a hub's cache outside of the tree
    that may be read, None for none.
    """

    fail_on: Level = "high"
    context: Context = "internal"
    advisories: Path | None = None
    check_advisories: bool = True
    max_advisory_age_days: int = 7
    require_inputs: bool = False
    jobs: int = 0
    exclude: tuple[str, ...] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    limits: Limits = field(default_factory=Limits)
    pack: Pack = field(default_factory=Pack)
    claims: tuple["Claim", ...] = ()
    paths: tuple["PathRule", ...] = ()
    baseline: "Baseline | None" = None
    products: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    prefix: str = ""
    refresh: Refresh = "never"
    advisories_url: str = ""
    live: bool = False
    live_pypi: str = ""
    live_osv: str = ""
    verify_index: bool = False
    index_url: str = ""
    ask_indexes: tuple[str, ...] = ()
    kev: Path | None = None
    notices: tuple[str, ...] = ()
    context_stated: bool = False
    shown: frozenset[str] = frozenset()
    projects: tuple[str, ...] = ()
    cooldown_days: int = 0
    lock: Path | None = None
    trust_lock: bool = False
    identities: tuple["Identity", ...] = ()
    trusted_root: str = ""
    hub_cache: Path | None = None

    @property
    def gate(self) -> Level:
        """The level from which findings fail the scan: the stricter of the named packs' and ``fail_on``."""
        if not self.pack.ids:
            return self.fail_on
        return LEVELS[min(LEVELS.index(self.fail_on), LEVELS.index(self.pack.block_at))]

    @property
    def today(self) -> date:
        """The day of the clock, UTC."""
        return self.now.astimezone(UTC).date()

    def blocks(self, finding: Finding) -> bool:
        """Whether the finding fails the scan: open, new, and at or above the gate of the packs.

        With a pack that blocks known-exploited holes, an exploited one of any level does.
        """
        if finding.status is not Status.OPEN or finding.known:
            return False
        level = finding.potential if self.pack.gate_on == "potential" else finding.level
        if LEVELS.index(level) >= LEVELS.index(self.gate):
            return True
        return (
            self.pack.known_exploitable_block
            and finding.evidence.rule.startswith("ADV-")
            and any(name == "exploitation" and each.value == "active" for name, each in finding.factors)
        )
