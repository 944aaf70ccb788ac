# ruff: noqa: E501  tables of cases are read by their rows
"""ONNX files that mean harm, or stumble over themselves, built by hand; each by what it tries."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Make = Callable[[Path], bytes]
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
RUN = "x); __import__('os').system('touch {canary}'); (x"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def number(name: str, values: Any, dtype: str = "float32") -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def conv() -> TensorProto:
    return number("w", np.random.default_rng(0).standard_normal((4, 1, 3, 3)) * 0.2)


def proto(nodes: list[Any] | None = None, tensors: list[Any] | None = None, **more: Any) -> onnx.ModelProto:
    """A small network: a convolution, what is given between, a pool, an answer of 4 numbers."""
    first = helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1])
    last = [helper.make_node("GlobalAveragePool", ["b"], ["p"]), helper.make_node("Flatten", ["p"], ["y"])]
    middle = nodes if nodes is not None else [helper.make_node("Relu", ["a"], ["b"])]
    values = {"inputs": [("x", FLOAT, more.get("shape", ["n", 1, 8, 8]))], "outputs": [("y", FLOAT, ["n", 4])]}
    graph = helper.make_graph(
        [first, *middle, *last], "net", [helper.make_tensor_value_info(*each) for each in more.get("inputs", values["inputs"])],
        [helper.make_tensor_value_info(*each) for each in more.get("outputs", values["outputs"])], [conv(), *(tensors or [])])
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", more.get("opset", 17)), *more.get("opsets", [])])
    found.ir_version = 8
    return found


def model(*args: Any, **more: Any) -> bytes:
    return bytes(proto(*args, **more).SerializeToString())


def node(op: str, *inputs: str, out: str = "b", **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), [out], name=f"the_{op}".lower(), **attributes)


def outside(location: str, tensor: TensorProto | None = None, **more: Any) -> TensorProto:
    """A tensor whose bytes should be elsewhere."""
    found = tensor or conv()
    length = len(found.raw_data)
    found.ClearField("raw_data")
    found.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": 0, "length": length, **more}.items():
        if value is not None:
            entry = found.external_data.add()
            entry.key, entry.value = key, str(value)
    return found


def elsewhere(location: str, **more: Any) -> onnx.ModelProto:
    found = proto()
    outside(location, found.graph.initializer[0], **more)
    return found


def zipped(entries: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return out.getvalue()


def bundle(location: str = "w.data", files: dict[str, bytes] | None = None, how: int = zipfile.ZIP_STORED, **more: Any) -> bytes:
    """An archive of the model and its data file."""
    given = {"w.data": conv().raw_data} if files is None else files
    return zipped({"net.onnx": elsewhere(location, **more).SerializeToString(), **given}, how)


def with_a_link(target: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("net.onnx", elsewhere("w.data").SerializeToString())
        entry = zipfile.ZipInfo("w.data")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, target)
    return out.getvalue()


def twice() -> bytes:
    found = elsewhere("w.data")
    entry = found.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return zipped({"net.onnx": found.SerializeToString(), "w.data": conv().raw_data})


def many_over_one(count: int, each: int) -> bytes:
    """A thousand tensors over the same bytes: read one by one they would fill the memory."""
    found = proto()
    for place in range(count):
        tensor = TensorProto(name=f"t{place}", data_type=FLOAT, dims=[each // 4])
        outside("w.data", tensor, length=each)
        found.graph.initializer.append(tensor)
    return zipped({"net.onnx": found.SerializeToString(), "w.data": bytes(each)})


def lying_sizes() -> bytes:
    """A directory that says an entry is smaller than it is."""
    body = bytearray(bundle())
    at = body.rindex(b"PK\x01\x02")
    body[at + 20:at + 28] = (60).to_bytes(4, "little") * 2
    return bytes(body)


def in_a_constant(location: str) -> bytes:
    return model([helper.make_node("Constant", [], ["c"], value=outside(location, number("c", [1.0] * 4))), node("Add", "a", "c")])


def in_a_function(location: str) -> bytes:
    found = proto([node("Own", "a", domain="own")], opsets=[helper.make_opsetid("own", 1)])
    body = [helper.make_node("Constant", [], ["c"], value=outside(location, number("c", [1.0] * 4))), node("Add", "i", "c", out="o")]
    found.functions.append(helper.make_function("own", "Own", ["i"], ["o"], body, [helper.make_opsetid("", 17)]))
    return bytes(found.SerializeToString())


def recursive_function() -> bytes:
    found = proto([node("Own", "a", domain="own")], opsets=[helper.make_opsetid("own", 1)])
    found.functions.append(helper.make_function("own", "Own", ["i"], ["o"], [node("Own", "i", out="o", domain="own")],
                                                [helper.make_opsetid("own", 1)]))
    return bytes(found.SerializeToString())


def nested(deep: int) -> bytes:
    """If in If in If."""
    inner = helper.make_graph([node("Identity", "a", out="z")], "g", [], [helper.make_tensor_value_info("z", FLOAT, None)])
    body = inner.SerializeToString()
    for _ in range(deep):
        attribute = field(1, b"then_branch") + varint(20 << 3) + varint(5) + field(6, body)
        body = field(1, field(1, b"c") + field(2, b"z") + field(4, b"If") + field(5, attribute)) + field(2, b"g")
    return b"\x08\x08" + field(7, body) + field(8, field(1, b"") + b"\x10\x11")


def endless_loop() -> bytes:
    values = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", INT64), ("c", TensorProto.BOOL))]
    body = helper.make_graph([node("Identity", "c", out="d"), node("Relu", "s", out="t")], "g",
                             [*values, helper.make_tensor_value_info("s", FLOAT, None)],
                             [helper.make_tensor_value_info("d", TensorProto.BOOL, []), helper.make_tensor_value_info("t", FLOAT, None)])
    trips = [number("trips", 2**62, "int64"), number("go", True, "bool")]
    return model([helper.make_node("Loop", ["trips", "go", "a"], ["b"], body=body)], trips)


def doubling(times: int, source: str, **more: Any) -> bytes:
    """x, then x beside x, and again: 2^times as large."""
    steps = [helper.make_node("Concat", [source if place == 0 else f"d{place}"] * 2, [f"d{place + 1}"], axis=0 if source == "c" else 3)
             for place in range(times)]
    last = [node("Add", "a", f"d{times}")] if source == "c" else [node("Identity", f"d{times}")]
    return model([*steps, *last], [number("c", [1.0])], **more)


def doubled_sums(times: int, **more: Any) -> bytes:
    steps = [helper.make_node("Add", [f"s{place}" if place else "a"] * 2, [f"s{place + 1}"]) for place in range(times)]
    return model([*steps, node("Identity", f"s{times}")], **more)


def many_nodes(count: int) -> bytes:
    one = field(1, field(1, b"a") + field(2, b"a") + field(4, b"Relu"))
    return b"\x08\x08" + field(7, one * count) + field(8, field(1, b"") + b"\x10\x11")


def many_tensors(count: int) -> bytes:
    one = field(5, b"\x08\x00\x10\x01" + field(8, b"t") + field(9, b""))
    return b"\x08\x08" + field(7, one * count) + field(8, field(1, b"") + b"\x10\x11")


def changed(change: Callable[[onnx.ModelProto], object], *args: Any, **more: Any) -> bytes:
    found = proto(*args, **more)
    change(found)
    return bytes(found.SerializeToString())


def weight(**fields: Any) -> bytes:
    """The convolution's weight, some of its fields given anew."""
    def change(found: onnx.ModelProto) -> None:
        tensor = found.graph.initializer[0]
        for name, value in fields.items():
            tensor.ClearField(name)
            if isinstance(value, list):
                getattr(tensor, name).extend(value)
            else:
                setattr(tensor, name, value)
    return changed(change)


