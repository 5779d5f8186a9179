"""The hook under the real pre-commit program, on a real git repository.

pre-commit would install us from an index into an environment of its own; tests use no network, so the hook's
definition is taken from ``.pre-commit-hooks.yaml`` as it is, but for the language and the command's path.
"""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scanner.registry import FORMATS, MANIFESTS

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."
HONEST = b"\x80\x04}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94K\x02u."
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)

pytestmark = pytest.mark.skipif(
    not (BIN / "pre-commit").exists(), reason="pre-commit is not installed; `make test` installs it"
)


class Repository:
    """A git repository with our hook, and an environment in which nothing of this machine's is read."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "repository"
        self.tree.mkdir()
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))},
            "HOME": str(folder),
            "PRE_COMMIT_HOME": str(folder / "pre-commit"),
            "WEIGHBRIDGE_CACHE_DIR": str(folder / "cache"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        self.run("git", "init", "--quiet")
        (self.tree / ".pre-commit-config.yaml").write_text(yaml.safe_dump(self._configuration()))
        self.run(BIN / "pre-commit", "install", "--hook-type", "pre-commit", "--hook-type", "pre-push")

    @staticmethod
    def _configuration() -> dict[str, object]:
        hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
        for hook in hooks:
            command, _, rest = hook["entry"].partition(" ")
            hook |= {"entry": f"{BIN / command} {rest}", "language": "system"}
        return {"repos": [{"repo": "local", "hooks": hooks}]}

    def run(self, *command: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.tree,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def commit(self, **files: bytes) -> tuple[int, str]:
        """Stages the files (two underscores stand for a dot) and commits."""
        for name, data in files.items():
            (self.tree / name.replace("__", ".")).write_bytes(data)
        self.run("git", "add", "--all")
        return self.run("git", "commit", "--message", "a commit")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_pre_commit_accepts_the_definition() -> None:
    done = subprocess.run(
        [BIN / "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


def test_honest_files_pass(repository: Repository) -> None:
    code, said = repository.commit(model__pkl=HONEST, train__py=b"print()\n", notes__md=b"#\n")
    assert code == 0, said
    assert "Passed" in said


def test_a_planted_checkpoint_blocks_the_commit_and_the_call_is_named(repository: Repository) -> None:
    code, said = repository.commit(model__pt=HOSTILE)
    assert code != 0
    assert "posix.system" in said
    assert "model.pt" in said


def test_only_what_is_staged_counts(repository: Repository) -> None:
    assert repository.commit(a__txt=b"1\n")[0] == 0
    (repository.tree / "lying-about.pkl").write_bytes(HOSTILE)
    (repository.tree / "a.txt").write_bytes(b"2\n")
    repository.run("git", "add", "a.txt")
    assert repository.run("git", "commit", "--message", "another")[0] == 0


def test_deleted_and_renamed_files_are_no_trouble(repository: Repository) -> None:
    assert repository.commit(a__pkl=HONEST, b__pkl=HONEST + b"")[0] == 0
    repository.run("git", "rm", "--quiet", "a.pkl")
    repository.run("git", "mv", "b.pkl", "c.pkl")
    code, said = repository.commit()
    assert code == 0, said


def test_a_large_file_storage_pointer_is_not_a_bad_model(repository: Repository) -> None:
    code, said = repository.commit(model__safetensors=POINTER)
    assert code == 0, said


def test_a_missing_snapshot_warns_and_does_not_block(repository: Repository) -> None:
    code, said = repository.commit(requirements__txt=b"requests==2.32.0\n")
    assert code == 0, said
    code, said = repository.run(BIN / "weighbridge", "hook", "requirements.txt")
    assert code == 0
    assert "snapshot" in said


def test_a_known_compromised_release_blocks_without_a_snapshot(repository: Repository) -> None:
    code, said = repository.commit(requirements__txt=b"litellm==1.82.8\n")
    assert code != 0
    assert "litellm" in said


def test_five_hundred_files_in_batches_are_all_looked_at(repository: Repository) -> None:
    # pre-commit hands over 128 kB of names at once: these are more than one command line.
    names = [f"{number:03}{'x' * 247}__pkl" for number in range(520)]
    assert sum(map(len, names)) > 1 << 17
    code, said = repository.commit(**dict.fromkeys(names, HONEST) | {names[0]: HOSTILE, names[-1]: HOSTILE})
    assert code != 0
    assert "000xxx" in said
    assert "519xxx" in said


def test_a_notebook_and_code_that_loads_are_looked_at(repository: Repository) -> None:
    load = b"import torch\nmodel = torch.load('a.pt', weights_only=False)\n"
    code, said = repository.commit(train__py=load)
    assert "weighbridge (changed model files" in said
    assert "Skipped" not in said.partition("weighbridge (changed model files")[2].partition("\n")[0]
    code, said = repository.run(BIN / "weighbridge", "hook", "train.py")
    assert code == 0
    assert "train.py:2" in said


def test_the_whole_tree_is_scanned_before_a_push(repository: Repository, tmp_path: Path) -> None:
    assert repository.commit(a__md=b"#\n")[0] == 0
    repository.run("git", "init", "--quiet", "--bare", str(tmp_path / "remote"))
    repository.run("git", "remote", "add", "origin", str(tmp_path / "remote"))
    code, said = repository.run("git", "push", "origin", "HEAD")
    assert code == 0, said
    (repository.tree / "model.pt").write_bytes(HOSTILE)
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--no-verify", "--message", "past the hook")
    code, said = repository.run("git", "push", "origin", "HEAD")
    assert code != 0
    assert "posix.system" in said


# --- which files each hook is called for ------------------------------------------------------------------


def _filled(glob: str) -> str:
    """A name that a pattern of the registry claims."""
    glob = glob.replace("[!l]", "e").replace("?", "1").replace("*", "x1")
    return re.sub(r"\[(.)[^\]]*\]", lambda found: "-" if found[1] in "-_." else found[1], glob)


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[str], re.Pattern[str]]]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return [
        (hook["id"], re.compile(hook["files"]), re.compile(hook.get("exclude", r"\Z\A.")))
        for hook in hooks
        if hook["entry"] == "weighbridge hook"
    ]


def _hooks_for(path: str) -> list[str]:
    return [name for name, files, left in _patterns() if files.search(path) and not left.search(path)]


CLAIMED = [
    *(f"models/a{suffix}" for row in FORMATS for suffix in row.suffixes),
    *(f"models/{_filled(name)}" for row in FORMATS for name in row.names),
    *(_filled(name) for row in MANIFESTS if not row.folders for name in row.names),
    *(
        f"{_filled(folder.removeprefix('*/'))}/{_filled(name)}"
        for row in MANIFESTS
        for folder in row.folders
        for name in row.names
    ),
]


@pytest.mark.parametrize("upper", [False, True])
def test_every_file_that_the_registry_claims_by_name_is_the_business_of_one_hook(upper: bool) -> None:
    wrong = {
        path: hooks for path in CLAIMED if len(hooks := _hooks_for(path.upper() if upper else path)) != 1
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("path", "hook"),
    [
        ("model.pkl", "weighbridge-artifacts"),
        ("deep/down/pytorch_model.bin", "weighbridge-artifacts"),
        ("train.py", "weighbridge-artifacts"),
        ("a b.ipynb", "weighbridge-artifacts"),
        ("config/model.yaml", "weighbridge-artifacts"),
        ("requirements.txt", "weighbridge-deps"),
        ("dev-requirements.txt", "weighbridge-deps"),
        ("services/api/uv.lock", "weighbridge-deps"),
        (".github/workflows/ci.yml", "weighbridge-deps"),
        ("docker/Dockerfile.gpu", "weighbridge-deps"),
        ("environment.yml", "weighbridge-deps"),
    ],
)
def test_what_is_loaded_and_what_is_depended_on_are_told_apart(path: str, hook: str) -> None:
    assert _hooks_for(path) == [hook]


@pytest.mark.parametrize("path", ["src/main.c", "LICENSE", "notes.txt", "image.png", "data.csv"])
def test_other_files_start_no_hook(path: str) -> None:
    assert _hooks_for(path) == []


def test_an_unknown_option_is_two(repository: Repository) -> None:
    code, said = repository.run(BIN / "weighbridge", "hook", "--fail-at", "high", "a.pkl")
    assert code == 2
    assert "--fail-at" in said


# --- the lock ---------------------------------------------------------------------------------------------


@pytest.fixture
def locked(repository: Repository) -> Repository:
    (repository.tree / "model.pkl").write_bytes(HONEST)
    (repository.tree / "train.csv").write_bytes(b"a,b\n")
    code, said = repository.run(BIN / "weighbridge", "lock")
    assert code == 0, said
    assert repository.commit()[0] == 0
    return repository


def test_a_changed_model_is_held_back_until_its_line_changes_too(locked: Repository) -> None:
    code, said = locked.commit(model__pkl=HONEST.replace(b"K\x01", b"K\x03"))
    assert code != 0
    assert "HSH-010" in said
    assert locked.run(BIN / "weighbridge", "lock", "--update", "model.pkl")[0] == 0
    code, said = locked.commit()
    assert code == 0, said


def test_changed_data_that_no_inspector_reads_is_held_back(locked: Repository) -> None:
    code, said = locked.commit(train__csv=b"a,c\n")
    assert code != 0
    assert "DAT-003" in said


def test_a_new_model_without_a_line_is_held_back(locked: Repository) -> None:
    code, said = locked.commit(other__pkl=HONEST.replace(b"K\x01", b"K\x03"))
    assert code != 0
    assert "other.pkl" in said


def test_a_commit_that_touches_no_locked_file_passes(locked: Repository) -> None:
    (locked.tree / "train.csv").write_bytes(b"changed and not staged\n")
    (locked.tree / "notes.md").write_bytes(b"#\n")
    locked.run("git", "add", "notes.md")
    code, said = locked.run("git", "commit", "--message", "notes")
    assert code == 0, said


def test_the_lock_alone_is_held_to_every_file(locked: Repository) -> None:
    lock = (locked.tree / "weighbridge.lock").read_bytes()
    code, said = locked.commit(weighbridge__lock=lock.replace(b"size = 4", b"size = 5"))
    assert code == 0, said  # the size is beside the digest, which decides
    code, said = locked.commit(weighbridge__lock=b"version = 1\n[files]\n")
    assert code != 0
    assert "train.csv" in said


def test_the_whole_tree_is_held_to_the_lock_on_demand(locked: Repository) -> None:
    command = (BIN / "pre-commit", "run", "--hook-stage", "manual", "weighbridge-lock-all")
    assert locked.run(*command)[0] == 0
    (locked.tree / "train.csv").write_bytes(b"changed\n")
    locked.run("git", "add", "train.csv")
    code, said = locked.run(*command)
    assert code != 0
    assert "DAT-003" in said
