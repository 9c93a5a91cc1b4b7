"""Which calls reach a service, told by the full name of what is called."""

import ast
import re

from sdcm.services import sdk_names

#: Names of helpers that call a cloud, whatever module holds them.
_HELPERS = {
    "KeyStore": "aws",
    "get_ssm_ami": "aws",
    "get_latest_scylla_release": "aws",
    "get_scylla_ami_versions": "aws",
    "get_branched_ami": "aws",
    "get_s3_scylla_repos_mapping": "aws",
    "get_scylla_gce_images_versions": "gce",
    "get_oci_config": "oci",
}
#: Calls that leave the machine, or read an account, though they name no label.
_NETWORK = re.compile(
    r"(?:requests|httpx)\.(?:get|post|put|patch|delete|head|options|request)"
    r"|requests\.Session|urllib\.request\.(?:urlopen|urlretrieve)|socket\.(?:create_connection|getaddrinfo|gethostbyname)"
    r"|http\.client\.HTTPS?Connection|cassandra\.cluster\.Cluster|kubernetes\.config\.\w+"
)
_PROGRAMS = {"docker", "podman", "kubectl", "kind", "helm", "aws", "gcloud", "az", "oci", "eksctl"}
_STARTERS = re.compile(
    r"(?:subprocess|process)\.(?:run|call|check_call|check_output|Popen|getoutput)|os\.(?:system|popen)"
)


def label_of(name: str) -> str:
    """Return the label of the service that a call by this full name reaches; empty where it reaches none."""
    if name.rpartition(".")[2] in _HELPERS:
        return _HELPERS[name.rpartition(".")[2]]
    return sdk_names.label_of(name)


def goes_elsewhere(call: ast.Call) -> bool:
    """Whether a call names an address of its own, so that it does not go to the cloud."""
    return any(keyword.arg in sdk_names.ELSEWHERE for keyword in call.keywords)


def reaches_out(name: str, call: ast.Call) -> bool:
    """Whether a call talks to a service, the network or an account as soon as it is made."""
    if _NETWORK.fullmatch(name):
        return True
    if _STARTERS.fullmatch(name):
        return bool(set(program(call)[:1]) & _PROGRAMS)
    return bool(label_of(name)) and not goes_elsewhere(call)


def program(call: ast.Call) -> list[str]:
    """Return the words of the command that a call runs, as far as they stand there; non-constants are left out."""
    if not call.args:
        return []
    first = call.args[0]
    if isinstance(first, (ast.List, ast.Tuple)):
        return [str(each.value) for each in first.elts if isinstance(each, ast.Constant)]
    pieces = first.values if isinstance(first, ast.JoinedStr) else [first]
    return " ".join(str(each.value) for each in pieces if isinstance(each, ast.Constant)).split()
