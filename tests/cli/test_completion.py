"""Completion of commands and options, asked as each shell asks for it; in bash itself where it is."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import WEIGHBRIDGE

ENVIRONMENT = {**os.environ, "PATH": f"{WEIGHBRIDGE.parent}:{os.environ['PATH']}"}
SHELLS = {
    "zsh": {"_WEIGHBRIDGE_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "{line}"},
    "fish": {
        "_WEIGHBRIDGE_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_ARGS": "{line}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    },
}


def run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, env={**ENVIRONMENT, **environment}, capture_output=True, check=False, timeout=60
    )
    return done.stdout.decode()


def script(shell: str) -> str:
    """What ``--show-completion`` prints for a shell that is named, not looked for."""
    return run(
        [str(WEIGHBRIDGE), "--show-completion", shell], _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("weighbridge sc", ["scan"]),
        ("weighbridge advisories up", ["update"]),
        ("weighbridge scan --summ", ["--summary"]),
        ("weighbridge verify --qui", ["--quick", "--quiet"]),
    ],
)
def test_bash_completes_commands_and_options(tmp_path: Path, line: str, wanted: list[str]) -> None:
    words = line.split()
    (tmp_path / "complete.bash").write_text(
        f"{script('bash')}\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n"
        f'COMP_LINE="{line}"; COMP_POINT={len(line)}\n'
        f'_weighbridge_completion weighbridge; printf "%s\\n" "${{COMPREPLY[@]}}"\n'
    )
    assert sorted(run(["bash", str(tmp_path / "complete.bash")]).split()) == wanted


@pytest.mark.parametrize("shell", SHELLS)
def test_other_shells_are_answered_in_their_own_words(shell: str) -> None:
    asked = {key: value.format(line="weighbridge sc") for key, value in SHELLS[shell].items()}
    assert "scan" in run([str(WEIGHBRIDGE)], **asked)
    assert "_WEIGHBRIDGE_COMPLETE" in script(shell)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_of_a_shell_is_one_that_it_reads(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    file = tmp_path / "completion"
    file.write_text(script(shell))
    assert subprocess.run([shell, "-n", file], check=False, timeout=60).returncode == 0
