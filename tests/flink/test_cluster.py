"""The local cluster: its processes, and where they listen."""

import ipaddress

import psutil
import pytest

from runners.local._cli import main

pytestmark = pytest.mark.flink


def test_it_listens_on_the_loopback_address_alone(flink_cluster):
    addresses = {
        connection.laddr.ip.removeprefix("::ffff:")
        for service in flink_cluster.all
        for connection in psutil.Process(service.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses
    assert all(ipaddress.ip_address(each).is_loopback for each in addresses)


def test_status_knows_its_processes(flink_cluster, servers, capsys):
    main(["status", "--state_dir", str(servers.state.folder)])
    said = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("flink-") and " healthy " in line for line in said) == 4


def test_a_killed_task_manager_comes_back_under_its_name(flink_cluster):
    first = flink_cluster.task_managers[1]
    first.kill()
    assert not first.is_ready()
    first.restart()
    assert flink_cluster.cluster.overview().task_managers == 2
