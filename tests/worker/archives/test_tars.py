"""Tar archives are read as any packer writes them, and what means harm in one is refused before it is touched."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.inspection import made
from worker.archives import tars
from worker.firstlook import Unfit

FILES = {"a/one.bin": bytes(range(256)) * 5, "a/two.txt": b"", "a/three.bin": b"x" * 512}
FORMS = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT, "ustar": tarfile.USTAR_FORMAT}


def contents(path: Path, most_bytes: int = 10_000_000) -> dict[str, bytes]:
    return {entry.name: b"".join(entry.pieces) for entry in tars.entries(path, most_bytes)}


def written(folder: Path, body: bytes) -> Path:
    path = folder / "archive"
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("how", ["w:", "w:gz"])
def test_what_was_packed_comes_out(tmp_path: Path, form: str, how: str) -> None:
    assert contents(written(tmp_path, made.tape(FILES, how=how, form=FORMS[form]))) == FILES


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_long_names_are_read_whole(tmp_path: Path, form: str) -> None:
    name = "a/" + "n" * 200 + ".bin"
    assert contents(written(tmp_path, made.tape({name: b"x"}, form=FORMS[form]))) == {name: b"x"}


def test_an_entry_that_nobody_reads_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, made.tape(FILES))
    assert [entry.name for entry in tars.entries(path, 10_000_000)] == list(FILES)


def odd(kind: bytes, name: str = "a/odd.bin", link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, link
        archive.addfile(entry)
    return out.getvalue()


def header(size: bytes, kind: bytes = b"0", name: bytes = b"a.bin") -> bytes:
    """A block whose checksum is right, whatever it says."""
    block = bytearray(512)
    block[:len(name)], block[124:136], block[156:157], block[257:265] = name, size.ljust(12, b"\0"), kind, b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a link": (lambda: odd(tarfile.SYMTYPE, link="/etc/passwd"), "no ordinary file"),
    "a hard link": (lambda: odd(tarfile.LNKTYPE, link="a"), "no ordinary file"),
    "a device": (lambda: odd(tarfile.CHRTYPE), "no ordinary file"),
    "a disk": (lambda: odd(tarfile.BLKTYPE), "no ordinary file"),
    "a pipe": (lambda: odd(tarfile.FIFOTYPE), "no ordinary file"),
    "a sparse file": (lambda: header(b"00000000000\0", b"S"), "no ordinary file"),
    "a path out of it": (lambda: odd(tarfile.REGTYPE, "../../etc/x"), "leads out"),
    "an absolute path": (lambda: made.tape({"/etc/x": b"y"}, folders=False), "leads out"),
    "a drive": (lambda: made.tape({"C:\\x": b"y"}, folders=False), "leads out"),
    "an archive in it": (lambda: made.tape({"a/b.tar.gz": b"y"}), "another archive"),
    "two of a name": (lambda: made.tape({"a/b": b"y", "A/B": b"z"}, folders=False), "same name"),
    "many entries": (lambda: made.tape({f"a/{number}": b"" for number in range(10_200)}), "at most 10,100"),
    "zeros packed 1000 to 1": (lambda: made.tape({"a/b": bytes(20_000_000)}), "at most 100 times"),
    "more than is unpacked": (lambda: made.tape({"a/b": bytes(11_000_000)}, how="w:"), "at most 10,000,000"),
    "a cut one": (lambda: made.tape(FILES, how="w:")[:2000], "cut off: 976 of 1,280 bytes of 'a/one.bin' are there"),
    "one without its end": (lambda: made.tape(FILES, how="w:")[:512 + 512 + 1536], "its end is missing"),
    "a cut gzip": (lambda: made.tape(FILES)[:-60], "cut off or damaged"),
    "a wrong checksum of the whole": (lambda: made.tape(FILES)[:-8] + bytes(8), "cut off or damaged"),
    "a wrong checksum of a header": (lambda: made.tape(FILES, how="w:").replace(b"a/one", b"b/one"), "no header at byte 512"),
    "a size below nothing": (lambda: header(b"\xff" * 12), "no header at byte 0"),
    "a size beyond all": (lambda: header(b"\x80\0\0\0\x0f" + bytes(7)), "cut off: 0 of"),
    "a size that is no number": (lambda: header(b"12x4567890a\0"), "no header at byte 0"),
    "a name of a gigabyte": (lambda: header(b"10000000000\0", b"L"), "a name of 1,073,741,824 bytes"),
    "a pax header of a gigabyte": (lambda: header(b"10000000000\0", b"x"), "at most 64,000"),
    "a pax header of nonsense": (lambda: header(b"00000000005\0", b"x") + b"hello".ljust(512, b"\0"), "cannot be read"),
    "a pax header of no length": (lambda: header(b"00000000007\0", b"x") + b"0 a=b\n\n".ljust(512, b"\0"), "cannot be read"),
    "a pax size that is no number": (lambda: header(b"00000000013\0", b"x") + b"11 size=-1\n".ljust(512, b"\0") + header(b"0\0"),
                                     "a size that is no number"),
    "nothing": (lambda: b"", "its end is missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_honest_archive_is_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    make, word = CASES[case]
    with pytest.raises(Unfit) as told:
        contents(written(tmp_path, make()))
    assert word in str(told.value) and str(told.value).isprintable()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), packed=st.booleans())
def test_a_damaged_archive_is_read_or_refused_and_never_hangs(tmp_path: Path, data: st.DataObject, packed: bool) -> None:
    body = bytearray(made.tape(FILES, how="w:"))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(body)))
    begun = time.process_time()
    try:
        contents(written(tmp_path, gzip.compress(body[:cut]) if packed else bytes(body[:cut])))
    except Unfit as unfit:
        assert str(unfit)
    assert time.process_time() - begun < 2
