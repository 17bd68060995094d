"""Prescription fills and the steps of their life cycles.

Two tables: fills (one row a fill, everything that stays the same) and steps (one row an event:
which fill, what, when it happened, when it was produced). Steps come out in the order of their
production; a fill whose steps lie further ahead waits, so memory grows with the fills that are
open at one time of the day, some 40 MB per million events in a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beam_pipelines.produce.columns import record
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.pools.zipf import ranks
from beam_pipelines.produce.streams.day_curve import HOUR, local_micros
from beam_pipelines.produce.words import PAYERS, REJECTS

EVENT_TYPES = (
    "UNKNOWN", "RX_RECEIVED", "DATA_ENTERED", "DUR_ALERT", "CLAIM_PAID", "CLAIM_REJECTED", "FILLED",
    "VERIFIED", "READY", "DISPENSED", "RETURN_TO_STOCK", "REVERSED", "CANCELLED",
)  # fmt: skip
PAYMENT_TYPES = (
    "UNKNOWN", "CASH", "COMMERCIAL", "MEDICARE_D", "MEDICAID", "OTHER_GOV", "DISCOUNT_CARD",
)  # fmt: skip
CASH = PAYMENT_TYPES.index("CASH")

_OPEN = "RX_RECEIVED DATA_ENTERED "
_CLOSE = "FILLED VERIFIED READY "
# Share of fills, and the steps. The last three and the aged ones leave the shelf again.
_LIFE_CYCLES = (
    (0.50, _OPEN + "CLAIM_PAID " + _CLOSE + "DISPENSED"),
    (0.08, _OPEN + "DUR_ALERT CLAIM_PAID " + _CLOSE + "DISPENSED"),
    (0.08, _OPEN + "CLAIM_REJECTED CLAIM_PAID " + _CLOSE + "DISPENSED"),
    (0.09, _OPEN + "CLAIM_PAID " + _CLOSE),
    (0.04, _OPEN + "CLAIM_REJECTED CANCELLED"),
    (0.03, _OPEN + "CLAIM_PAID " + _CLOSE + "REVERSED RETURN_TO_STOCK"),
    (0.05, "REVERSED RETURN_TO_STOCK"),
    (0.13, _OPEN + _CLOSE + "DISPENSED"),  # paid in cash: no claim
)
_CASH_CYCLE = len(_LIFE_CYCLES) - 1
_AGED_CYCLE = _CASH_CYCLE - 1
_SHARES = np.array([share for share, _ in _LIFE_CYCLES])
_LENGTHS = np.array([len(steps.split()) for _, steps in _LIFE_CYCLES])
_STEPS = np.zeros((len(_LIFE_CYCLES), _LENGTHS.max()), np.int8)  # padded with UNKNOWN
for _row, (_, _text) in zip(_STEPS, _LIFE_CYCLES, strict=True):
    _row[: len(_text.split())] = [EVENT_TYPES.index(step) for step in _text.split()]

# Mean minutes from the step before, by event type; the wait for the patient is the long one.
_MEAN_MINUTES = np.array([0, 0, 7, 2, 1, 1, 22, 9, 3, 130, 4, 45, 20])
# No wait is longer, so that the day's fills end within the day or soon after.
_LONGEST_WAIT = 9 * HOUR
_LATE_SHARE = 0.01
_FILLS_AT_ONCE = 6_000

_PAYER_TYPES = np.array([PAYMENT_TYPES.index(kind) for _, _, kind in PAYERS])

_FILL = record(
    i4="store patient prescriber drug days_supply written serviced expiry lot diagnosis sig",
    i8="rx received promised serial quantity cost fee usual copay",
    i2="pharmacist",
    i1="cycle fill_number refills daw payment reject",
)
_STEP = record(i4="fill", i1="kind", i2="sequence", i8="happened produced")


@dataclass(frozen=True)
class Steps:
    """Events in the order of production: `fills[steps["fill"]]` are their fills."""

    fills: npt.NDArray[np.void]
    steps: npt.NDArray[np.void]

    def __len__(self) -> int:
        return len(self.steps)

    def of_fill(self, name: str) -> npt.NDArray[np.int64]:
        """The fill's attribute for each event."""
        values: npt.NDArray[np.int64] = self.fills[name][self.steps["fill"]].astype(np.int64)
        return values


