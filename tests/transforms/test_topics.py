"""Which topics an entry covers."""

import pytest

from transforms.errors import ConfigurationError
from transforms.topics import TopicName, place_of

SHOP = TopicName(topic="shop.events")
FILLS = TopicName(pattern=r"pharmacy\.dispense(\..+)?")


def test_a_name_covers_the_topic_of_that_name():
    assert SHOP.covers("shop.events")
    assert not SHOP.covers("shop.events.2")
    assert not SHOP.covers("shopXevents")


def test_a_pattern_covers_what_matches_as_a_whole():
    assert FILLS.covers("pharmacy.dispense")
    assert FILLS.covers("pharmacy.dispense.north")
    assert not FILLS.covers("old.pharmacy.dispense")
    assert not FILLS.covers("pharmacy.dispensed")


def test_the_anchors_of_a_pattern_do_no_harm():
    assert TopicName(pattern="^a.*$").covers("abc")


def test_kafkas_own_topics_are_never_covered_by_a_pattern():
    assert not TopicName(pattern=".*").covers("__consumer_offsets")


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
