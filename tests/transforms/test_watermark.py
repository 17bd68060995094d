"""What holds of the watermark of each source; the sources' tests show the timestamps."""

from apache_beam.utils.timestamp import Timestamp

from transforms.watermark import later


def test_a_quiet_partition_moves_on_but_not_back():
    assert later(None, Timestamp(4)) == Timestamp(4)
    assert later(Timestamp(3), Timestamp(4)) == Timestamp(4)
    assert later(Timestamp(5), Timestamp(4)) == Timestamp(5)
