"""`make run LAN=1`: the local network by HTTPS, one certificate that stays, and nothing changed for who does not ask for it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from edgeportal import lan, preconditions, programs
from tests.portal import ROOT, free_port

SETTINGS = ("import json; from django.conf import settings as s; print(json.dumps({'hosts': s.ALLOWED_HOSTS, "
            "'secure': s.SESSION_COOKIE_SECURE and s.CSRF_COOKIE_SECURE, 'redirect': s.SECURE_SSL_REDIRECT, 'lan': s.LAN}))")


@pytest.fixture
def on_the_lan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEPORTAL_VAR", str(tmp_path))
    monkeypatch.setenv("LAN", "1")
    return tmp_path


def test_the_certificate_is_made_once_for_all_addresses_and_its_owner_only(on_the_lan: Path) -> None:
    lan.make_certificate()
    body = lan.certificate().read_bytes()
    lan.make_certificate()
    assert lan.certificate().read_bytes() == body
    assert [path.stat().st_mode & 0o777 for path in (lan.key(), lan.certificate(), lan.key().parent)] == [0o600, 0o600, 0o700]
    made = x509.load_pem_x509_certificate(body)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    assert {ip_address(address) for address in lan.addresses()} <= set(names.get_values_for_type(x509.IPAddress))
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days > 19 * 365
    assert len(lan.fingerprint()) == 95
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(lan.certificate(), lan.key())


def test_the_web_process_speaks_tls_to_all_or_plain_to_loopback(on_the_lan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, _ = programs.web(8000)
    assert words[words.index("--host") + 1] == "0.0.0.0" and words[words.index("--ssl-certfile") + 1] == str(lan.certificate())
    monkeypatch.setenv("LAN", "")
    words, _ = programs.web(8000)
    assert words[words.index("--host") + 1] == "127.0.0.1" and "--ssl-certfile" not in words
    monkeypatch.setenv("LAN", "1")
    monkeypatch.setenv("EDGEPORTAL_MODE", "production")
    assert not lan.wanted(), "production says by itself what it is bound to"


@pytest.mark.parametrize("wanted", ["1", ""])
def test_cookies_are_for_https_only_where_there_is_https(tmp_path: Path, wanted: str) -> None:
    environment = {**os.environ, "EDGEPORTAL_VAR": str(tmp_path), "LAN": wanted, "DJANGO_SETTINGS_MODULE": "edgeportal.settings"}
    done = subprocess.run([sys.executable, "-c", SETTINGS], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (found["secure"], found["redirect"], found["lan"]) == (bool(wanted), False, bool(wanted))
    assert set(lan.addresses()) <= set(found["hosts"]) if wanted else found["hosts"] == ["localhost", "127.0.0.1", "[::1]"]


def test_a_port_that_is_taken_on_any_address_is_told() -> None:
    import socket

    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(preconditions.Cannot, match=f"Port {port} cannot be used"):
            preconditions.free_port(port, "0.0.0.0")
