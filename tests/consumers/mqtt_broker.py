"""A real MQTT broker on this machine: Mosquitto, or amqtt where that is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

_AMQTT = """
import asyncio, sys
from amqtt.broker import Broker
async def main():
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listener = {"type": "tcp", "bind": "127.0.0.1:" + sys.argv[1]}
    await Broker({"listeners": {"default": listener}, "plugins": plugins}).start()
    await asyncio.Event().wait()
asyncio.run(main())
"""
START_SECONDS = 120.0


def free_port() -> int:
    """Return a port that is free, and stays so until a test's broker takes it.

    It lies below those that a system gives to whoever connects without choosing one: nobody
    gets it by chance in the meantime.

    Source: Linux gives ports from 32768 on (net.ipv4.ip_local_port_range in ip(7)).
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextlib.contextmanager
def mqtt_broker(port: int) -> Iterator[None]:
    """Run a broker for as long as the block lasts; skip where there is none."""
    if mosquitto := shutil.which("mosquitto"):
        command = [mosquitto, "-p", str(port)]
    elif importlib.util.find_spec("amqtt"):
        command = [sys.executable, "-c", _AMQTT, str(port)]
    else:
        pytest.skip("no MQTT broker: neither mosquitto nor amqtt is installed")
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as broker:
        try:
            _wait_for(port)
            yield
        finally:
            broker.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the broker does not start"
            time.sleep(0.02)
        else:
            return
