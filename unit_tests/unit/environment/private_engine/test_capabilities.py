import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sdcm.environment.private_engine.capabilities import NAMES, missing_capabilities, write_wrapper

MISSING = ("CAP_SYS_RESOURCE", "CAP_BPF")
ALL = list(NAMES)


def status(bounding: str) -> str:
    return f"Name:\tpython\nCapEff:\t0000000000000000\nCapBnd:\t{bounding}\nCapAmb:\t0000000000000000\n"


def test_a_full_bounding_set_lacks_nothing() -> None:
    assert missing_capabilities(status("000001ffffffffff"), 40) == ()


def test_the_missing_bit_is_named() -> None:
    assert missing_capabilities(status("000001fffeffffff"), 40) == ("CAP_SYS_RESOURCE",)


def test_what_the_kernel_does_not_know_is_not_missing() -> None:
    assert missing_capabilities(status("0000003fffffffff"), 37) == ()
    assert missing_capabilities(status("0000003fffffffff"), 40) == ("CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE")


def test_a_system_without_the_line_lacks_nothing() -> None:
    assert missing_capabilities("Name:\tpython\n", 40) == ()


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    runc = tmp_path / "real runc"
    runc.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/arguments"\nexit 7\n')
    runc.chmod(0o755)
    write_wrapper(tmp_path / "bin" / "runc", str(runc), MISSING)
    return tmp_path / "bin" / "runc"


def config(capabilities: list[str]) -> dict[str, Any]:
    kinds = ("bounding", "effective", "inheritable", "permitted", "ambient")
    arguments = ["echo", "CAP_SYS_RESOURCE", 'a "capabilities":{"x":["CAP_BPF"]} b', "CAP_BPF"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": arguments,
            "env": ['JSON={"capabilities":{"bounding":["CAP_SYS_RESOURCE"]}}'],
            "capabilities": dict.fromkeys(kinds, capabilities),
        },
        "annotations": {"note": "CAP_SYS_RESOURCE"},
    }


def run(wrapper: Path, *arguments: str) -> list[str]:
    result = subprocess.run([wrapper, *arguments], check=False, capture_output=True)
    assert (result.returncode, result.stdout, result.stderr) == (7, b"", b"")
    return (wrapper.parents[1] / "arguments").read_text().splitlines()


@pytest.mark.parametrize("option", ["--bundle", "-b", "--bundle="])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "capabilities",
    [ALL, [*MISSING], ["CAP_SYS_RESOURCE"], ["CAP_CHOWN", "CAP_BPF"], ["CAP_BPF", "CAP_CHOWN"], ["CAP_CHOWN"], []],
    ids=["all", "only-missing", "one-missing", "last", "first", "none-missing", "empty"],
)
def test_a_bundle_loses_the_missing_ones_and_nothing_else(
    wrapper: Path, tmp_path: Path, option: str, indent: int | None, capabilities: list[str]
) -> None:
    bundle = tmp_path / "a bundle"
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(config(capabilities), indent=indent))
    words = [f"{option}{bundle}"] if option.endswith("=") else [option, str(bundle)]
    arguments = ["--root", "/r", "create", *words, "--pid-file", "/p", "id"]
    assert run(wrapper, *arguments) == arguments
    left = [name for name in capabilities if name not in MISSING]
    assert json.loads((bundle / "config.json").read_text()) == config(left)


def test_a_process_file_loses_them_too(wrapper: Path, tmp_path: Path) -> None:
    file = tmp_path / "process.json"
    file.write_text(json.dumps(config(ALL)["process"]))
    run(wrapper, "exec", "--process", str(file), "--detach", "id")
    assert json.loads(file.read_text()) == config([name for name in ALL if name not in MISSING])["process"]


def test_other_commands_are_handed_over(wrapper: Path) -> None:
    assert run(wrapper, "--version") == ["--version"]
    assert run(wrapper, "kill", "id with space", "9") == ["kill", "id with space", "9"]


def test_a_missing_bundle_is_runcs_to_complain_about(wrapper: Path, tmp_path: Path) -> None:
    assert run(wrapper, "create", "--bundle", f"{tmp_path}/none", "id")[0] == "create"
