"""What the names in an archive may be, and how much it may unpack to, whatever kind it is."""

from __future__ import annotations

from worker.firstlook import Unfit, printable

MOST_ENTRIES = 10_100
MOST_RATIO = 100
# What is smaller than this is unpacked however well it was packed.
SMALL_BYTES = 1_000_000
ARCHIVES = (".zip", ".npz", ".gz", ".tgz", ".7z", ".tar", ".rar", ".bz2", ".xz")


def check(name: str) -> None:
    """Unfit for a name that leads out of the archive, or that of another archive in it."""
    if not name or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name or "\0" in name:
        raise Unfit(f"The archive has an entry {printable(name)!r} that leads out of it.")
    if name.lower().endswith(ARCHIVES):
        raise Unfit(f"The archive holds another archive, {printable(name)!r}.")


def no_ordinary_file(name: str) -> Unfit:
    return Unfit(f"The entry {printable(name)!r} of the archive is no ordinary file.")


def too_many(count: int, most: int) -> Unfit:
    return Unfit(f"The archive has {count:,} entries; at most {most:,} are read.")


def same_name() -> Unfit:
    return Unfit("The archive has two entries of the same name.")


def too_large(unpacked: int, most_bytes: int) -> Unfit:
    return Unfit(f"The archive unpacks to {unpacked:,} bytes; at most {most_bytes:,} are unpacked.")


def too_well_packed(packed: int, unpacked: int, name: str) -> Unfit:
    told = f"{packed:,} bytes of the archive unpack to {unpacked:,}"
    return Unfit(f"{told} ({printable(name)!r}); at most {MOST_RATIO} times as many are unpacked.")
