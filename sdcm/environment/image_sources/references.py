"""Names of images: taken apart, and looked for in another registry where the user wants that."""

from collections.abc import Mapping
from dataclasses import dataclass

#: A registry (with an optional path) that has Docker Hub's images; references to other registries are left alone.
REGISTRY_VARIABLE = "SCT_IMAGE_REGISTRY"
DOCKER_HUB = "docker.io"


@dataclass(frozen=True)
class Reference:
    """An image reference in its parts.

    Attributes:
        registry: `docker.io` unless another is named.
        repository: Path within the registry; official images of Docker Hub have `library/` before their name.
        tag: Tag, or a digest (`sha256:...`).
    """

    registry: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Take a reference such as `scylladb/scylla:2025.2.0` apart; no tag means `latest`."""
        first, slash, rest = text.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            registry, path = first, rest
        else:
            registry, path = DOCKER_HUB, text
        if "@" in path:
            repository, _, tag = path.partition("@")
            repository = _without_tag(repository)[0]
        else:
            repository, tag = _without_tag(path)
        if registry == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        return cls(registry, repository, tag or "latest")

    @property
    def name(self) -> str:
        """The reference without its tag."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        """Return the whole reference, registry included."""
        return f"{self.name}{'@' if self.is_digest else ':'}{self.tag}"

    @property
    def is_digest(self) -> bool:
        """Whether the tag is a digest."""
        return self.tag.startswith("sha256:")

    def in_mirror(self, environ: Mapping[str, str]) -> "Reference":
        """Return where to pull it from: the user's mirror for an image of Docker Hub, else itself."""
        mirror = environ.get(REGISTRY_VARIABLE, "").strip().strip("/").removeprefix("https://")
        if not mirror or self.registry != DOCKER_HUB:
            return self
        registry, _, path = mirror.partition("/")
        return Reference(registry, f"{path}/{self.repository}" if path else self.repository, self.tag)


def _without_tag(path: str) -> tuple[str, str]:
    folder, slash, last = path.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}{slash}{name}", tag
