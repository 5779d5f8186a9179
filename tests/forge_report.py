"""A realistic Report made by hand, its hostile twin, and a hypothesis strategy for arbitrary ones."""

import random
from typing import Literal, TypeVar, cast

from hypothesis import strategies as st

from sbom.model import (
    Component,
    Digest,
    Fact,
    FactName,
    Inventory,
    Kind,
    Location,
    Project,
    Relation,
    Scope,
)
from sbom.record import replace
from scanner.model import (
    FACTORS,
    LEVELS,
    Artifact,
    Chain,
    Consulted,
    Coverage,
    Decision,
    Evidence,
    Excluded,
    Factors,
    FactorSource,
    Finding,
    Inspection,
    Level,
    Measured,
    NotChecked,
    Outcome,
    Proof,
    ProofState,
    Report,
    Run,
    Status,
    ToolInfo,
    Verdict,
    factors,
)

_T = TypeVar("_T")

SHA_A = "a" * 64
SHA_B = "b" * 64

PICKLE = Location("models/encoder.pt", ("archive/data.pkl",), offset=41)
TORCH_LINE = Location("requirements.txt", line=3)

WAIVER = Decision(
    "waiver",
    "loaded only in the sandbox",
    "weighbridge.toml: waivers[0]",
    owner="ml-platform",
    expires="2027-01-31",
)
NOT_REACHED = Decision(
    "vex",
    "the tools are never started",
    "vex.json: /statements/0",
    justification="vulnerable_code_not_in_execute_path",
    vex_status="not_affected",
)

_ALL_FACTORS = factors(
    "rule-default",
    exploitation="active",
    origin="unverified",
    trigger="on_use",
    context="internal",
    effect="total",
    evidence="confirmed",
)


def component(name: str = "torch", version: str = "2.1.0+cu121", **changes: object) -> Component:
    """A package of the root project, pinned in requirements.txt."""
    plain = Component(
        ref=f"pypi:{name}@{version}",
        name=name,
        kind=Kind.LIBRARY,
        version=version,
        specifier=f"=={version}" if version else ">=1",
        purl=f"pkg:pypi/{name}@{version.replace('+', '%2B')}" if version else f"pkg:pypi/{name}",
        ecosystem="pypi",
        seen=(TORCH_LINE,),
    )
    return replace(plain, **changes)


def model_file() -> Component:
    """A checkpoint with what its bytes say about it."""
    return Component(
        ref="file:models/encoder.pt",
        name="models/encoder.pt",
        kind=Kind.MODEL,
        digests=(Digest("sha256", SHA_A),),
        facts=(
            Fact(FactName.ARCHITECTURE, "BertModel"),
            Fact(FactName.BASE_MODEL, "google-bert/bert-base-uncased"),
            Fact(FactName.DATASET, "wikipedia"),
            Fact(FactName.FRAMEWORK, "pytorch"),
            Fact(FactName.LICENCE, "apache-2.0"),
            Fact(FactName.PARAMETERS, 109_482_240),
            Fact(FactName.TASK, "fill-mask"),
            Fact(FactName.TENSORS, 199),
        ),
        seen=(Location("models/encoder.pt"),),
    )


def finding(evidence: Evidence, level: Level = "critical", **changes: object) -> Finding:
    """The evidence as the judge would hand it on."""
    plain = Finding(
        evidence=evidence,
        title="Resolved call to a code-execution sink inside a serialized model",
        level=level,
        potential=level,
        factors=_ALL_FACTORS,
        assumed=("exploitation",),
        because="total effect, likely: a plausible adversary and a load by hand",
        remedy=evidence.remedy or "Do not load it. Take a safetensors build from a verified producer.",
        fingerprint=f"v1:{evidence.rule}:{evidence.subject}",
    )
    return replace(plain, **changes)


