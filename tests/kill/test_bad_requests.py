"""Bytes that are no request, or lie about their length or their host: the web process answers with a 4xx and lives on."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tests.portal import Portal

pytestmark = pytest.mark.kill
HOST = b"Host: 127.0.0.1\r\n"
JSON = b"POST /api/portfolios HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
FORM = b"POST /sign-in/ HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Type: "
TYPE = b"application/x-www-form-urlencoded"
REQUESTS = {
    "chunks of no length": JSON + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nxx\r\n",
    "a chunk without end": JSON + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nxx\r\n",
    "a length and chunks": JSON + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": JSON + b"Content-Length: -5\r\n\r\n{}",
    "a length in words": JSON + b"Content-Length: two\r\n\r\n{}",
    "two lengths": JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "another host": b"GET /sign-in/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "two hosts": b"GET /sign-in/ HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\nConnection: close\r\n\r\n",
    "an address with NUL": b"GET /%00 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "an address that is no UTF-8": b"GET /%ff%fe HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "an endless address": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "5,000 fields in an address": b"GET /sign-in/?" + b"a=1&" * 5000 + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a form in parts without a border": FORM + b"multipart/form-data\r\nContent-Length: 7\r\n\r\nlogin=a",
    "a form in an encoding that is none": FORM + TYPE + b"; charset=no\r\nContent-Length: 7\r\n\r\nlogin=a",
    "a form of 3 MB": FORM + TYPE + b"\r\nContent-Length: 3000006\r\n\r\nlogin=" + b"a" * 3_000_000,
}


def answered(port: int, request: bytes) -> bytes:
    """What it says; it may say it, and hang up, before it was told everything."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(request)
        return line.recv(4000)


@pytest.mark.parametrize("kind", REQUESTS)
def test_what_is_no_good_request_is_a_4xx(portal: Portal, kind: str) -> None:
    web = portal.web().pid
    said = answered(portal.port, REQUESTS[kind])
    assert said.startswith(b"HTTP/1.1 4"), said[:200]
    assert b"Traceback" not in said and portal.http.get("/sign-in/").status_code < 400 and portal.web().pid == web
