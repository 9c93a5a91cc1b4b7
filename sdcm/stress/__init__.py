"""Stress tools: command -> container on the run's network -> live metrics -> parsed result -> events.

`thread.DockerBasedStressThread` is that path; one file a tool states what differs. A test says it in a few lines:

    def test_load(docker_scylla, stress):
        summary = stress("latte run -d 10s -f write workload.rn").summary()
        assert summary.number("op rate") > 1000
"""
