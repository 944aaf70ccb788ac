"""Who calls has to know the run and its token; who does not harms nobody who does."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.portal import strain, until
from tests.worker.links.ends import beside, forged, packed
from worker.links import certificate, frames, greeting, listener
from worker.links.certificate import Certificate
from worker.links.faults import LinkFault, Refused, Silent, Strange, Torn
from worker.links.frames import Frame
from worker.links.wire import Listener, Wire, connect

TOKEN, RUN = "a token of 256 bits", "run-1"
IMAGE = Frame("image", {"number": 1}, {"x": np.random.default_rng(0).random((2, 250_000))})


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate.own(tmp_path_factory.mktemp("own"))


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong token has its answer at once, so that the tests do not wait for it."""
    monkeypatch.setattr(listener, "PAUSE_S", 0.01)


@pytest.fixture(params=["plain", "TLS"])
def listening(request: pytest.FixtureRequest, mine: Certificate) -> Iterator[tuple[Listener, dict[str, Any]]]:
    """A listener, and what a good caller says to it."""
    own = mine if request.param == "TLS" else None
    with opened(own) as there:
        yield there, SAID | {"pin": own.fingerprint if own else None}


Listening = tuple[Listener, dict[str, Any]]
SAID: dict[str, Any] = {"token": TOKEN, "run": RUN, "patience_s": 20, "most_bytes": 10**8}


def opened(own: Certificate | None = None, **how: Any) -> Listener:
    return Listener("127.0.0.1", 0, certificate=own, **SAID | how)


def door() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def both(there: Listener, said: dict[str, Any]) -> tuple[Wire, Wire]:
    caller = connect(there.address, **said)
    return caller, there.accept()


def test_a_caller_who_knows_the_token_is_let_in_and_both_may_speak(listening: Listening) -> None:
    caller, host = both(*listening)
    with caller, host, beside(lambda: caller.send(IMAGE)), beside(lambda: host.send(IMAGE)), beside(caller.receive):
        assert np.array_equal(host.receive().tensors["x"], IMAGE.tensors["x"])
    assert caller.peer == f"127.0.0.1:{listening[0].port}"


def test_several_callers_may_be_served_at_once(listening: Listening) -> None:
    there, said = listening
    with ThreadPoolExecutor(8) as pool:
        callers = list(pool.map(lambda _: connect(there.address, **said), range(8)))
    hosts = [there.accept() for _ in callers]
    for number, caller in enumerate(callers):
        caller.send(Frame("image", {"number": number}))
    assert sorted(host.receive().facts["number"] for host in hosts) == list(range(8))
    for each in (*callers, *hosts):
        each.close()


@pytest.mark.parametrize(("other", "why"), [({"token": "another"}, "another token"), ({"run": "run-2"}, "another run"),
                                           ({"token": ""}, "another token"), ({"run": ""}, "another run")])
def test_another_token_or_run_is_refused(listening: Listening, other: dict[str, str], why: str) -> None:
    there, said = listening
    with pytest.raises(Refused, match=why):
        connect(there.address, **said | other)
    assert until(lambda: there.refused == 1, 10, "the caller to be counted")
    with pytest.raises(Silent, match="Nobody who knows the token"):
        there.accept(within_s=0.01)


def test_a_listener_that_does_not_know_the_token_is_found_out() -> None:
    """It says welcome to anybody."""
    def impostor() -> None:
        with Wire(theirs.accept()[0], 4096, 20) as wire:
            wire.receive()
            wire.send(Frame(greeting.HELLO, {"nonce": "00" * 16}))
            wire.receive()
            wire.send(Frame(greeting.WELCOME, {"proof": "00" * 32}))
            with pytest.raises(LinkFault):
                wire.receive()

    with door() as theirs, beside(impostor), pytest.raises(Refused, match="does not know the token"):
        connect(theirs.getsockname(), **SAID)


def test_the_token_is_never_said_and_no_greeting_is_like_another(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bytes] = []
    plain = frames.packed
    monkeypatch.setattr(frames, "packed", lambda frame: [said.append(plain(frame).first), plain(frame)][1])
    with opened() as there:
        for _ in range(2):
            with connect(there.address, **SAID), there.accept():
                pass
    assert len(said) == 8 and TOKEN.encode() not in b"".join(said)
    proofs = [each for each in said if b'"proof"' in each]
    assert len(set(proofs)) == len(proofs) == 4


def test_what_was_overheard_opens_nothing() -> None:
    """The proof of one connection, said again on the next."""
    with opened() as there:
        _overheard(there)


