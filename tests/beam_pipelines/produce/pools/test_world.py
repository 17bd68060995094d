import numpy as np
import pytest

from beam_pipelines.produce.pools import World, make_world
from beam_pipelines.produce.pools.zipf import ranks, zipf_cdf


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(np.random.default_rng(1), 100_000, 20_528)


@pytest.mark.parametrize(
    ("pool", "column"),
    [
        ("stores", "ncpdp"), ("stores", "npi"), ("drugs", "ndc"), ("drugs", "gtin"),
        ("prescribers", "npi"), ("patients", "patient_id"),
    ],
)  # fmt: skip
def test_identifiers_are_unique(world, pool, column):
    values = getattr(getattr(world, pool), column).to_pylist()
    assert len(set(values)) == len(values)


def test_every_store_has_patients_of_its_city(world):
    patients, stores = world.patients, world.stores
    assert (np.diff(patients.first) >= 1).all()
    assert (patients.city == stores.city[patients.store]).all()
    zips = zip(patients.postal_code.to_pylist(), patients.store.tolist(), strict=True)
    assert all(code[:3] == stores.postal_code[store].as_py()[:3] for code, store in zips)


def test_nobody_is_born_after_the_day_and_no_number_can_be_a_persons(world):
    assert (world.patients.birth_day < world.day - 365).all()
    assert all(ssn[0] == "9" for ssn in world.patients.ssn.to_pylist() if ssn)
    assert all("-555-" in phone for phone in world.patients.phone.to_pylist())
    assert all(mail.endswith("@example.com") for mail in world.patients.email.to_pylist() if mail)


def test_only_the_first_prescribers_have_a_dea_number(world):
    nulls = world.prescribers.dea.is_null().to_pylist()
    assert nulls.index(True) == world.prescribers.registered
    assert all(nulls[world.prescribers.registered :])


def test_the_epc_of_a_package_has_thirteen_digits_before_the_serial(world):
    for prefix in world.drugs.epc_prefix.to_pylist():
        company, item = prefix.removeprefix("urn:epc:id:sgtin:").rstrip(".").split(".")
        assert len(company) + len(item) == 13


def test_low_ranks_are_drawn_more_often():
    cdf = zipf_cdf(50, 0.9, 2.7)
    counts = np.bincount(ranks(cdf, np.random.default_rng(0), 20_000), minlength=50)
    assert counts[0] > 2 * counts[10] > 2 * counts[49] > 0
    assert cdf[-1] == pytest.approx(1.0)
