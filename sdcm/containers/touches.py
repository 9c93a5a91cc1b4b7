"""Which commands run in a node leave it as it was, as far as anything but its data goes.

The engine's events tell of every command that was run in a container. A node that only saw commands of this list can
be given to another test once its data is reset; after any other it is thrown away.
"""

import re

_PREFIX = "exec_create: "
_READ_ONLY_NODETOOL = frozenset(
    {
        "clientstats",
        "compactionhistory",
        "compactionstats",
        "datapaths",
        "describecluster",
        "describering",
        "failuredetector",
        "getcompactionthreshold",
        "getcompactionthroughput",
        "getconcurrency",
        "getendpoints",
        "getlogginglevels",
        "getsstables",
        "getstreamthroughput",
        "gettimeout",
        "gossipinfo",
        "help",
        "info",
        "netstats",
        "proxyhistograms",
        "rangekeysample",
        "ring",
        "status",
        "statusbackup",
        "statusbinary",
        "statusgossip",
        "statushandoff",
        "tablehistograms",
        "tablestats",
        "tpstats",
        "version",
    }
)
#: Statements of cqlsh itself that write files or run them.
_FILES_IN_CQLSH = re.compile(r"\b(COPY|CAPTURE|SOURCE|SAVE)\b", re.IGNORECASE)
_OPTION_WITH_VALUE = frozenset({"-h", "--host", "-p", "--port", "-u", "--username", "-pw", "--password"})


def leaves_node_clean(action: str) -> bool:
    """Whether a container's event is a command that changes nothing but data.

    Args:
        action: The event's action, `exec_create: timeout -k 2 120 nodetool status` for example. Other events of
            the same command (`exec_start: ...`, `exec_die`) say nothing new and count as clean.
    """
    if action.startswith(("exec_start", "exec_die")):
        return True
    if not action.startswith(_PREFIX):
        return False
    command = action.removeprefix(_PREFIX)
    # The engine joins the arguments with blanks, so where they end is not known; the program and the options before
    # any text of a test are.
    words = command.split()
    if words[:2] == ["timeout", "-k"]:
        words = words[4:]
    if not words:
        return False
    if words[0] == "cqlsh":
        return not _FILES_IN_CQLSH.search(command)
    return words[0] == "nodetool" and _nodetool_command(words[1:]) in _READ_ONLY_NODETOOL


def _nodetool_command(words: list[str]) -> str:
    rest = iter(words)
    for word in rest:
        if word in _OPTION_WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return "help"
