"""The one line that joins a board: the command that a page shows, the script it fetches, the wheel that this fetches."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.request import split_domain_port
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.devices.agent_wheel import TRAINS_WITH, requirements, wheel
from apps.devices.certificate import fingerprint, public_key_pin

SCRIPT = Path(__file__).with_name("join.sh")
UNIT = Path("deploy", "systemd", "edgeportal-agent.service")


def base_url(request: HttpRequest) -> str:
    """Where boards find this portal: as the visitor's browser did, but by an address that others reach too."""
    host, port = split_domain_port(request.get_host())
    if settings.LAN and _is_loopback(host):
        host = settings.LAN_HOSTS[0]
    return f"{'https' if request.is_secure() else 'http'}://{host}{f':{port}' if port else ''}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def join_command(request: HttpRequest, code: str) -> str:
    """The line to paste into the board's terminal. The pin binds it to this portal, the sum to this agent."""
    pin = public_key_pin()
    curl = f"curl -fsSk --pinnedpubkey 'sha256//{pin}'" if pin else "curl -fsS"
    return f"{curl} {base_url(request)}{reverse('join-script')} | sh -s -- {code} {wheel().sha256}"


@login_not_required
@require_safe
def join_script(request: HttpRequest) -> HttpResponse:
    """What the line runs; it holds no secret."""
    made, values = wheel(), {"BASE": base_url(request), "PIN": public_key_pin(), "FINGERPRINT": fingerprint()}
    values |= {"SHA256": made.sha256, "WHEEL": made.name, "NEEDS": " ".join(requirements()),
               "TRAINS": " ".join(requirements(TRAINS_WITH)),
               "UNIT": (settings.BASE_DIR / UNIT).read_text().rstrip()}
    text = SCRIPT.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return HttpResponse(text, content_type="text/x-shellscript; charset=utf-8", headers={"Cache-Control": "no-store"})


@login_not_required
@require_safe
def agent_wheel(request: HttpRequest) -> HttpResponse:
    """The agent itself: the same for every board."""
    made = wheel()
    tag = f'"{made.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    return HttpResponse(made.body, content_type="application/octet-stream", headers={
        "ETag": tag, "Content-Disposition": f'attachment; filename="{made.name}"'})
