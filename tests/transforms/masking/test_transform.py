import pickle

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that
from apache_beam.transforms.display import DisplayData

from tests.transforms.masking.masks import DATASET, ROOT, mask_config, person, segment
from transforms.errors import SecretError
from transforms.masking import MaskFields, MaskPlan, mask
from transforms.masking.transform import _MaskFn


@pytest.fixture
def function(monkeypatch):
    monkeypatch.setenv("MASKING_KEY", ROOT)
    made = _MaskFn(mask_config())
    made.setup()
    return made


class TestMaskFields:
    def test_segments_come_out_masked(self, monkeypatch):
        monkeypatch.setenv("MASKING_KEY", ROOT)
        given = segment([person(0), person(1)])
        wanted = mask(given, MaskPlan(mask_config(), ROOT)).rows[DATASET].to_pylist()

        def check(segments):
            (masked,) = segments
            assert masked.rows[DATASET].to_pylist() == wanted

        with beam.Pipeline() as pipeline:
            masked = pipeline | beam.Create([given]) | "MaskFields" >> MaskFields(mask_config())
            assert_that(masked, check)

    def test_display_data_show_policy_and_version_only(self):
        shown = DisplayData.create_from(MaskFields(mask_config())).items
        values = {item.key: item.value for item in shown}
        assert values == {"policy": "pseudonymised", "key_version": "v3"}


class TestFunction:
    def test_the_key_is_resolved_on_the_worker(self, monkeypatch):
        monkeypatch.delenv("MASKING_KEY", raising=False)
        with pytest.raises(SecretError, match="MASKING_KEY is not set"):
            _MaskFn(mask_config()).setup()

    def test_its_pickle_carries_no_key_even_after_setup(self, function):
        list(function.process(segment([person(0)])))
        pickled = pickle.dumps(function)
        assert ROOT.encode() not in pickled
        assert bytes.fromhex(ROOT) not in pickled
        assert b"env:MASKING_KEY" in pickled

    def test_ops_runs_without_a_key(self):
        made = _MaskFn(mask_config("ops", key=None, key_version=None, domain=""))
        made.setup()
        (done,) = made.process(segment([person(0)]))
        assert done.rows[DATASET]["patient"].to_pylist() == ["P0"]
