"""Messages that the warehouse can't take, beside what the producer plants."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import patched
from beam_pipelines.produce.versions import CURRENT_VERSION
from runners.local import Kafka
from tests.integration.small import send
from tests.oracle import committed_ends, earliest_starts, read_committed

#: Topic -> column at fault -> the value that it gets, in a message that breaks no rule.
MISFITS: Final[Mapping[str, Mapping[str, Any]]] = {
    "pharmacy.ref.drugs": {"labeler": "x" * 257},
    "pharmacy.patients": {"preferred_language": "é" * 33, "allergies": ["x" * 65_536]},
    "pharmacy.inventory": {"t3_reference": "a\0b"},
    "pharmacy.dispense": {"tenant_id": "é" * 33, "promised_at": -2_440_550 * 86_400_000_000},
}


def send_misfits(kafka: Kafka, planted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sends each, a copy of a sound message but for the value.

    Args:
        kafka: The broker, with the producer's stream.
        planted: The messages that are not sound, as a manifest lists them.

    Returns:
        What a manifest would say of them.
    """
    known = {(each["topic"], each["partition"], each["offset"]) for each in planted}
    return [each for topic, made in MISFITS.items() for each in _sent(kafka, topic, made, known)]


def _sent(
    kafka: Kafka, topic: str, made: Mapping[str, Any], planted: set[tuple[str, int, int]]
) -> list[dict[str, Any]]:
    servers = kafka.bootstrap_servers
    ends = committed_ends(servers, topic)
    read = read_committed(servers, topic, earliest_starts(servers, topic), ends)
    model = next(
        m
        for m in read
        if (topic, m.partition, m.offset) not in planted and m.value and _is_current(m.value)
    )
    sound = Sound(model.value, contract_of(model.value), None)
    values = [patched(sound, {column: value}) for column, value in made.items()]
    send(kafka, topic, values, key=model.key, timestamp=model.timestamp_ms)
    return [
        {"kind": "misfit", "topic": topic, "partition": 0, "offset": ends[0] + n, "column": column}
        for n, column in enumerate(made)
    ]


def _is_current(value: bytes) -> bool:
    contract = contract_of(value)
    # The others have one version.
    evolves = contract.dataset in ("dispense_event", "patient_update")
    return contract.version == CURRENT_VERSION or not evolves
