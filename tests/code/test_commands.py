"""A file that was fetched and is run by a command is told; one that a command merely names is not."""

import pytest

from tests.code.reading import rules

HEAD = """\
import os, shlex, subprocess, sys, wget
from urllib.request import urlretrieve
f = wget.download(url)
"""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("os.system(f'tar xf {f}')", id="unpacked"),
        pytest.param("os.system(f'wc -l {f} | grep 3 && mv {f} data/')", id="counted and moved"),
        pytest.param(
            "subprocess.check_call(f'{MOSES}/clean.perl {f} {f}.out', shell=True)", id="of a program"
        ),
        pytest.param("subprocess.run(['unzip', f, '-d', 'data'])", id="words"),
        pytest.param("subprocess.run('unzip ' + f, shell=True)", id="put together"),
        pytest.param("subprocess.run('unzip %s' % f, shell=True)", id="by percent"),
        pytest.param("os.system('gunzip -c {} > out'.format(f))", id="by format"),
        pytest.param("os.system(f'python train.py --data {f}')", id="an argument of a program of one's own"),
        pytest.param("subprocess.run([sys.executable, 'train.py', f])", id="the same in words"),
        pytest.param("os.system(' '.join(['md5sum', f]))", id="joined"),
        pytest.param("os.system(f'cat {f} | python count.py')", id="piped into a program of one's own"),
        pytest.param("os.system(f'chmod 644 {f}')", id="rights"),
        pytest.param("os.system(shlex.quote(f))", id="quoted"),
        pytest.param("urlretrieve(url, 'a.tgz')\nos.system('tar xzf a.tgz')", id="by the path it was put to"),
        pytest.param(
            "urlretrieve(url, 'run')\nos.system('run.sh run.txt')", id="the path within another word"
        ),
        pytest.param("os.system('')\nsubprocess.run([])\nsubprocess.run([], shell=True)", id="nothing"),
    ],
)
def test_a_command_that_holds_the_name_of_a_file_does_not_run_it(text: str) -> None:
    assert "SRC-006" not in rules(HEAD + text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("os.system(f)", id="itself"),
        pytest.param("os.system(f'chmod +x {f} && ./{f} --yes')", id="made executable and called"),
        pytest.param("os.system(f'bash -x {f}')", id="an interpreter"),
        pytest.param("os.system(f'sudo -E python3.11 {f}')", id="behind sudo"),
        pytest.param("os.system(f'A=1 B=2 timeout 20 sh {f}')", id="behind assignments"),
        pytest.param("os.system(f'cat {f} | sudo bash')", id="piped"),
        pytest.param("os.system(f'bash < {f}')", id="handed in"),
        pytest.param("os.system(f'cd /tmp; source \"{f}\"')", id="sourced, in quotes"),
        pytest.param("os.system(f'bash -c \"{f}\"')", id="by -c"),
        pytest.param("os.system(f'pip install {f}')", id="installed"),
        pytest.param("subprocess.run(['pip', 'install', f])", id="installed, in words"),
        pytest.param("subprocess.run([sys.executable, '-m', 'pip', 'install', f])", id="by the module"),
        pytest.param("subprocess.run([f, '--yes'])", id="words"),
        pytest.param("subprocess.run(['bash', f])", id="words of an interpreter"),
        pytest.param("subprocess.Popen([sys.executable, f])", id="this Python"),
        pytest.param("subprocess.call(f)", id="no shell"),
        pytest.param("subprocess.run('sh ' + os.path.abspath(f), shell=True)", id="its full path"),
        pytest.param("os.system(' '.join(['sh', f]))", id="joined"),
        pytest.param("urlretrieve(url, 'i.sh')\nos.system('bash i.sh')", id="by the path it was put to"),
        pytest.param("urlretrieve(url, 'i.sh')\nsubprocess.run(['./i.sh'])", id="the same in words"),
        pytest.param("exec(open(f).read())", id="as Python"),
    ],
)
def test_a_file_that_was_fetched_and_is_run_is_told(text: str) -> None:
    assert "SRC-006" in rules(HEAD + text)


@pytest.mark.parametrize(
    "text",
    [
        "import requests\nos.system(requests.get(url).text)",
        "import requests\nos.system(f'tar xf {requests.get(url).text}')",
        "import requests\nsubprocess.run(f'echo {requests.get(url).json()[\"a\"]}', shell=True)",
    ],
)
def test_text_from_outside_in_a_command_is_told_wherever_it_stands(text: str) -> None:
    assert "SRC-006" in rules(HEAD + text)
