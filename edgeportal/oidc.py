"""Signing in through an organisation's own OpenID Connect provider, when the environment names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROVIDER = "oidc"
NEEDED = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_SECRET")


def providers(environ: Mapping[str, str]) -> dict[str, Any]:
    """allauth's table of providers: empty, or the one of OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_SECRET and OIDC_NAME."""
    given = [name for name in NEEDED if environ.get(name)]
    if not given:
        return {}
    if len(given) < len(NEEDED):
        raise ValueError(f"OIDC needs all of {', '.join(NEEDED)}.")
    app = {"provider_id": PROVIDER, "name": environ.get("OIDC_NAME") or "your organisation",
           "client_id": environ["OIDC_CLIENT_ID"], "secret": environ["OIDC_SECRET"],
           "settings": {"server_url": environ["OIDC_ISSUER"].rstrip("/"), "email_authentication": True}}
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
