"""A stand-in for Amazon Redshift: a gateway before a real PostgreSQL; see `runners.local.redshift`.

The gateway is a process of its own, and PostgreSQL a child that ends with it.
"""

import ctypes
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runners.errors import LocalServiceError
from runners.local import _certificates, _processes
from runners.local._ports import HOST, accepts
from runners.local._s3 import S3
from runners.local._service import Service
from runners.local._state import State

__all__ = ["Redshift", "RedshiftSettings"]

_IPC_RMID = 0


@dataclass(frozen=True, kw_only=True)
class RedshiftSettings:
    """What to serve.

    Attributes:
        database: made at the first start.
        user: its administrator.
        iam_role: the role that COPY may name, besides ``default``.
    """

    database: str = "dev"
    user: str = "awsuser"
    iam_role: str = "arn:aws:iam::123456789012:role/local-copy"


class Redshift(Service):
    """The stand-in of a state folder.

    Args:
        state: the record of the state folder.
        settings: what to serve.
        s3: the server that COPY reads from.
    """

    name = "redshift"

    def __init__(self, state: State, settings: RedshiftSettings, s3: S3) -> None:
        super().__init__(state)
        self.settings = settings
        self._s3 = s3

    @property
    def port(self) -> int:
        """The port for clients, on the loopback address; TLS only."""
        return self._port("client")

    @property
    def address(self) -> str:
        """The host, port and database, as in ``127.0.0.1:20000/dev``."""
        return f"{HOST}:{self.port}/{self.settings.database}"

    @property
    def password(self) -> str:
        """The administrator's password, random for each state folder."""
        try:
            return self._password.read_text()
        except FileNotFoundError:
            reason = "its password isn't known before it was started"
            raise LocalServiceError(self.name, reason, "start it first") from None

    @property
    def ca_bundle(self) -> Path:
        """Public roots and the local authority's certificate, for ``SSL_CERT_FILE``.

        redshift_connector takes a private authority by that variable only, and the variable
        replaces the usual roots.
        """
        return self.folder / "ca-bundle.pem"

    def environ(self) -> Mapping[str, str]:
        """Returns the variables ``REDSHIFT_*``."""
        return {
            "REDSHIFT_HOST": HOST,
            "REDSHIFT_PORT": str(self.port),
            "REDSHIFT_DATABASE": self.settings.database,
            "REDSHIFT_USER": self.settings.user,
            "REDSHIFT_PASSWORD": self.password,
            "REDSHIFT_CA": str(self.ca_bundle),
        }

    def arm(self, match: str, action: str, **fields: object) -> None:
        """Arms a fault for the next statements that look like ``match``.

        Args:
            match: a regular expression, such as ``^commit``.
            action: ``error``, ``drop_before``, ``drop_after``, ``delay`` or ``freeze``.
            fields: more of `runners.local.redshift.faults.Fault`: ``times``, ``code``,
                ``message``, ``detail``, ``seconds``.
        """
        self._control({"do": "arm", "match": match, "action": action, **fields})

    def clear(self) -> None:
        """Takes back all faults; what is frozen goes on, connections are taken again."""
        self._control({"do": "clear"})

    def refuse_connections(self) -> None:
        """Refuses new connections until `clear`."""
        self._control({"do": "refuse", "on": True})

    def drop_connections(self) -> None:
        """Cuts all connections, as a reboot of the cluster does."""
        self._control({"do": "drop"})

    def limit_idling(self, seconds: int) -> None:
        """Ends sessions that begin from now on once they idle this long; 0 is for ever.

        Redshift's own limit, ``ALTER USER ... SESSION TIMEOUT``, is a minute at least.
        """
        self._control({"do": "timeout", "seconds": seconds})

    def fired(self) -> int:
        """Returns how many faults have happened since the start."""
        return int(self._control({"do": "state"})["fired"])

    def _control(self, request: Mapping[str, object]) -> dict[str, Any]:
        with socket.create_connection((HOST, self._port("control")), timeout=3) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(connection.makefile().readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def _port_names(self) -> tuple[str, ...]:
        return ("client", "control")

    def _prepare(self) -> None:
        import certifi

        if not self._password.exists():
            self._password.touch(mode=0o600)
            self._password.write_text(secrets.token_urlsafe(18))
        authority = _certificates.in_folder(self.folder / "tls").authority.read_text()
        roots = Path(os.environ.get("SSL_CERT_FILE") or certifi.where()).read_text()
        self.ca_bundle.write_text(f"{roots}\n{authority}")
        self._config.touch(mode=0o600)
        self._config.write_text(json.dumps(self._configuration(), indent=1))

    def _configuration(self) -> dict[str, object]:
        return {
            "data": str(self._data),
            "certificate": str(_certificates.in_folder(self.folder / "tls").server),
            "port": self.port,
            "control_port": self._port("control"),
            "database": self.settings.database,
            "user": self.settings.user,
            "password": self.password,
            "role": self.settings.iam_role,
            "s3": {
                "endpoint_url": self._s3.endpoint_url,
                "aws_access_key_id": self._s3.access_key,
                "aws_secret_access_key": self._s3.secret_key,
                "region_name": self._s3.region,
            },
        }

    def _command(self) -> list[str | Path]:
        return [sys.executable, "-m", "runners.local.redshift", self._config]

    def _environ(self) -> Mapping[str, str]:
        return {"PYTHONPATH": _processes.python_path()}

    def _answers(self) -> bool:
        try:
            return accepts(self.port) and "armed" in self._control({"do": "state"})
        except (OSError, ValueError):
            return False

    def _end(self, grace: float) -> None:
        super()._end(grace)
        _remove_shared_memory(self._data / "postmaster.pid")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password(self) -> Path:
        return self.folder / "password"

    @property
    def _config(self) -> Path:
        return self.folder / "gateway.json"


def _remove_shared_memory(lock: Path) -> None:
    """Removes the segment that a killed PostgreSQL left; its lock file names it."""
    try:
        segment = int(lock.read_text().splitlines()[6].split()[1])
        ctypes.CDLL(None).shmctl(segment, _IPC_RMID, None)
    except (OSError, ValueError, IndexError, AttributeError):
        return