def of_weights(values: Any, dtype: str = "float32") -> bytes:
    return changed(lambda found: found.graph.initializer[0].CopyFrom(number("w", values, dtype)))


def named(name: str) -> bytes:
    """That name wherever a name may stand."""
    def change(found: onnx.ModelProto) -> None:
        for place, each in enumerate(found.graph.node):
            each.name = f"{name}{place or ''}"
            each.input[:] = [name if put == "w" else put for put in each.input]
        found.graph.initializer[0].name = name
        found.graph.name = found.producer_name = name
    return changed(change)


def input_named(name: str) -> bytes:
    def change(found: onnx.ModelProto) -> None:
        found.graph.input[0].name = name
        found.graph.node[0].input[0] = name
    return changed(change)


def big(op: str, shape: list[int], *more: str) -> bytes:
    return model([node(op, *more, "big", out="c"), node("Add", "a", "c")], [number("big", shape, "int64"), number("one", [1.0])])


def resized(factor: float) -> bytes:
    return model([node("Resize", "a", "", "scales", mode="nearest")], [number("scales", [1, 1, factor, factor])])


PLACES = {"/etc/passwd": "/etc/passwd", "two folders up": "../../secret.bin", "a folder up": "../secret.bin", "with backslashes": "..\\..\\secret.bin",
          "on a drive": "C:\\secret.bin", "an address": "file:///etc/passwd", "hidden in a folder": "a/../../secret.bin",
          "with a NUL": "w.data\x00/etc/passwd", "in the memory of the process": "*/_ORT_MEM_ADDR_/*", "nowhere": "", "/proc": "/proc/self/environ"}

