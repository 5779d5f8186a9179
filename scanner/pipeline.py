"""The story: walk, read, take stock, hold to the lock, enrich, check, join, judge, tell.

``walk -> manifests, artifacts, code -> stock -> lock -> advisories -> checks -> join -> judge -> report``
Each stage is a file of ``scanner.survey`` or ``scanner.story``; here is only their order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sbom.model import Location
from scanner import __version__, joining
from scanner.errors import UsageError
from scanner.inventory import Stock, take_stock
from scanner.isolate import Job, weigh
from scanner.limits import Limits
from scanner.model import Artifact, CodeReading, Report
from scanner.policy import Policy
from scanner.story import bill, enrich, hold, tell
from scanner.story.check import evidence_of
from scanner.story.judge import findings_of
from scanner.story.stock import formed, stock_of, within
from scanner.survey import Survey, coverage_of, survey

if TYPE_CHECKING:
    from scanner.environment import Environment


def scan(path: str | Path, policy: Policy | None = None, named: Sequence[str] | None = None) -> Report:
    """The report on the tree or file at ``path``, or on only the ``named`` files of the tree.

    Raises UsageError where the path or the policy cannot be used.
    """
    policy = policy or Policy()
    root = Path(path)
    if not root.exists():
        raise UsageError(f"no such file or folder: {root}")
    seen = survey(root, policy, named)
    stock = stock_of(seen)
    code = joining.read_code(seen, stock, root, policy)
    held = hold.to_lock(root, policy, seen, stock, code, named)
    return _judged(root, policy, seen, stock, code, held, whole=named is None)


def _judged(
    root: Path,
    policy: Policy,
    seen: Survey,
    stock: Stock,
    code: CodeReading,
    held: hold.Compared,
    *,
    whole: bool = False,
) -> Report:
    known = enrich.known(stock, policy)
    evidence = evidence_of(root, policy, seen, stock, code, known)
    joined = joining.joined(seen, stock, code, evidence, policy, whole=whole)
    stages = bill.stages(seen, root, policy)
    stock = formed(bill.in_full(joined.stock, seen, root, policy), seen, stages)
    stock, evidence, cache = hold.to_cache(root, policy, seen, stock, joined.evidence)
    measured = (*held.measurements, *joined.measurements)
    findings, notices = findings_of((*evidence, *held.evidence), seen, stock, policy, root, measured)
    came = tell.Result(
        findings,
        (*known.sources, *held.sources, *cache),
        (*notices, *seen.notices, *known.notices, *held.notices),
        hold.covered(coverage_of(seen), held),
        joined.chains,
        whole=whole,
    )
    return tell.report(root, policy, seen, stock, came, __version__)


# --- other doors to the same story -------------------------------------------------------------------------


def scan_environment(environment: "Environment", policy: Policy | None = None) -> Report:
    """The report on what is installed in an environment: its packages, and whether they are as they came.

    Raises UsageError where the policy cannot be used.
    """
    from scanner import environment as installed

    policy = policy or Policy()
    seen = installed.survey(environment, policy)
    stock = stock_of(seen)
    seen.evidence = list(installed.attributed(seen.evidence, stock))
    return _judged(environment.root, policy, seen, stock, CodeReading(), hold.Compared())


def scan_document(path: str | Path, policy: Policy | None = None) -> Report:
    """The report on what the bill of materials at ``path`` lists. No other file is opened.

    Raises UsageError where it is no document that is read here.
    """
    from scanner import listed

    policy = policy or Policy()
    file = Path(path)
    seen, stock, said = listed.read(file, policy.limits)
    sources, known = enrich.advisories(stock, policy)
    findings, notices = findings_of((*listed.names(stock), *known), seen, stock, policy, file)
    came = tell.Result(findings, sources, (*notices, *said), coverage_of(seen), packages=True)
    return tell.report(file, policy, seen, stock, came, __version__)


def verify(
    path: str | Path, policy: Policy | None = None, named: Sequence[str] | None = None, *, quick: bool = False
) -> Report:
    """The report on whether the files of the tree at ``path`` are those of its lock; no file is inspected.

    ``named`` limits it to these files. ``quick`` takes equal sizes and times for equal bytes. Raises
    UsageError where there is no tree or no lock, ConfigurationError where the lock cannot be used.
    """
    from scanner import vouched

    policy = policy or Policy()
    root = Path(path)
    if not root.is_dir():
        raise UsageError(f"no such folder: {root}")
    seen = survey(root, policy, named, artifacts=False, code=named is None)
    stock = within(take_stock(seen.readings), seen)
    asked = hold.asked_for(stock, joining.read_code(seen, stock, root, policy))
    part = named is not None or seen.scope is not None
    held = hold.compared(*vouched.verified(root, policy, seen, asked, named=part, quick=quick))
    findings, notices = findings_of(held.evidence, seen, stock, policy, root)
    notices = (*notices, *held.notices, *vouched.unread_code(seen))
    came = tell.Result(findings, held.sources, notices, hold.covered(coverage_of(seen), held))
    return tell.report(root, policy, seen, stock, came, __version__)


def inspect(path: str | Path) -> Artifact:
    """What one file is and would do; an unclaimed file is an artifact without a format.

    Raises UsageError where there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no such file: {file}")
    weighed = weigh(Job(file.name, str(file.absolute()), file.stat().st_size), Limits())
    return weighed.artifacts[0] if weighed.artifacts else Artifact(Location(file.name), "", weighed.size)
