"""Every bound on work, named, in one place.

Limits count work (bytes, members, operations), not time: a verdict must not depend on how busy the
machine was. The one deadline is the supervisor's last resort against a decoder that hangs.
"""

from sbom.record import record, replace
from scanner.errors import LimitReached

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@record
class Limits:
    """The bounds of one scan. Bytes unless the name says otherwise."""

    text_bytes: int = 64 * MIB  # one manifest, lock or source file, read whole
    project_bytes: int = 2 * MIB  # one pyproject.toml, whose every value is located
    lock_bytes: int = 16 * MIB  # one lock in YAML, whose every node is located
    beside_bytes: int = 64 * KIB  # a small file that says more about the one next to it
    metadata_bytes: int = 4 * MIB  # the metadata of one distribution, with its description
    sdist_bytes: int = 64 * MIB  # of what an sdist unpacks to, until its metadata is found
    declarations: int = 200_000  # of one manifest
    range_checks: int = 100_000  # ranges held against releases, in one project
    lock_steps: int = 20_000_000  # places looked into to join the packages of one lock
    code_bytes: int = 2 * MIB  # one file of Python; its tree takes up to three hundred times as much memory
    code_in_process_bytes: int = 4 * MIB  # Python of one tree that is read without workers
    code_fields: int = 2_000  # fields of one formatted string
    code_steps: int = 2_000_000  # nodes of one file's tree that are looked at
    code_calls: int = 20_000  # calls of one file that are kept
    pipeline_files: int = 1_000  # pipelines, Makefiles and scripts that are followed to the code they run
    pipeline_bytes: int = 1 * MIB  # one of these
    pipeline_runs: int = 20_000  # files of code that the pipelines of one tree run
    chains: int = 100_000  # lines that load something, joined with what they load
    lock_file_bytes: int = 64 * MIB  # one weighbridge.lock; a hundred thousand files take 20 MB
    lock_entries: int = 200_000  # files and references of one weighbridge.lock
    twin_gathered_bytes: int = 64 * MIB  # of one tensor whose elements lie scattered
    twin_bytes: int = 256 * MIB  # of one model in two formats whose values are compared
    installed_files: int = 2_000_000  # on the lists of one environment's packages
    line_chars: int = 1 * MIB  # one logical line of a text format
    header_bytes: int = 100 * 1000 * 1000  # safetensors' own bound on its JSON header
    advisory_bytes: int = 16 * MIB  # one advisory record, or a catalogue of exploited ones
    advisory_records: int = 2_000_000  # records of one source; npm alone has a quarter of a million
    dump_bytes: int = 1 * GIB  # one database's dump, or its list of changes
    changed_records: int = 2_000  # more than these are not fetched one by one: the dump is fetched anew
    claims: int = 1_000_000  # of one file that vouches for others
    claim_documents: int = 100_000  # files of one tree that vouch for others
    absent_rows: int = 100  # files that one list names and that are not there; what is over is counted
    git_index_bytes: int = 256 * MIB  # a million tracked files
    git_object_bytes: int = 64 * KIB  # a pointer, or what it is stored as a difference to
    git_blob_bytes: int = 256 * MIB  # one file out of a commit or the index
    git_blobs_bytes: int = 4 * GIB  # all files that one scan takes out of them
    git_deadline_s: float = 300.0  # one question to git
    fetch_timeout_s: float = 30.0  # for a connection, and for each silence after it
    fetch_deadline_s: float = 1_800.0  # one file, however slowly it comes
    fetch_attempts: int = 3  # of one file, each going on where the last broke off
    fetch_redirects: int = 5
    index_page_bytes: int = 48 * MIB  # what an index says of one package, unpacked
    index_files: int = 200_000  # files that one page lists
    index_timeout_s: float = 20.0  # for a connection, and for each silence after it
    index_deadline_s: float = 60.0  # one page with all attempts, however slowly it comes
    index_total_s: float = 900.0  # all pages of one scan
    index_attempts: int = 3  # of one page
    index_pause_s: float = 0.5  # before the second attempt; doubled each time
    index_at_once: int = 6  # connections to all indexes together
    index_per_second: float = 20.0  # questions to one index
    index_failures: int = 3  # of one index after each other; then it is asked no more
    index_names: int = 20_000  # packages that one scan asks about
    signatures: int = 200  # of one tree, that are verified
    signature_bytes: int = 4 * MIB  # one signed document
    signature_deadline_s: float = 60.0  # all of them
    live_packages: int = 5_000  # releases that one scan asks the services about
    live_answer_bytes: int = 16 * MIB  # one answer about one release
    live_said_bytes: int = 256 * MIB  # everything that the services said
    live_timeout_s: float = 20.0  # one answer
    live_deadline_s: float = 300.0  # all answers of one service
    live_attempts: int = 3  # of one question, with growing pauses
    nesting: int = 200  # levels of JSON, YAML or TOML
    yaml_nodes: int = 2_000_000  # nodes after aliases were followed
    include_files: int = 500  # files that one requirements file may pull in
    container_depth: int = 6  # containers in containers
    container_members: int = 200_000  # members of one file, over all its levels
    inflated_bytes: int = 4 * GIB  # bytes that one file may unpack to, over all its levels
    inflate_ratio: int = 1_200  # unpacked by packed; deflate itself cannot pass 1,032
    inflate_free_bytes: int = 16 * MIB  # no ratio is asked below this
    dense_bytes: int = 512 * MIB  # above this, what a whole file unpacks to is held to dense_ratio
    dense_ratio: int = 100  # unpacked over all levels by the file's size; weights pack to a third at best
    decoder_memory_bytes: int = 256 * MIB  # dictionary of one decoder; the largest preset of xz takes 65 MiB
    archive_header_bytes: int = 64 * MIB  # directory of one 7z archive, as it is and unpacked
    program_bytes: int = 8 * MIB  # of a program, where 7-Zip looks for an archive that it carries
    member_header_bytes: int = 1 * MIB  # one long name, one set of extended attributes, one link's target
    pickle_ops: int = 400_000_000  # opcodes of one stream
    pickle_stack: int = 50_000_000  # entries on stack or memo of one stream
    pickle_streams: int = 1_000_000  # pickles that follow each other in one file
    pickle_names: int = 100_000  # different names that one stream may import
    pickle_names_apart: int = 1_000  # of one file that are told apart, and then a tenth of that of each sort
    pickle_events: int = 5_000_000  # imports, calls and changes of one stream that are worth telling
    pickle_name_bytes: int = 64 * KIB  # one name or number written as a line
    pickle_rereads: int = 1_000_000  # literals looked up again outside the window at hand
    literal_bytes: int = 4 * KIB  # how much of one argument is shown
    report_text_chars: int = 4_096  # one text of a report for programs; no path is longer
    message_chars: int = 600  # one message, after escaping
    evidence_rows: int = 2_000  # evidence of one file; what is over is counted
    in_process_bytes: int = 4 * MIB  # larger files go to a worker
    worker_memory_bytes: int = 2 * GIB  # address space of a worker above its start
    worker_deadline_s: float = 120.0  # plus one second a 20 MB of the file
    read_chunk: int = 64 * KIB  # measured: the hash stays in the second-level cache

    def deeper(self) -> "Limits":
        """The same, but for values of one model in two formats: all of them are compared."""
        return replace(self, twin_bytes=1 << 62)


