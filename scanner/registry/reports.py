"""What a report can be written as."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sbom.record import record
from scanner.model import Report

if TYPE_CHECKING:
    from datetime import datetime

    from scanner.reports.text import Extent


@record
class RenderOptions:
    """How a report for people is to look. ``width`` in columns, ``extent`` of the text.

    For documents that carry them: ``now``, the clock (None: the present), ``products``, the names that the
    scanned tree goes by, and ``category``, which tells apart the SARIF runs of several jobs over one commit;
    for a bill of materials the version ``spec`` of CycloneDX, and what the checkout stands at.
    """

    colour: bool = False
    width: int = 80
    verbose: int = 0
    extent: "Extent" = "full"
    now: "datetime | None" = None
    products: tuple[str, ...] = ()
    category: str = "weighbridge"
    spec: str = "1.6"
    commit: str = ""
    repository: str = ""


Renderer = Callable[[Report, RenderOptions], bytes]

# The program only writes down what others decided; each statement names who.
_VEX_AUTHOR = "weighbridge, for those whom the statements name"


def _text_report(report: Report, options: RenderOptions) -> bytes:
    from scanner.reports import text

    rendered = text.render(
        report,
        colour=options.colour,
        width=options.width,
        verbose=options.verbose,
        extent=options.extent,
    )
    return rendered.encode("utf-8", "backslashreplace")


def _json_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import json_report

    return json_report.render(report)


def _sarif_report(report: Report, options: RenderOptions) -> bytes:
    from scanner.reports import sarif

    return sarif.render(report, category=options.category)


def _cyclonedx_report(report: Report, options: RenderOptions) -> bytes:
    from sbom.model import Source
    from scanner.reports import cyclonedx

    source = Source(options.commit, options.repository)
    return cyclonedx.render(report, now=options.now, spec=options.spec, source=source)


def _spdx3_report(report: Report, options: RenderOptions) -> bytes:
    from datetime import UTC, datetime

    from sbom.model import Source
    from scanner.reports import cyclonedx

    source = Source(options.commit, options.repository)
    return cyclonedx.render_spdx(report, now=options.now or datetime.now(UTC), source=source)


def _openvex_report(report: Report, options: RenderOptions) -> bytes:
    from datetime import UTC, datetime

    from sbom.purl import generic
    from scanner.reports import openvex

    products = [each if each.startswith("pkg:") else generic(each) for each in options.products]
    now = options.now or datetime.now(UTC)
    return openvex.render(report, author=_VEX_AUTHOR, now=now, products=products)


def _html_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import web

    return web.render(report)


def _markdown_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import markdown

    return markdown.render(report)


def _summary_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import markdown

    return markdown.render(report, at_most=markdown.SUMMARY_BYTES)


def _github_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import github

    return github.render(report)


def _gitlab_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import gitlab

    return gitlab.render(report)


def _junit_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import junit

    return junit.render(report)


def _csv_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import table

    return table.render(report)


def _defectdojo_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import defectdojo

    return defectdojo.render(report)


REPORTS: dict[str, Renderer] = {
    "text": _text_report,
    "json": _json_report,
    "sarif": _sarif_report,
    "cyclonedx": _cyclonedx_report,
    "openvex": _openvex_report,
    "spdx3": _spdx3_report,
    "html": _html_report,
    "markdown": _markdown_report,
    "step-summary": _summary_report,
    "github": _github_report,
    "gitlab": _gitlab_report,
    "junit": _junit_report,
    "csv": _csv_report,
    "defectdojo": _defectdojo_report,
}