SEPARATE: dict[str, Make] = {
    **{f"weights from {what}": lambda _, place=place: bytes(elsewhere(place).SerializeToString()) for what, place in PLACES.items()},  # type: ignore[misc]
    **{f"an archive with weights from {what}": lambda _, place=place: bundle(place) for what, place in PLACES.items()},  # type: ignore[misc]
    "weights from the file beside it": lambda _: bytes(elsewhere("w.data").SerializeToString()),
    "a constant from /etc/passwd": lambda _: in_a_constant("/etc/passwd"),
    "a constant from /etc/passwd in an archive": lambda _: zipped({"net.onnx": in_a_constant("/etc/passwd")}),
    "a function's constant from elsewhere": lambda _: in_a_function("../secret.bin"),
    "a link to /etc/passwd in an archive": lambda _: with_a_link("/etc/passwd"),
    "an archive that leads out": lambda _: bundle("../secret.bin", {"../secret.bin": conv().raw_data}),
    "an absolute path in an archive": lambda _: bundle("/w.data", {"/w.data": conv().raw_data}),
    "an archive without the data file": lambda _: bundle(files={}),
    "an archive with a file nobody wants": lambda _: bundle(files={"w.data": conv().raw_data, "run.sh": b"touch x"}),
    "an archive with a file and no need of any": lambda _: zipped({"net.onnx": model(), "w.data": b"x"}),
    "an archive of two models": lambda _: zipped({"a.onnx": model(), "b.onnx": model()}),
    "an archive with a pickle in it": lambda _: zipped({"net.onnx": model(), "data.pkl": b"\x80\x02."}),
    "an archive in an archive": lambda _: bundle(files={"w.data": conv().raw_data, "b.zip": b"PK\x05\x06"}),
    "two files that differ in case": lambda _: bundle(files={"w.data": conv().raw_data, "W.data": b"x"}),
    "a data file of zeros, packed 1000 to 1": lambda _: bundle(files={"w.data": bytes(50_000_000)}, how=zipfile.ZIP_DEFLATED),
    "a negative offset": lambda _: bundle(offset=-1),
    "an offset behind the end": lambda _: bundle(offset=10**12),
    "an offset of 100 digits": lambda _: bundle(offset="9" * 100),
    "an offset that is no number": lambda _: bundle(offset="0x10"),
    "a length of 99 GB": lambda _: bundle(length=99 * 10**9),
    "a negative length": lambda _: bundle(length=-4),
    "a data file that is too short": lambda _: bundle(files={"w.data": b"x"}),
    "a place that is said twice": lambda _: twice(),
    "no place at all": lambda _: bundle(location=""),
    "a thousand tensors over one": lambda _: many_over_one(1000, 4_000_000),
    "a directory that lies about sizes": lambda _: lying_sizes(),
    "a cut archive": lambda _: bundle()[:-30],
    "a damaged archive": lambda _: bundle().replace(conv().raw_data[:16], bytes(16), 1),
    "a torch archive that calls itself ONNX": lambda _: zipped({"archive/data.pkl": b"\x80\x02cposix\nsystem\n.", "net.onnx": model()}),
}

