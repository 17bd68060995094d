"""References are drained before what looks them up."""

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.draining import phases
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from beam_pipelines.pharmacy.preflight import Work
from tests.configs import plain_config
from transforms.lake import PartitionId

DRUGS = PartitionId("pharmacy.ref.drugs", "a", 0)
EVENTS = PartitionId("pharmacy.dispense", "b", 0)
PATIENTS = PartitionId("pharmacy.patients", "c", 0)


def job(config=None):
    return PharmacyJob(
        config=config or load_config(None),
        bootstrap_servers="127.0.0.1:1",
        lake_root="s3://bucket/lake",
        run_id="run",
    )


def topics(phase):
    assert all(name.topic for name in phase.names)
    return [name.topic for name in phase.names]


def work(drugs, events):
    return Work(
        topics=(), fences={DRUGS: drugs, EVENTS: events}, ends={DRUGS: 5, EVENTS: 5}, open={}
    )


def test_new_references_come_first_in_a_pipeline_of_their_own():
    first, rest = phases(job(), work(drugs=None, events=3))
    assert topics(first) == ["pharmacy.ref.drugs"]
    assert topics(rest) == ["pharmacy.dispense"]
    assert (first.run_id, rest.run_id) == ("run-references", "run")


def test_patients_are_a_reference_for_events_look_up_deaths():
    new = Work(topics=(), fences={PATIENTS: 2, EVENTS: 3}, ends={PATIENTS: 5, EVENTS: 5}, open={})
    first, rest = phases(job(), new)
    assert topics(first) == ["pharmacy.patients"]
    assert topics(rest) == ["pharmacy.dispense"]


def test_without_new_references_one_pipeline_does():
    (only,) = phases(job(), work(drugs=5, events=3))
    assert topics(only) == ["pharmacy.ref.drugs", "pharmacy.dispense"]


def test_where_nothing_is_looked_up_one_pipeline_does(tmp_path):
    path = tmp_path / "plain.yaml"
    path.write_text(str(plain_config([("pharmacy.ref.drugs", "drug_ref")])))
    (only,) = phases(job(load_config(str(path))), work(drugs=None, events=5))
    assert topics(only) == ["pharmacy.ref.drugs"]


def test_topics_by_pattern_go_by_their_entrys_dataset(tmp_path):
    path = tmp_path / "plain.yaml"
    text = str(plain_config([("x", "drug_ref"), ("pharmacy.dispense", "dispense_event")]))
    path.write_text(text.replace("'topic': 'x'", r"'pattern': 'pharmacy\.ref\..*'"))
    plain = job(load_config(str(path)))
    assert plain.config.dataset_of("pharmacy.ref.drugs") == "drug_ref"
    (only,) = phases(plain, work(drugs=3, events=3))
    assert topics(only) == ["pharmacy.ref.drugs", "pharmacy.dispense"]
