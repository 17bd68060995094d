import json

import pytest

from beam_pipelines.masking.cli import main
from beam_pipelines.pharmacy.config import load_config


@pytest.fixture
def run(capsys):
    def call(*argv):
        code = main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return call


class TestExplain:
    def test_it_shows_field_class_action_and_example(self, run):
        code, out, _ = run("explain", "--schema", "patient_update")
        assert code == 0
        (line,) = (each for each in out.splitlines() if " postal_code " in each)
        assert line.split() == ["postal_code", "Q:geo", "zip3", "zip3", "94110-0017", "941"]
        assert "19 fields of class NONE are kept" in out

    def test_everything_can_be_shown(self, run):
        assert " event_id " not in run("explain", "--schema", "dispense_event")[1]
        assert " event_id " in run("explain", "--schema", "dispense_event", "--all")[1]

    def test_json_has_every_field_of_every_dataset(self, run):
        code, out, _ = run("explain", "--format", "json", "--policy", "ops")
        found = {(row["dataset"], row["field"]): row for row in json.loads(out)}
        assert code == 0
        assert found["patient_update", "ssn"]["action"] == "drop"
        assert found["drug_ref", "package_size"]["after"] == "1.500"

    def test_free_text_is_shown_as_refused_until_it_is_decided(self, run):
        _, out, _ = run("explain", "--schema", "dispense_event")
        assert "refused: dispense_event.sig_text is free text" in out
        decided = run(
            "explain", "--schema", "dispense_event", "--override", "dispense_event.sig_text=drop"
        )[1]
        assert "refused" not in decided
        assert "drop (override)" in decided

    def test_links_are_shown_with_what_they_are_of(self, run):
        out = run("explain", "--schema", "dispense_event")[1]
        (line,) = (each for each in out.splitlines() if " patient_link " in each)
        assert line.split()[1:4] == ["patient", "link", "P010000017"]
        found = json.loads(run("explain", "--format", "json")[1])
        links = {(row["dataset"], row["field"]): row for row in found if row["action"] == "link"}
        configured = load_config(None).masking.links
        assert set(links) == {(name, link) for name in configured for link in configured[name]}
        version = links["patient_update", "patient_version"]
        assert version["type_after"] == "int64"
        assert version["after"] != links["patient_update", "patient_link"]["after"]
        joined = {
            links[name, "patient_link"]["after"] for name in ("patient_update", "dispense_event")
        }
        assert len(joined) == 1

    def test_it_says_that_a_kept_event_time_undoes_shifts(self, run):
        assert "note: dispense_event.event_time is kept" in run("explain")[1]
        assert "note:" not in run("explain", "--policy", "limited")[1]


class TestDiff:
    def test_it_shows_what_differs(self, run):
        code, out, _ = run("diff", "limited", "pseudonymised", "--schema", "patient_update")
        assert code == 0
        assert "patient_update.postal_code" in out
        assert "patient_update.ssn" not in out

    def test_links_are_named_for_no_policy_changes_them(self, run):
        out = run("diff", "ops", "limited", "--schema", "dispense_event")[1]
        assert out.splitlines()[-1].startswith(
            "link, under both: dispense_event.patient_link, dispense_event.fill_key"
        )
        assert "link," not in run("diff", "ops", "limited", "--schema", "drug_ref")[1]

    def test_it_says_so_when_nothing_does(self, run):
        assert "treat every field alike" in run("diff", "ops", "ops")[1]

    def test_json_is_for_scripts(self, run):
        found = json.loads(run("diff", "ops", "limited", "--format", "json")[1])
        changes = {f"{row['dataset']}.{row['field']}": row["change"] for row in found}
        assert changes["dispense_event.patient_id"] == "tighter"


class TestRefusals:
    @pytest.mark.parametrize(
        ("argv", "told"),
        [
            (["explain", "--policy", "safe_harbor"], "164.514(b)(2) forbids dates"),
            (["explain", "--policy", "none"], "ops, limited, pseudonymised"),
            (["explain", "--schema", "none"], "dispense_event, patient_update"),
            (["explain", "--override", "sig_text"], "DATASET.FIELD=ACTION"),
            (["explain", "--override", "patient_update.snn=drop"], "patient_update.ssn?"),
            (["diff", "ops"], "See python -m beam_pipelines.masking diff --help"),
            (["show"], "See python -m beam_pipelines.masking --help"),
        ],
    )
    def test_bad_input_is_one_line_and_exit_code_2(self, run, argv, told):
        code, out, err = run(*argv)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert told in err


class TestOfAConfiguration:
    @pytest.fixture
    def config(self, tmp_path):
        path = tmp_path / "config.yaml"
        path.write_text(
            "topics: [{topic: t, dataset: dispense_event}]\n"
            "datasets: {dispense_event: {columns: {age: {sql: '1', class: 'Q:age'}}}}\n"
            "masking: {policy: limited, domain: d, "
            "fields: {dispense_event: {sig_text: drop, patient_zip: zip3}}}\n"
        )
        return str(path)

    def told(self, run, *argv):
        code, out, _ = run("explain", "--format=json", *argv)
        assert code == 0
        return {row["field"]: row["action"] for row in json.loads(out)}

    def test_its_policy_overrides_and_derived_columns_count(self, run, config):
        told = self.told(run, "--config", config)
        assert told["patient_zip"] == "zip3"
        assert told["sig_text"] == "drop"
        assert told["age"] == "keep"

    def test_another_policy_can_be_asked_for(self, run, config):
        told = self.told(run, "--config", config, "--policy", "pseudonymised")
        assert told["age"] == "age_band"

    def test_a_dataset_that_it_does_not_carry_is_refused(self, run, config):
        code, _, err = run("explain", "--config", config, "--schema", "patient_update")
        assert (code, err.count("\n")) == (2, 1)
        assert "no topic of the configuration carries" in err
