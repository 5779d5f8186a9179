"""The options that several commands share, as typer declares them.

Without a default of their own: what nobody says, configuration does.
"""

from pathlib import Path
from typing import Annotated, Optional

import typer

Text = Optional[str]  # noqa: UP045  (typer reads the annotation)
Texts = Optional[list[str]]  # noqa: UP045
File = Optional[Path]  # noqa: UP045
Files = Optional[list[Path]]  # noqa: UP045
Number = Optional[int]  # noqa: UP045

Context = Annotated[
    Text, typer.Option("--context", help="internal (default), or exposed: released, published, served.")
]
Advisories = Annotated[
    File,
    typer.Option(
        "--advisories", metavar="PATH", help="A zip or folder of OSV records, not the imported one."
    ),
]
NoAdvisories = Annotated[
    bool, typer.Option("--no-advisories", help="Switch the advisory check off; the report says so.")
]
MaxAge = Annotated[
    Number,
    typer.Option("--max-advisory-age", metavar="DAYS", help="An older snapshot is a finding (default 7)."),
]
Config = Annotated[
    File, typer.Option("--config", metavar="FILE", help="The configuration to honour, wherever it lies.")
]
Untrusted = Annotated[
    bool, typer.Option("--untrusted", help="Ignore every setting and waiver that the tree brings along.")
]
Packs = Annotated[
    Texts,
    typer.Option("--pack", metavar="NAME", help="Ask for what a pack asks for, e.g. strict. May repeat."),
]
FailOn = Annotated[
    Text,
    typer.Option("--fail-on", help="Exit 1 from this level on: info, low, medium, high (default), critical."),
]
Statements = Annotated[
    Files, typer.Option("--vex", metavar="FILE", help="OpenVEX or CycloneDX VEX to apply. May repeat.")
]
Baseline = Annotated[File, typer.Option("--baseline", metavar="FILE", help="Only what is not in it fails.")]
Excludes = Annotated[
    Texts,
    typer.Option("--exclude", metavar="PATTERN", help="Leave out, in .gitignore's syntax. May repeat."),
]
Lock = Annotated[
    File,
    typer.Option("--lock", metavar="FILE", help="The lock to hold the files to, not the tree's own."),
]
HubCache = Annotated[
    Text,
    typer.Option(
        "--hub-cache",
        metavar="PATH",
        help="A Hugging Face cache outside of the tree to read commits and tokenizers from, or: default.",
    ),
]
RequireInputs = Annotated[
    bool, typer.Option("--require-inputs", help="Exit 3, not 0, where there is nothing to scan.")
]
Jobs = Annotated[
    Number, typer.Option("--jobs", "-j", help="Worker processes for large files; 0: one a processor.")
]
Projects = Annotated[
    Texts,
    typer.Option(
        "--project", metavar="NAME", help="Only this project of the tree, by folder or name. May repeat."
    ),
]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more. May repeat.")]
Quiet = Annotated[
    int, typer.Option("--quiet", "-q", count=True, help="Only the verdict; -qq: nothing but the exit code.")
]
Summary = Annotated[
    bool, typer.Option("--summary", help="One screen: the verdict, the counts, the worst three things to do.")
]
