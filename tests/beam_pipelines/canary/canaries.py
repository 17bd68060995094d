"""Canaries for tests."""

from typing import Any

from beam_pipelines.canary import Canary
from tests.fakes.lake import TOPIC


def canary(number: int, text: str, **other: Any) -> Canary:
    """A canary in the fake lake's topic, at the offset of its number."""
    given = {"value": text, "dataset": "patient_update", "field": "last_name"} | other
    return Canary(
        number=number, text=text, topic=TOPIC, partition=0, **({"offset": number} | given)
    )


NAME = canary(1, "Zqvcanary-0001")
SSN = canary(2, "999-03-0002", field="ssn")
STREET = canary(3, "Zqvcanary-0003", value="4017 Zqvcanary-0003 St", field="address_line1")
MAIL = canary(4, "zqvcanary.0004@example.com", field="email")
ALL = (NAME, SSN, STREET, MAIL)
