"""The example of README.md's chapter on the API, run as it stands there, by a shell against the whole portal."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from tests.portal import ROOT, Portal


def example(address: str, token: str) -> str:
    """The block with the token, whose first line is filled in."""
    block = next(each for each in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S) if "TOKEN=ep_" in each)
    return block.replace("TOKEN=ep_...", f"TOKEN={token}").replace("http://127.0.0.1:8000/api", f"{address}/api")


def token(portal: Portal) -> str:
    team = portal.sql("select id from accounts_team order by created limit 1")[0][0]
    portal.http.get("/account/")
    said = portal.post("/account/tokens/", {"team": team, "name": "the example", "scope": "write", "days": "30"}).text
    found = re.search(r"ep_\w{8}_\w{43}", said)
    assert found, said[:500]
    return found.group()


def test_the_example_brings_the_network_that_was_pruned(portal: Portal, tmp_path: Path) -> None:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", example(portal.address, token(portal))], cwd=tmp_path,
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0 and "finished" in done.stdout, done.stdout + done.stderr
    body = (tmp_path / "pruned.safetensors").read_bytes()
    made = portal.sql("select v.name, v.params, p.params from catalog_variant v join catalog_variant p on p.id = v.parent_id"
                      " where v.file_id = %s and v.made_by is not null", hashlib.sha256(body).hexdigest())
    assert [(name.split(" of run ")[0], params < dense) for name, params, dense in made] == [("reconvene 0.875", True)]