class Budget:
    """What one file may still use, shared by every level of its containers.

    ``packed`` is the size of that file, None where nobody holds what comes out of it against it.
    """

    __slots__ = ("inflated", "limits", "members", "packed")

    def __init__(self, limits: Limits, packed: int | None = None) -> None:
        self.limits = limits
        self.packed = packed
        self.members = 0
        self.inflated = 0

    def spend_member(self) -> None:
        """Counts one member. Raises LimitReached past ``container_members``."""
        self.members += 1
        if self.members > self.limits.container_members:
            raise LimitReached("container_members", allowed=self.limits.container_members)

    @property
    def is_spent(self) -> bool:
        """Whether nothing more can be unpacked."""
        if self.packed is not None:
            dense = max(self.limits.dense_bytes, self.packed * self.limits.dense_ratio)
            return self.inflated > min(dense, self.limits.inflated_bytes)
        return self.inflated > self.limits.inflated_bytes

    def spend_inflated(self, count: int) -> None:
        """Counts unpacked bytes. Raises LimitReached past ``inflated_bytes``, or past ``dense_ratio``.

        A bomb of deflate stays under any ratio that one stream can be held to, and takes a minute to reach
        the bytes; over gigabytes and all levels nothing but a bomb, or constant data, packs to a hundredth.
        """
        self.inflated += count
        limits = self.limits
        if self.inflated > limits.inflated_bytes:
            raise LimitReached("inflated_bytes", allowed=limits.inflated_bytes)
        if self.packed is not None and self.is_spent:
            found = self.inflated // max(1, self.packed)
            raise LimitReached("dense_ratio", allowed=limits.dense_ratio, found=found)
