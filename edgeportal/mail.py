"""The mail server from the environment: EMAIL_URL, else EMAIL_HOST and its companions; none when neither is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


@dataclass(frozen=True)
class Server:
    """Where mail is handed in. Without a host there is none."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False

    def __bool__(self) -> bool:
        return bool(self.host)


def server(environ: Mapping[str, str]) -> Server:
    """EMAIL_URL is smtp://, smtp+tls:// (STARTTLS) or smtps://, with user and password in it when the server asks for them."""
    if environ.get("EMAIL_URL"):
        return _from_url(environ["EMAIL_URL"])
    starttls, tls = environ.get("EMAIL_USE_TLS") == "1", environ.get("EMAIL_USE_SSL") == "1"
    port = int(environ.get("EMAIL_PORT") or (465 if tls else 587 if starttls else 25))
    return Server(environ.get("EMAIL_HOST", ""), port, environ.get("EMAIL_HOST_USER", ""),
                  environ.get("EMAIL_HOST_PASSWORD", ""), starttls, tls)


def _from_url(text: str) -> Server:
    url = urlsplit(text)
    if url.scheme not in PORTS or not url.hostname:
        raise ValueError("EMAIL_URL must look like smtp+tls://user:password@mail.example.org:587")
    return Server(url.hostname, url.port or PORTS[url.scheme], unquote(url.username or ""), unquote(url.password or ""),
                  url.scheme == "smtp+tls", url.scheme == "smtps")
