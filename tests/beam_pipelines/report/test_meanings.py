"""What codes and rules mean."""

from collections import Counter
from datetime import UTC, datetime
from typing import get_args

from beam_pipelines.report.facts import LakeFacts, TopicFacts
from beam_pipelines.report.meanings import CODES, LIMIT, meanings
from schemas.strict import CODES as DATUM_CODES
from schemas.wire import HeaderCode
from transforms.avro.enforce import INCOMPATIBLE_SCHEMA, TOMBSTONE, UNKNOWN_SCHEMA
from transforms.lake import LakeManifest
from transforms.quality import Rule, RuleSet

RULE = Rule(
    id="R01",
    version=1,
    dataset="order",
    severity="warn",
    field="event_time",
    expect="event_time IS NOT NULL",
    message="No time",
    owner="me",
)
RULES = RuleSet(rules=(RULE,))
AT = datetime(2026, 1, 1, tzinfo=UTC)


def facts(**versions: dict[str, datetime]) -> LakeFacts:
    lake = LakeManifest(lake_id="l", policy="ops", key_domain="", partition_columns=())
    topic = TopicFacts(dispositions=Counter(), datasets={"order"})
    return LakeFacts(root="s3://b/p", lake=lake, topics={"t": topic}, versions=versions)


def test_each_code_of_the_pipeline_has_a_meaning():
    ours = {*DATUM_CODES, *get_args(HeaderCode), TOMBSTONE, UNKNOWN_SCHEMA, INCOMPATIBLE_SCHEMA}
    assert ours | {"quarantined"} == set(CODES)


def test_a_rule_of_the_same_version_is_told():
    found = meanings(facts(**{"rules.order": {RULES.version("order"): AT}}), RULES)
    assert found.of("t", "R01") == "No time"
    assert found.severity("t", "R01") == "warn"
    assert found.unknown == ()


def test_a_rule_of_another_version_or_topic_is_not():
    found = meanings(facts(**{"rules.order": {"another": AT}}), RULES)
    assert (found.of("t", "R01"), found.severity("t", "R01")) == ("", "")
    assert found.unknown == ("order",)
    same = meanings(facts(**{"rules.order": {RULES.version("order"): AT}}), RULES)
    assert same.of("other", "R01") == ""


def test_a_columns_limit_is_told_without_a_file():
    found = meanings(facts(), None)
    assert found.of("t", "DDL.order.note") == LIMIT
    assert found.severity("t", "DDL.order.note") == "error"


def test_the_newest_version_counts():
    older = {RULES.version("order"): AT, "another": AT.replace(year=2027)}
    assert meanings(facts(**{"rules.order": older}), RULES).unknown == ("order",)


def test_without_a_file_only_codes_are_told():
    found = meanings(facts(**{"rules.order": {"v": AT}}), None)
    assert (found.of("t", "R01"), found.unknown) == ("", ("order",))
    assert found.of("t", "utf8") == CODES["utf8"]