def _overheard(there: Listener) -> None:
    heard: list[Frame] = []
    with socket.create_connection(there.address) as plain, Wire(plain, 4096, 20) as wire:
        wire.send(Frame(greeting.CALL, {"run": RUN, "nonce": "00"}))
        nonce = wire.receive().facts["nonce"]
        heard.append(Frame(greeting.PROOF, {"proof": greeting._proof(TOKEN, "caller", [RUN, "00", nonce, ""])}))
        wire.send(heard[0])
        assert wire.receive().kind == greeting.WELCOME
        there.accept().close()
    with socket.create_connection(there.address) as plain, Wire(plain, 4096, 20) as wire:
        wire.send(Frame(greeting.CALL, {"run": RUN, "nonce": "00"}))
        wire.receive()
        wire.send(heard[0])
        assert wire.receive().kind == greeting.REFUSED


def test_a_certificate_other_than_the_pinned_one_is_told_nothing(mine: Certificate, tmp_path: Path) -> None:
    other = certificate.own(tmp_path)
    with opened(other) as there:
        with pytest.raises(Refused, match="another certificate"):
            connect(there.address, **SAID, pin=mine.fingerprint)
        assert until(lambda: there.refused == 1, 10, "the caller to be counted")


def test_a_proof_holds_for_the_certificate_that_was_shown(mine: Certificate, tmp_path: Path) -> None:
    """Somebody in between with a certificate of his own, whose fingerprint he made the caller believe, gets no further."""
    with opened(mine) as there:
        between = certificate.own(tmp_path)
        with door() as theirs, beside(lambda: _pass_on(theirs, between, there.address)), pytest.raises(LinkFault):
            connect(theirs.getsockname(), **SAID, pin=between.fingerprint)
        assert until(lambda: there.refused == 1, 10, "the caller to be counted")


def _pass_on(theirs: socket.socket, own: Certificate, target: tuple[str, int]) -> None:
    outwards = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outwards.check_hostname, outwards.verify_mode = False, ssl.CERT_NONE
    with own.context().wrap_socket(theirs.accept()[0], server_side=True) as near, outwards.wrap_socket(
            socket.create_connection(target)) as far:
        for source, sink in ((near, far), (far, near), (near, far), (far, near)):
            sink.sendall(source.recv(4096))


@pytest.mark.parametrize("pin", ["", "no digits", "00" * 31])
def test_a_pin_that_is_none_fits_no_certificate(mine: Certificate, pin: str) -> None:
    with opened(mine) as there, pytest.raises(Refused, match="another certificate"):
        connect(there.address, **SAID, pin=pin)


def test_only_tls_1_3_is_spoken(mine: Certificate) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode, old.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
    with (opened(mine) as there, socket.create_connection(there.address) as plain,
          pytest.raises((ssl.SSLError, ConnectionError))):
        old.wrap_socket(plain)


def test_plain_and_tls_do_not_wait_for_each_other(mine: Certificate) -> None:
    begun = time.monotonic()
    with opened(mine) as there, pytest.raises(LinkFault):
        connect(there.address, **SAID)
    with opened() as there, pytest.raises(Torn, match="TLS"):
        connect(there.address, **SAID, pin=mine.fingerprint)
    assert time.monotonic() - begun < 5 * strain()


def test_where_nobody_listens_it_is_said_at_once() -> None:
    with door() as gone:
        address = gone.getsockname()
    begun = time.monotonic()
    for target in (address, ("127.0.0.1", 700_000), ("no such host.invalid", 1), ("\udc80", 1)):
        with pytest.raises(Silent, match="Nobody can be reached at"):
            connect(target, **SAID)
    assert time.monotonic() - begun < 10 * strain()


@pytest.mark.parametrize("pinned", [False, True])
def test_a_port_that_says_nothing_holds_no_caller(pinned: bool) -> None:
    with door() as mute:
        begun = time.monotonic()
        with pytest.raises(Silent):
            connect(mute.getsockname(), **SAID | {"pin": "00" * 32 if pinned else None, "patience_s": 0.3})
        assert time.monotonic() - begun < 10 * strain()


def test_a_host_of_another_version_is_refused_by_name() -> None:
    with opened() as there, socket.create_connection(there.address, timeout=20) as old:
        old.sendall(forged(b"{}", kind=b"call", version=2))
        assert old.recv(100) == b""
    newer = forged(kind=b"hello", version=2)
    with door() as theirs, beside(lambda: _says(theirs, newer)), pytest.raises(Refused, match="version 2"):
        connect(theirs.getsockname(), **SAID)


def _says(theirs: socket.socket, said: bytes) -> None:
    """A listener that says this and waits until the caller has gone."""
    with theirs.accept()[0] as called:
        called.sendall(said)
        while called.recv(4096):
            pass


def test_a_host_that_greets_in_another_order_is_strange() -> None:
    with (door() as theirs, beside(lambda: _says(theirs, packed(Frame("welcome")))),
          pytest.raises(Strange, match="'hello' was to come next; got 'welcome'")):
        connect(theirs.getsockname(), **SAID)


