"""A sandbox that stops does so whatever its callers do."""

import contextlib
import gc
import socket
import threading

from bitstamp_ledger.sandbox import Sandbox

ROUNDS = 5
STOP_SECONDS_MAX = 20


def knock(
    address: tuple[str, int],
    made: list[socket.socket],
    begun: threading.Event,
    stopped: threading.Event,
) -> None:
    """Connect again and again, and say nothing."""
    while len(made) < 300 and not stopped.is_set():
        with contextlib.suppress(OSError):
            made.append(socket.create_connection(address, timeout=0.2))
        begun.set()


def test_callers_who_knock_while_it_stops_do_not_keep_it() -> None:
    """A connection made at the last moment was told nothing: it hung, or a warning came later."""
    sandbox = Sandbox(seed=1, transactions=5)
    for _ in range(ROUNDS):
        sandbox.start()
        address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
        begun, stopped = threading.Event(), threading.Event()
        made: list[socket.socket] = []
        caller = threading.Thread(target=knock, args=(address, made, begun, stopped))
        caller.start()
        begun.wait()
        stopper = threading.Thread(target=sandbox.stop, daemon=True)
        stopper.start()
        stopper.join(STOP_SECONDS_MAX)
        hangs = stopper.is_alive()
        stopped.set()
        caller.join()
        for each in made:
            each.close()
        assert not hangs
        gc.collect()
