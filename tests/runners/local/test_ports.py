import socket

import pytest

from runners.local import _ports
from runners.local._ports import accepts, first_taken, free_ports, is_free


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_where_something_listens_is_not_free(listener):
    assert not is_free(listener)
    assert accepts(listener)
    assert first_taken([listener]) == listener


def test_ports_are_different_and_below_the_ephemeral_range():
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(is_free(port) and port < _ports._ceiling() for port in ports)


def test_ports_in_pairs_never_share_a_number():
    ports = free_ports(20, above=5)
    assert len({*ports, *(port + 5 for port in ports)}) == 40


def test_taken_ports_are_not_given_out(monkeypatch):
    monkeypatch.setattr(_ports, "_LOWEST", 15_000)
    monkeypatch.setattr(_ports, "_ceiling", lambda: 15_010)
    # A server of another test may listen on the one port that is left.
    monkeypatch.setattr(_ports, "first_taken", lambda _ports: None)
    taken = range(15_000, 15_009)
    assert set(free_ports(1, taken=taken)) <= {15_009}


def test_asking_for_more_than_there_are_is_an_error(monkeypatch):
    monkeypatch.setattr(_ports, "_ceiling", lambda: _ports._LOWEST + 3)
    with pytest.raises(OSError, match="free ports"):
        free_ports(4)
