"""No test reaches a network: only a server that it started itself, on loopback. And no test writes a bill of
materials that is not valid.
"""

import os
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sbom import cyclonedx, gather, spdx3
from tests import written

# No deadline: how busy the machine is says nothing about the code. In CI the same examples each time, so that
# a red run can be repeated; elsewhere new ones.
settings.register_profile(
    "weighbridge",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("weighbridge")

cyclonedx.write = written.holding(cyclonedx.write)  # every user calls it by the module's name

spdx3.write = written.holding(spdx3.write, written.hold_spdx)
gather.merge = written.merging(gather.merge)

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
