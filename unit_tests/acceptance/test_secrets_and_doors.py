"""What a run writes holds no secret and is this user's alone; what it opens is open to this machine alone.

External services: Docker (a database node)
"""

import base64
import json
import os
import stat
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]

#: Where it is planted -> the secret.
PLANTED = {
    "SHOP_DB_PASSWORD": "pl4nted-in-environ",
    "AWS_SECRET_ACCESS_KEY": "pl4nted/aws+secretkey0000000000000000000",
    "SCT_ALTERNATOR_SECRET_ACCESS_KEY": "pl4nted-in-params",
    "yaml": "pl4nted-in-yaml",
    "kubeconfig": "pl4nted-in-kubeconfig",
    "registry": "pl4nted-in-registry-login",
    "argument": "pl4nted-as-argument",
}
TELLING = """
    import json
    import logging
    import os
    import pathlib
    import subprocess
    import sys

    import psutil
    import pytest
    import yaml

    pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]

    def test_tells_its_environment():
        print(os.environ["SHOP_DB_PASSWORD"])
        logging.getLogger("shop").warning("key is %s", os.environ["AWS_SECRET_ACCESS_KEY"])
        assert os.environ["SHOP_DB_PASSWORD"] == "x", os.environ["DOCKER_AUTH_CONFIG"]

    @pytest.mark.sct_config(files="shop.yaml")
    def test_tells_its_params(params):
        secret = params["authenticator_password"] + "|" + params["alternator_secret_access_key"]
        raise RuntimeError(f"{secret} of {params.to_dict()}")

    def test_tells_its_kubeconfig():
        config = pathlib.Path(os.environ["KUBECONFIG"]).read_text()
        print(config)
        assert yaml.safe_load(config)["users"][0]["user"]["token"] == "x"

    def test_leaves_a_process_that_holds_one():
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)", os.environ["SHOP_DB_PASSWORD"]])

    def test_looks_around(docker_scylla):
        docker_scylla.run_cqlsh("SELECT key FROM system.local")
        port = int(docker_scylla.get_port("9042").rpartition(":")[2])
        listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        mine = [address.ip for address in listening if address.port == port]
        assert mine
        of_run = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("SCT_STATE_DIR") == os.environ["SCT_STATE_DIR"]
                of_run += [c.laddr.ip for c in process.net_connections("tcp") if c.status == "LISTEN"] if ours else []
            except psutil.Error:
                continue
        seen = {}
        for base in (os.environ["SCT_RUNTIME_DIR"], os.environ["SCT_STATE_DIR"]):
            for path in pathlib.Path(base).rglob("*"):
                seen[str(path)] = path.lstat().st_mode
        pathlib.Path("seen.json").write_text(json.dumps({"port": mine, "of_run": of_run, "files": seen}))
"""
#: Files that hold what lets one in, or may.
CREDENTIALS = ("kubeconfig", ".key", "broker.json", "ledger.jsonl", "journal.jsonl", ".sock")


@pytest.fixture
def telling(project, catalogue_image):
    """A sample project whose tests tell every secret they can find, and fail."""
    catalogue_image("cassandra")
    project.write("unit_tests/integration/test_telling.py", TELLING)
    project.write("shop.yaml", f"authenticator_password: {PLANTED['yaml']}\n")
    user = {"name": "me", "user": {"token": PLANTED["kubeconfig"]}}
    kubeconfig = project.write("kubeconfig", json.dumps({"users": [user], "clusters": [], "contexts": []}))
    login = base64.b64encode(f"joe:{PLANTED['registry']}".encode()).decode()
    project.environ |= {name: value for name, value in PLANTED.items() if name.isupper()}
    project.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"r.example": {"auth": login}}})
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    project.environ["KUBECONFIG"] = str(kubeconfig)
    # A job's summary and its annotations are told from the same journal.
    project.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(project.root / "job-summary.md")}
    project.write("conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--shop-token')\n")
    return project


def holding(folder: Path, secret: str) -> list[str]:
    """Return the files below a folder that hold a secret, plain or in base64."""
    forms = [secret.encode(), base64.b64encode(secret.encode()), base64.b64encode(f"joe:{secret}".encode())]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


def test_a_planted_secret_is_in_no_file_and_no_door_is_open(telling):
    """State directory, reports and screen hold none of the secrets that tests tell; files and sockets are private.

    External services: Docker (a database node)
    """
    ended = telling.sct(
        "integration-tests",
        "-n",
        "1",
        "--report-dir",
        "reports",
        "--",
        "--shop-token",
        PLANTED["argument"],
        timeout=360,
    )
    assert ended.code == 1, ended.text
    assert "3 failed" in ended.out, ended.text
    journal = next((telling.state / "runs").glob("*/journal.jsonl")).read_text()
    assert journal.count("(hidden)") > 5
    assert '"kind":"process"' in journal
    assert "test_tells_its_params" in (telling.root / "job-summary.md").read_text()
    planted = {str(telling.root / name) for name in ("kubeconfig", "shop.yaml")}
    written = (telling.state, telling.root, telling.runtime)
    found = {
        name: [file for folder in written for file in holding(folder, secret) if file not in planted]
        for name, secret in PLANTED.items()
    }
    assert {name: files for name, files in found.items() if files} == {}
    assert [name for name, secret in PLANTED.items() if secret in ended.text] == []

    seen = json.loads((telling.root / "seen.json").read_text())
    assert set(seen["port"] + seen["of_run"]) <= {"127.0.0.1", "::1"}
    modes = {path: stat.S_IMODE(mode) for path, mode in seen["files"].items()}
    kinds = {path: stat.S_IFMT(mode) for path, mode in seen["files"].items()}
    assert {path: oct(modes[path]) for path in modes if kinds[path] == stat.S_IFDIR and modes[path] & 0o077} == {}
    private = [path for path in modes if path.endswith(CREDENTIALS)]
    assert len(private) > 3
    assert {path: oct(modes[path]) for path in private if modes[path] & 0o177} == {}
