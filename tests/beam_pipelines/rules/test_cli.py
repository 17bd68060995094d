"""``python -m beam_pipelines.rules`` on files and on a lake in memory."""

import json
from collections import Counter

import pytest

from beam_pipelines.rules import cli
from tests.beam_pipelines.rules.pharmacy_lake import DRUGS, EVENTS, ROOT, commit, drugs, events
from tests.fakes.object_store import FakeBucket
from transforms.references import loading

RULES = """\
references:
  drug:
    dataset: drug_ref
    key: ndc11
    lookup: {dispense_event: ndc11(ndc)}
rules:
  - id: R02
    version: 3
    dataset: dispense_event
    severity: error
    field: days_supply
    expect: days_supply <= 30
    message: "[Too] long"
    owner: sales
    from: 2026-01-01
  - {id: R03, version: 1, dataset: dispense_event, severity: warn, field: ndc,
     expect: drug.package_size > 0 AND drug.ndc11 IS NOT NULL, message: Unknown, owner: sales}
  - {id: F01, version: 1, dataset: dispense_event, severity: alert, field: rx_number,
     expect: CAST(rx_number || 'x' AS INTEGER) > 0, message: Never, owner: sales}
"""

#: The lake holds patients' links, but it doesn't tell the key that made them.
LINKED_REFERENCE = """\
  patient:
    dataset: patient_update
    key: patient_link
    effective: effective_at
    lookup: {dispense_event: {entity: patient, of: [patient_id]}}
"""
LINKED_RULE = """\
  - {id: A01, version: 1, dataset: dispense_event, severity: alert, field: patient_id,
     expect: patient.op <> 'DECEASED', message: Dead, owner: sales}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


@pytest.fixture
def faulty(tmp_path):
    path = tmp_path / "faulty.yaml"
    path.write_text(RULES.replace("days_supply <= 30", "days <= 30"), encoding="utf-8")
    return str(path)


@pytest.fixture
def lake(monkeypatch):
    made = FakeBucket()
    for module in (cli, loading):
        monkeypatch.setattr(module, "ObjectStore", lambda root, _settings: made.store(root))
    commit(made, DRUGS, drugs(["00000000000"]))
    commit(made, EVENTS, events())
    return made


def run(capsys, *argv):
    code = cli.main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


class TestCheck:
    def test_a_right_file_is_correct(self, file, capsys):
        code, out, _ = run(capsys, "check", file)
        assert (code, out) == (
            0,
            f"{file}: correct; rules: 3 on dispense_event, looking up drug\n",
        )

    def test_each_fault_is_a_line(self, faulty, capsys):
        code, out, err = run(capsys, "check", faulty)
        assert (code, err) == (1, "")
        assert out.startswith(f"{faulty}:12: rule R02: ")
        assert out.count("\n") == 1

    def test_json_holds_the_faults(self, faulty, capsys):
        code, out, _ = run(capsys, "check", faulty, "--format", "json")
        (fault,) = json.loads(out)["faults"]
        assert (code, fault["line"], fault["rule"]) == (1, 12, "R02")

    def test_files_are_checked_together(self, file, capsys):
        code, out, _ = run(capsys, "check", file, file)
        assert code == 1
        assert out.count("stands at") == 3

    def test_a_missing_file_is_one_line(self, capsys):
        code, out, err = run(capsys, "check", "/nowhere.yaml")
        assert (code, out, err.count("\n")) == (2, "", 1)

    @pytest.mark.parametrize("argv", [(), ("check",), ("try", "f"), ("explain", "f", "--x", "1")])
    def test_wrong_flags_are_one_line(self, argv, capsys):
        code, out, err = run(capsys, *argv)
        assert (code, out, err.count("\n")) == (2, "", 1)


class TestExplain:
    def test_json_tells_all_of_each_rule(self, file, capsys):
        code, out, _ = run(capsys, "explain", file, "--format", "json")
        rules = {each["id"]: each for each in json.loads(out)["rules"]}
        assert code == 0
        assert rules["R02"]["counts"] == "from 2026-01-01"
        assert rules["R02"]["then"] == "becomes a dead letter"
        assert rules["R02"]["references"] == {}
        assert rules["R03"]["references"] == {
            "drug": {"dataset": "drug_ref", "columns": ["ndc11", "package_size"]}
        }

    def test_the_table_shows_words_as_they_are(self, file, capsys):
        code, out, _ = run(capsys, "explain", file)
        assert code == 0
        assert "[Too] long" in out
        assert "drug (ndc11, package_size)" in " ".join(out.split())

    def test_limits_of_the_warehouses_columns_are_told_by_the_jobs_configuration(
        self, file, capsys
    ):
        code, out, _ = run(capsys, "explain", file, "--limits", "package:", "--format", "json")
        rules = {each["id"]: each for each in json.loads(out)["rules"]}
        told = rules["DDL.dispense_event.tenant_id"]
        assert (code, told["then"]) == (0, "becomes a dead letter")
        assert told["expect"] == "at most 64 bytes, without the character U+0000"
        assert "declare more in datasets.dispense_event.lengths" in told["trips"]
        assert set(rules["R02"]) == set(told)
        code, out, _ = run(capsys, "explain", file, "--limits", "package:")
        assert (code, "DDL.dispense_event.tenant_id " in out) == (0, True)

    def test_a_faulty_file_is_refused(self, faulty, capsys):
        code, out, err = run(capsys, "explain", faulty)
        assert (code, out) == (2, "")
        assert "faulty.yaml:12: rule R02" in err


class TestTry:
    def trials(self, capsys, file, *flags):
        argv = ("try", file, "--lake_root", ROOT, "--format", "json", *flags)
        code, out, err = run(capsys, *argv)
        assert (code, err) == (0, "")
        return {each["id"]: each for each in json.loads(out)["trials"]}

    def test_it_counts_by_source_system_and_names_messages(self, file, lake, capsys):
        rows = events().rows["dispense_event"].to_pylist()
        tripped = [row for row in rows if row["days_supply"] > 30]
        trial = self.trials(capsys, file)["R02"]
        sources = Counter(
            "rxhub" if row["source_system"] == "rxhub" else "other" for row in tripped
        )
        assert trial["trips"] == sources
        assert (trial["rows"], trial["fails"]) == (len(rows), 0)
        assert len(trial["places"]) == 5
        offsets = {row["_offset"] for row in tripped}
        assert all(
            topic == EVENTS.topic and number == 0 and offset in offsets
            for topic, number, offset in trial["places"]
        )

    def test_references_are_those_of_the_lake(self, file, lake, capsys):
        trial = self.trials(capsys, file, "--rule", "R03")["R03"]
        assert sum(trial["trips"].values()) == trial["rows"] == 400

    def test_rows_on_which_a_rule_fails_are_told(self, file, lake, capsys):
        trial = self.trials(capsys, file, "--rule", "F01")["F01"]
        assert (trial["fails"], trial["trips"]) == (400, {})

    def test_only_the_rules_that_are_asked_for_are_tried(self, file, lake, capsys):
        assert set(self.trials(capsys, file, "--rule", "R02", "--dataset", "dispense_event")) == {
            "R02"
        }
        code, _, err = run(capsys, "try", file, "--lake_root", ROOT, "--rule", "R99")
        assert (code, err.count("\n")) == (2, 1)

    def test_a_sample_reads_some_files(self, file, lake, capsys):
        some = self.trials(capsys, file, "--sample", "0.5")["R02"]["rows"]
        again = self.trials(capsys, file, "--sample", "0.5")["R02"]["rows"]
        assert some == again <= 400
        assert self.trials(capsys, file, "--sample", "0.0000001")["R02"]["rows"] == 0

    @pytest.mark.parametrize("share", ["0", "1.1", "nan"])
    def test_a_sample_out_of_range_is_refused(self, share, file, lake, capsys):
        code, _, err = run(capsys, "try", file, "--lake_root", ROOT, "--sample", share)
        assert (code, err.count("\n")) == (2, 1)

    def test_nothing_is_written(self, file, lake, capsys):
        before = dict(lake.objects)
        self.trials(capsys, file)
        assert lake.objects == before

    def test_rules_over_masked_columns_are_not_tried(self, file, lake, capsys):
        body = json.loads(lake.store().get("_lake.json"))
        lake.store().plant("_lake.json", json.dumps({**body, "policy": "pseudonymised"}).encode())
        trial = self.trials(capsys, file)["F01"]
        assert "rx_number, which is no column" in trial["untried"]
        code, out, _ = run(capsys, "try", file, "--lake_root", ROOT)
        assert code == 0
        assert "F01 can't be tried" in out

    def test_rules_over_links_are_not_tried_and_the_others_are(self, lake, capsys, tmp_path):
        path = tmp_path / "linked.yaml"
        path.write_text(
            RULES.replace("rules:\n", LINKED_REFERENCE + "rules:\n") + LINKED_RULE, encoding="utf-8"
        )
        trials = self.trials(capsys, str(path))
        assert "patient_link, which patient_update lacks" in trials["A01"]["untried"]
        assert trials["R03"]["rows"] == 400

    def test_the_table_shows_no_value(self, file, lake, capsys):
        code, out, _ = run(capsys, "try", file, "--lake_root", ROOT)
        assert code == 0
        assert "pharmacy.dispense[0]@" in out
        numbers = {row["rx_number"] for row in events().rows["dispense_event"].to_pylist()}
        assert not any(number in out for number in numbers if len(number) > 5)

    def test_without_a_lake_it_is_refused(self, file, lake, capsys):
        lake.store().plant("_lake.json", None)
        code, out, err = run(capsys, "try", file, "--lake_root", ROOT)
        assert (code, out, err.count("\n")) == (2, "", 1)
