"""The whole page, as a browser and as a reader see it."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from beam_pipelines.report.facts import LakeFacts, Tripped
from beam_pipelines.report.gathering import gather
from beam_pipelines.report.meanings import Meanings
from beam_pipelines.report.page import render
from tests.beam_pipelines.report.lakes import lake_with
from tests.beam_pipelines.report.pages import Page
from tests.fakes.lake import TOPIC, FakeLake, segment
from tests.fakes.object_store import FakeBucket
from transforms.lake import LakeSettings, PartitionId, open_lake
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.runs import write_run

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>"


def page_of(facts: LakeFacts) -> Page:
    return Page(render(facts, Meanings(), "python -m beam_pipelines.report"))


@pytest.fixture(scope="module")
def full() -> FakeLake:
    sold = [(hour, store, 9) for hour in range(24) for store in "abcdefgh" for _ in range(12)]
    lake = lake_with(sold, sold)
    end = 2 * len(sold)
    lake.write(segment(end, end + 20, dead=[end + 1, end + 2], gaps=[(end + 5, end + 8)]))
    outcome = PartitionOutcome(
        topic=TOPIC, topic_id="i", partition=0, wanted=9, fence=9, messages=500
    )
    write_run(lake.store, "r1", [outcome], started=AT, finished=AT + timedelta(seconds=10))
    write_run(lake.store, "r2", [replace(outcome, failure="contention")], started=AT)
    return lake


@pytest.fixture(scope="module")
def page(full) -> Page:
    return page_of(gather(full.store))


class TestForm:
    def test_it_refers_to_nothing_outside_itself_and_runs_nothing(self, page):
        assert page.open == []
        assert page.outside == []
        assert {"script", "iframe", "img", "link", "object", "a"}.isdisjoint(page.tags)
        assert set(re.findall(r"https?://[^\"' <)]+", page.text)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
        assert "default-src 'none'" in page.text

    def test_each_id_is_there_once_and_each_reference_leads_to_one(self, page):
        assert [name for name, n in Counter(page.ids).items() if n > 1] == []
        named = re.findall(r'(?:aria-labelledby|headers)="([^"]+)"', page.text)
        used = {each for group in named for each in group.split()}
        used |= set(re.findall(r"url\(#([^)]+)\)", page.text))
        assert used <= set(page.ids)

    def test_each_plot_has_a_name_and_a_description(self, page):
        plots = page.text.count("<svg")
        assert plots == 5
        assert page.text.count('role="img"') == plots
        assert page.text.count("<desc") == plots

    def test_it_serves_light_dark_phones_and_paper(self, page):
        for rule in ("prefers-color-scheme: dark", "max-width: 34rem", "@media print"):
            assert rule in page.text
        assert 'name="viewport"' in page.text

    def test_the_same_lake_gives_the_same_bytes(self, full, page):
        assert page_of(gather(full.bucket.store())).text == page.text

    def test_it_is_small(self, page):
        assert len(page.text.encode()) < 400_000


class TestContent:
    def test_the_lake_and_its_time_are_named(self, full, page):
        assert full.manifest.lake_id in page.text
        newest = max(at for _, at in full.store.stored("_commits/"))
        assert f"{newest:%Y-%m-%d %H:%M:%S} UTC" in page.text

    def test_messages_are_counted_by_topic(self, page):
        header, row = page.tables["Messages by topic and disposition"]
        cells = dict(zip(header, row, strict=True))
        assert cells["Topic"] == TOPIC
        assert (cells["Read"], cells["Dead letters"], cells["Gaps"]) == ("4,625", "2", "3")

    def test_reasons_are_listed_with_their_topics(self, page):
        rows = page.tables["Messages not accepted by reason"][1:]
        assert {(row[0], row[2].replace("\xa0", " "), row[3]) for row in rows} == {
            ("reason_0", "dead letter", "1"),
            ("reason_1", "dead letter", "1"),
        }

    def test_runs_tell_how_fast_they_were_and_how_they_ended(self, page):
        rows = {row[0]: row[1:] for row in page.tables["Runs, the newest first"][1:]}
        assert rows["r1"] == ["2026-01-31 12:00:00", "10.0 s", "500", "50", "1", "complete"]
        assert rows["r2"][-1] == "1 contention"

    def test_partitions_tell_how_far_they_have_come(self, page):
        rows = page.tables["Freshness of each partition"][1:]
        assert [row[0] for row in rows] == [f"{TOPIC}[0]"]
        assert rows[0][5:] == ["4,628", "4"]

    def test_totals_of_windows_are_listed(self, page):
        header, *rows = page.tables["Totals of sales_per_store over all windows"]
        assert header == ["store", "rows", "faults", "sales", "units"]
        assert rows[0] == ["a", "576", "0", "576", "5,184"]
        assert len(rows) == 8

    def test_how_small_cells_are_treated_is_said(self, page):
        assert "fewer than 11" in page.text


class TestOtherLakes:
    def test_an_empty_lake_has_a_page(self):
        store = FakeBucket().store()
        open_lake(store, LakeSettings())
        page = page_of(gather(store))
        assert "empty" in page.text
        assert page.tables == {}
        assert "<svg" not in page.text
        assert page.text.count("None") >= 5

    def test_a_lake_without_rules_masks_or_windows_says_so(self):
        lake = FakeLake()
        lake.write(segment(0, 20))
        text = page_of(gather(lake.store)).text
        assert "written without rules" in text
        assert "no commit was written with masks" in text

    def test_a_topic_made_again_is_told_apart(self):
        lake = FakeLake()
        lake.begin("again", {0: 7})
        rows = page_of(gather(lake.store)).tables["Freshness of each partition"][1:]
        assert sorted(row[0] for row in rows) == [
            f"{TOPIC}[0] of AbC_d-e",
            f"{TOPIC}[0] of again",
        ]

    def test_names_that_producers_or_configurations_choose_are_only_shown(self):
        sold = [(1.0, store, 1) for store in (HOSTILE, "$x^2$ & co") for _ in range(20)]
        facts = gather(lake_with(sold).store)
        facts.rules[Tripped(HOSTILE, HOSTILE, HOSTILE)] = 3
        facts.topics[HOSTILE] = facts.topics[TOPIC]
        facts.partitions[PartitionId(HOSTILE, "i", 1)] = next(iter(facts.partitions.values()))
        page = page_of(facts)
        assert "script" not in page.tags
        assert page.tables["Messages that trip a rule by source system"][1][0] == HOSTILE
        stores = {r[0] for r in page.tables["Totals of sales_per_store over all windows"][1:]}
        assert stores == {HOSTILE, "$x^2$ & co"}

    def test_long_tables_are_cut_and_say_so(self):
        facts = gather(FakeLake(dict.fromkeys(range(45), 0)).store)
        page = page_of(facts)
        assert len(page.tables["Freshness of each partition"]) == 41
        assert "5 more are not shown" in page.text