def dispense_steps(
    world: World, rng: np.random.Generator, events: int, at_once: int
) -> Iterator[Steps]:
    """Draws life cycles until `events` events have come, at most `at_once` at a time."""
    # One in a hundred more than the mean asks for: better to cut some off than to come short.
    total = int(events / (_SHARES @ _LENGTHS) * 1.01) + 40
    waiting = Steps(np.empty(0, _FILL), np.empty(0, _STEP))
    done, left = 0, events
    while left:
        count = min(_FILLS_AT_ONCE, max(total - done, 40))
        drawn, starts = _draw_fills(world, rng, count, done, total)
        done += count
        waiting = _merged(waiting, _draw_steps(rng, drawn, starts))
        horizon = _horizon(world, done / total) if done < total else None
        ready = len(waiting) if horizon is None else _before(waiting, horizon)
        while left and (ready >= at_once or (horizon is None and ready)):
            size = min(ready, at_once, left)
            yield Steps(waiting.fills, waiting.steps[:size])
            waiting = Steps(waiting.fills, waiting.steps[size:])
            ready, left = ready - size, left - size


def _horizon(world: World, share: float) -> int:
    """Nothing that is still to be drawn can be produced before this time."""
    earliest_zone = int(world.stores.utc_offset_micros.min())
    return world.day * 24 * HOUR + int(local_micros(np.array([share]))[0]) + earliest_zone


def _before(waiting: Steps, horizon: int) -> int:
    return int(np.searchsorted(waiting.steps["produced"], horizon))


def _merged(old: Steps, new: Steps) -> Steps:
    """Both, in the order of production, without the fills that have no step left."""
    used, pointers = np.unique(old.steps["fill"], return_inverse=True)
    kept = old.steps.copy()
    kept["fill"] = pointers
    added = new.steps.copy()
    added["fill"] += len(used)
    steps = np.concatenate([kept, added])
    order = np.argsort(steps["produced"], kind="stable")
    return Steps(np.concatenate([old.fills[used], new.fills]), steps[order])


def _draw_steps(
    rng: np.random.Generator, fills: npt.NDArray[np.void], starts: npt.NDArray[np.int64]
) -> Steps:
    kinds = _STEPS[fills["cycle"]]
    waits = rng.standard_exponential(kinds.shape) * _MEAN_MINUTES[kinds] * 60_000_000
    happened = starts[:, None] + np.cumsum(np.minimum(waits, _LONGEST_WAIT), axis=1).astype(int)
    here = kinds > 0
    steps = np.empty(int(here.sum()), _STEP)
    steps["fill"] = np.nonzero(here)[0]
    steps["kind"] = kinds[here]
    aged = (fills["cycle"] == _AGED_CYCLE) * 7  # their first seven steps were days ago
    steps["sequence"] = (np.arange(kinds.shape[1]) + 1 + aged[:, None])[here]
    steps["happened"] = happened[here]
    delay = (rng.standard_exponential(len(steps)) * 400_000).astype(np.int64) + 30_000
    late = rng.random(len(steps)) < _LATE_SHARE
    delay[late] += (rng.random(int(late.sum())) * 7 * HOUR).astype(np.int64) + HOUR
    steps["produced"] = steps["happened"] + delay
    return Steps(fills, steps[np.argsort(steps["produced"], kind="stable")])