BOMBS: dict[str, Make] = {
    "ConstantOfShape of 10^12": lambda _: big("ConstantOfShape", [10**12]),
    "ConstantOfShape of 10^6 x 10^6": lambda _: big("ConstantOfShape", [10**6, 10**6]),
    "ConstantOfShape of -1": lambda _: big("ConstantOfShape", [-1]),
    "Expand to 10^12": lambda _: big("Expand", [10**12], "one"),
    "Expand of what runs to 10^12": lambda _: model([node("Expand", "a", "to")], [number("to", [1, 4, 10**6, 10**6], "int64")]),
    "Tile by 10^12": lambda _: big("Tile", [10**12], "one"),
    "Tile of what runs by 10^9": lambda _: model([node("Tile", "a", "by")], [number("by", [1, 1, 10**5, 10**4], "int64")]),
    "Range to 10^12": lambda _: model([node("Range", "f", "t", "s", out="c"), node("Add", "a", "c")],
                                      [number(name, value) for name, value in (("f", 0), ("t", 1e12), ("s", 1))]),
    "Range by nothing": lambda _: model([node("Range", "f", "t", "s", out="c"), node("Add", "a", "c")],
                                        [number(name, value) for name, value in (("f", 0), ("t", 1), ("s", 0))]),
    "Resize by 10^9": lambda _: resized(1e9),
    "Resize by nothing": lambda _: resized(0),
    "Resize by no number": lambda _: resized(float("nan")),
    "Upsample by 10^9": lambda _: model([node("Upsample", "a", "scales")], [number("scales", [1, 1, 1e9, 1e9])], opset=9),
    "Pad by 10^9": lambda _: model([node("Pad", "a", "by")], [number("by", [0, 0, 10**9, 0, 0, 0, 0, 10**9], "int64")]),
    "Pad by less than there is": lambda _: model([node("Pad", "a", "by")], [number("by", [0, 0, -9, 0, 0, 0, -9, 0], "int64")]),
    "Conv padded by 10^9": lambda _: model([node("Conv", "a", "v", pads=[10**9] * 4)], [number("v", np.ones((4, 4, 1, 1)))]),
    "Conv in steps of nothing": lambda _: model([node("Conv", "a", "v", strides=[0, 0])], [number("v", np.ones((4, 4, 1, 1)))]),
    "Conv dilated by 10^12": lambda _: model([node("Conv", "a", "v", dilations=[10**12] * 2)], [number("v", np.ones((4, 4, 3, 3)))]),
    "Conv in no groups": lambda _: model([node("Conv", "a", "v", group=0)], [number("v", np.ones((4, 4, 1, 1)))]),
    "Conv in -2^62 groups": lambda _: model([node("Conv", "a", "v", group=-2**62)], [number("v", np.ones((4, 4, 1, 1)))]),
    "ConvTranspose in steps of 10^9": lambda _: model([node("ConvTranspose", "a", "v", strides=[10**9] * 2)], [number("v", np.ones((4, 4, 1, 1)))]),
    "a pool of 10^12": lambda _: model([node("MaxPool", "a", kernel_shape=[10**12] * 2)]),
    "a pool padded by 10^9": lambda _: model([node("AveragePool", "a", kernel_shape=[2, 2], pads=[10**9] * 4)]),
    "LRN over 10^12": lambda _: model([node("LRN", "a", size=10**12)]),
    "images of 10^6 x 10^6": lambda _: model(shape=["n", 1, 10**6, 10**6]),
    "images of 2^62 x 2^62": lambda _: model(shape=["n", 1, 2**62, 2**62]),
    "a batch of 10^9": lambda _: model(shape=[10**9, 1, 8, 8]),
    "numbers doubled 60 times": lambda _: doubling(60, "c"),
    "images doubled 60 times": lambda _: doubling(60, "a"),
    "sums doubled 20,000 times": lambda _: doubled_sums(19_000),
    "an outer product of 10^12": lambda _: model([node("MatMul", "u", "v", out="c"), node("Add", "a", "c")],
                                                 [number("u", np.ones((10**6, 1))), number("v", np.ones((1, 10**6)))]),
    "a network of 200,000 channels": lambda _: model([node("Expand", "a", "to", out="c"), node("Reshape", "c", "flat")],
                                                     [number("to", [1, 4, 200_000, 8], "int64"), number("flat", [0, -1, 8, 8], "int64")]),
    "Gather of one row 10^8 times": lambda _: model([node("ConstantOfShape", "n", out="i"), node("Cast", "i", out="j", to=INT64),
                                                     node("Gather", "t", "j", out="c"), node("Add", "a", "c")],
                                                    [number("n", [10**7], "int64"), number("t", np.ones((2, 10_000)))]),
    "a window of 1,000 x 1,000 over images of 4,096 x 4,096": lambda _: model(
        [node("Conv", "a", "v", pads=[500, 500, 499, 499], group=4)], [number("v", np.ones((4, 1, 1000, 1000)))], shape=["n", 1, 2048, 2048]),
    "a pool of 1,000 x 1,000 over images of 4,096 x 4,096": lambda _: model(
        [node("MaxPool", "a", kernel_shape=[1000, 1000], pads=[499, 499, 500, 500])], shape=["n", 1, 4096, 4096]),
    "a thousand sums of large images": lambda _: doubled_sums(4_000, shape=["n", 1, 2048, 2048]),
    "work that nobody reads": lambda _: model(
        [node("Relu", "a"), node("MaxPool", "a", out="c", kernel_shape=[1000, 1000], pads=[499, 499, 500, 500])], shape=["n", 1, 2048, 2048]),
    "memory that nobody reads": lambda _: model([node("Relu", "a"), node("Resize", "a", "", "by", out="c", mode="nearest")],
                                                [number("by", [1, 1, 4_000, 4_000])]),
    "fixed numbers summed without end": lambda _: model(
        [node("ConstantOfShape", "big", out="c"), *[node("ReduceSum", "c", out=f"s{place}", keepdims=0) for place in range(15_000)],
         node("Add", "a", "s14999")], [number("big", [16_000_000], "int64")]),
    "fixed numbers added without end": lambda _: model(
        [node("ConstantOfShape", "big", out="c0"), *[node("Add", f"c{place}", f"c{place}", out=f"c{place + 1}") for place in range(4_000)],
         node("ReduceSum", "c4000", out="s", keepdims=0), node("Add", "a", "s")], [number("big", [16_000_000], "int64")]),
    "a loop of 2^62 rounds": lambda _: endless_loop(),
    "If in If, 20 deep": lambda _: nested(20),
    "If in If, 100 deep": lambda _: nested(100),
    "If in If, 3,000 deep": lambda _: nested(3000),
    "a million nodes": lambda _: many_nodes(1_000_000),
    "a million tensors": lambda _: many_tensors(1_000_000),
    "two hundred thousand empty fields": lambda _: b"\x08\x08" + field(7, b"\x0a\x00" * 200_000),
    "ten million fields": lambda _: b"\x08\x08" + field(7, field(1, b"\x0a\x00" * 10_000_000)),
}

