"""Configurations of the main job to test with."""

from collections.abc import Iterable
from typing import Any


def plain_config(topics: Iterable[tuple[str, str]], /, **sections: Any) -> dict[str, Any]:
    """Returns a configuration without rules, whose policy keeps what the work needs.

    Args:
        topics: Topics and the packaged datasets that they carry.
        sections: Further sections of the file, or others in the place of these.
    """
    listed = [{"topic": topic, "dataset": dataset} for topic, dataset in topics]
    # No policy decides on free text.
    carried = any(each["dataset"] == "dispense_event" for each in listed)
    decided = {"dispense_event": {"sig_text": "keep"}} if carried else {}
    return {"topics": listed, "masking": {"policy": "ops", "fields": decided}, **sections}
