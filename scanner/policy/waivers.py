"""Waivers: a finding that somebody accepts for a time, or holds to be wrong, with a name and a reason.

How long, and how many people it takes, the rubric says by level. Nothing is waived that is critical: a
finding that is simply wrong is *disputed*, bound to the content and to the version of the rules.
"""

import re
import unicodedata
from datetime import date, timedelta
from typing import Final, Literal

from sbom.model import Location
from sbom.record import record
from scanner import versions
from scanner.model import Decision, Level, Status
from scanner.patterns import pattern
from scanner.policy import paths, purls
from scanner.policy.claims import About, Fit, Refusal, Ruling
from scanner.policy.packs import duration
from scanner.policy.plain import At, lines_of, nearest, toml
from scanner.policy.purls import Purl
from scanner.text import visible

Kind = Literal["waive", "dispute"]

KEYS: Final = (
    "rule",
    "advisory",
    "fingerprint",
    "path",
    "sha256",
    "package",
    "reason",
    "owner",
    "approvers",
    "created",
    "expires",
    "kind",
    "rule-version",
    "vex",
    "control",
)
JUSTIFICATIONS: Final = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
_KINDS: Final[tuple[Kind, ...]] = ("waive", "dispute")
_RULE: Final = pattern(r"[A-Z]{3}-[0-9]{3}")
_PACKAGE: Final = pattern(r"([A-Za-z0-9][A-Za-z0-9._/-]*)\s*([^A-Za-z0-9._/-].*)?", re.DOTALL)


@record
class Package:
    """Which packages: a package URL, or a name as any ecosystem has it, with the versions that count."""

    text: str
    purl: Purl | None
    name: str = ""
    allowed: versions.Specifier | None = None

    def matches(self, about: About) -> bool:
        """Whether the finding is about one of them."""
        if self.purl is not None:
            return about.purl is not None and self.purl.covers(about.purl)
        if about.component is not None:
            ecosystem, name, version = (
                about.component.ecosystem,
                about.component.name,
                about.component.version,
            )
        elif about.purl is not None:
            ecosystem, name, version = about.purl.kind, about.purl.name, about.purl.version
        else:
            return False
        if versions.name(ecosystem, name) != versions.name(ecosystem, self.name):
            return False
        if self.allowed is None or self.allowed.is_any:
            return True
        # A range that somebody asks for is no version: nobody knows what will be installed.
        key = versions.pep440(version) if version else None
        return key is not None and self.allowed.allows(key)


