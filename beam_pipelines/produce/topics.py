"""The six topics: partitions, what they carry, how they are cleaned."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """One topic of the stream.

    Attributes:
        name: The topic.
        dataset: What it carries, see `contracts`.
        partitions: How many partitions messages are spread over.
        compacted: Only the last message of a key is kept; null values delete.
    """

    name: str
    dataset: str
    partitions: int
    compacted: bool = False


DISPENSE = TopicSpec(name="pharmacy.dispense", dataset="dispense_event", partitions=6)
INVENTORY = TopicSpec(name="pharmacy.inventory", dataset="inventory_movement", partitions=4)
PATIENTS = TopicSpec(name="pharmacy.patients", dataset="patient_update", partitions=3)
PHARMACIES = TopicSpec(
    name="pharmacy.ref.pharmacies", dataset="pharmacy_ref", partitions=2, compacted=True
)
DRUGS = TopicSpec(name="pharmacy.ref.drugs", dataset="drug_ref", partitions=2, compacted=True)
PRESCRIBERS = TopicSpec(
    name="pharmacy.ref.prescribers", dataset="prescriber_ref", partitions=2, compacted=True
)

TOPICS = (DISPENSE, INVENTORY, PATIENTS, PHARMACIES, DRUGS, PRESCRIBERS)


def topics_with(partitions: int | None) -> tuple[TopicSpec, ...]:
    """All topics, each with `partitions` partitions instead of its own number if given."""
    if partitions is None:
        return TOPICS
    return tuple(replace(topic, partitions=partitions) for topic in TOPICS)
