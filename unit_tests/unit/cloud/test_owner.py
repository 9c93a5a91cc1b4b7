import re

from sdcm.cloud.owner import Owner


def test_tags_tell_the_owner_in_each_clouds_spelling(owner: Owner) -> None:
    assert owner.tags() == {
        "sct.run": "0badcafe",
        "sct.host": "Build-Host.example",
        "sct.created": "1700000000",
    }
    assert owner.tags("-")["sct-host"] == "build-host-example"
    for joint in (".", "-", "_"):
        found = Owner.from_tags(owner.tags(joint))
        assert found is not None
        assert (found.run_id, found.created) == ("0badcafe", 1_700_000_000)


def test_tags_of_others_are_nobodys() -> None:
    assert Owner.from_tags({}) is None
    assert Owner.from_tags({"Name": "web", "run": "1"}) is None
    assert Owner.from_tags({"sct.run": "0badcafe", "sct.created": "yesterday"}) is None


def test_names_fit_every_cloud_and_never_repeat(owner: Owner) -> None:
    names = {owner.new_name("Backups & Restores_of everything there is") for _ in range(50)}
    assert len(names) == 50
    for name in {*names, owner.new_name(""), owner.new_name("--")}:
        # S3: 3 to 63; Azure containers: no two dashes in a row; Google: no capital letters.
        assert re.fullmatch(r"sct-0badcafe-[a-z0-9]+(-[a-z0-9]+)*", name)
        assert len(name) <= 50
