"""`python -m worker.updating`: sign for a device (key, sign), or serve and update a network on it (begin, take, show).

The last three need Python's own library and NumPy alone. Exit status 0 when it was done, 2 with one sentence when it was refused.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from worker.addressed import MOST_BYTES, Refused, signed
from worker.firstlook.sentences import Unfit
from worker.updating.deployed import Deployed
from worker.updating.version_files import Version

KEY_DIGITS = 64


def main() -> NoReturn:
    asked = _words()
    os.umask(0o077)
    try:
        print(json.dumps(asked.do(asked)))
        sys.exit(0)
    except (Refused, Unfit, ValueError) as sentence:
        told = str(sentence)
    except OSError as error:
        told = f"{error.filename or 'A file'}: {error.strerror}."
    print(told, file=sys.stderr)
    sys.exit(2)


def _words() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m worker.updating", description="Updates of a network on a device.")
    verbs = reader.add_subparsers(required=True, metavar="key | sign | begin | take | show")
    key = verbs.add_parser("key", help="draw a key to sign with; tells the public half, which devices are given")
    key.add_argument("file", type=Path, help="where the secret half is kept, for its owner alone; it must not exist yet")
    key.set_defaults(do=_key)
    sign = verbs.add_parser("sign", help="address a .change file of a run, or a first network, to one device and sign it")
    sign.add_argument("change", type=Path)
    sign.add_argument("--first", action="store_true", help="it is a network (.onnx, .safetensors) that takes the place of any")
    sign.add_argument("out", type=Path)
    sign.add_argument("--key", type=Path, required=True, help="the file that `key` made")
    sign.add_argument("--number", type=int, required=True, help="higher than that of any update before")
    sign.set_defaults(do=_sign)
    begin = verbs.add_parser("begin", help="serve this network (.onnx, .safetensors) as number 0, where no portal brings any")
    take = verbs.add_parser("take", help="check an update, try it and use it")
    show = verbs.add_parser("show", help="what is served; after a power cut it is put in order first")
    for verb, do in ((begin, _begin), (take, _take), (show, _show)):
        if verb is not show:
            verb.add_argument("file", type=Path)
        verb.add_argument("--folder", type=Path, required=True, help="where the device keeps its networks")
        verb.add_argument("--public", type=_public, required=verb is take, default=b"", metavar="KEY",
                          help="the public key, 64 hexadecimal digits")
        verb.set_defaults(do=do)
    take.add_argument("--batch", type=Path, help="images to try it on, stored if they are those that the update names")
    for verb in (sign, begin, take, show):
        verb.add_argument("--device", required=verb in (sign, take), default="", help="the device's name")
    return reader.parse_args()


def _public(text: str) -> bytes:
    if len(text) != KEY_DIGITS or not set(text.lower()) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"must be {KEY_DIGITS} hexadecimal digits; got {text[:80]!r}")
    return bytes.fromhex(text)


def _key(asked: argparse.Namespace) -> dict[str, object]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    with os.fdopen(os.open(asked.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key.private_bytes_raw())
    return {"public": key.public_key().public_bytes_raw().hex()}


def _sign(asked: argparse.Namespace) -> dict[str, object]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    body = signed(asked.change.read_bytes(), Ed25519PrivateKey.from_private_bytes(asked.key.read_bytes()), device=asked.device,
                  number=asked.number, kind="first" if asked.first else "change")
    asked.out.write_bytes(body)
    return {"device": asked.device, "number": asked.number, "bytes": len(body)}


def _begin(asked: argparse.Namespace) -> dict[str, object]:
    deployed = _deployed(asked)
    return _told(deployed, deployed.begin(asked.file.read_bytes()))


def _take(asked: argparse.Namespace) -> dict[str, object]:
    if asked.file.stat().st_size > MOST_BYTES:
        raise Refused(f"The update has {asked.file.stat().st_size:,} bytes; at most {MOST_BYTES:,} are taken.")
    deployed = _deployed(asked)
    taken = deployed.take(asked.file.read_bytes(), asked.batch)
    return _told(deployed, taken.version) | {"tried": taken.tried, "before": taken.before}


def _show(asked: argparse.Namespace) -> dict[str, object]:
    deployed = _deployed(asked)
    version = deployed.recover()
    if version is None:
        raise Refused("No network is served from this folder; give it one with `begin`.")
    return _told(deployed, version)


def _deployed(asked: argparse.Namespace) -> Deployed:
    return Deployed(asked.folder, device=asked.device, key=asked.public)


def _told(deployed: Deployed, version: Version) -> dict[str, object]:
    first = deployed.first()
    return {"number": version.number, "sha256": version.sha256, "file": str(version.file), "first": first.sha256 if first else ""}


if __name__ == "__main__":
    main()
