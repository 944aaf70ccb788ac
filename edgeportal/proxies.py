"""Whom to believe about where a request comes from: the proxies that TRUSTED_PROXIES names, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Network = IPv4Network | IPv6Network
TOLD = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
        "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_X_REQUEST_ID")


def networks(words: Sequence[str]) -> list[Network]:
    """Addresses and networks; ValueError names the word that is neither."""
    return [ip_network(word) for word in words]


def proxies(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the first of all: from a trusted proxy, take the visitor's address; from anybody else, forget what it told."""
    trusted = networks(settings.TRUSTED_PROXIES)

    def placed(request: HttpRequest) -> HttpResponse:
        request.is_forwarded = any(header in request.META for header in TOLD[:-1])  # type: ignore[attr-defined]
        if is_in(request.META.get("REMOTE_ADDR", ""), trusted):
            request.META["REMOTE_ADDR"] = visitor(request.META, trusted)
        else:
            for header in TOLD:
                request.META.pop(header, None)
        return respond(request)

    return placed


def visitor(meta: dict[str, str], trusted: Sequence[Network]) -> str:
    """The last address in X-Forwarded-For that is no proxy of ours; whatever stands before it may be invented."""
    for word in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address = word.strip()
        if not _is_address(address):
            break
        if not is_in(address, trusted):
            return address
    return meta["REMOTE_ADDR"]


def is_in(address: str, among: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in among)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