def _draw_fills(
    world: World, rng: np.random.Generator, count: int, first: int, total: int
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int64]]:
    """`count` fills, the first one being number `first` of `total`, and when each begins (UTC)."""
    fills = np.zeros(count, _FILL)
    patients, drugs = world.patients, world.drugs
    store = ranks(world.stores.popularity, rng, count)
    low, high = patients.first[store], patients.first[store + 1]
    patient = low + (rng.random(count) * (high - low)).astype(np.int64)
    drug = ranks(drugs.popularity, rng, count)
    fills["store"], fills["patient"], fills["drug"] = store, patient, drug
    fills["rx"] = 2_000_000_000 + (first + np.arange(count)) * 3
    fills["prescriber"] = _prescribers(world, patient, drug)
    quantiles = (first + np.arange(count) + rng.random(count)) / total
    local = local_micros(np.minimum(quantiles, 1.0))
    starts = world.day * 24 * HOUR + local + world.stores.utc_offset_micros[store]
    fills["cycle"] = rng.choice(len(_SHARES), size=count, p=_SHARES)
    _draw_prescription(world, rng, fills)
    _draw_payment(world, rng, fills)
    fills["received"] = starts - _aged_days(fills) * 24 * HOUR
    promise = rng.choice([HOUR // 2, HOUR, 4 * HOUR, 20 * HOUR], count)
    fills["promised"] = fills["received"] + promise
    fills["pharmacist"] = store % 97 * 8 + rng.integers(8, size=count)
    return fills, starts


def _aged_days(fills: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Days since a fill came in, where that is not today: it waited on the shelf in vain."""
    return np.where(fills["cycle"] == _AGED_CYCLE, 10, 0)


def _prescribers(
    world: World, patient: npt.NDArray[np.int64], drug: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The patient's own, or one with a DEA number where the drug is scheduled."""
    own = world.patients.prescriber[patient]
    return np.where(world.drugs.schedule[drug] > 0, own % world.prescribers.registered, own)


def _draw_prescription(world: World, rng: np.random.Generator, fills: npt.NDArray[np.void]) -> None:
    count, day, drugs = len(fills), world.day, world.drugs
    drug = fills["drug"].astype(np.int64)
    daily = drugs.daily_units[drug]
    days = rng.choice([30, 30, 60, 90], count)
    days = np.where(drugs.schedule[drug] > 0, 30, days)
    packs = rng.integers(1, 3, count) * drugs.package[drug]
    fills["days_supply"] = np.where(daily > 0, days, 30)
    fills["quantity"] = np.where(daily > 0, days * daily * 1_000, packs)
    refills = rng.integers(0, 6, count)
    fills["refills"] = np.where(drugs.schedule[drug] == 1, 0, refills)  # CII: no refills
    fills["fill_number"] = rng.integers(0, fills["refills"] + 1)
    age = rng.integers(0, 4, count) + fills["fill_number"].astype(np.int64) * 28
    aged = _aged_days(fills)
    fills["serviced"] = day - aged
    fills["written"] = day - age - aged
    fills["daw"] = np.where(drugs.brand[drug], rng.choice([1, 2, 9], count), 0)
    fills["expiry"] = day + rng.integers(200, 900, count)
    fills["lot"] = rng.integers(100_000, 999_999, count)
    fills["serial"] = rng.integers(10**11, 10**12, count)
    fills["diagnosis"] = rng.integers(10, size=count)
    fills["sig"] = rng.integers(1 << 30, size=count)


def _draw_payment(world: World, rng: np.random.Generator, fills: npt.NDArray[np.void]) -> None:
    count = len(fills)
    cash = fills["cycle"] == _CASH_CYCLE
    payer = world.patients.payer[fills["patient"]]
    fills["payment"] = np.where(cash, CASH, _PAYER_TYPES[payer])
    price = world.drugs.unit_price[fills["drug"]]
    # Thousandths of a unit times hundredths of a cent: 100,000 of them are a cent.
    fills["cost"] = np.maximum(1, fills["quantity"] * price // 100_000)
    fills["fee"] = rng.choice([150, 175, 1_050], count)
    total = fills["cost"] + fills["fee"]
    fills["usual"] = total * rng.integers(110, 180, count) // 100
    copay = rng.choice([0, 0, 500, 1_000, 2_500, 4_500], count)
    fills["copay"] = np.where(cash, total, np.minimum(copay, total))
    fills["reject"] = rng.integers(len(REJECTS), size=count)
