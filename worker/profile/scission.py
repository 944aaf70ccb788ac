"""The tables of Scission (Lockhart et al., 2020) and ScissionTL: a line for each block of each network, times in seconds.

Their file's name says which device it is of: `tier-resource.csv`. Sizes are those of a saved array, 128 bytes of its header among
them. ScissionTL writes -1 for a transfer layer that is not possible, or for a half of it that was not measured there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from worker.profile.faults import Fault, Faults, quoted
from worker.profile.network import Block, NetworkProfile, TransferLayer
from worker.profile.sheet import Row, Sheet, guarded
from worker.profile.tables import Column, column, node
from worker.profile.tree import Node, Spot

PLACES = ("block_index", "input_layer", "output_layer")
PLAIN: tuple[Column, ...] = (
    column("model", NetworkProfile, "network"), column("block_index", Block, "macs", needed=True),
    column("input_layer", Block, "first"), column("output_layer", Block, "last"),
    column("second_prediction_s", Block, "seconds"), column("output_size_bytes", Block, "output_bytes"))
OF_TRANSFER: tuple[Column, ...] = (
    column("tl_output_size_bytes", TransferLayer, "output_bytes"), column("downsample_s", TransferLayer, needed=True),
    column("upsample_s", TransferLayer, needed=True), column("dataconvert_s", TransferLayer, "convert_s", needed=True))
WITH_TRANSFER = (*PLAIN, *OF_TRANSFER)
NONE, NONE_WRITTEN = (-1, -1.0), "-1.0"
WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
SUFFIXES = "the time of each block alone; these are of all that is left of the network from each layer on"


def profiles(found: Sheet, columns: Sequence[Column], faults: Faults) -> Node:
    """The networks of such a table, as a document has them."""
    place = {each.name: number for number, each in enumerate(columns)}
    groups = []
    for name, rows_of in groupby(found.rows, key=lambda row: row.cells[place["model"]]):
        rows = list(rows_of)
        if not _are_suffixes(rows, place, name, faults):
            _check_order(rows, place, faults)
        blocks = [_block(row, columns, found.separator, faults) for row in rows]
        at = Spot(rows[0].line, 1)
        model = node(rows[0], place["model"], columns[place["model"]], found.separator, faults)
        groups.append(Node({**({"network": model} if model else {}), "blocks": Node(blocks, at)}, at))
    return Node({"profiles": Node(groups, Spot(1, 1))}, Spot(1, 1))


def _are_suffixes(rows: Sequence[Row], place: dict[str, int], name: str, faults: Faults) -> bool:
    """ScissionTL's server files hold the time from each layer to the end: no sum of them is a time of the network."""
    firsts, lasts = ([row.cells[place[each]] for row in rows] for each in PLACES[1:])
    found = len(rows) > 1 and len(set(lasts)) == 1 and len(set(firsts)) == len(rows) and all(map(WHOLE.fullmatch, firsts))
    if found:
        faults.add(Fault("output_layer", f"{quoted(lasts[0])} in all {len(rows)} lines of {quoted(name)}", SUFFIXES,
                         rows[0].line, rows[0].columns[place["output_layer"]]))
    return found


def _check_order(rows: Sequence[Row], place: dict[str, int], faults: Faults) -> None:
    """Blocks count from 0, and each begins behind the layer that the one before ended with."""
    before: int | None = None
    for index, row in enumerate(rows):
        texts = {name: row.cells[place[name]] for name in PLACES}
        wrong = [name for name, text in texts.items() if not WHOLE.fullmatch(text)]
        for name in wrong:
            _add(faults, row, place, name, "a whole number from 0")
        if wrong:
            before = None
            continue
        first, last = int(texts["input_layer"]), int(texts["output_layer"])
        if int(texts["block_index"]) != index:
            _add(faults, row, place, "block_index", f"{index}: the blocks of a network count from 0, and stand together")
        if before is not None and first != before + 1:
            _add(faults, row, place, "input_layer", f"{before + 1}, the layer behind the block before")
        if last < first:
            _add(faults, row, place, "output_layer", f"at least {first}, the block's first layer")
        before = last


def _add(faults: Faults, row: Row, place: dict[str, int], name: str, allowed: str) -> None:
    faults.add(Fault(name, quoted(row.cells[place[name]]), allowed, row.line, row.columns[place[name]]))


def _block(row: Row, columns: Sequence[Column], separator: str, faults: Faults) -> Node:
    cells = {each: node(row, place, each, separator, faults) for place, each in enumerate(columns)}
    block = {each.key: made for each, made in cells.items() if each.of is Block and each.name != "block_index" and made}
    for each in (block["first"], block["last"]):
        each.value = str(each.value)
    transfer = {each.key: made for each, made in cells.items() if each.of is TransferLayer and made}
    said = {key: made for key, made in transfer.items() if made.value not in NONE or key == "output_bytes"}
    if transfer and (len(said) > 1 or said["output_bytes"].value != 0):
        block["transfer"] = Node(said, Spot(row.line, 1))
    return Node(block, Spot(row.line, 1))


def cells(profile: NetworkProfile, columns: Sequence[Column]) -> list[list[str]]:
    """A line for each block. Layers that have names instead of numbers are numbered, a block a layer."""
    names = [name for block in profile.blocks for name in (block.first, block.last)]
    numbered = all(map(WHOLE.fullmatch, names))
    with_transfer = len(columns) > len(PLAIN)
    return [[guarded(profile.network), str(index), *((block.first, block.last) if numbered else (str(index),) * 2),
             repr(block.seconds), str(block.output_bytes), *(_transfer(block) if with_transfer else ())]
            for index, block in enumerate(profile.blocks)]


def _transfer(block: Block) -> list[str]:
    layer = block.transfer
    if layer is None:
        return ["0", *[NONE_WRITTEN] * 3]
    times = (layer.downsample_s, layer.upsample_s, layer.convert_s)
    return [str(layer.output_bytes), *(NONE_WRITTEN if each is None else repr(each) for each in times)]
