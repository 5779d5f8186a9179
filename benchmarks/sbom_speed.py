"""How long a bill of materials of 2,000 components takes to write and check, beside the library's own time.

    python benchmarks/sbom_speed.py [COUNT]

The law: written under 1.5 s, checked without the schema under 0.5 s. The library builds and serialises the
same components (names, versions, package URLs, hashes, licences, dependencies). Of each the best of five, on
the clock and of this process alone: on a busy machine the clock counts others, too.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from sbom_tools_speed import inventory

from sbom import check, cyclonedx, parts, spdx3, wellformed
from sbom.model import Inventory


def by_the_library(held: Inventory) -> bytes:
    """The same components as the library alone writes them."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    factory, bom = LicenseFactory(), Bom()
    bom.metadata.component = root = Component(name="app", type=ComponentType.APPLICATION, bom_ref="app")
    made = {
        one.ref: Component(
            name=one.name,
            version=one.version,
            type=ComponentType.LIBRARY,
            bom_ref=one.ref,
            purl=PackageURL.from_string(one.purl),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest.value) for digest in one.digests],
            licenses=[factory.make_from_string(text) for text in one.licences],
        )
        for one in held.components
    }
    bom.components.update(made.values())
    bom.register_dependency(root, [made[one.ref] for one in held.components if one.direct])
    needs: dict[str, list[Component]] = {}
    for relation in held.relations:
        needs.setdefault(relation.source, []).append(made[relation.target])
    for ref, targets in needs.items():
        bom.register_dependency(made[ref], targets)
    return JsonV1Dot6(bom).output_as_string(indent=1).encode()


def written(held: Inventory, spec: str = "1.6") -> bytes:
    """Our document, with nothing remembered of the last time."""
    parts._licence.cache_clear()
    wellformed.purl_version.cache_clear()
    return cyclonedx.write(held, spec=spec)


def checked(document: object) -> list[check.Problem]:
    """The problems, with nothing remembered of the last time."""
    check.is_expression.cache_clear()
    wellformed.purl_version.cache_clear()
    return check.check(document)


def timed(name: str, work: Callable[[], object]) -> object:
    """The best of five, printed; what the work gave."""
    walls, own, result = [], [], None
    for _ in range(5):
        start, began = perf_counter(), process_time()
        result = work()
        walls.append(perf_counter() - start)
        own.append(process_time() - began)
    print(f"{name:34} {min(walls) * 1000:9.0f} ms, of the process {min(own) * 1000:6.0f} ms")
    return result


def main() -> None:
    """Prints what was measured."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    held = inventory(count)
    start = perf_counter()
    data = cyclonedx.write(held)
    print(f"{count:,} components, {len(data) / 1e6:.1f} MB; best of five")
    print(f"{'first, with the import':34} {(perf_counter() - start) * 1000:9.0f} ms")
    timed("written, CycloneDX 1.6", lambda: written(held))
    timed("written, CycloneDX 1.7", lambda: written(held, "1.7"))
    timed("written, SPDX 3.0.1", lambda: spdx3.write(held, timestamp="2026-11-24T12:00:00+00:00"))
    document = json.loads(data)
    problems = timed("checked, without the schema", lambda: checked(document))
    assert problems == [], problems
    timed("the library alone", lambda: by_the_library(held))


if __name__ == "__main__":
    main()