def inventory() -> Inventory:
    """Two projects, a lock, a range, a checkpoint and a shared dependency."""
    return Inventory(
        components=(
            component(licences=("BSD-3-Clause",), digests=(Digest("sha256", SHA_B),)),
            component("numpy", "1.26.4", direct=False, licences=("BSD-3-Clause", "some words of our own")),
            component(
                "requests", "", specifier=">=2,<3", scope=Scope.OPTIONAL, seen=(TORCH_LINE.at(line=4),)
            ),
            component(
                "gradio",
                "4.1.0",
                project="demo",
                licences=("MIT OR Apache-2.0",),
                seen=(Location("demo/uv.lock", line=12),),
            ),
            model_file(),
            Component(
                ref="image:python:3.11",
                name="python",
                kind=Kind.CONTAINER,
                version="3.11",
                seen=(Location("Dockerfile", line=1),),
            ),
        ),
        relations=(
            Relation("pypi:torch@2.1.0+cu121", "pypi:numpy@1.26.4"),
            Relation("pypi:gradio@4.1.0", "pypi:numpy@1.26.4"),
        ),
        projects=(
            Project(".", "encoder", "0.3.0", "Fine-tuned encoder", "MIT", Location("pyproject.toml", line=1)),
            Project("demo", "encoder-demo", where=Location("demo/pyproject.toml", line=1)),
        ),
        complete=("demo",),
    )


def findings() -> tuple[Finding, ...]:
    """A call in a pickle, an advisory on two packages, a loose pin, a waived and a disputed one."""
    call = Evidence(
        rule="ART-001",
        where=PICKLE,
        message="loading this calls posix.system('echo hello')",
        subject="posix.system",
        component="file:models/encoder.pt",
        references=("https://docs.python.org/3/library/pickle.html",),
    )
    advisory = Evidence(
        rule="ADV-002",
        where=TORCH_LINE,
        message="torch 2.1.0+cu121 is affected by CVE-2024-0001",
        subject="PYSEC-2024-1",
        factors=factors("feed", "CVSS:3.1/AV:N", effect="total"),
        remedy="Update torch to 2.2.0",
        component="pypi:torch@2.1.0+cu121",
        aliases=("CVE-2024-0001", "GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"),
        references=("https://example.org/advisory?id=1",),
    )
    loose = Evidence(
        "DEP-001", TORCH_LINE.at(line=4), "requests has no lock", "requests", component="pypi:requests@"
    )
    return (
        finding(loose, "low", factors=factors(effect="weakens", evidence="confirmed")),
        finding(advisory, "high", potential="critical", title="Known vulnerability, total impact"),
        finding(
            replace(advisory, component="pypi:gradio@4.1.0", where=Location("demo/uv.lock", line=12)),
            "medium",
            title="Known vulnerability, total impact",
            fingerprint="v1:second",
        ),
        finding(call),
        finding(
            replace(call, subject="os.popen"),
            "high",
            status=Status.WAIVED,
            decision=WAIVER,
            fingerprint="v1:waived",
        ),
        finding(
            replace(call, subject="nt.system"), "high", status=Status.DISPUTED, fingerprint="v1:disputed"
        ),
        finding(
            Evidence("COV-001", Location("models/head.h5"), "recognised as HDF5, not read in depth"),
            "medium",
            title="Artifact not parsed or only partly scanned",
        ),
    )


