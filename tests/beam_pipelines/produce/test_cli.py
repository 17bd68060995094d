import pytest

from beam_pipelines.produce.cli import main

SERVERS = ["--kafka_bootstrap_servers", "127.0.0.1:9"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "--kafka_bootstrap_servers"),
        ([*SERVERS, "--evnts", "5"], "--evnts"),
        ([*SERVERS, "--event", "5"], "--event"),
        ([*SERVERS, "extra"], "extra"),
        ([*SERVERS, "--events", "0"], "--events: must be a whole number of at least 1"),
        ([*SERVERS, "--events", "1e5"], "--events"),
        ([*SERVERS, "--seed", "-1"], "--seed"),
        ([*SERVERS, "--faults", "all"], "--faults"),
        ([*SERVERS, "--day", "2026-02-30"], "--day: must be a date"),
        ([*SERVERS, "--partitions", "0"], "--partitions"),
        ([*SERVERS, "--rate", "fast"], "--rate"),
        ([*SERVERS, "--kafka_config", "acks"], "--kafka_config: must be KEY=VALUE"),
        ([*SERVERS, "--kafka_config", "no.such=1"], "no.such"),
        ([*SERVERS, "--manifest", "/nowhere/manifest.json"], "--manifest"),
    ],
)
def test_bad_input_is_told_in_one_line(argv, words, capfd):
    assert main(argv) == 2
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    assert errors.startswith("produce: ")
    assert words in errors


def test_a_broker_that_is_not_there_is_told_in_one_line(capfd):
    assert main([*SERVERS, "--events", "10"]) == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1
    assert "no Kafka broker answers at 127.0.0.1:9" in errors


def test_a_malformed_setting_is_not_shown(capfd):
    main([*SERVERS, "--kafka_config", "hunter2"])
    assert "hunter2" not in capfd.readouterr().err