GRAPHS: dict[str, Make] = {
    "a ring": lambda _: model([node("Add", "a", "d", out="c"), node("Relu", "c", out="d"), node("Relu", "d")]),
    "a node that reads itself": lambda _: model([node("Add", "a", "b")]),
    "two results of one name": lambda _: model([node("Relu", "a"), node("Sigmoid", "a")]),
    "two tensors of one name": lambda _: changed(lambda found: found.graph.initializer.append(conv())),
    "a result that nobody makes": lambda _: model([node("Add", "a", "nobody")]),
    "an answer that nobody makes": lambda _: changed(lambda found: found.graph.output[0].ParseFromString(b"\x0a\x01q")),
    "an answer that is a tensor": lambda _: changed(lambda found: found.graph.output[0].ParseFromString(b"\x0a\x01w")),
    "two answers": lambda _: model(outputs=[("y", FLOAT, ["n", 4]), ("b", FLOAT, None)]),
    "two inputs": lambda _: model([node("Add", "a", "x2")], inputs=[("x", FLOAT, ["n", 1, 8, 8]), ("x2", FLOAT, ["n", 4, 8, 8])]),
    "no input": lambda _: changed(lambda found: found.graph.ClearField("input")),
    "no answer": lambda _: changed(lambda found: found.graph.ClearField("output")),
    "no nodes": lambda _: changed(lambda found: found.graph.ClearField("node")),
    "no graph": lambda _: changed(lambda found: found.ClearField("graph")),
    "no opset": lambda _: changed(lambda found: found.ClearField("opset_import")),
    "opset 1": lambda _: model(opset=1),
    "opset 999": lambda _: model(opset=999),
    "opset -1": lambda _: model(opset=-1),
    "two opsets": lambda _: model(opsets=[helper.make_opsetid("", 9)]),
    "an operator of its own": lambda _: model([node("Evil", "a", domain="com.evil")], opsets=[helper.make_opsetid("com.evil", 1)]),
    "a path to a compiled program": lambda canary: model([node("EPContext", "a", domain="com.microsoft", embed_mode=0, main_context=1,
                                                               ep_cache_context=str(canary))], opsets=[helper.make_opsetid("com.microsoft", 1)]),
    "Python in a node": lambda canary: model([node("PyOp", "a", domain="pyopmulti_1", module="os", compute=f"touch {canary}")]),
    "an operator without a name": lambda _: model([node("", "a")]),
    "a function that calls itself": lambda _: recursive_function(),
    "a recurrent network": lambda _: model([node("LSTM", "a", "w", "w")]),
    "a quantised network": lambda _: model([node("QuantizeLinear", "a", "s", out="q"), node("DequantizeLinear", "q", "s")], [number("s", 0.1)]),
    "a random network": lambda _: model([node("RandomNormal", out="c", shape=[1, 4, 8, 8]), node("Add", "a", "c")]),
    "an answer of sequences": lambda _: model([node("SequenceConstruct", "a")]),
    "images of no size": lambda _: model(shape=["n", 1, 0, 8]),
    "images that are texts": lambda _: model(inputs=[("x", TensorProto.STRING, ["n", 1, 8, 8])]),
    "images of whole numbers": lambda _: model(inputs=[("x", INT64, ["n", 1, 8, 8])]),
    "an input of another type than a tensor": lambda _: changed(lambda found: found.graph.input[0].type.sequence_type.elem_type.tensor_type.SetInParent()),
    **{f"{op} along axis {axis}": lambda _, op=op, axis=axis: model([node(op, "a", axis=axis)])  # type: ignore[misc]
       for op in ("Softmax", "Concat", "Flatten") for axis in (99, -99, 2**62)},
    "Transpose of no order": lambda _: model([node("Transpose", "a", perm=[0, 1, 1, 9])]),
    "Transpose of 40 sides": lambda _: model([node("Transpose", "a", perm=list(range(40)))]),
    "Reshape to two unknown sides": lambda _: model([node("Reshape", "a", "to")], [number("to", [-1, -1], "int64")]),
    "Reshape to a negative side": lambda _: model([node("Reshape", "a", "to")], [number("to", [-7, 4], "int64")]),
    "Reshape by what runs": lambda _: model([node("Shape", "a", out="s"), node("Cast", "s", out="f", to=FLOAT), node("Reshape", "a", "f")]),
    "Slice in steps of nothing": lambda _: model([node("Slice", "a", "f", "t", "x1", "s")], [
        number(name, value, "int64") for name, value in (("f", [0]), ("t", [2]), ("x1", [2]), ("s", [0]))]),
    "Split into parts that do not add up": lambda _: model([helper.make_node("Split", ["a", "parts"], ["b", "c"], axis=1)], [number("parts", [1, 99], "int64")]),
    "Squeeze of what is not one": lambda _: model([node("Squeeze", "a", "at")], [number("at", [1], "int64")]),
    "Gather of a row that is not there": lambda _: model([node("Gather", "a", "at", axis=1)], [number("at", 99, "int64")]),
    "Cast to a type nobody knows": lambda _: model([node("Cast", "a", to=99)]),
    "texts where numbers should be": lambda _: model([node("MaxPool", "a", kernel_shape=["a", "b"])]),
    "a number where a list should be": lambda _: model([node("MaxPool", "a", kernel_shape=3)]),
    "a tensor where a number should be": lambda _: model([node("Softmax", "a", axis=number("t", 1.0))]),
    "a pool of no size": lambda _: model([node("MaxPool", "a", kernel_shape=[0, 0])]),
    "a pool of a negative size": lambda _: model([node("MaxPool", "a", kernel_shape=[-3, -3])]),
    "a pool without a size": lambda _: model([node("MaxPool", "a")]),
    "a matrix that does not fit": lambda _: model([node("Gemm", "a", "w")]),
    "a normalisation of too few channels": lambda _: model([node("BatchNormalization", "a", "s", "s", "s", "s")], [number("s", [1.0])]),
    "a normalisation of no numbers": lambda _: model([node("BatchNormalization", "a", "s", "s", "s", "s", epsilon=float("nan"))], [number("s", [1.0] * 4)]),
    "a normalisation in no groups": lambda _: model([node("GroupNormalization", "a", "s", "s", num_groups=0)], [number("s", [1.0] * 4)], opset=21),
    "sums that do not fit": lambda _: model([node("Add", "a", "c")], [number("c", np.ones((7, 5)))]),
    "a division by nothing": lambda _: model([node("Div", "a", "c")], [number("c", 0.0)]),
    "whole numbers divided by nothing": lambda _: model([node("Div", "i", "j", out="c"), node("Reshape", "a", "c")], [number("i", [1], "int64"), number("j", [0], "int64")]),
}