GREETINGS = {
    "nothing": b"", "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "random bytes": os.urandom(4096),
    "half a head": packed(Frame("call"))[:20], "10 GB": forged(body_bytes=10**10),
    "tensors": packed(Frame("call", {"run": RUN, "nonce": ""}, {"x": np.zeros(4096)})),
    "facts that are numbers": forged(b'{"run": 1}'),
    "no facts": packed(Frame("call")), "the proof first": packed(Frame("proof", {"proof": "00"})),
    "a lone surrogate": packed(Frame("call", {"run": "\ud800", "nonce": "\ud800"})),
    "the right run and a wrong proof": packed(Frame("call", {"run": RUN, "nonce": "\ud800"})) + packed(
        Frame("proof", {"proof": "\ud800"})),
    "the right run and nothing": packed(Frame("call", {"run": RUN, "nonce": "00"})),
}


def test_a_hundred_bad_callers_harm_no_good_one(listening: Listening) -> None:
    """They come first, stay, and are of all kinds; more than are greeted at once."""
    there, said = listening
    bad = [socket.create_connection(there.address) for _ in range(100)]
    for at, each in enumerate(bad):
        each.sendall(list(GREETINGS.values())[at % len(GREETINGS)])
    begun = time.monotonic()
    caller, host = both(there, said)
    took = time.monotonic() - begun
    with caller, host, beside(lambda: caller.send(IMAGE)):
        assert np.array_equal(host.receive().tensors["x"], IMAGE.tensors["x"])
    assert took < 5 * strain()
    with pytest.raises(Silent):
        there.accept(within_s=0.01)
    for each in bad:
        each.close()
    assert until(lambda: there.refused == 100, 30, "all of them to be turned away")


@pytest.mark.parametrize("said", GREETINGS.values(), ids=GREETINGS)
def test_a_bad_caller_is_let_go_in_time(said: bytes) -> None:
    with opened(greeting_s=0.2) as there:
        with socket.create_connection(there.address, timeout=20) as bad:
            try:
                bad.sendall(said)
                while bad.recv(4096):
                    pass
            except (ConnectionResetError, BrokenPipeError):
                pass
        assert until(lambda: there.refused == 1, 10, "the caller to be counted")


@pytest.mark.parametrize("over_tls", [False, True])
def test_who_drips_through_the_greeting_is_let_go_in_time(mine: Certificate, over_tls: bool) -> None:
    own = mine if over_tls else None
    with opened(own, greeting_s=0.2) as there:
        with socket.create_connection(there.address, timeout=20) as slow:
            begun = time.monotonic()
            said = bytes.fromhex("160301020001000100") if over_tls else packed(Frame("call", {"run": RUN, "nonce": "00"}))
            assert any(_has_gone(slow, said[at:at + 1]) for at in range(len(said))) or _has_gone(slow, b"", 20)
        assert time.monotonic() - begun < 5 * strain()


def _has_gone(there: socket.socket, said: bytes, within_s: float = 0.1) -> bool:
    """Whether the other side ends the connection so soon after this."""
    there.settimeout(within_s)
    try:
        there.sendall(said)
        return there.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_no_more_than_so_many_are_greeted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MOST_UNDECIDED", 4)
    with opened() as there:
        mute = [socket.create_connection(there.address, timeout=20) for _ in range(10)]
        assert [each.recv(1) for each in mute[:6]] == [b""] * 6, "the oldest give way"
        until(lambda: len(there._undecided) == 4, 10, "the last of them to be greeted")
        assert sum(thread.name == "greeting" for thread in threading.enumerate()) <= 10
        for each in mute:
            each.close()


def test_a_wrong_token_waits_for_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "PAUSE_S", 0.2)
    with opened() as there:
        begun = time.monotonic()
        with pytest.raises(Refused):
            connect(there.address, **SAID | {"token": "guess"})
        assert time.monotonic() - begun >= 0.2


def test_closing_lets_everybody_go(listening: Listening) -> None:
    there, said = listening
    undecided = socket.create_connection(there.address, timeout=20)
    waiting = connect(there.address, **said)
    until(lambda: there._welcomed.qsize() == 1 and len(there._undecided) == 1, 10, "both to be there")
    with beside(lambda: threading.Event().wait(0.1) or there.close()):
        there.accept().close()
        with pytest.raises(Torn, match="closed"):
            there.accept()
    assert undecided.recv(1) == b""
    with pytest.raises(Torn):
        waiting.receive()
    with pytest.raises(LinkFault):
        connect(there.address, **said)
    undecided.close()


def test_a_listener_needs_a_token() -> None:
    with pytest.raises(ValueError, match="token"):
        Listener("127.0.0.1", 0, token="", run=RUN, most_bytes=1, patience_s=1)
