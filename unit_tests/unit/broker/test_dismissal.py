from sdcm.broker.dismissal import Dismissal


def test_a_service_stays_until_all_that_was_made_on_it_is_gone():
    gone = []
    dismissal = Dismissal(gone.append, is_watched=lambda _: False)
    dismissal.use("kubernetes")
    dismissal.use("kubernetes")
    dismissal.used("kubernetes")
    dismissal.unneeded("kubernetes")
    assert gone == []
    dismissal.used("kubernetes")
    assert gone == ["kubernetes"]


def test_it_goes_once_and_no_other_goes_with_it():
    gone = []
    dismissal = Dismissal(gone.append, is_watched=lambda _: False)
    dismissal.use("docker")
    dismissal.unneeded("kubernetes")
    dismissal.unneeded("kubernetes")
    dismissal.look()
    assert gone == ["kubernetes"]


def test_what_is_needed_stays_however_little_it_is_used():
    gone = []
    dismissal = Dismissal(gone.append, is_watched=lambda _: False)
    dismissal.use("kubernetes")
    dismissal.used("kubernetes")
    dismissal.look()
    assert gone == []