TENSORS: dict[str, Make] = {
    "weights that are texts": lambda _: weight(data_type=8, raw_data=b"", string_data=[b"x"] * 36),
    "weights that are complex": lambda _: of_weights(np.ones((4, 1, 3, 3)), "complex64"),
    "weights that are whole numbers": lambda _: of_weights(np.ones((4, 1, 3, 3)), "int64"),
    "weights that are yes or no": lambda _: of_weights(np.ones((4, 1, 3, 3)), "bool"),
    "weights of a type nobody knows": lambda _: weight(data_type=77),
    "weights of no type": lambda _: weight(data_type=0),
    "weights of no size": lambda _: of_weights(np.ones((0, 1, 3, 3))),
    "weights of one side": lambda _: of_weights(np.ones(36)),
    "weights of 40 sides": lambda _: weight(dims=[1] * 40),
    "weights of a negative size": lambda _: weight(dims=[-4, 1, 3, 3]),
    "weights of 2^62 numbers": lambda _: weight(dims=[2**31, 2**31]),
    "weights of 2^80 numbers": lambda _: weight(dims=[2**40, 2**40]),
    "fewer weights than claimed": lambda _: weight(raw_data=b"1234"),
    "more weights than claimed": lambda _: weight(raw_data=bytes(4000)),
    "no weights at all": lambda _: changed(lambda found: found.graph.initializer[0].ClearField("raw_data")),
    "weights in segments": lambda _: changed(lambda found: found.graph.initializer[0].segment.ParseFromString(b"\x08\x00\x10\x63")),
    "sparse weights": lambda _: changed(lambda found: found.graph.sparse_initializer.append(helper.make_sparse_tensor(
        number("sparse", [1.0]), number("at", [5], "int64"), [10**12]))),
}

