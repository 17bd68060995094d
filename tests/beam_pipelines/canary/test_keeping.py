import pytest

from beam_pipelines.canary.keeping import keeping
from beam_pipelines.canary.places import Place
from tests.beam_pipelines.canary.canaries import NAME, SSN, canary
from transforms.errors import ConfigurationError

DATASETS = ("patient_update", "dispense_event")


def column(name: str, dataset: str = "patient_update") -> Place:
    return Place("data file", "data/x.parquet", name, dataset)


def test_a_kept_field_may_be_in_its_column_and_in_the_files_statistics():
    kept = keeping("ops", DATASETS)
    assert kept.allows(NAME, column("last_name"))
    assert kept.allows(NAME, column(""))


@pytest.mark.parametrize(
    "place",
    [
        column("first_name"),
        column("last_name", "dispense_event"),
        Place("small tables", "data/_sidecar/x.parquet", "partials.last_name", "patient_update"),
        Place("commit", "_commits/x"),
        Place("file", "a.log"),
    ],
)
def test_a_kept_field_may_be_nowhere_else(place):
    assert not keeping("ops", DATASETS).allows(NAME, place)


def test_what_the_policy_masks_may_be_nowhere():
    assert not keeping("ops", DATASETS).allows(SSN, column("ssn"))
    assert not keeping("pseudonymised", DATASETS).allows(NAME, column("last_name"))
    assert not keeping("limited", DATASETS).allows(NAME, column("last_name"))


def test_free_text_is_kept_only_where_the_configuration_says_so():
    directions = canary(9, "Zqvcanary-0009", dataset="dispense_event", field="sig_text")
    place = column("sig_text", "dispense_event")
    assert not keeping("ops", DATASETS).allows(directions, place)
    assert keeping("ops", DATASETS, ["dispense_event.sig_text"]).allows(directions, place)


def test_canaries_of_keys_and_malformed_messages_may_be_nowhere():
    for where in ("(key)", "(header)", "(malformed)"):
        planted = canary(9, "Zqvcanary-0009", field=where)
        assert not keeping("ops", DATASETS).allows(planted, column("last_name"))


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match=r"patient_update\.lastname"):
        keeping("ops", DATASETS, ["patient_update.lastname"])
    with pytest.raises(ConfigurationError, match="policy"):
        keeping("none", DATASETS)
