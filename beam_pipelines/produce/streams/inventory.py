"""Columns of `inventory_movement`: fills leave the shelf, goods arrive, are counted, moved, lost.

`on_hand_after` is exact: the sum of all movements of a drug in a store, in their order, from an
opening stock that no one sees.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.columns import (
    Bytes,
    concatenated,
    constant,
    decimals,
    digits,
    enums,
    integers,
    joined,
    nullable,
    picked,
    record,
    text,
    uuids,
)
from beam_pipelines.produce.drug_list import DRUGS
from beam_pipelines.produce.encode import Columns
from beam_pipelines.produce.pools import World
from beam_pipelines.produce.pools.drugs import UNITS
from beam_pipelines.produce.pools.zipf import ranks
from beam_pipelines.produce.streams.dispense import MICROS, SYSTEM, TENANT
from beam_pipelines.produce.streams.fills import EVENT_TYPES, Steps

MOVEMENT_TYPES = (
    "UNKNOWN", "RECEIPT", "DISPENSE", "RETURN_TO_STOCK", "TRANSFER_OUT", "TRANSFER_IN",
    "ADJUSTMENT", "CYCLE_COUNT", "WASTE", "EXPIRED", "REVERSE_DISTRIBUTION", "RECALL_QUARANTINE",
    "THEFT_LOSS",
)  # fmt: skip
_RECEIPT, _DISPENSE, _RETURN, _OUT, _IN, _ADJUSTMENT, _COUNT, _WASTE = range(1, 9)

# What happens besides dispensing; TRANSFER_OUT comes with its TRANSFER_IN.
_KINDS = np.array([_RECEIPT, _OUT, _ADJUSTMENT, _COUNT, _WASTE, 9, 10, 11, 12])
_SHARES = np.array([0.40, 0.12, 0.12, 0.26, 0.04, 0.03, 0.01, 0.01, 0.01])
# Of all movements, how many at most come from fills.
_FROM_FILLS = 0.75
# Opening stock in days of expected use, and packages on top of it, so that no stock runs out.
_OPENING_DAYS, _OPENING_PACKAGES = 4, 60
_REFRIGERATED = np.array([d.form == "INJECTION" for d in DRUGS])
_MOVE = record(i1="kind", i4="store drug", i8="delta happened related transfer on_hand sequence")


@dataclass
class Shelves:
    """Stock on hand in thousandths of a unit, and movements so far, by store and drug."""

    on_hand: npt.NDArray[np.int64]
    moved: npt.NDArray[np.int64]

    @classmethod
    def opened(cls, world: World, dispense_events: int) -> "Shelves":
        """The opening stock: enough for a stream of `dispense_events` dispense events."""
        fills = dispense_events / 6
        stores = np.diff(world.stores.popularity, prepend=0.0)
        drugs = np.diff(world.drugs.popularity, prepend=0.0)
        use = np.outer(stores, drugs) * fills * world.drugs.package * 4
        stock = use * _OPENING_DAYS + world.drugs.package * _OPENING_PACKAGES
        return cls(stock.astype(np.int64) // 1_000 * 1_000, np.zeros(use.shape, np.int64))

    def apply(self, moves: npt.NDArray[np.void]) -> None:
        """Books moves that are in their order; sets their `on_hand` and `sequence`."""
        place = moves["store"].astype(np.int64) * self.on_hand.shape[1] + moves["drug"]
        order = np.argsort(place, kind="stable")
        place, delta = place[order], moves["delta"][order]
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        sizes = np.diff(np.append(starts, len(place)))
        running = np.cumsum(delta)
        before = np.repeat(running[starts] - delta[starts], sizes)
        position = np.arange(len(place)) - np.repeat(starts, sizes) + 1
        moves["on_hand"][order] = self.on_hand.ravel()[place] + running - before
        moves["sequence"][order] = self.moved.ravel()[place] + position
        np.add.at(self.on_hand.reshape(-1), place, delta)
        np.add.at(self.moved.reshape(-1), place, 1)


def draw_moves(
    world: World, rng: np.random.Generator, rows: int, batch: Steps, shelves: Shelves
) -> npt.NDArray[np.void]:
    """`rows` movements in the time of `batch`, those of its fills among them.

    `related` is the row of the dispense event in `batch`, or -1.
    """
    ours = _moves_of_fills(batch)[: int(rows * _FROM_FILLS)]
    others = _other_moves(world, rng, rows - len(ours), batch)
    moves = np.concatenate([ours, others])
    moves = moves[np.argsort(moves["happened"], kind="stable")]
    shelves.apply(moves)
    return moves


def _moves_of_fills(batch: Steps) -> npt.NDArray[np.void]:
    kinds = batch.steps["kind"]
    filled = kinds == EVENT_TYPES.index("FILLED")
    rows = np.flatnonzero(filled | (kinds == EVENT_TYPES.index("RETURN_TO_STOCK")))
    moves = np.zeros(len(rows), _MOVE)
    quantity = batch.of_fill("quantity")[rows]
    moves["kind"] = np.where(filled[rows], _DISPENSE, _RETURN)
    moves["delta"] = np.where(filled[rows], -quantity, quantity)
    moves["store"] = batch.of_fill("store")[rows]
    moves["drug"] = batch.of_fill("drug")[rows]
    moves["happened"] = batch.steps["happened"][rows]
    moves["related"] = rows
    return moves


def _other_moves(
    world: World, rng: np.random.Generator, rows: int, batch: Steps
) -> npt.NDArray[np.void]:
    moves = np.zeros(rows, _MOVE)
    moves["kind"] = rng.choice(_KINDS, size=rows, p=_SHARES / _SHARES.sum())
    moves["store"] = ranks(world.stores.popularity, rng, rows)
    moves["drug"] = ranks(world.drugs.popularity, rng, rows)
    produced = batch.steps["produced"]
    moves["happened"] = np.sort(rng.integers(produced[0], produced[-1] + 1, rows))
    moves["related"] = -1
    package = world.drugs.package[moves["drug"]]
    moves["delta"] = _deltas(rng, moves["kind"], package)
    _pair_transfers(world, rng, moves)
    return moves


def _deltas(
    rng: np.random.Generator, kind: npt.NDArray[np.int8], package: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    few = rng.integers(1, 5, len(kind)) * 1_000
    delta = np.where(kind == _RECEIPT, rng.integers(1, 13, len(kind)) * package, -few)
    delta = np.where(kind == _ADJUSTMENT, rng.integers(-3, 4, len(kind)) * 1_000, delta)
    counted_well = rng.random(len(kind)) < 0.9
    return np.where((kind == _COUNT) & counted_well, 0, delta)


def _pair_transfers(world: World, rng: np.random.Generator, moves: npt.NDArray[np.void]) -> None:
    """Makes the row after each TRANSFER_OUT its TRANSFER_IN, in another store."""
    out = np.flatnonzero(moves["kind"][:-1] == _OUT) if len(moves) else np.empty(0, np.int64)
    out = out[np.diff(out, prepend=-2) > 1]
    moves["kind"][moves["kind"] == _OUT] = _RECEIPT
    moves["delta"] = np.where(moves["kind"] == _RECEIPT, np.abs(moves["delta"]), moves["delta"])
    moves["kind"][out], moves["kind"][out + 1] = _OUT, _IN
    moves["drug"][out + 1] = moves["drug"][out]
    quantity = rng.integers(1, 5, len(out)) * 10_000
    moves["delta"][out], moves["delta"][out + 1] = -quantity, quantity
    away = rng.integers(1, len(world.stores), len(out))
    moves["store"][out + 1] = (moves["store"][out] + away) % len(world.stores)
    moves["transfer"][out] = moves["transfer"][out + 1] = rng.integers(1, 10**9, len(out))


def inventory_keys(world: World, moves: npt.NDArray[np.void]) -> Bytes:
    """Message keys, `<store>-<NDC>`: the movements of one stock share a partition."""
    stores, drugs = world.stores.ids[moves["store"]], world.drugs.ids[moves["drug"]]
    return joined(len(moves), stores, b"-", drugs)


def inventory_columns(
    world: World, rng: np.random.Generator, moves: npt.NDArray[np.void], dispense_ids: pa.Array
) -> Columns:
    """All fields of the current schema version, one row a movement."""
    rows, kind = len(moves), moves["kind"]
    delay = rng.integers(20_000, 900_000, rows)
    drug = moves["drug"]
    return {
        "event_id": uuids(rng, rows),
        "event_time": integers(moves["happened"], MICROS),
        "produced_at": integers(moves["happened"] + delay, MICROS),
        "source_system": constant(SYSTEM, rows),
        "source_seq": integers(moves["sequence"], pa.int64()),
        "tenant_id": constant(TENANT, rows),
        "movement_type": enums(kind, MOVEMENT_TYPES),
        "pharmacy_ncpdp_id": picked(world.stores.ncpdp, moves["store"]),
        "ndc": picked(world.drugs.ndc, drug),
        "unit_of_measure": enums(world.drugs.unit[drug], UNITS),
        "quantity_delta": decimals(moves["delta"], 13, 3),
        "on_hand_after": decimals(moves["on_hand"], 13, 3),
        "counted_quantity": decimals(moves["on_hand"], 13, 3, kind == _COUNT),
        "related_event_id": dispense_ids.take(
            pa.array(moves["related"], mask=moves["related"] < 0)
        ),
        **_partners(moves),
        **_packages(world, rng, moves),
        **_custody(world, rng, moves),
    }


def _partners(moves: npt.NDArray[np.void]) -> Columns:
    kind, transfer = moves["kind"], moves["transfer"]
    moved = (kind == _OUT) | (kind == _IN)
    reasons = pa.array([None, "DAMAGED", "MISCOUNT", "RECALL"], pa.string())
    return {
        "counterparty_id": nullable(
            concatenated("0860", text(digits(moves["store"] * 31 + 7, 9))),
            moved | (kind == _RECEIPT),
        ),
        "transfer_id": nullable(concatenated("T", text(digits(transfer, 9))), moved),
        "reason_code": picked(reasons, np.where(kind >= _ADJUSTMENT, kind % 3 + 1, 0)),
        "t3_reference": nullable(
            concatenated("T3-", text(digits(moves["happened"] // 1_000_000, 10))),
            kind == _RECEIPT,
        ),
    }


def _packages(world: World, rng: np.random.Generator, moves: npt.NDArray[np.void]) -> Columns:
    rows, drug = len(moves), moves["drug"]
    serial = text(digits(rng.integers(10**11, 10**12, rows), 12))
    scanned = rng.random(rows) < 0.5
    epc = concatenated(picked(world.drugs.epc_prefix, drug), serial)
    return {
        "gtin": picked(world.drugs.gtin, drug),
        "serial_number": nullable(serial, scanned),
        "lot_number": concatenated("L", text(digits(rng.integers(10**5, 10**6, rows), 6))),
        "expiration_date": integers(world.day + rng.integers(90, 900, rows), pa.date32()),
        "epc": nullable(epc, scanned),
        "unit_cost": decimals(world.drugs.unit_price[drug], 12, 4),
    }


def _custody(world: World, rng: np.random.Generator, moves: npt.NDArray[np.void]) -> Columns:
    """Who did it, and what the law wants recorded of Schedule II and of the cold chain."""
    rows, kind = len(moves), moves["kind"]
    second = world.drugs.schedule[moves["drug"]] == 1
    cold = _REFRIGERATED[world.drugs.kind[moves["drug"]]]
    staff = rng.integers(10_000, size=(2, rows))
    degrees = rng.integers(210, 790, rows)
    return {
        "dea_form_222": nullable(
            text(digits(rng.integers(10**8, 10**9, rows), 9)), second & (kind == _RECEIPT)
        ),
        "witness_id": nullable(
            concatenated("RPH", text(digits(staff[0], 4))), second & (kind >= _COUNT)
        ),
        "performed_by": concatenated("TEC", text(digits(staff[1], 4))),
        "storage_temp_c": decimals(degrees, 5, 2, cold),
    }
