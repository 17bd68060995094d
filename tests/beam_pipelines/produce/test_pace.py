from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.pace import Pace


def chunk(rows: int, fate: Fate = Fate.PLAIN) -> Chunk:
    return Chunk(
        topic="t", partitions=[0] * rows, keys=[None] * rows, values=[b""] * rows,
        timestamps_ms=[0] * rows, fate=fate,
    )  # fmt: skip


class FakeTime:
    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_rate_is_kept_by_waiting():
    time = FakeTime()
    pace = Pace(1_000, time.clock, time.sleep)
    sizes = [len(piece) for piece in pace.pieces(chunk(2_000))]
    assert sizes == [100] * 20
    assert pace.messages == 2_000
    assert abs(pace.seconds() - 1.9) < 1e-6  # the last piece is sent at 1.9 s


def test_without_a_rate_nothing_waits():
    time = FakeTime()
    pace = Pace(None, time.clock, time.sleep)
    assert [len(piece) for piece in pace.pieces(chunk(25_000))] == [10_000, 10_000, 5_000]
    assert time.now == 100.0


def test_a_transaction_is_not_taken_apart():
    pace = Pace(10, *(lambda t: (t.clock, t.sleep))(FakeTime()))
    assert [len(piece) for piece in pace.pieces(chunk(500, Fate.COMMITTED))] == [500]
