"""Each break of the chain trips one rule, which names it."""

from dataclasses import replace

import pytest

from tests.fakes.lake import TOPIC, TOPIC_ID, FakeLake, segment
from tests.transforms.lake.verify.lakes import OWNER, broken
from transforms.errors import LakeMismatchError
from transforms.lake.verify import verify_lake


class TestChain:
    def test_a_deleted_genesis_is_named(self, lake):
        lake.store.plant(OWNER.commit_key(0), None)
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"genesis-missing": 1}
        assert report.places[0].key == OWNER.commit_key(0)

    def test_a_topic_without_the_chain_of_partition_0_has_no_genesis(self, lake):
        for seq in range(4):
            lake.store.plant(OWNER.commit_key(seq), None)
        assert broken(lake) == {"genesis-missing": 1}

    def test_a_genesis_that_contradicts_the_table_of_starts_is_named(self):
        made = FakeLake({0: 0, 1: 50})
        made.change(0, lambda c: replace(c, genesis={"how": "x", "starts": {"0": 0, "1": 49}}))
        assert broken(made) == {"genesis-start": 1}

    def test_a_genesis_without_table_is_named(self):
        made = FakeLake()
        made.change(0, lambda c: replace(c, genesis={"how": "x"}))
        assert broken(made) == {"genesis": 1}

    def test_a_second_genesis_in_the_middle_is_named(self, lake):
        lake.change(2, lambda c: replace(c, genesis={"how": "x"}))
        assert broken(lake) == {"genesis": 1}

    def test_a_missing_number_is_a_hole(self, lake):
        lake.store.plant(OWNER.commit_key(2), None)
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"hole": 1}
        assert (report.places[0].chain, report.places[0].seq) == (str(OWNER), 2)

    def test_a_wrong_prev_is_named(self, lake):
        lake.change(3, lambda c: replace(c, prev="0" * 64))
        assert broken(lake) == {"prev": 1}

    def test_a_changed_commit_is_noticed_by_the_next_one(self, lake):
        changed = replace(lake.commit(2), writer="another")
        lake.store.plant(OWNER.commit_key(2), changed.to_bytes())
        assert broken(lake) == {"prev": 1}

    def test_a_hole_between_ranges_is_named(self):
        made = FakeLake()
        made.write(segment(0, 10), segment(10, 20))
        made.change(1, lambda c: replace(c, start=0, end=9))
        assert "start" in broken(made)

    @pytest.mark.parametrize(("end", "kind"), [(5, "hole"), (15, "overlap")])
    def test_empty_ranges_that_do_not_adjoin_are_named(self, end, kind):
        made = FakeLake()
        made.write(segment(0, 10, holes=range(10)), segment(10, 20))
        made.change(1, lambda c: replace(c, end=end))
        report = verify_lake(made.store)
        assert dict(report.breaches) == {"start": 1}
        assert report.places[0].what.startswith(kind)

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ({"lake_id": "lake-2"}, "lake-id"),
            ({"cluster_id": "cluster-2"}, "cluster-id"),
        ],
    )
    def test_a_commit_of_another_lake_or_cluster_is_named(self, lake, change, rule):
        lake.write(segment(60, 70, holes=range(60, 70)))
        lake.change(4, lambda c: replace(c, **change))
        assert broken(lake) == {rule: 1}

    @pytest.mark.parametrize("change", [{"topic": "other"}, {"partition": 7}, {"seq": 9}])
    def test_a_commit_of_another_place_is_named(self, lake, change):
        lake.write(segment(60, 70, holes=range(60, 70)))
        lake.change(4, lambda c: replace(c, **change))
        assert broken(lake) == {"owner": 1}

    @pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"format":99}', b"\xff"])
    def test_a_commit_that_can_not_be_read_is_named(self, lake, body):
        lake.store.plant(OWNER.commit_key(3), body)
        assert broken(lake) == {"commit-unreadable": 1}

    def test_a_commit_in_other_bytes_is_named(self, lake):
        lake.store.plant(OWNER.commit_key(3), lake.commit(3).to_bytes() + b" ")
        assert broken(lake) == {"commit-unreadable": 1}

    @pytest.mark.parametrize(
        "key",
        [
            "_commits/note.txt",
            f"_commits/{TOPIC}/{TOPIC_ID}/0/4.json",
            f"_commits/{TOPIC}/{TOPIC_ID}/00/{1:020d}.json",
            f"_commits/{TOPIC}/{TOPIC_ID}/x/{1:020d}.json",
            f"_commits/{TOPIC}/a/b/0/{0:020d}.json",
        ],
    )
    def test_a_foreign_key_among_the_commits_is_named(self, lake, key):
        lake.store.plant(key, b"{}")
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"foreign-key": 1}
        assert report.places[0].key == key

    def test_a_lake_without_manifest_is_broken(self, lake):
        lake.store.plant("_lake.json", None)
        assert broken(lake) == {"manifest": 1}

    def test_an_empty_prefix_is_no_lake(self, lake):
        with pytest.raises(LakeMismatchError):
            verify_lake(lake.bucket.store("s3://bucket/other"))
