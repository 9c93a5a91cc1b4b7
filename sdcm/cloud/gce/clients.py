"""Google's credentials and clients."""

import os
from pathlib import Path
from typing import Any

from sdcm.errors import ServiceUnavailable

#: What a token is asked for.
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
#: Seconds for one request.
REQUEST_SECONDS = 30.0
EXTRA = "pip install 'sct-runner[gce]'"


def credentials_file() -> str:
    """Return the absolute path of the key file that the environment names."""
    value = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    return str(Path(value).expanduser().absolute()) if value else ""


def emulator() -> str:
    """Return the address that stands in for Google's storage, empty for Google's own."""
    return os.environ.get("STORAGE_EMULATOR_HOST", "")


def load_credentials(file: str) -> tuple[Any, str]:
    """Read a key file.

    Returns:
        Credentials, and the project that the file, else the environment, names.

    Raises:
        ServiceUnavailable: Google's libraries are not installed.
        google.auth.exceptions.GoogleAuthError: It holds no credentials.
    """
    try:
        import google.auth
    except ImportError as exc:
        raise ServiceUnavailable("gce: google-auth is not installed", mend=EXTRA) from exc
    found, project = google.auth.load_credentials_from_file(file, scopes=[SCOPE])
    return found, str(os.environ.get("GOOGLE_CLOUD_PROJECT") or project or "")


def storage(file: str, project: str, endpoint: str = "") -> Any:
    """Return a client of Google Cloud Storage.

    Args:
        file: The key file.
        project: Whose buckets.
        endpoint: Address of what stands in for Google's storage, empty for its own.

    Raises:
        ServiceUnavailable: Its library is not installed.
    """
    try:
        from google.cloud import storage as library
    except ImportError as exc:
        raise ServiceUnavailable("gce: google-cloud-storage is not installed", mend=EXTRA) from exc
    credentials, found = load_credentials(file)
    options = {"api_endpoint": endpoint} if endpoint else None
    return library.Client(project=project or found or None, credentials=credentials, client_options=options)
