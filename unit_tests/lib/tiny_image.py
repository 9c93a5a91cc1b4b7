"""An image of a few megabytes made of this machine's own programs, for tests that need any container at all."""

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from sdcm.ownership.docker_endpoint import Endpoint

REFERENCE = "sct-test/tiny:1"
_PROGRAMS = ("sh", "sleep", "true", "cat", "grep")


def import_tiny_image(endpoint: Endpoint, reference: str = REFERENCE) -> str:
    """Import an image with a few programs and what they link to, unless it is there; return its reference.

    Imported anew it would be another image each time, and the one before would stay without a name.
    """
    if endpoint.call("GET", f"/images/{reference}/json")[0] == 200:
        return reference
    repository, _, tag = reference.rpartition(":")
    client = endpoint.client()
    try:
        client.api.import_image_from_data(_archive(), repository=repository, tag=tag)
    finally:
        client.close()
    return reference


def _archive() -> bytes:
    files = {f"bin/{name}": Path(path).resolve() for name in _PROGRAMS if (path := shutil.which(name))}
    for program in list(files.values()):
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            files[library.lstrip("/")] = Path(library).resolve()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()