BYTES: dict[str, Make] = {
    "an empty model": lambda _: b"\x08\x08",
    "a model of version 0": lambda _: b"\x08\x00" + model()[2:],
    "a model of version 2^63": lambda _: b"\x08" + varint(2**63) + model()[2:],
    "a model that is cut off": lambda _: model()[:-40],
    "a model that is cut off early": lambda _: model()[:12],
    "bytes behind the model": lambda _: model() + b"\x00<script>",
    "a number without an end": lambda _: b"\x08\x08\x3a" + b"\xff" * 40,
    "a length of 2^62": lambda _: b"\x08\x08\x3a" + varint(2**62) + b"x" * 40,
    "groups in groups": lambda _: b"\x08\x08\x3a" + varint(5000) + b"\x0b" * 5000,
    "a field that no model has": lambda _: model() + field(99, b"x" * 40),
    "a field of another kind": lambda _: b"\x08\x08" + b"\x12" + varint(3) + b"abc" + b"\x38\x01",
    "a thousand graphs": lambda _: model() + field(7, b"") * 1000 + model(),
    "a web page": lambda _: b"<html><script>alert(1)</script></html>",
    "a pointer": lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9",
    "noise": lambda _: b"\x08\x08\x12" + np.random.default_rng(1).bytes(5000),
    "a name of 5 MB": lambda _: named("n" * 5_000_000),
    "a list of 20 MB": lambda _: model([node("MaxPool", "a", kernel_shape=list(range(2**20, 2**20 + 7_000_000)))]),
    "names that are no text": lambda _: model().replace(b"net", b"\xff\xfe\xff"),
}

