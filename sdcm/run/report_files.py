"""Writes a run's reports from its journal: by the runner, and for a runner that was killed by whoever survives it.

Where they go is written down at the run's start, so that the broker at its end, a later run or `sct.py report` can do
the same from the run's state directory alone.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm import journal as journals
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.evidence.folder import PLACES_FILE, reports_folder
from sdcm.paths import Paths
from sdcm.process_identity import ProcessIdentity, identify, is_alive, is_judgeable
from sdcm.program import as_typed
from sdcm.services import selected

if TYPE_CHECKING:
    from sdcm.reporters.following import FollowedJournal
    from sdcm.reporters.outcome import RunResult

#: The selection that a run's start makes; where its reports go is in `PLACES_FILE`.
SELECTION_FILE = "selection.json"
#: Characters at a journal's end in which its last record is looked for.
_TAIL = 4096


def settle(state: Path, folder: Path, junit_xml: Path | None, project: Path | None = None) -> None:
    """Write down where a run's reports go, and whose run it is.

    Args:
        state: The run's state directory.
        folder: Folder of its reports.
        junit_xml: A further place for JUnit.
        project: The project whose tests run; projects of one user share the place of runs.
    """
    places = {
        "folder": str(folder.absolute()),
        "junit_xml": str(junit_xml.absolute()) if junit_xml else "",
        "project": str(project or ""),
        "owner": identify().to_record(),
    }
    (state / PLACES_FILE).write_text(json.dumps(places))


def folder_of(state: Path) -> Path:
    """Return where the reports of a run go."""
    return reports_folder(state)


def find(places: Paths, run: str = "", project: Path | None = None) -> Path:
    """Return the state directory of a run.

    Args:
        places: Base directories.
        run: Its id; the run that began last when empty.
        project: Without an id, this project's last run, where it has one.

    Raises:
        UsageProblem: There is no such run.
    """
    known = [state for state in places.runs.iterdir() if (state / PLACES_FILE).exists()] if places.runs.is_dir() else []
    known.sort(key=lambda state: (state / PLACES_FILE).stat().st_mtime)
    own = [state for state in known if project and _places(state).get("project") == str(project)]
    found = [state for state in known if state.name == run] if run else (own or known)[-1:]
    if not found:
        newest = ", ".join(state.name for state in known[:-6:-1])
        raise UsageProblem(
            f"no run {run}".strip() + f" in {places.runs}",
            why=f"the last are {newest}" if newest else "there is none yet",
        )
    return found[0]


def given(journal: Path) -> Path:
    """Return a journal that somebody names, once it is known to be one.

    Args:
        journal: The file.

    Raises:
        UsageProblem: It cannot be read, or tells of no run.
    """
    try:
        first = next(journals.read(journal), None)
    except OSError as exc:
        raise UsageProblem(f"{journal} cannot be read", why=exc.strerror or str(exc)) from exc
    if first is None:
        raise UsageProblem(
            f"{journal} is no journal", why="no record of a run is in it", mend=f"name a run's {journals.FILE_NAME}"
        )
    return journal


def write_all(state: Path, followed: "FollowedJournal | None" = None) -> "RunResult":
    """Write the reports of a run that is over: what `write` writes, and the HTML page.

    Args:
        state: The run's state directory.
        followed: Its journal, where that was read before: only what is new is read then.

    Raises:
        EnvironmentFailed: They cannot be written where they go.
    """
    from sdcm.reporters import html

    journal = followed or follow(state)
    result = journal.result()
    _write(result, state)
    with _told(state):
        html.write_html(result, journal.timeline(), folder_of(state) / html.FILE_NAME)
    return result


@contextmanager
def _told(state: Path) -> Iterator[None]:
    """Tell in one line that there is no room, or no such folder any more."""
    try:
        yield
    except OSError as exc:
        raise EnvironmentFailed(
            "the run's reports cannot be written",
            why=f"{exc.filename or folder_of(state)}: {exc.strerror or exc}",
            mend=as_typed(f"df -h; `sct.py report {state.name}` reads the run's journal"),
        ) from exc


def write_page(result: "RunResult", journal: Path, path: Path) -> None:
    """Write the HTML page of a run.

    Args:
        result: How it went.
        journal: Its journal, for what ran when.
        path: The page's file.
    """
    from sdcm.reporters.html import write_html
    from sdcm.reporters.timeline import Timeline

    write_html(result, Timeline.from_journal(journals.read(journal)), path)


def write(state: Path) -> "RunResult":
    """Write JUnit and the summary from the journal, as far as the run has come.

    Args:
        state: The run's state directory.

    Raises:
        EnvironmentFailed: They cannot be written where they go.
    """
    result = read(state)
    _write(result, state)
    return result


def _write(result: "RunResult", state: Path) -> None:
    extra = _places(state).get("junit_xml")
    with _told(state):
        put(result, folder_of(state), Path(str(extra)) if extra else None)


def put(
    result: "RunResult", folder: Path, junit_xml: Path | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Write JUnit and the summary of a run into a folder, which is made.

    Args:
        result: How it went.
        folder: The folder.
        junit_xml: A further place for JUnit.
        environ: Tells which CI system JUnit is for; this process's own when omitted.

    Raises:
        OSError: They cannot be written there.
    """
    from sdcm.reporters.junit import write_junit
    from sdcm.reporters.summary import summary_record

    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / "junit.xml", junit_xml):
        if path is not None:
            write_junit(result, path, environ)
    (folder / "summary.json").write_text(json.dumps(summary_record(result, folder), indent=2))


