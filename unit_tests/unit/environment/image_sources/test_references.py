import pytest

from sdcm.environment.image_sources.references import Reference

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("debian:12.11-slim", ("docker.io", "library/debian", "12.11-slim")),
        ("scylladb/scylla:2025.2.0", ("docker.io", "scylladb/scylla", "2025.2.0")),
        ("docker.io/scylladb/scylla:2025.2.0", ("docker.io", "scylladb/scylla", "2025.2.0")),
        ("quay.io/a/b/c:1", ("quay.io", "a/b/c", "1")),
        ("127.0.0.1:5000/a:1", ("127.0.0.1:5000", "a", "1")),
        ("localhost/a", ("localhost", "a", "latest")),
        (f"quay.io/a/b@{DIGEST}", ("quay.io", "a/b", DIGEST)),
        (f"a/b:1@{DIGEST}", ("docker.io", "a/b", DIGEST)),
        ("debian", ("docker.io", "library/debian", "latest")),
    ],
)
def test_a_reference_is_taken_apart(text: str, parts: tuple[str, str, str]) -> None:
    reference = Reference.parse(text)
    assert (reference.registry, reference.repository, reference.tag) == parts
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("mirror", "text", "expected"),
    [
        ("", "debian:1", "docker.io/library/debian:1"),
        ("mirror.lan:5000", "debian:1", "mirror.lan:5000/library/debian:1"),
        ("mirror.lan", "docker.io/scylladb/scylla:1", "mirror.lan/scylladb/scylla:1"),
        ("https://mirror.lan/hub/", "scylladb/scylla:1", "mirror.lan/hub/scylladb/scylla:1"),
        ("mirror.lan", "quay.io/a/b:1", "quay.io/a/b:1"),
        ("mirror.lan", f"a/b@{DIGEST}", f"mirror.lan/a/b@{DIGEST}"),
    ],
)
def test_a_mirror_has_docker_hubs_images_only(mirror: str, text: str, expected: str) -> None:
    assert str(Reference.parse(text).in_mirror({"SCT_IMAGE_REGISTRY": mirror})) == expected