# Names that would run, were they ever read as code. Some of these are good networks under bad names.
NAMES = ["../../etc/x", "a\x00b", "<script>alert(1)</script>", "\u202eevil", "__class__", "forward", "training", "_modules.x", "import os",
         "a" * 300, "", ".", "0", "x.y..z"]
NAMED: dict[str, Make] = {
    "names that run a command": lambda canary: named(RUN.format(canary=canary)),
    "an input whose name runs a command": lambda canary: input_named(RUN.format(canary=canary)),
    "a name that ends a line and runs": lambda canary: named(f"x\n    __import__('os').system('touch {canary}')\n    #"),
    **{f"everything named {name[:20]!r}": lambda _, name=name: named(name) for name in NAMES},  # type: ignore[misc]
    **{f"an input named {name[:20]!r}": lambda _, name=name: input_named(name) for name in NAMES},  # type: ignore[misc]
}
# Whether these are taken is a matter of taste; that they end in a network or a sentence is not.
STRANGE: dict[str, Make] = {
    "weights in both places": lambda _: weight(float_data=[1.0] * 36),
    "images of a negative size": lambda _: model(shape=["n", 1, -8, 8]),
    "images without a size": lambda _: changed(lambda found: found.graph.input[0].type.tensor_type.ClearField("shape")),
    "weights that are no numbers": lambda _: of_weights(np.full((4, 1, 3, 3), np.nan)),
    "weights without end": lambda _: of_weights(np.full((4, 1, 3, 3), np.inf)),
    "weights near the end of what is": lambda _: of_weights(np.full((4, 1, 3, 3), 3e38)),
}

HOSTILE: dict[str, Make] = SEPARATE | BOMBS | GRAPHS | TENSORS | BYTES
ODD: dict[str, Make] = NAMED | STRANGE
