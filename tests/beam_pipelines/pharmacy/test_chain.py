"""The chain of transforms is checked as a whole before anything is read."""

import pyarrow as pa
import pytest
import yaml

from beam_pipelines.pharmacy.chain import make_chain, mask_config
from beam_pipelines.pharmacy.config import load_config
from tests.configs import plain_config
from transforms.errors import ConfigurationError

EVENTS = [("drugs", "drug_ref"), ("events", "dispense_event")]
RULES = """
references:
  drug: {dataset: drug_ref, key: ndc11, lookup: {dispense_event: ndc}}
rules:
  - {id: R1, version: 1, dataset: dispense_event, severity: warn, field: ndc,
     expect: drug.ndc11 IS NOT NULL, message: unknown drug, owner: us}
"""


@pytest.fixture
def chain(tmp_path):
    def made(rules=RULES, **sections):
        (tmp_path / "rules.yaml").write_text(rules)
        content = plain_config(EVENTS, rules={"files": ["rules.yaml"]}, **sections)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
        return make_chain(load_config(str(tmp_path / "config.yaml")))

    return made


def columns(**expressions):
    listed = {name: {"sql": sql, "class": "NONE"} for name, sql in expressions.items()}
    return {"dispense_event": {"columns": listed}}


def test_the_packaged_configuration_fits_together():
    chain = make_chain(load_config(None))
    held = chain.schemas["dispense_event"]
    assert "sig_text" not in held.names
    assert str(held.field("age_at_service").type).startswith("dictionary")  # a band
    assert chain.reference_datasets == {
        "drug_ref", "prescriber_ref", "pharmacy_ref", "patient_update",
    }  # fmt: skip
    assert len(chain.aggregates) == 4


def test_each_part_sees_what_the_parts_before_it_made(chain):
    count = {"count": "made > 1"}
    made = chain(
        datasets=columns(made="fill_number + 1", known="drug.ndc11 IS NOT NULL"),
        aggregates=[
            {
                "name": "fills", "dataset": "dispense_event", "time": "event_time",
                "window": "1h", "measures": {"n": count},
            }
        ],
    )  # fmt: skip
    names = made.schemas["dispense_event"].names
    assert names.index("_warnings") == 7
    assert set(names[-2:]) == {"made", "known"}


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"datasets": columns(made="nothere + 1")}, r"columns\.made: .*nothere"),
        ({"datasets": columns(made="random()")}, r"columns\.made: .*random"),
        ({"datasets": columns(ndc="1")}, "ndc has the name of a field"),
        ({"rules": RULES.replace("drug.ndc11 IS", "drug.nothere IS")}, r"rules\.yaml:6: rule R1"),
        (
            {
                "aggregates": [
                    {
                        "name": "n", "dataset": "dispense_event", "time": "event_time",
                        "window": "1h", "dimensions": ["ssn"], "measures": {"n": {"count": ""}},
                    }
                ]
            },
            "ssn",
        ),
        ({"masking": {"policy": "ops"}}, "sig_text"),
        ({"masking": {"policy": "limited", "fields": {}}}, "sig_text"),
    ],
)  # fmt: skip
def test_a_part_that_does_not_fit_is_named(chain, sections, words):
    with pytest.raises(ConfigurationError, match=words):
        chain(**sections)


def test_what_a_policy_drops_no_rule_can_look_up(chain):
    looked_up = RULES.replace("drug.ndc11 IS", "drug.labeler IS")
    chain(rules=looked_up)
    dropped = {"dispense_event": {"sig_text": "drop"}, "drug_ref": {"labeler": "drop"}}
    with pytest.raises(ConfigurationError, match="labeler"):
        chain(rules=looked_up, masking={"policy": "ops", "fields": dropped})


def test_a_policy_without_pseudonyms_asks_for_no_key():
    overrides = ["masking.policy=ops", "masking.fields.dispense_event={sig_text: drop}"]
    assert mask_config(load_config(None, overrides)).key is None
    assert mask_config(load_config(None)).key == "env:MASKING_KEY"


class TestLinks:
    def links(self, *overrides):
        return mask_config(load_config(None, overrides)).link_key

    def test_they_take_the_masking_key_unless_one_is_named(self):
        assert self.links() == "env:MASKING_KEY"
        assert self.links("masking.key=env:NEW", "masking.link_key=env:OLD") == "env:OLD"

    def test_a_policy_without_a_key_needs_none_for_its_links(self):
        ops = ("masking.policy=ops", "masking.fields.dispense_event={sig_text: drop}")
        assert self.links(*ops) is None
        assert self.links(*ops, "masking.link_key=env:LINKS") == "env:LINKS"

    def test_without_links_no_key_is_asked_for(self):
        assert self.links("masking.links={}", "masking.link_key=env:LINKS") is None

    def test_the_lake_holds_them_after_all_other_columns(self):
        config = load_config(None)
        schemas = make_chain(config).schemas
        assert set(config.masking.links) == {"dispense_event", "patient_update"}
        for dataset, links in config.masking.links.items():
            assert schemas[dataset].names[-len(links) :] == list(links)
            assert schemas[dataset].field("patient_link").type == pa.int64()

    @pytest.mark.parametrize(
        ("link", "words"),
        [
            ({"ndc11": {"entity": "drug", "of": ["ndc"]}}, "link ndc11 has the name of a column"),
            ({"x": {"entity": "e", "of": ["nothere"]}}, "link x is of nothere"),
            ({"x": {"entity": "e", "of": ["turnaround_minutes"]}}, "which is double"),
        ],
    )
    def test_one_that_does_not_fit_is_named(self, link, words):
        config = load_config(None, [f"masking.links.dispense_event={link}"])
        with pytest.raises(ConfigurationError, match=words):
            make_chain(config)


class TestLinkedReferences:
    """The packaged rules look up deaths by the patient's link."""

    LINKS = "masking.links.patient_update"

    @pytest.mark.parametrize(
        ("links", "words"),
        [
            ({}, "patient names the column patient_link, which patient_update lacks"),
            (
                {"patient_link": {"entity": "member", "of": ["patient_id"]}},
                "patient is looked up by links of patient, and patient_update.patient_link holds "
                "those of member",
            ),
            (
                {"patient_link": {"entity": "patient", "of": ["tenant_id", "patient_id"]}},
                "by as many columns",
            ),
        ],
    )
    def test_the_lake_must_hold_links_of_the_same_entity(self, links, words):
        config = load_config(None, [f"{self.LINKS}={links}", "warehouse={tables: {}}"])
        with pytest.raises(ConfigurationError, match=words):
            make_chain(config)
