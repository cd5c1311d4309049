"""Each operation's arithmetic, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from gputune.inject.op_flops import KINDS, NO_FORMULA, Shape, flops

B, H, W = 4, 6, 5


def attributes(**known: Any) -> Any:
    return known.__getitem__


def count(kind: str, inputs: list[Shape], output: Shape = None, **known: Any) -> float | None:
    return flops(kind, inputs, [output], attributes(**known))


@pytest.mark.parametrize("a_transposed", [False, True])
@pytest.mark.parametrize("b_transposed", [False, True])
def test_a_matrix_product_multiplies_and_adds_once_for_each_pair(
    a_transposed: bool, b_transposed: bool
) -> None:
    a = (7, 3) if a_transposed else (3, 7)
    b = (5, 7) if b_transposed else (7, 5)
    found = count("MatMul", [a, b], (3, 5), transpose_a=a_transposed, transpose_b=b_transposed)
    assert found == 2 * 3 * 7 * 5


def test_a_batch_of_matrix_products_broadcasts() -> None:
    # [2, 1, 3, 7] times [1, 4, 7, 5]: eight products of 3x7 and 7x5.
    known = {"adj_x": False, "adj_y": False}
    assert count("BatchMatMulV2", [(2, 1, 3, 7), (1, 4, 7, 5)], (2, 4, 3, 5), **known) == (
        8 * 2 * 3 * 7 * 5
    )
    known["adj_x"] = True
    assert count("BatchMatMulV2", [(2, 7, 3), (2, 7, 5)], (2, 3, 5), **known) == 2 * 2 * 3 * 7 * 5


@pytest.mark.parametrize(
    ("equation", "inputs", "expected"),
    [
        ("ab,bc->ac", [(3, 7), (7, 5)], 2 * 3 * 7 * 5),
        # Attention's scores: four batches, two heads.
        ("btnh,bsnh->bnts", [(4, 3, 2, 8), (4, 6, 2, 8)], 2 * 4 * 2 * 3 * 6 * 8),
        # An outer product adds nothing up.
        ("a,b->ab", [(3,), (5,)], 15),
        ("...ab,bc->...ac", [(4, 2, 3, 7), (7, 5)], 2 * 8 * 3 * 7 * 5),
        ("...a,...a->...", [(2, 1, 7), (3, 7)], 2 * 2 * 3 * 7),
        ("abc->cab", [(3, 4, 5)], 0),
    ],
)
def test_einsum_has_one_product_for_each_combination_of_its_labels(
    equation: str, inputs: list[Shape], expected: int
) -> None:
    assert count("Einsum", inputs, equation=equation.encode()) == expected


def test_a_convolution_and_its_two_gradients_do_the_same_work() -> None:
    filters, out, given = (3, 3, 8, 16), (B, H, W, 16), (B, 9, 9, 8)
    expected = 2 * (B * H * W * 16) * (3 * 3 * 8)
    assert count("Conv2D", [given, filters], out) == expected
    assert count("Conv2DBackpropInput", [(4,), filters, out], given) == expected
    assert count("Conv2DBackpropFilter", [given, (4,), out], filters) == expected


def test_groups_have_fewer_taps_and_three_dimensions_more() -> None:
    # Two groups: each filter sees 4 of the 8 channels, as its shape says.
    assert count("Conv2D", [(B, 9, 9, 8), (3, 3, 4, 16)], (B, H, W, 16)) == (
        2 * B * H * W * 16 * 9 * 4
    )
    assert count("Conv3D", [(B, 9, 9, 9, 2), (3, 3, 3, 2, 5)], (B, 7, 7, 7, 5)) == (
        2 * B * 7**3 * 5 * 27 * 2
    )


def test_a_depthwise_convolution_sees_one_channel() -> None:
    filters, out, given = (3, 3, 8, 2), (B, H, W, 16), (B, 9, 9, 8)
    expected = 2 * B * H * W * 16 * 9
    assert count("DepthwiseConv2dNative", [given, filters], out) == expected
    assert count("DepthwiseConv2dNativeBackpropInput", [(4,), filters, out], given) == expected
    assert count("DepthwiseConv2dNativeBackpropFilter", [given, (4,), out], filters) == expected


def test_cudnn_lstm_has_four_gates_and_its_gradients_cost_twice_as_much() -> None:
    # 12 steps of 4 sequences with 8 features into 6 units, in one layer.
    known = {"rnn_mode": b"lstm", "direction": b"unidirectional"}
    inputs: list[Shape] = [(12, B, 8), (1, B, 6), (1, B, 6), (500,)]
    expected = 2 * 12 * B * 4 * 6 * (8 + 6)
    assert count("CudnnRNNV3", inputs, **known) == expected
    assert count("CudnnRNNBackpropV3", inputs, **known) == 2 * expected


def test_cudnn_layers_are_fed_by_both_directions_of_the_layer_below() -> None:
    known = {"rnn_mode": b"gru", "direction": b"bidirectional", "num_proj": 0}
    found = count("CudnnRNNV2", [(12, B, 8), (4, B, 6), (0,), (500,)], **known)
    # Two directions in two layers: the second layer is given 2 x 6 features.
    assert found == 2 * 12 * B * 3 * 6 * 2 * ((8 + 6) + (12 + 6))
    assert count("CudnnRNNV2", [(12, B, 8), (4, B, 6)], **{**known, "num_proj": 3}) is None


@pytest.mark.parametrize("shape", [(None, 7), None, (3, None)])
def test_an_unknown_dimension_gives_no_figure(shape: Shape) -> None:
    known = {"transpose_a": False, "transpose_b": False}
    assert count("MatMul", [shape, (7, 5)], (None, 5), **known) is None


def test_what_has_a_formula_is_not_among_what_has_none() -> None:
    assert not KINDS & NO_FORMULA
    with pytest.raises(KeyError):
        count("AddV2", [(3,), (3,)], (3,))
