// What all kernels are written in: CUDA C++ that NVRTC compiles at run time for the GPU at hand, and that a C++ compiler compiles
// for the emulator, which defines the intrinsics by itself.
//
// Numbers are binary32. Every operation on them is an intrinsic that rounds once, to nearest, so that no compiler may contract two
// into one; nothing is flushed to zero, and no vendor function is used. Numbers are canonical in memory: one zero, one NaN.
//
// A kernel takes one structure of 64-bit words. Grids have one dimension.

#ifndef ASSAY_EMULATED
#define DEVICE __device__ __forceinline__
#define SEPARATE __device__ __noinline__
// A kernel whose threads work by themselves.
#define KERNEL(name, Parameters) extern "C" __global__ void name(const Parameters p)
// A kernel whose threads exchange values.
#define JOINT_KERNEL(name, Parameters) extern "C" __global__ void name(const Parameters p)
#define SHARED __shared__
#define ALIGNED __align__(16)
#define UNROLL _Pragma("unroll")
#endif

typedef long long word;

#define LANES 32
#define ALL_LANES 0xffffffffu
#define NOT_A_NUMBER 0x7fc00000u
#define INFINITE 0x7f800000u
#define MAGNITUDE 0x7fffffffu
#define MAX_RANK 8
#define MAX_FUNCTIONS 8

enum Type { FLOAT32, INT64, INT32, INT8, UINT8, BOOL };

// Where the elements of a tensor stand.
struct View {
    word offset;
    word rank;
    word shape[MAX_RANK];
    word strides[MAX_RANK];
};

// Where the element with this number, in row-major order, stands.
DEVICE word place(const View &view, unsigned number) {
    if (view.rank == 1) {
        return view.offset + (word)number * view.strides[0];
    }
    word at = view.offset;
    for (int axis = (int)view.rank - 1; axis >= 0; --axis) {
        unsigned length = (unsigned)view.shape[axis];
        unsigned rest = number / length;
        at += (word)(number - rest * length) * view.strides[axis];
        number = rest;
    }
    return at;
}

// Threads take elements in turns.
#define FOR_EACH(index, count)                                                                                                   \
    for (unsigned index = blockIdx.x * blockDim.x + threadIdx.x; index < (unsigned)(count); index += gridDim.x * blockDim.x)

// Warps take rows in turns. All lanes of a warp see the same rows.
#define FOR_EACH_ROW(row, count)                                                                                                 \
    for (unsigned row = (blockIdx.x * blockDim.x + threadIdx.x) / LANES; row < (unsigned)(count);                                \
         row += gridDim.x * blockDim.x / LANES)

#define LANE (threadIdx.x % LANES)

DEVICE float nan_number() { return __uint_as_float(NOT_A_NUMBER); }

// One zero and one NaN.
DEVICE float canonical(float x) { return x != x ? nan_number() : __fadd_rn(x, 0.0f); }

DEVICE float power_of_integral(float n) { return __uint_as_float((unsigned)(__float2int_rn(n) + 127) << 23); }

DEVICE float exponent_of(float x) { return __int2float_rn((int)(__float_as_uint(x) >> 23) - 127); }

DEVICE float significand_of(float x) { return __uint_as_float((__float_as_uint(x) & 0x007fffffu) | 0x3f800000u); }

// 2^n, for n from −149 to 127.
DEVICE float power_of_two(int n) {
    return n < -126 ? __uint_as_float(1u << (n + 149)) : __uint_as_float((unsigned)(n + 127) << 23);
}

DEVICE unsigned magnitude_bits(float x) { return __float_as_uint(x) & MAGNITUDE; }

// An integer as a number, and as the ends of its type allow.
DEVICE word from_number(float x, word least, word greatest) {
    if (x != x) {
        return 0;
    }
    // Both ends are powers of two as numbers: the greatest is the one below.
    if (x >= __ll2float_rn(greatest)) {
        return greatest;
    }
    if (x <= __ll2float_rn(least)) {
        return least;
    }
    return (word)x;
}

DEVICE word load_integer(const void *elements, word type, word at) {
    switch (type) {
    case INT64: return ((const word *)elements)[at];
    case INT32: return ((const int *)elements)[at];
    case INT8: return ((const signed char *)elements)[at];
    default: return ((const unsigned char *)elements)[at];
    }
}

// The lowest bits.
DEVICE void store_integer(void *elements, word type, word at, word value) {
    switch (type) {
    case INT64: ((word *)elements)[at] = value; break;
    case INT32: ((int *)elements)[at] = (int)value; break;
    case INT8: ((signed char *)elements)[at] = (signed char)value; break;
    default: ((unsigned char *)elements)[at] = (unsigned char)value; break;
    }
}

DEVICE unsigned warp_max(unsigned x) {
    for (int mask = LANES / 2; mask > 0; mask /= 2) {
        unsigned other = __shfl_xor_sync(ALL_LANES, x, mask);
        x = other > x ? other : x;
    }
    return x;
}

DEVICE word warp_sum(word x) {
    for (int mask = LANES / 2; mask > 0; mask /= 2) {
        x += __shfl_xor_sync(ALL_LANES, x, mask);
    }
    return x;
}