def report() -> Report:
    """What a scan of a small fine-tuning repository ends with."""
    inspection = Inspection(
        PICKLE,
        "pickle",
        Outcome.INSPECTED,
        evidence=(findings()[3].evidence,),
        facts=(Fact(FactName.PICKLE_PROTOCOL, 2), Fact(FactName.IMPORTS, "posix.system")),
    )
    return Report(
        tool=ToolInfo("0.1.0", "1.0.0", SHA_A, SHA_B, "2026.1"),
        target="encoder",
        inventory=inventory(),
        artifacts=(
            Artifact(PICKLE, "pickle", 412, (Digest("sha256", SHA_A),), (inspection,)),
            Artifact(
                Location("models/head.h5"),
                "hdf5",
                99_000,
                (Digest("sha256", SHA_B), Digest("sha512", "c" * 128)),
                (Inspection(Location("models/head.h5"), "hdf5", Outcome.RECOGNISED, "not read in depth"),),
                unclaimed_members=3,
            ),
        ),
        findings=findings(),
        sources=(
            Consulted("osv", "current", "2024-10-01T00:00:00Z", 2661, f"sha256:{SHA_B}", "snapshot.zip"),
            Consulted("incidents", "built-in", "2026-01-01", 12),
            Consulted("epss", "off"),
        ),
        coverage=Coverage(
            state="partial",
            files=14,
            bytes=99_412,
            outcomes=(("inspected", 1), ("recognised", 1)),
            not_checked=(NotChecked(Location("models/head.h5"), "hdf5", "recognised", "not read in depth"),),
            excluded=(Excluded(".venv", "virtual-environment"),),
            unclaimed_members=3,
            manifests=2,
        ),
        verdict=Verdict(
            exit_code=1,
            level="critical",
            grade="F",
            release="ineligible",
            sentence="Do not load models/encoder.pt.",
            gate="high",
            counts=(("critical", 1), ("high", 1), ("medium", 2), ("low", 1), ("info", 0)),
        ),
        notices=("No KEV catalogue was given.",),
        chains=(
            Chain(
                Location("train.py", line=41),
                "torch.load",
                "models/encoder.pt",
                unsafe=True,
                because="weights_only=False is given",
                reached="import",
                runs=(
                    Run(
                        "train.py",
                        Location(".github/workflows/train.yml", line=12),
                        "fit",
                        (Location("Makefile", line=3),),
                        ("push",),
                        ("HF_TOKEN",),
                    ),
                ),
                artifacts=(Location("models/encoder.pt"),),
            ),
        ),
        proofs=(
            Proof(
                Location("models/encoder.pt"),
                "checksums",
                Location("SHA256SUMS", line=2),
                ProofState.FAILS,
                "sha256",
                SHA_B,
                f"its sha256 is {SHA_A}, and the list of checksums says {SHA_B}",
            ),
            Proof(
                Location("models/head.h5"),
                "git-lfs",
                Location(".git/index"),
                ProofState.HOLDS,
                "sha256",
                SHA_B,
            ),
            Proof(
                Location("models/tail.h5"),
                "checksums",
                Location("SHA256SUMS", line=3),
                ProofState.UNCHECKED,
                detail="no such file lies in the scanned tree",
            ),
        ),
    )


# --- hostile text -----------------------------------------------------------------------------------------

HOSTILE_TEXT = {
    "ansi": "\x1b[2J\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "bidi": "model\u202etp.exe\u2066\u2069",
    "markup": "<script>alert(1)</script>&amp;]]>",
    "markdown link": "[urgent fix](https://evil.example) ![](https://evil.example/p.png) `x`",
    "newlines": "a\nb\r\nc\u2028d\u2029e\x85f",
    "workflow command": "x\n::error file=a,line=1::owned",
    "nul and controls": "a\x00b\x07c\x7f\x9b",
    "undecodable byte": "weights-\udcff\udc80.bin",
    "half a surrogate pair": "x\ud83dy",
    "reversed surrogate pair": "\ude00\ud83d",
    "traversal": "../../etc/passwd",
    "network path": "//evil.example/share",
    "scheme": "javascript:alert(1)",
    "percent": "100%25 %s {0} {{1}}",
    "only spaces": "   ",
    "empty": "",
    "astral": "\U0001f600\U000e0041",
    "bom link": "urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#x",
    "backslashes": "C:\\models\\x\\u0041",
    "a megabyte": "n" * 1_000_000,
}


