from sdcm.broker.leases import Leases


def test_a_lease_ends_once():
    ended = []
    leases = Leases()
    lease = leases.grant("gw0", "node-1", "test", lambda: ended.append("node-1"))
    leases.end(lease.number)
    leases.end(lease.number)
    assert ended == ["node-1"]


def test_a_worker_that_leaves_loses_its_own_leases_the_latest_first():
    ended = []
    leases = Leases()
    for worker, what in (("gw0", "first"), ("gw1", "other"), ("gw0", "second")):
        leases.grant(worker, what, "test", lambda what=what: ended.append(what))
    leases.end_all_of("gw0")
    assert ended == ["second", "first"]
    assert [lease.what for lease in leases.all()] == ["other"]
