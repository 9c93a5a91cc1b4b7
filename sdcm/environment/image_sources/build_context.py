"""What the engine is sent to build an image from."""

import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from sdcm.environment.catalogue import Entry, folder_files, is_executable

#: Host's certificate authorities, in every context; build stages that download copy it in.
CERTIFICATES = "build-ca.crt"
#: Label on the last image of every build stage, so that `clean --images` finds it.
STAGE = "sct.stage"
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy")
_FROM = re.compile(rb"^\s*FROM\s", re.IGNORECASE)


def certificate_bundle(environ: Mapping[str, str]) -> bytes:
    """Return the host's certificate authorities as PEM, empty where none are found."""
    named = [environ[variable] for variable in _BUNDLE_VARIABLES if environ.get(variable)]
    for path in map(Path, [*named, *_BUNDLES]):
        try:
            return path.read_bytes()
        except OSError:
            continue
    return b""


def build_arguments(entry: Entry, references: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the build arguments: the entry's own, its needs' references, and the proxy variables.

    The proxy variables are predefined in every Dockerfile and stay out of the image's history.

    Args:
        entry: What is built.
        references: Build argument -> reference of the image it needs.
        environ: For the proxy variables.
    """
    proxies = {name: environ[name] for name in (*_PROXIES, *map(str.upper, _PROXIES)) if environ.get(name)}
    return proxies | dict(entry.args) | dict(references)


def label_stages(dockerfile: bytes, name: str) -> bytes:
    """Return the Dockerfile with a label at the end of every stage but the last, whose labels come with the build.

    At the end, so that it costs no cached step of the stage itself.
    """
    lines: list[bytes] = []
    stages, continued = 0, False
    for line in dockerfile.splitlines():
        if _FROM.match(line) and not continued:
            if stages:
                lines.append(f"LABEL {STAGE}={name}".encode())
            stages += 1
        continued = line.rstrip().endswith(b"\\")
        lines.append(line)
    return b"\n".join(lines) + b"\n"


def context(entry: Entry, certificates: bytes) -> io.BytesIO:
    """Return the build context as a tar archive; the same files give the same bytes.

    Args:
        entry: What is built; it has a folder.
        certificates: Content of `build-ca.crt`.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, path in folder_files(entry.folder) if entry.folder else ():
            if path.is_symlink():
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
                tar.addfile(member)
                continue
            content = path.read_bytes()
            _add(tar, name, label_stages(content, entry.name) if name == "Dockerfile" else content, is_executable(path))
        _add(tar, CERTIFICATES, certificates, executable=False)
    archive.seek(0)
    return archive


def _add(tar: tarfile.TarFile, name: str, content: bytes, executable: bool) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o755 if executable else 0o644
    tar.addfile(member, io.BytesIO(content))
