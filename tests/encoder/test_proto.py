"""The protocol buffers that we write are those that the onnx package reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from searchd.encoder import proto
from searchd.encoder.graph import MICROSOFT, Graph


def test_the_onnx_package_reads_back_every_field(tmp_path: Path) -> None:
    graph = Graph(tmp_path)
    small, large = np.array([-1, 2**40], np.int64), np.arange(2000, dtype=np.float32).reshape(2, 1000)
    packed = np.array([[0x21, 0x43]], np.uint8)
    graph.weight("small", small)
    graph.weight("large", large)
    graph.weight("packed", packed, proto.INT4)
    graph.add("Slice", ["x", "", "small"], "y", start=-1, ratio=0.5, mode="tanh")
    graph.fused("Attention", ["y"], "z", num_heads=300)
    graph.close([proto.value("x", proto.INT32, ["batch", 7])], [proto.value("z", proto.FLOAT)])

    model = onnx.load(tmp_path / "model.onnx")
    first, second = model.graph.node
    assert (first.op_type, first.name, first.domain) == ("Slice", "y", "")
    assert (list(first.input), list(first.output)) == (["x", "", "small"], ["y"])
    assert {a.name: onnx.helper.get_attribute_value(a) for a in first.attribute} == {
        "start": -1,
        "ratio": 0.5,
        "mode": b"tanh",
    }
    assert (second.op_type, second.domain, second.attribute[0].i) == ("Attention", MICROSOFT, 300)
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    assert np.array_equal(numpy_helper.to_array(found["small"]), small)
    assert np.array_equal(numpy_helper.to_array(found["large"]), large)
    assert (list(found["packed"].dims), found["packed"].data_type) == ([1, 4], onnx.TensorProto.INT4)
    assert model.graph.input[0] == onnx.helper.make_tensor_value_info("x", onnx.TensorProto.INT32, ["batch", 7])
    assert model.graph.output[0] == onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None)
    assert {opset.domain: opset.version for opset in model.opset_import} == {"": 21, MICROSOFT: 1}
    assert model.ir_version == 10