def hostile_report(text: str) -> Report:
    """The realistic report with ``text`` wherever the scanned tree or a feed has a word."""
    plain = report()
    where = Location(text, (text, "data.pkl"), line=1)
    evil = component(
        text,
        text,
        ref=text,
        specifier=text,
        purl=f"pkg:pypi/{text}@1",
        project=text,
        ecosystem=text,
        digests=(Digest(text, text), Digest("sha256", text)),
        facts=(Fact(FactName.METADATA, text),),
        licences=(text,),
        origin=f"https://user:secret@{text}",
        seen=(where,),
    )
    model = replace(
        model_file(),
        ref=f"m{text}",
        name=text,
        seen=(where,),
        facts=tuple(Fact(name, text) for name in FactName),
    )
    evidence = Evidence(
        "ADV-002",
        where,
        text,
        text,
        (("effect", Measured(text, "feed", text)),),
        text,
        text,
        (text,),
        (text, f"https://{text}", f"https://example.org/{text}"),
    )
    inspection = Inspection(
        where, text, Outcome.MALFORMED, text, (evidence,), (Fact(FactName.IMPORTS, text),)
    )
    return replace(
        plain,
        target=text,
        inventory=Inventory(
            components=(*plain.inventory.components, evil, model),
            relations=(*plain.inventory.relations, Relation(text, f"m{text}"), Relation("nobody", text)),
            projects=(Project(text, text, text, text, text, where), *plain.inventory.projects),
            complete=(text,),
        ),
        artifacts=(*plain.artifacts, Artifact(where, text, 1, (Digest("sha256", SHA_A),), (inspection,))),
        findings=(
            *plain.findings,
            finding(evidence, title=text, because=text, remedy=text, fingerprint=text),
            finding(
                replace(evidence, rule="ART-001", component=f"m{text}"),
                title=text,
                because=text,
                remedy=text,
                fingerprint=text,
                status=Status.WAIVED,
                decision=Decision("waiver", text, text, text, (text,), text, text, text, text),
                first_seen=text,
            ),
        ),
        sources=(*plain.sources, Consulted(text, text, text, 1, text, text)),
        coverage=replace(
            plain.coverage,
            not_checked=(NotChecked(where, text, text, text),),
            excluded=(Excluded(text, text),),
            outcomes=((text, 1),),
        ),
        verdict=replace(plain.verdict, sentence=text),
        notices=(text,),
        proofs=(Proof(where, text, where, ProofState.STALE, text, text, text),),
        chains=(
            Chain(
                where,
                text,
                text,
                because=text,
                runs=(Run(text, where, text, (where,), (text,), (text,)),),
                artifacts=(where,),
                component=text,
                library=text,
            ),
        ),
    )


# --- random reports ---------------------------------------------------------------------------------------