@record
class Waiver:
    """One entry. All selectors that are given must hold."""

    where: Location
    source: str
    reason: str
    owner: str
    kind: Kind = "waive"
    rule: str = ""
    advisory: str = ""
    fingerprint: str = ""
    path: str = ""
    sha256: frozenset[str] = frozenset()
    package: Package | None = None
    approvers: tuple[str, ...] = ()
    created: date | None = None
    expires: date | None = None
    rule_version: str = ""
    vex: str = ""
    control: str = ""

    group = ""
    order = None

    @property
    def subject(self) -> str:
        """What it is about, in words that do not change with the file it stands in."""
        what = self.rule or self.advisory or self.fingerprint
        rest = (self.path, self.package.text if self.package else "", self.fingerprint if self.rule else "")
        return " ".join((self.kind, what, *filter(None, rest)))

    def filed_under(self) -> tuple[str, ...]:
        """See ``claims.Claim``."""
        by_path = paths.key_of(self.path) if self.path else ""
        if self.fingerprint:
            # By the path it is found again when the content, and with it the fingerprint, is another.
            return (f"fingerprint:{self.fingerprint}", *((by_path,) if self.sha256 and by_path else ()))
        if self.advisory:
            return (f"id:{self.advisory.casefold()}",)
        return (by_path or f"rule:{self.rule}",)

    def fits(self, about: About) -> Fit:
        """See ``claims.Claim``."""
        if (
            (self.rule and self.rule != about.finding.evidence.rule)
            or (self.advisory and self.advisory.casefold() not in about.ids)
            or (self.path and not paths.matches(self.path, about.path))
            or (self.package and not self.package.matches(about))
        ):
            return Fit.NO
        same = not self.fingerprint or self.fingerprint == about.finding.fingerprint
        if self.sha256 and not about.has_content(self.sha256):
            named = self.path or self.package or (self.fingerprint and same)
            return Fit.CHANGED if named else Fit.NO
        return Fit.YES if same else Fit.NO

    def rules(self, about: About, today: date) -> Ruling | Refusal:
        """See ``claims.Claim``."""
        refusal = self._disputes(about, today) if self.kind == "dispute" else self._waives(about, today)
        if refusal is not None:
            return refusal
        status = Status.DISPUTED if self.kind == "dispute" else Status.WAIVED
        ends = self.expires or (None if self.kind == "dispute" else self._ends(about.finding.level))
        return Ruling(status, self._decision(ends))

    def _decision(self, ends: date | None) -> Decision:
        return Decision(
            kind="dispute" if self.kind == "dispute" else "waiver",
            reason=self.reason,
            source=self.source,
            owner=self.owner,
            approvers=self.approvers,
            stated=self.created.isoformat() if self.created else "",
            expires=ends.isoformat() if ends else "",
            justification=self.vex,
        )

    def _waives(self, about: About, today: date) -> Refusal | None:
        level = about.finding.level
        ends = self._ends(level)
        if about.malicious:
            return Refusal("it is known to be malicious; that can only be disputed, by digest")
        longest = _longest(level)
        if longest is None or ends is None:
            return Refusal(f"{level} findings cannot be waived, only disputed")
        if today > ends:
            return Refusal(f"it expired on {ends.isoformat()}", lapsed=True)
        # A date of creation in the future would stretch what the level allows.
        latest = min(self.created or today, today) + longest
        if ends > latest:
            return Refusal(
                f"it runs until {ends.isoformat()}; {level} findings are waived for at most"
                f" {longest.days} days, here until {latest.isoformat()}"
            )
        people = _approvers(level)
        # Where one person is enough, the owner is that person.
        if len(_distinct(self.approvers or (self.owner,))) < people:
            return Refusal(f"{level} findings take {people} different approvers")
        if _needs_ground(level) and not (self.vex or self.control):
            wanted = "a VEX justification (vex) or a compensating control (control)"
            return Refusal(f"{level} findings take {wanted}")
        return None

    def _disputes(self, about: About, today: date) -> Refusal | None:
        if self.expires is not None and today > self.expires:
            return Refusal(f"it expired on {self.expires.isoformat()}", lapsed=True)
        if self.rule_version != about.rules_version:
            return Refusal(
                f"it disputes version {self.rule_version} of the rules, and this is {about.rules_version}",
                lapsed=True,
            )
        people = _disputers(about.finding.level)
        if len(_distinct(self.approvers)) < people:
            return Refusal(f"a dispute takes {people} different approvers")
        return None

    def _ends(self, level: Level) -> date | None:
        """The last day on which it holds for a finding of this level."""
        longest = _longest(level)
        if self.expires is not None or self.created is None or longest is None:
            return self.expires
        return self.created + longest


def load(data: bytes, file: str) -> tuple[Waiver, ...]:
    """The waivers of a file that holds nothing but ``[[waivers]]``. Raises ConfigurationError."""
    top = toml(data, file)
    rows = top.keys_of(("waivers",))
    return read(rows["waivers"], entry_lines(data, "waivers")) if rows else ()


def read(at: At, lines: tuple[int, ...] = ()) -> tuple[Waiver, ...]:
    """The waivers of a list of tables; ``lines`` are those of its entries where they are known."""
    rows = at.rows()
    placed = lines if len(lines) == len(rows) else (None,) * len(rows)
    return tuple(_entry(row, line) for row, line in zip(rows, placed, strict=True))


def entry_lines(data: bytes, header: str) -> tuple[int, ...]:
    """The lines on which ``[[header]]`` stands."""
    found = re.compile(r"\s*\[\[\s*" + re.escape(header) + r"\s*\]\]\s*(?:#.*)?")
    return tuple(
        number for number, _, line in lines_of(data.decode("utf-8", "replace")) if found.fullmatch(line)
    )


