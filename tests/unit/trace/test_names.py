"""What an event is, by its name. The names are those of real traces and of cuBLAS' and cuDNN's."""

from __future__ import annotations

import pytest

from gputune.trace import names
from gputune.trace.copies import Details, HostMemory, details
from gputune.trace.names import Kind

BOTH = (
    "volta_h884gemm_64x64_ldg8_tn",
    "volta_fp16_s884gemm_fp16_128x128_ldg8_f2f_nn",
    "turing_fp16_s1688cudnn_fp16_128x128_ldg8_relu_f2f_exp_small_nhwc_tn_v1",
    "ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x4_nn",
    "ampere_bf16_s16816gemm_bf16_128x256_ldg8_f2f_stages_64x3_tn",
    "ampere_h16816gemm_128x128_ldg8_stages_32x5_nn",
    "sm80_xmma_gemm_f16f16_f16f32_f32_tn_n_tilesize128x128x32_stage4_warpsize2x2x1",
    "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1",
    "cutlass_80_tensorop_f16_s16816gemm_relu_f16_256x128_32x3_tn_align8",
    "nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_NTT",
    "nvjet_sm100_tst_128x256_64x4_1x2_h_bz_coopA_NTT",
)
TENSOR_CORES_IN_32_BITS = (
    "sm80_xmma_gemm_tf32tf32_tf32f32_tf32_nn_n_tilesize128x128x16_stage4_warpsize2x2x1",
    "cutlass_80_tensorop_s1688gemm_128x128_32x3_nn_align4",
)
SIXTEEN_BITS_WITHOUT = (
    "void Eigen::internal::EigenMetaKernel<Eigen::TensorEvaluator<Eigen::TensorAssignOp<"
    "Eigen::TensorMap<Eigen::Tensor<Eigen::half, 1, 1, long>, 16> const> > >",
    "void tensorflow::functor::ReluGradHalfKernelVector(Eigen::bfloat16 const*)",
)
NEITHER = (
    "volta_sgemm_128x64_nn",
    "ampere_sgemm_128x64_tn",
    "void tensorflow::BiasNHWCKernel<float>(int, float const*, float const*, float*, int)",
    "void cudnn::bn_fw_tr_1C11_kernel_NCHW<float, float, int, 512, true, 1, true>",
    "ncclDevKernel_AllReduce_Sum_f32_RING_LL",
    "fusion_16",
)


@pytest.mark.parametrize("name", BOTH)
def test_matrix_products_in_16_bits(name: str) -> None:
    assert (names.uses_tensor_cores(name), names.computes_in_16_bits(name)) == (True, True)


@pytest.mark.parametrize("name", TENSOR_CORES_IN_32_BITS)
def test_tensor_cores_compute_in_tf32_too(name: str) -> None:
    assert (names.uses_tensor_cores(name), names.computes_in_16_bits(name)) == (True, False)


@pytest.mark.parametrize("name", SIXTEEN_BITS_WITHOUT)
def test_16_bits_without_tensor_cores(name: str) -> None:
    assert (names.uses_tensor_cores(name), names.computes_in_16_bits(name)) == (False, True)


@pytest.mark.parametrize("name", NEITHER)
def test_neither(name: str) -> None:
    assert (names.uses_tensor_cores(name), names.computes_in_16_bits(name)) == (False, False)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ("(half[4,384,4096];half[])", True),
        ("(bfloat16[8])", True),
        ("(float[4,16];int32[])", False),
        ("", False),
    ],
)
def test_shapes_tell_16_bits(shapes: str, expected: bool) -> None:
    assert names.has_16_bit_shapes(shapes) is expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MemcpyH2D", Kind.H2D),
        ("MemcpyD2H", Kind.D2H),
        ("MemcpyD2D", Kind.D2D),
        ("MemcpyP2P", Kind.P2P),
        ("MEMCPYHtoD", Kind.H2D),
        ("MemcpyOther", Kind.OTHER_COPY),
        ("Memset", Kind.MEMSET),
        ("MemoryAlloc", Kind.NO_WORK),
        ("MemoryFree", Kind.NO_WORK),
        ("NVTX:train", Kind.NO_WORK),
        ("CudaGraphExec:12", Kind.KERNEL),
        ("gemm", Kind.KERNEL),
        ("memcpy32_post(float*)", Kind.KERNEL),  # a kernel of cuBLAS
    ],
)
def test_kinds(name: str, kind: Kind) -> None:
    assert names.kind(name) is kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size:112 dest:4 async:0", Details(112, HostMemory.UNKNOWN)),
        (b"size:112 dest:4 async:0", Details(112, HostMemory.UNKNOWN)),
        (
            "kind_src:pageable kind_dst:device size:112 dest:0 async:1",
            Details(112, HostMemory.PAGEABLE),
        ),
        ("kind_src:device kind_dst:pinned size:9 dest:0 async:1", Details(9, HostMemory.PINNED)),
        ("kind_src:managed kind_dst:device size:9 dest:0 async:1", Details(9, HostMemory.OTHER)),
        ("kind_src:device kind_dst:device size:9 dest:0 async:1", Details(9, HostMemory.OTHER)),
        ("kind_src:unknown kind_dst:unknown size:9", Details(9, HostMemory.UNKNOWN)),
        ("kind_src:unknown kind_dst:device size:9", Details(9, HostMemory.UNKNOWN)),
        ("kind:device num_bytes:1024 async:1", Details(1024, HostMemory.UNKNOWN)),
        ("oversize:7 async:1", Details(None, HostMemory.UNKNOWN)),
        ("", Details(None, HostMemory.UNKNOWN)),
    ],
)
def test_details_of_copies(text: str | bytes, expected: Details) -> None:
    assert details(text) == expected
