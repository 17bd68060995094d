"""Which topics an entry covers."""

import pytest

from transforms.errors import ConfigurationError
from transforms.topics import AnyOf, TopicName, found, place_of

SHOP = TopicName(topic="shop.events")
FILLS = TopicName(pattern=r"pharmacy\.dispense(\..+)?")


def test_a_name_covers_the_topic_of_that_name():
    assert "shop.events" in SHOP
    assert "shop.events.2" not in SHOP
    assert "shopXevents" not in SHOP


def test_a_pattern_covers_what_matches_as_a_whole():
    assert "pharmacy.dispense" in FILLS
    assert "pharmacy.dispense.north" in FILLS
    assert "old.pharmacy.dispense" not in FILLS
    assert "pharmacy.dispensed" not in FILLS


def test_the_anchors_of_a_pattern_do_no_harm():
    assert "abc" in TopicName(pattern="^a.*$")


def test_kafkas_own_topics_are_never_covered_by_a_pattern():
    assert "__consumer_offsets" not in TopicName(pattern=".*")


def test_a_topic_has_the_place_of_the_entry_that_covers_it():
    assert place_of("pharmacy.dispense.x", [SHOP, FILLS]) == 1
    assert place_of("shop.events", [SHOP, FILLS]) == 0
    assert place_of("another", [SHOP, FILLS]) is None


def test_a_topic_of_two_entries_is_refused_and_both_are_named():
    with pytest.raises(ConfigurationError) as caught:
        place_of("shop.events", [SHOP, TopicName(pattern="shop.*")])
    assert "the topic shop.events and the pattern shop.*" in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"topic": "a", "pattern": "b"}])
def test_there_is_a_name_or_a_pattern(given):
    with pytest.raises(ConfigurationError, match="a name or a pattern"):
        TopicName(**given)


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="no regular expression"):
        TopicName(pattern="(")


def test_what_is_meant_is_found_in_the_order_of_the_entries_each_once():
    there = ["pharmacy.dispense.south", "other", "pharmacy.dispense.north"]
    assert found([FILLS, SHOP], there) == [
        "pharmacy.dispense.north",
        "pharmacy.dispense.south",
        "shop.events",
    ]
    assert found([SHOP, SHOP], []) == ["shop.events"]


def test_a_topic_is_in_any_of_several_if_it_is_in_one():
    several = AnyOf((FILLS, AnyOf((SHOP,)), ("listed",)))
    assert all(topic in several for topic in ("pharmacy.dispense", "shop.events", "listed"))
    assert "another" not in several
    assert "another" not in AnyOf()