# Every code point, half a surrogate pair too: that is what os.fsdecode makes of a name that is not UTF-8.
words = st.text(st.characters(exclude_categories=()), max_size=12)
counts = st.integers(min_value=0, max_value=2**40)
locations = st.builds(
    Location,
    path=words,
    member=st.lists(words, max_size=2).map(tuple),
    offset=st.none() | counts,
    line=st.none() | st.integers(min_value=1, max_value=10**6),
    cell=st.none() | st.integers(min_value=1, max_value=100),
)
digests = st.builds(
    Digest, algorithm=st.sampled_from(["sha256", "sha512", "md5", "blake2b"]), value=st.just(SHA_A) | words
)
# What we computed ourselves is hexadecimal; what a manifest declares may be anything.
computed = st.builds(
    Digest, algorithm=st.sampled_from(["sha256", "sha512"]), value=st.sampled_from([SHA_A, SHA_B])
)
# nan is not equal to itself and would only upset round trips; it has its own row in a table.
facts = st.builds(
    Fact,
    name=st.sampled_from(FactName),
    value=words | st.booleans() | st.integers() | st.floats(allow_nan=False),
)
measured = st.builds(
    Measured,
    value=words,
    source=st.sampled_from(cast("list[FactorSource]", ["measured", "feed", "declared", "rule-default"])),
    ref=words,
)
factor_sets: st.SearchStrategy[Factors] = st.dictionaries(st.sampled_from(FACTORS), measured).map(
    lambda chosen: tuple((name, chosen[name]) for name in FACTORS if name in chosen)
)
texts = st.lists(words, max_size=3).map(tuple)
rules = st.sampled_from(["ART-001", "ART-003", "ADV-002", "ADV-004", "COV-001", "DEP-001", "HSH-001"])
evidences = st.builds(
    Evidence,
    rule=rules,
    where=locations,
    message=words,
    subject=words,
    factors=factor_sets,
    remedy=words,
    component=words,
    aliases=texts,
    references=texts,
)
inspections = st.builds(
    Inspection,
    where=locations,
    inspector=words,
    outcome=st.sampled_from(Outcome),
    detail=words,
    evidence=st.lists(evidences, max_size=2).map(tuple),
    facts=st.lists(facts, max_size=3).map(tuple),
)
artifacts = st.builds(
    Artifact,
    where=locations,
    format=words,
    size=counts,
    digests=st.lists(computed, max_size=2).map(tuple),
    inspections=st.lists(inspections, max_size=2).map(tuple),
    unclaimed_members=counts,
)
proofs = st.builds(
    Proof,
    where=locations,
    kind=words,
    source=locations,
    state=st.sampled_from(ProofState),
    algorithm=words,
    value=words,
    detail=words,
)
runs = st.builds(Run, script=words, where=locations, job=words, events=texts, secrets=texts)
chains = st.builds(
    Chain,
    where=locations,
    api=words,
    loads=words,
    unsafe=st.none() | st.booleans(),
    because=words,
    reached=st.sampled_from(
        cast('list[Literal["import", "run", "call", ""]]', ["import", "run", "call", ""])
    ),
    runs=st.lists(runs, max_size=2).map(tuple),
    artifacts=st.lists(locations, max_size=2).map(tuple),
    component=words,
    library=words,
)
decisions = st.builds(
    Decision,
    kind=st.sampled_from(cast('list[Literal["waiver", "vex"]]', ["waiver", "vex"])),
    reason=words,
    source=words,
    owner=words,
    expires=words,
    justification=words | st.just(NOT_REACHED.justification),
    vex_status=words | st.just("fixed"),
)
components = st.builds(
    Component,
    ref=words,
    name=words,
    kind=st.sampled_from(Kind),
    version=words,
    specifier=words,
    purl=words | st.just("pkg:pypi/torch@2.1.0"),
    project=st.sampled_from([".", "demo"]) | words,
    ecosystem=words,
    digests=st.lists(digests, max_size=3).map(tuple),
    facts=st.lists(facts, max_size=3).map(tuple),
    licences=texts,
    scope=st.sampled_from(Scope),
    direct=st.booleans(),
    origin=words,
    seen=st.lists(locations, max_size=3).map(tuple),
)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """An inventory with unique refs, whose relations mostly hold."""
    parts = draw(st.lists(components, max_size=5, unique_by=lambda part: part.ref))
    refs = st.sampled_from([part.ref for part in parts]) | words if parts else words
    return Inventory(
        components=tuple(parts),
        relations=tuple(draw(st.lists(st.builds(Relation, refs, refs), max_size=5))),
        projects=tuple(
            draw(
                st.lists(
                    st.builds(Project, path=st.sampled_from([".", "demo"]) | words, name=words), max_size=3
                )
            )
        ),
        complete=draw(texts),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report at all, its findings partly about its components."""
    held = draw(inventories())
    refs = st.sampled_from([part.ref for part in held.components]) if held.components else words
    levels: st.SearchStrategy[Level] = st.sampled_from(LEVELS)
    judged = st.builds(
        Finding,
        evidence=st.builds(replace, evidences, component=refs | words),
        title=words,
        level=levels,
        potential=levels,
        factors=factor_sets,
        assumed=st.lists(st.sampled_from(FACTORS), max_size=2).map(tuple),
        because=words,
        remedy=words,
        fingerprint=words,
        status=st.sampled_from(Status),
        decision=st.none() | decisions,
        known=st.booleans(),
    )
    return replace(
        report(),
        target=draw(words),
        inventory=held,
        artifacts=tuple(draw(st.lists(artifacts, max_size=3))),
        findings=tuple(draw(st.lists(judged, max_size=4))),
        notices=draw(texts),
        proofs=tuple(draw(st.lists(proofs, max_size=3))),
        chains=tuple(draw(st.lists(chains, max_size=2))),
    )


def shuffled(whole: Report, order: int) -> Report:
    """The same report with everything that has no order of its own in another one."""
    rng = random.Random(order)

    def mixed(items: tuple[_T, ...]) -> tuple[_T, ...]:
        return tuple(rng.sample(items, len(items)))

    held = whole.inventory
    return replace(
        whole,
        inventory=Inventory(
            mixed(
                tuple(
                    replace(part, facts=mixed(part.facts), seen=mixed(part.seen)) for part in held.components
                )
            ),
            mixed(held.relations),
            mixed(held.projects),
            mixed(held.complete),
        ),
        artifacts=mixed(whole.artifacts),
        findings=mixed(whole.findings),
        sources=mixed(whole.sources),
        proofs=mixed(whole.proofs),
        chains=mixed(whole.chains),
    )
