"""Images from archives in a folder, as `docker save` writes them: for machines that reach no registry."""

import contextlib
import json
import tarfile
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from sdcm.errors import EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint

#: Names the folder.
ARCHIVES_VARIABLE = "SCT_IMAGE_ARCHIVES"
_MANIFEST = "manifest.json"


class Archives:
    """The archives of a folder; safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, environ: Mapping[str, str]) -> None:
        """Look into the folder that `SCT_IMAGE_ARCHIVES` names; without it there is no archive."""
        self._endpoint = endpoint
        self._folder = environ.get(ARCHIVES_VARIABLE, "")
        self._turn = threading.Lock()
        self._loaded: set[Path] = set()

    def has(self, reference: str) -> bool:
        """Whether an archive holds an image of this reference."""
        return reference in self._found

    def load(self, reference: str, *, deadline: float, tell: Callable[[str], None]) -> bool:
        """Load the archive that holds an image, with all other images in it, once.

        Args:
            reference: The image.
            deadline: Seconds that the engine may be silent.
            tell: Told what is done.

        Returns:
            Whether there is such an archive.

        Raises:
            EnvironmentFailed: The engine does not take it.
        """
        archive = self._found.get(reference)
        if archive is None:
            return False
        with self._turn:
            if archive not in self._loaded:
                tell(f"loading {reference} from {archive} ({archive.stat().st_size / 1e6:.0f} MB)")
                self._send(archive, deadline)
                self._loaded.add(archive)
        return True

    @cached_property
    def _found(self) -> dict[str, Path]:
        """Reference -> archive."""
        if not self._folder:
            return {}
        return {name: file for file in sorted(Path(self._folder).glob("*.tar")) for name in references_in(file)}

    def _send(self, archive: Path, deadline: float) -> None:
        import docker.errors
        from requests.exceptions import RequestException

        try:
            with archive.open("rb") as content, contextlib.closing(self._endpoint.client(timeout=deadline)) as client:
                api: Any = client.api
                for event in api.load_image(content, quiet=True) or ():
                    if event.get("error"):
                        raise docker.errors.APIError(str(event["error"]))
        except (docker.errors.DockerException, RequestException, OSError) as exc:
            raise EnvironmentFailed(f"the engine does not take the images in {archive}", why=str(exc)) from exc


def references_in(archive: Path) -> list[str]:
    """Return the references of the images in an archive.

    Raises:
        EnvironmentFailed: It is none that `docker save` has written.
    """
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile(_MANIFEST)
            images = json.loads(member.read()) if member else []
        return [tag for image in images for tag in image.get("RepoTags") or []]
    except (OSError, tarfile.TarError, KeyError, ValueError) as exc:
        raise EnvironmentFailed(
            f"{archive} holds no images",
            why=str(exc),
            mend=f"docker save REFERENCE -o {archive}, or another {ARCHIVES_VARIABLE}",
        ) from exc
