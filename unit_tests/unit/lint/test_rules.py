"""Each rule finds what breaks it and lets pass what keeps it: its own samples, and what was once found wrongly."""

import ast
import textwrap
from pathlib import Path

import pytest

from sdcm.lint.linter import Linter
from sdcm.lint.rule import Rule
from sdcm.lint.rules import RULES
from sdcm.lint.source import parse

HEAD = """
import os
import subprocess
import boto3
import docker
import pytest
import requests
from sdcm import wait
from sdcm.wait import wait_for
from unittest import mock

pytestmark = pytest.mark.integration
"""


def ids(text: str, path: str = "unit_tests/integration/test_x.py", *, acts: bool = True) -> list[str]:
    source = parse(Path("/nonexistent") / path, text)
    source.plugin_acts = acts
    return [finding.rule for finding in Linter().check(source)]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rules_bad_example_breaks_it_alone_and_its_good_one_breaks_none(rule: Rule) -> None:
    assert set(ids(rule.bad, rule.path, acts=False)) == {rule.id}
    assert ids(rule.good, rule.path, acts=False) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert rule.title
    assert rule.why.endswith(".")


BROKEN = {
    "I01 in a class": ("I01", "class TestX:\n    def test_a(self, docker_scylla):\n        '''A.'''\n"),
    "I03 on a coroutine": ("I03", HEAD + "async def test_a(params):\n    '''A.'''\n"),
    "I04 unknown label": (
        "I04",
        HEAD + "@pytest.mark.services('dokcer', 'docker')\ndef test_a(params):\n    '''A.'''\n",
    ),
    "I04 through a helper": (
        "I04",
        HEAD + "def names():\n    return boto3.client('s3').list_buckets()\n\n"
        "def test_a(docker_scylla):\n    '''A.'''\n    assert names()\n",
    ),
    "I06 link": (
        "I06",
        HEAD + "@pytest.mark.skip('https://example.com/issues/1')\ndef test_a(docker_scylla):\n    '''A.'''\n",
    ),
    "I06 bare": ("I06", HEAD + "@pytest.mark.skip\ndef test_a(docker_scylla):\n    '''A.'''\n"),
    "I06 without the variable": (
        "I06",
        HEAD + "@pytest.mark.skipif(not os.environ.get('OCI_CONFIG_FILE'), reason='OCI credentials not available')\n"
        "def test_a(docker_scylla):\n    '''A.'''\n",
    ),
    "I07 in a helper": (
        "I07",
        HEAD + "def there():\n    return requests.get('http://x', timeout=1).ok\n\n"
        "@pytest.mark.skipif(not there(), reason='the server x does not answer')\n"
        "def test_a(docker_scylla):\n    '''A.'''\n",
    ),
    "I07 program": (
        "I07",
        HEAD + "ENGINE = subprocess.run(['docker', 'ps'], timeout=5)\ndef test_a(docker_scylla):\n    '''A.'''\n",
    ),
    "I08 addfinalizer is none": (
        "I08",
        HEAD
        + "@pytest.fixture\ndef net(docker_scylla):\n    '''N.'''\n    return docker.from_env().networks.create('n')\n",
    ),
    "I09 skip before yield": (
        "I09",
        HEAD
        + "@pytest.fixture\ndef vm(params):\n    '''V.'''\n    client = params.client\n    made = client.create_instance()\n"
        "    if not made.ok:\n        pytest.skip('the machine did not start in time')\n    yield made\n    made.terminate()\n",
    ),
    "I10 container": (
        "I10",
        HEAD + "@pytest.mark.services('docker')\ndef test_a(params):\n    '''A.'''\n"
        "    cid = subprocess.check_output(['docker', 'run', '-d', 'web'], timeout=9)\n    wait_for(cid.strip, timeout=1)\n",
    ),
    "I12 in a command": (
        "I12",
        HEAD + "@pytest.mark.services('docker')\ndef test_a(params):\n    '''A.'''\n"
        "    subprocess.run(['docker', 'pull', 'quay.io/a/b:1.2'], timeout=9)\n",
    ),
    "I14 zero": ("I14", HEAD + "def test_a(docker_scylla):\n    '''A.'''\n    wait.wait_for(print, timeout=0)\n"),
    "I14 sleep": (
        "I14",
        "import time\n" + HEAD + "def test_a(docker_scylla):\n    '''A.'''\n    time.sleep(30)\n",
    ),
    "I15 http": ("I15", HEAD + "def test_a(docker_scylla):\n    '''A.'''\n    assert requests.get('http://x').ok\n"),
    "I15 nodetool": (
        "I15",
        HEAD + "def test_a(docker_scylla):\n    '''A.'''\n    docker_scylla.run_nodetool('repair')\n",
    ),
    "I16 fixed port": (
        "I16",
        HEAD
        + "@pytest.fixture\ndef web(params):\n    '''W.'''\n    server = docker.from_env().containers.run('web', detach=True, ports={'80/tcp': 8080})\n"
        "    try:\n        wait_for(server.reload, timeout=9)\n        yield server\n    finally:\n        server.remove(force=True)\n\n"
        "@pytest.mark.services('docker')\ndef test_a(web):\n    '''A.'''\n",
    ),
    "I16 wide fixture": (
        "I16",
        HEAD + "@pytest.fixture(scope='module')\ndef node(docker_scylla):\n    '''N.'''\n    return docker_scylla\n\n"
        "def test_a(node):\n    '''A.'''\n\ndef test_b(node):\n    '''B.'''\n",
    ),
    "I17 helper by name": (
        "I17",
        "from sdcm.x import get_ssm_ami\ndef test_a(monkeypatch):\n    monkeypatch.setenv('A', 'b')\n    assert get_ssm_ami('x')\n",
    ),
    "I18 patched": (
        "I18",
        HEAD + "@mock.patch('boto3.client')\ndef test_a(client, params):\n    '''A.'''\n    assert client\n",
    ),
    "I22 other style": (
        "I22",
        HEAD + "def test_a(docker_scylla):\n    '''A.\n\n    :param docker_scylla: a node\n    '''\n",
    ),
    "I23 marker": (
        "I23",
        HEAD
        + "@pytest.fixture\ndef second(request):\n    '''S.'''\n    marker = request.node.get_closest_marker('m')\n"
        "    marker.kwargs['seeds'] = 'a'\n    yield marker\n",
    ),
    "I23 class": (
        "I23",
        HEAD + "def test_a(docker_scylla):\n    '''A.'''\n    docker_scylla.__class__.x = 1\n",
    ),
    "I23 at import": ("I23", HEAD + "os.environ['A'] = 'b'\n\ndef test_a(docker_scylla):\n    '''A.'''\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_other_ways_to_break_a_rule(name: str) -> None:
    rule, text = BROKEN[name]
    path = "unit_tests/unit/test_x.py" if rule == "I17" else "unit_tests/integration/test_x.py"
    assert set(ids(text, path)) - {"I20"} == {rule}


KEPT = {
    "a loop that sleeps": HEAD
    + "@pytest.fixture\ndef web(params):\n    '''W.'''\n    cid = subprocess.check_output(['docker', 'run', '-d', 'web'], timeout=9)\n"
    "    try:\n        for _ in range(9):\n            if requests.get('http://x', timeout=1).ok:\n                break\n            time.sleep(1)\n        yield cid\n"
    "    finally:\n        subprocess.run(['docker', 'rm', '-f', cid], timeout=9)\n",
    "marker through an alias": "import pytest\nneeds = [pytest.mark.integration]\n\n@needs[0]\ndef f(): ...\n\n"
    "real = pytest.mark.integration\n\n@real\ndef test_a(docker_scylla):\n    '''A.'''\n",
    "marker on the class": "import pytest\n\n@pytest.mark.integration\nclass TestX:\n    def test_a(self, docker_scylla):\n        '''A.'''\n",
    "mark imported": "from pytest import mark\n\n@mark.integration\ndef test_a(docker_scylla):\n    '''A.'''\n",
    "declared by a comment": HEAD + "# service: docker\ndef test_a(params):\n    '''A.'''\n",
    "declared by a fixture's docstring": HEAD
    + "@pytest.fixture\ndef web(params):\n    '''W.\n\n    External services: Docker\n    '''\n\n"
    "def test_a(web):\n    '''A.'''\n",
    "declared by usefixtures": HEAD + "@pytest.mark.usefixtures('docker_scylla')\ndef test_a(params):\n    '''A.'''\n",
    "guard fixture": HEAD
    + "@pytest.fixture\ndef account():\n    '''A.'''\n    if not os.environ.get('AZURE_SUBSCRIPTION_ID'):\n"
    "        pytest.skip('AZURE_SUBSCRIPTION_ID is not set')\n\n@pytest.mark.usefixtures('account')\ndef test_a(params):\n    '''A.'''\n",
    "Alternator with boto3": HEAD
    + "def test_a(docker_scylla):\n    '''A.'''\n    assert boto3.client('dynamodb', endpoint_url='http://x')\n",
    "a reason made elsewhere": HEAD
    + "def test_a(docker_scylla):\n    '''A.'''\n    pytest.skip(docker_scylla.reason)\n",
    "a function that reads a variable at import": HEAD
    + "def there():\n    return bool(os.environ.get('AWS_PROFILE'))\n\n"
    "@pytest.mark.skipif(not there(), reason='AWS_PROFILE is not set')\ndef test_a(params):\n    '''A.'''\n",
    "with": HEAD
    + "@pytest.mark.services('docker')\ndef test_a(params):\n    '''A.'''\n    with subprocess.Popen(['x']) as child:\n        child.wait(9)\n",
    "exit stack": HEAD
    + "from contextlib import ExitStack\n@pytest.mark.services('docker')\ndef test_a(params):\n    '''A.'''\n    with ExitStack() as stack:\n"
    "        net = docker.from_env().networks.create('n')\n        stack.callback(net.remove)\n",
    "made, then try": HEAD
    + "@pytest.mark.services('docker')\ndef test_a(params):\n    '''A.'''\n    net = docker.from_env().networks.create('n')\n"
    "    try:\n        net.reload()\n    finally:\n        net.remove()\n",
    "another wait_for": "import asyncio\n"
    + HEAD
    + "async def test_a(docker_scylla):\n    '''A.'''\n    await asyncio.wait_for(docker_scylla.x(), 3)\n",
    "quick commands": HEAD
    + "def test_a(docker_scylla):\n    '''A.'''\n    docker_scylla.run('cat /etc/hosts')\n    docker_scylla.run_nodetool('status')\n",
    "numbers without a chain": HEAD
    + "def test_01_a(docker_scylla):\n    '''A.'''\n\ndef test_02_b(docker_scylla):\n    '''B.'''\n",
    "imported in case": HEAD
    + "def test_a(docker_scylla):\n    '''A.'''\n    try:\n        import oci\n    except ImportError:\n        oci = None\n",
    "waived for ruff": HEAD
    + "def test_a(docker_scylla):\n    '''A.'''\n    import oci  # noqa: PLC0415\n    assert oci\n",
    "put back": HEAD
    + "@pytest.fixture\ndef home(docker_scylla):\n    '''H.'''\n    before = os.environ['HOME']\n    os.environ['HOME'] = '/x'\n    yield\n"
    "    os.environ['HOME'] = before\n",
    "one value that is a tuple": HEAD
    + "@pytest.mark.parametrize('pair', [(1, 2), (3, 4)])\ndef test_a(docker_scylla, pair):\n    '''A.'''\n",
    "google section": HEAD
    + "@pytest.fixture\ndef node(docker_scylla):\n    '''N.\n\n    Returns:\n        The node.\n    '''\n    return docker_scylla\n",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_breaks_no_rule(name: str) -> None:
    assert [found for found in ids(KEPT[name]) if found != "I20"] == []


def test_words_guard_where_the_plugin_acts_and_nowhere_else() -> None:
    text = RULES["I05"].bad
    assert ids(text, acts=True) == []
    assert ids(text, acts=False) == ["I05"]


def test_unit_tests_may_do_what_integration_tests_may_not() -> None:
    text = textwrap.dedent("""
        import subprocess

        def test_a():
            import json
            subprocess.run(["sleep", "100"])
    """)
    assert ids(text, "unit_tests/unit/test_x.py") == []


def test_samples_are_python() -> None:
    assert all(ast.parse(text) for rule in RULES.values() for text in (rule.bad, rule.good))
