"""A tree in, everything that its files say out: the walk, the manifests, the weighing of files."""

from scanner.survey.coverage import coverage_of
from scanner.survey.manifests import read_manifests
from scanner.survey.seen import Survey, bytes_of, digests_in, is_notebook, texts_of, under
from scanner.survey.tree import survey
from scanner.survey.weighing import close, weigh_files

__all__ = [
    "Survey",
    "bytes_of",
    "close",
    "coverage_of",
    "digests_in",
    "is_notebook",
    "read_manifests",
    "survey",
    "texts_of",
    "under",
    "weigh_files",
]