def _entry(at: At, line: int | None) -> Waiver:
    rows = at.keys_of(KEYS, required=("reason", "owner"))
    kind = rows["kind"].choice(_KINDS) if "kind" in rows else "waive"
    rule, advisory = _named(rows)
    waiver = Waiver(
        where=Location(at.file, line=line),
        source=at.source,
        reason=rows["reason"].text(),
        owner=rows["owner"].text(),
        kind=kind,
        rule=rule,
        advisory=advisory,
        fingerprint=rows["fingerprint"].text().strip() if "fingerprint" in rows else "",
        path=paths.pattern(rows["path"]) if "path" in rows else "",
        sha256=rows["sha256"].sha256s() if "sha256" in rows else frozenset(),
        package=_package(rows["package"]) if "package" in rows else None,
        approvers=rows["approvers"].texts() if "approvers" in rows else (),
        created=rows["created"].day() if "created" in rows else None,
        expires=rows["expires"].day() if "expires" in rows else None,
        rule_version=rows["rule-version"].text() if "rule-version" in rows else "",
        vex=rows["vex"].choice(JUSTIFICATIONS) if "vex" in rows else "",
        control=rows["control"].text() if "control" in rows else "",
    )
    _check(waiver, at)
    return waiver


def _check(waiver: Waiver, at: At) -> None:
    if not (waiver.rule or waiver.advisory or waiver.fingerprint):
        raise at.error("names no finding: give at least one of rule, advisory or fingerprint")
    if waiver.kind == "dispute":
        for key, value in (("sha256", waiver.sha256), ("rule-version", waiver.rule_version)):
            if not value:
                raise at.error(f"{key!r} is missing: a dispute is bound to content and rules' version")
        return
    if waiver.rule_version:
        raise at.error("'rule-version' belongs to a dispute, and this is none (kind)")
    if waiver.expires is None and waiver.created is None:
        raise at.error("'expires' is missing: no waiver is for ever ('created' alone: the level's longest)")
    if waiver.expires and waiver.created and waiver.expires < waiver.created:
        raise at.error(f"'expires' ({waiver.expires}) lies before 'created' ({waiver.created})")


def _named(rows: dict[str, At]) -> tuple[str, str]:
    """The rule and the advisory that an entry names; ``rule`` takes either."""
    from scanner.rubric import rules

    rule, advisory = "", rows["advisory"].text().strip() if "advisory" in rows else ""
    if "rule" in rows:
        text = rows["rule"].text().strip()
        known = rules.load()
        if text in known:
            rule = text
        elif _RULE.fullmatch(text) or text.upper() in known or advisory:
            raise rows["rule"].error(f"no rule {visible(text, limit=80)!r}{nearest(text, tuple(known))}")
        else:
            advisory = text
    if advisory and _RULE.fullmatch(advisory):
        raise rows["advisory"].error(f"{advisory!r} is a rule's id; give it as rule")
    return rule, advisory


def _package(at: At) -> Package:
    text = at.text().strip()
    if text[:4].lower() == "pkg:":
        found = purls.parse(text)
        if found is None:
            raise at.wrong("a package URL, as pkg:pypi/torch@2.1.0")
        return Package(text, found)
    split = _PACKAGE.fullmatch(text)
    allowed = versions.specifier(split[2] or "") if split else None
    if split is None or allowed is None:
        raise at.wrong('a package, as "torch" or "torch>=2,<2.3"')
    return Package(text, None, split[1], allowed)


# --- what the rubric allows ---------------------------------------------------------------------------------


def _longest(level: Level) -> timedelta | None:
    from scanner.rubric import tables

    text = tables.load().levels[level].waiver_longest
    return duration(text) if text else None


def _approvers(level: Level) -> int:
    from scanner.rubric import tables

    return tables.load().levels[level].waiver_approvers


def _needs_ground(level: Level) -> bool:
    row = _row(level).get("waiver")
    return isinstance(row, dict) and bool(row.get("needs"))


def _disputers(level: Level) -> int:
    row = _row(level).get("dispute")
    number = row.get("approvers") if isinstance(row, dict) else None
    return number if isinstance(number, int) else 2


def _row(level: Level) -> dict[str, object]:
    from scanner.rubric import tables

    return next(dict(row) for row in tables.load().data["levels"] if row["id"] == level)


def _distinct(names: tuple[str, ...]) -> set[str]:
    """The people behind the names: the same one in another spelling is no second approver."""
    return {" ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in names}
