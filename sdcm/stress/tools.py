"""Which class runs which command."""

import importlib
import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from sdcm.stress.thread import DockerBasedStressThread

#: Program -> module and class.
_CLASSES = {
    "cassandra-stress": ("cassandra_stress", "CassandraStressThread"),
    "cql-stress-cassandra-stress": ("cql_stress", "CqlStressCassandraStressThread"),
    "latte": ("latte", "LatteStressThread"),
    "ycsb": ("ycsb", "YcsbStressThread"),
    "ycsb.sh": ("ycsb", "YcsbStressThread"),
    "scylla-bench": ("scylla_bench", "ScyllaBenchThread"),
    "gemini": ("gemini", "GeminiStressThread"),
    "ndbench": ("ndbench", "NdBenchStressThread"),
    "nosqlbench": ("nosqlbench", "NoSQLBenchStressThread"),
    "run-stress": ("harry", "CassandraHarryThread"),
    "cassandra-harry": ("harry", "CassandraHarryThread"),
}


def thread_class(stress_cmd: str) -> "type[DockerBasedStressThread]":
    """Return the class for a command, by its first word.

    Raises:
        UsageProblem: No tool is called that.
    """
    words = shlex.split(stress_cmd)
    program = PurePosixPath(words[0]).name if words else ""
    if program not in _CLASSES:
        raise UsageProblem(f"no stress tool is called {program!r}", why=f"there are {', '.join(_CLASSES)}")
    module, name = _CLASSES[program]
    found: type[DockerBasedStressThread] = getattr(importlib.import_module(f"sdcm.stress.{module}"), name)
    return found
