"""What a node that does nothing takes of the processors, with our clock for timeouts and with Cassandra's own.

A node that a test holds and does not use takes it from the tests beside it; those that nobody holds stand still.

    uv run python bench/idle.py [--rounds 5] [--seconds 10]
"""

import argparse
import os
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import docker
from booted import booted
from kept import kept
from measure import begin, interleaved, medians, save

_OURS, _DEFAULT = "ours", "clock of 2 ms"
#: Side -> arguments of Java.
_SIDES = {_OURS: [], _DEFAULT: ["-Dcassandra.approximate_time_precision_ms=2"]}
#: Seconds after the first login, in which a node still ends its boot.
_SETTLE = 6.0


def main() -> None:
    """Measure, print and write results/idle.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    facts = begin("idle", f"{2 * asked.rounds * (asked.seconds + _SETTLE + 6) / 60:.0f} minutes")
    with tempfile.TemporaryDirectory() as temporary, kept(Path(temporary), os.environ) as environment:
        reference = environment.client.ask("image", image="cassandra")["reference"]
        variables = environment.client.ask("wait", service="docker")["environ"]
        with closing(docker.DockerClient(base_url=variables["DOCKER_HOST"])) as engine:

            def idle(arguments: list[str]) -> float:
                with booted(engine, reference, arguments) as (container, _):
                    time.sleep(_SETTLE)
                    before, since = processor_seconds(container), time.perf_counter()
                    time.sleep(asked.seconds)
                    spent = processor_seconds(container) - before
                    return spent / (time.perf_counter() - since)

            taken = interleaved({side: partial(idle, arguments) for side, arguments in _SIDES.items()}, asked.rounds)
    median = medians(taken)
    claims = {
        "percent of a core, ours": round(100 * median[_OURS], 2),
        "percent of a core, clock of 2 ms": round(100 * median[_DEFAULT], 2),
        f"{_OURS} / {_DEFAULT}": round(median[_OURS] / median[_DEFAULT], 3),
    }
    save("idle", facts, taken, claims)


def processor_seconds(container: docker.models.containers.Container) -> float:
    """Return what the engine says that a container has taken of the processors since it started."""
    return float(container.stats(stream=False)["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


if __name__ == "__main__":
    main()