def follow(state: Path) -> "FollowedJournal":
    """Return the journal of a run, to be read while the run goes on."""
    from sdcm.reporters.following import FollowedJournal

    journal = state / journals.FILE_NAME
    return FollowedJournal(journal, lambda: _selection(journal))


def read(state: Path) -> "RunResult":
    """Return how a run went, as far as it has come.

    Args:
        state: Its state directory.
    """
    return read_journal(state / journals.FILE_NAME)


def read_journal(journal: Path) -> "RunResult":
    """Return how the run of a journal went; what lies beside it tells more, and may be missing."""
    from sdcm.reporters.outcome import RunResult

    return RunResult.from_file(journal, _selection(journal))


def _selection(journal: Path) -> tuple[selected.SelectedTest, ...]:
    try:
        return selected.read(journal.parent / SELECTION_FILE)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def write_for_dead(state: Path) -> bool:
    """Write the reports of a run whose runner died before it could; nothing for any other run.

    Returns:
        Whether they were written.
    """
    places = _places(state)
    if not places or _has_ended(state / journals.FILE_NAME):
        return False
    owner = ProcessIdentity.from_record(places["owner"])
    if not is_judgeable(owner) or is_alive(owner):
        return False
    write_all(state)
    return True


def write_for_all_dead(places: Paths, journal: Path | None = None) -> None:
    """Write what killed runs could not, each once; the folders of the last runs are looked through.

    Args:
        places: Base directories.
        journal: The journal of the run that does it, which tells of those that cannot be written.
    """
    for state in places.runs.iterdir() if places.runs.is_dir() else ():
        done = state / f"{PLACES_FILE}.done"
        try:
            if not done.exists() and write_for_dead(state):
                done.touch()
        except Exception as exc:  # noqa: BLE001 - whatever an old run has left must not disturb this one
            if journal is not None:
                with suppress(OSError), closing(journals.Journal(journal)) as told:
                    told.write("reports-lost", name=state.name, reason=str(exc) or repr(exc))


def _places(state: Path) -> dict[str, Any]:
    try:
        places = json.loads((state / PLACES_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return places if isinstance(places, dict) else {}


def _has_ended(journal: Path) -> bool:
    try:
        with journal.open("rb") as file:
            file.seek(max(0, journal.stat().st_size - _TAIL))
            last = (journals.parse(line) for line in file.read().splitlines())
            return any(record is not None and record["event"] == "run-end" for record in last)
    except OSError:
        return True
