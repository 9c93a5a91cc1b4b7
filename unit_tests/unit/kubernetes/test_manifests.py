"""What apply accepts."""

from pathlib import Path

import pytest

from sdcm.errors import UsageProblem
from sdcm.kubernetes.manifests import read

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${NAME}\nspec: {args: [$HOME]}\n"


def test_a_file_with_values(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    for source in (file, str(file)):
        (pod,) = read(source, {"NAME": "db"})
        assert pod["metadata"]["name"] == "db"
        assert pod["spec"]["args"] == ["$HOME"]


def test_text_of_several_documents_what_others_need_first() -> None:
    text = "\n---\n".join(
        f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {kind.lower()}}}"
        for kind in ("Pod", "CustomResourceDefinition", "Service", "Namespace")
    )
    assert [item["kind"] for item in read(f"---\n{text}\n---\n")] == [
        "Namespace", "CustomResourceDefinition", "Pod", "Service"
    ]  # fmt: skip


def test_lists_are_opened() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    assert read({"apiVersion": "v1", "kind": "List", "items": [pod]}) == [pod]
    assert read([pod, pod]) == [pod, pod]


def test_a_shells_variables_stay_without_values() -> None:
    (pod,) = read(POD)
    assert pod["metadata"]["name"] == "${NAME}"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("absent.yaml", "the manifest absent.yaml cannot be read", id="no file"),
        pytest.param("a: b: c", "is no YAML", id="no yaml"),
        pytest.param("kind: Pod\nmetadata: {name: p}", "is no Kubernetes object", id="no version"),
        pytest.param("- 1\n- 2\n", "is no Kubernetes object", id="no mapping"),
        pytest.param("# nothing\n", "holds no object", id="empty"),
    ],
)
def test_what_is_no_manifest(source: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        read(source)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(UsageProblem, match=r"asks for \$\{NAME\}, which has no value"):
        read(POD, {"OTHER": "x"})
