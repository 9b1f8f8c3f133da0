// Contractions: rows quantised to integers, and products of them with exact sums.

struct Quantise {
    Rows rows;
    const float *from;
    // 127 or 16319.
    word greatest;
    // From a row of integers to the next, a multiple of 64; what is beyond the row's length is zero.
    word stride;
    // 0: each row has its own scale. 1: the same, after the elements were multiplied with `factors`. 2: each element is divided by
    // its own one of `factors`, and the row's scale is not asked for.
    word scaling;
    // A row of them for so many rows.
    const float *factors;
    word rows_of_factors;
    // The integers, or their high halves `(q + 64) >> 7`, and the low ones `q − 128·high`.
    signed char *high;
    signed char *low;
    float *scales;
};

// The scale of a row with these terms.
template <class Term> DEVICE float scale_of(Term term, unsigned length, word greatest) {
    unsigned greatest_bits = 0;
    for (unsigned k = LANE; k < length; k += LANES) {
        unsigned bits = magnitude_bits(term(k));
        greatest_bits = bits > greatest_bits ? bits : greatest_bits;
    }
    greatest_bits = warp_max(greatest_bits);
    if (greatest_bits >= INFINITE) {
        return nan_number();
    }
    float scale = __fdiv_rn(__uint_as_float(greatest_bits), __int2float_rn((int)greatest));
    return scale == 0.0f ? 1.0f : scale;
}

DEVICE int integer_of(float x, float scale, word greatest) {
    float quotient = __fdiv_rn(x, scale);
    // Beyond these ends the conversion is not defined everywhere; a NaN is 0.
    if (scale != scale || quotient != quotient) {
        return 0;
    }
    quotient = quotient < -32768.0f ? -32768.0f : quotient > 32767.0f ? 32767.0f : quotient;
    int q = __float2int_rn(quotient);
    return q < (int)-greatest ? (int)-greatest : q > (int)greatest ? (int)greatest : q;
}

JOINT_KERNEL(quantise, Quantise) {
    unsigned length = (unsigned)p.rows.length;
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = p.from + place(p.rows.starts, row);
        const float *factors = p.scaling ? p.factors + (word)(row / (unsigned)p.rows_of_factors) * length : p.from;
        auto number = [&](unsigned k) {
            float x = from[k * p.rows.step];
            return p.scaling == 1 ? __fmul_rn(x, factors[k]) : x;
        };
        float scale = 1.0f;
        if (p.scaling != 2) {
            scale = scale_of(number, length, p.greatest);
            if (LANE == 0) {
                p.scales[row] = scale;
            }
        }
        for (unsigned k = LANE; k < (unsigned)p.stride; k += LANES) {
            int q = 0;
            if (k < length) {
                q = integer_of(number(k), p.scaling == 2 ? factors[k] : scale, p.greatest);
            }
            word at = (word)row * p.stride + k;
            if (p.low) {
                int high = (q + 64) >> 7;
                p.high[at] = (signed char)high;
                p.low[at] = (signed char)(q - 128 * high);
            } else {
                p.high[at] = (signed char)q;
            }
        }
    }
}

// Integers that are given become rows of them.
struct Take {
    word rows;
    word length;
    word stride;
    const signed char *from;
    signed char *to;
};

KERNEL(take_integers, Take) {
    FOR_EACH(index, p.rows * p.stride) {
        unsigned row = index / (unsigned)p.stride, k = index - row * (unsigned)p.stride;
        p.to[index] = k < (unsigned)p.length ? p.from[(word)row * p.length + k] : 0;
    }
}

JOINT_KERNEL(row_scale, Quantise) {
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = p.from + place(p.rows.starts, row);
        float scale = scale_of([&](unsigned k) { return from[k * p.rows.step]; }, (unsigned)p.rows.length, p.greatest);
        if (LANE == 0) {
            p.scales[row] = scale;
        }
    }
}

// Planes of bytes that a second operand has at most.
#define MAX_PLANES 4

// y[i, j] = f32(Σ_k a[i, k]·b[j, k]) × (sa[i] × sb[j]), + bias[j], and then functions.
struct Product {
    word batch;
    word rows;
    word columns;
    // Bytes of a row, a multiple of 64.
    word stride;
    const signed char *a_high;
    const signed char *a_low;
    const float *a_scales;
    // From the one of the greatest weight on; two at most but where integers were given in groups.
    const signed char *b_planes[MAX_PLANES];
    // None where the sums have the scale of the row alone.
    const float *b_scales;
    // Whether all of the batch are multiplied with the same second operand.
    word b_shared;
    const float *bias;
    float *to;
    // The batch is `[…, heads]`; where its matrices begin, and their rows.
    word heads;
    word batch_stride;
    word head_stride;
    word row_stride;
    Chain chain;
};

#define TILE 64
#define DEPTH 64
// Rows of a tile in shared memory are 80 bytes apart, so that the 32 words that a warp reads at once are in 32 banks.
#define PITCH 20

// Words of four bytes: a 16×32 part of the first operand, a 8×32 part of the second, and sums, spread over the lanes of a warp as
// PTX has it for mma.m16n8k32: with g = lane / 4 and t = lane % 4, the first has rows g and g + 8 at bytes 4·t and 16 + 4·t, the
// second column g at the same bytes, and the sums are those of rows g and g + 8 and of columns 2·t and 2·t + 1.
struct FirstPart {
    int words[4];
};
struct SecondPart {
    int words[2];
};
struct Sums {
    int sums[4];
};

#ifndef ASSAY_EMULATED
DEVICE void multiply_in_tensor_cores(Sums &c, const FirstPart &a, const SecondPart &b) {
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(c.sums[0]), "+r"(c.sums[1]), "+r"(c.sums[2]), "+r"(c.sums[3])
                 : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[0]), "r"(b.words[1]));
#endif
}
#endif

// The same on any GPU that adds four products at once, or on one whose tensor cores did not pass the test.
DEVICE void multiply_in_lanes(Sums &c, const FirstPart &a, const SecondPart &b) {
    unsigned group = LANE / 4, within = LANE % 4;
    UNROLL
    for (unsigned from = 0; from < 4; ++from) {
        int first[4], second[2][2];
        UNROLL
        for (int part = 0; part < 4; ++part) {
            first[part] = __shfl_sync(ALL_LANES, a.words[part], group * 4 + from);
        }
        UNROLL
        for (int column = 0; column < 2; ++column) {
            UNROLL
            for (int half = 0; half < 2; ++half) {
                second[column][half] = __shfl_sync(ALL_LANES, b.words[half], (within * 2 + column) * 4 + from);
            }
        }
        UNROLL
        for (int column = 0; column < 2; ++column) {
            c.sums[column] = __dp4a(first[0], second[column][0], c.sums[column]);
            c.sums[column] = __dp4a(first[2], second[column][1], c.sums[column]);
            c.sums[2 + column] = __dp4a(first[1], second[column][0], c.sums[2 + column]);
            c.sums[2 + column] = __dp4a(first[3], second[column][1], c.sums[2 + column]);
        }
    }
}

template <bool TENSOR_CORES> DEVICE void multiply(Sums &c, const FirstPart &a, const SecondPart &b) {
    if (TENSOR_CORES) {
        multiply_in_tensor_cores(c, a, b);
    } else {
        multiply_in_lanes(c, a, b);
    }
}

// One number of the result.
DEVICE void finish(const Product &p, unsigned batch, unsigned row, unsigned column, word sum) {
    if (row >= (unsigned)p.rows || column >= (unsigned)p.columns) {
        return;
    }
    float a_scale = p.a_scales[(word)batch * p.rows + row];
    float scale = a_scale;
    if (p.b_scales) {
        scale = __fmul_rn(a_scale, p.b_scales[(p.b_shared ? 0 : (word)batch * p.columns) + column]);
    }
    float y = __fmul_rn(__ll2float_rn(sum), scale);
    if (p.bias) {
        y = __fadd_rn(y, p.bias[column]);
    }
    word outer = batch / (unsigned)p.heads, head = batch % (unsigned)p.heads;
    word at = outer * p.batch_stride + head * p.head_stride + row * p.row_stride + column;
    p.to[at] = apply_chain(p.chain, canonical(y));
}

// Sixteen bytes.
struct ALIGNED Quad {
    int words[4];
};

// Reads the part of an operand's tile that this thread brings: 16 bytes of two rows. Rows that there are not are zeros.
DEVICE Quad read_quad(const signed char *matrix, unsigned first, unsigned rows, word stride, unsigned depth, unsigned part) {
    unsigned row = first + (threadIdx.x + part * 128) / 4;
    Quad quad = {{0, 0, 0, 0}};
    if (row < rows) {
        quad = *(const Quad *)(matrix + row * stride + depth + threadIdx.x % 4 * 16);
    }
    return quad;
}

DEVICE void write_quad(int *tile, const Quad &quad, unsigned part) {
    *(Quad *)(tile + (threadIdx.x + part * 128) / 4 * PITCH + threadIdx.x % 4 * 4) = quad;
}

// The same for the planes of an operand.
template <int PLANES>
DEVICE void read_quads(Quad (&next)[PLANES][2], const signed char *const *planes, unsigned first, unsigned rows, word stride,
                       unsigned depth) {
    UNROLL
    for (int plane = 0; plane < PLANES; ++plane) {
        UNROLL
        for (int part = 0; part < 2; ++part) {
            next[plane][part] = read_quad(planes[plane], first, rows, stride, depth, part);
        }
    }
}

template <int PLANES> DEVICE void write_quads(int (&tile)[PLANES][TILE * PITCH], const Quad (&next)[PLANES][2]) {
    UNROLL
    for (int plane = 0; plane < PLANES; ++plane) {
        UNROLL
        for (int part = 0; part < 2; ++part) {
            write_quad(tile[plane], next[plane][part], part);
        }
    }
}

DEVICE FirstPart first_part(const int *tile, unsigned row, unsigned depth) {
    const int *from = tile + (row + LANE / 4) * PITCH + depth / 4 + LANE % 4;
    return FirstPart{{from[0], from[8 * PITCH], from[4], from[8 * PITCH + 4]}};
}

DEVICE SecondPart second_part(const int *tile, unsigned column, unsigned depth) {
    const int *from = tile + (column + LANE / 4) * PITCH + depth / 4 + LANE % 4;
    return SecondPart{{from[0], from[4]}};
}

// A block of four warps computes a tile of 64×64 numbers, each warp a quarter of it. The operands are given in one plane of bytes
// each, in two of halves, or the second one in more. The sums of at most 16384 products of each kind stay below 2^30: of high halves
// with high ones, of high ones with low ones both ways, and so on.
template <bool TENSOR_CORES, int A_PLANES, int B_PLANES> DEVICE void multiply_tiles(const Product &p) {
    const int KINDS = A_PLANES + B_PLANES - 1;
    ALIGNED SHARED int a_tile[A_PLANES][TILE * PITCH];
    ALIGNED SHARED int b_tile[B_PLANES][TILE * PITCH];
    unsigned tiles_down = ((unsigned)p.rows + TILE - 1) / TILE, tiles_across = ((unsigned)p.columns + TILE - 1) / TILE;
    unsigned batch = blockIdx.x / (tiles_down * tiles_across);
    unsigned tile = blockIdx.x % (tiles_down * tiles_across);
    unsigned first_row = tile / tiles_across * TILE, first_column = tile % tiles_across * TILE;
    unsigned warp = threadIdx.x / LANES;
    unsigned warp_row = warp / 2 * 32, warp_column = warp % 2 * 32;
    const signed char *a[2] = {p.a_high + (word)batch * p.rows * p.stride,
                               A_PLANES > 1 ? p.a_low + (word)batch * p.rows * p.stride : p.a_high};
    word b_batch = p.b_shared ? 0 : (word)batch * p.columns * p.stride;
    const signed char *b[B_PLANES];
    UNROLL
    for (int plane = 0; plane < B_PLANES; ++plane) {
        b[plane] = p.b_planes[plane] + b_batch;
    }
    Sums sums[KINDS][2][4];
    UNROLL
    for (int kind = 0; kind < KINDS; ++kind) {
        UNROLL
        for (int i = 0; i < 2; ++i) {
            UNROLL
            for (int j = 0; j < 4; ++j) {
                sums[kind][i][j] = Sums{{0, 0, 0, 0}};
            }
        }
    }
    Quad a_next[A_PLANES][2], b_next[B_PLANES][2];
    read_quads<A_PLANES>(a_next, a, first_row, (unsigned)p.rows, p.stride, 0);
    read_quads<B_PLANES>(b_next, b, first_column, (unsigned)p.columns, p.stride, 0);
    for (unsigned depth = 0; depth < (unsigned)p.stride; depth += DEPTH) {
        write_quads<A_PLANES>(a_tile, a_next);
        write_quads<B_PLANES>(b_tile, b_next);
        __syncthreads();
        // The next part is on its way while this one is multiplied.
        if (depth + DEPTH < (unsigned)p.stride) {
            read_quads<A_PLANES>(a_next, a, first_row, (unsigned)p.rows, p.stride, depth + DEPTH);
            read_quads<B_PLANES>(b_next, b, first_column, (unsigned)p.columns, p.stride, depth + DEPTH);
        }
        UNROLL
        for (unsigned k = 0; k < DEPTH; k += 32) {
            FirstPart first[A_PLANES][2];
            UNROLL
            for (int plane = 0; plane < A_PLANES; ++plane) {
                UNROLL
                for (int i = 0; i < 2; ++i) {
                    first[plane][i] = first_part(a_tile[plane], warp_row + i * 16, k);
                }
            }
            UNROLL
            for (int j = 0; j < 4; ++j) {
                SecondPart second[B_PLANES];
                UNROLL
                for (int plane = 0; plane < B_PLANES; ++plane) {
                    second[plane] = second_part(b_tile[plane], warp_column + j * 8, k);
                }
                UNROLL
                for (int i = 0; i < 2; ++i) {
                    // The products of planes whose numbers have the same sum weigh the same.
                    UNROLL
                    for (int of_a = 0; of_a < A_PLANES; ++of_a) {
                        UNROLL
                        for (int of_b = 0; of_b < B_PLANES; ++of_b) {
                            multiply<TENSOR_CORES>(sums[of_a + of_b][i][j], first[of_a][i], second[of_b]);
                        }
                    }
                }
            }
        }
        __syncthreads();
    }
    UNROLL
    for (int i = 0; i < 2; ++i) {
        UNROLL
        for (int j = 0; j < 4; ++j) {
            UNROLL
            for (int index = 0; index < 4; ++index) {
                word sum = 0;
                UNROLL
                for (int kind = 0; kind < KINDS; ++kind) {
                    sum = sum * 128 + sums[kind][i][j].sums[index];
                }
                unsigned row = first_row + warp_row + i * 16 + LANE / 4 + index / 2 * 8;
                unsigned column = first_column + warp_column + j * 8 + LANE % 4 * 2 + index % 2;
                finish(p, batch, row, column, sum);
            }
        }
    }
}

JOINT_KERNEL(product_8_tensor_cores, Product) { multiply_tiles<true, 1, 1>(p); }
JOINT_KERNEL(product_16_8_tensor_cores, Product) { multiply_tiles<true, 2, 1>(p); }
JOINT_KERNEL(product_16_tensor_cores, Product) { multiply_tiles<true, 2, 2>(p); }
JOINT_KERNEL(product_8_by_3_planes_tensor_cores, Product) { multiply_tiles<true, 1, 3>(p); }
JOINT_KERNEL(product_8_by_4_planes_tensor_cores, Product) { multiply_tiles<true, 1, 4>(p); }
JOINT_KERNEL(product_16_by_3_planes_tensor_cores, Product) { multiply_tiles<true, 2, 3>(p); }
JOINT_KERNEL(product_16_by_4_planes_tensor_cores, Product) { multiply_tiles<true, 2, 4>(p); }
JOINT_KERNEL(product_8_lanes, Product) { multiply_tiles<false, 1, 1>(p); }
JOINT_KERNEL(product_16_8_lanes, Product) { multiply_tiles<false, 2, 1>(p); }
JOINT_KERNEL(product_16_lanes, Product) { multiply_tiles<false, 2, 2>(p); }
JOINT_KERNEL(product_8_by_3_planes_lanes, Product) { multiply_tiles<false, 1, 3>(p); }
JOINT_KERNEL(product_8_by_4_planes_lanes, Product) { multiply_tiles<false, 1, 4>(p); }
JOINT_KERNEL(product_16_by_3_planes_lanes, Product) { multiply_tiles<false, 2, 3>(p); }
JOINT_KERNEL(product_16_by_4_planes_lanes, Product) { multiply_tiles<false, 2, 4>(p); }

DEVICE word products_of_words(int a_high, int a_low, int b_high, int b_low) {
    return (word)__dp4a(a_high, b_high, 0) * 16384 + (word)(__dp4a(a_high, b_low, 0) + __dp4a(a_low, b_high, 0)) * 128 +
           __dp4a(a_low, b_low, 0);
}

// For few rows, where reading the second operand is what takes time: a warp to a column, and to one row after the other.
JOINT_KERNEL(product_of_few_rows, Product) {
    unsigned words = (unsigned)p.stride / 4;
    FOR_EACH_ROW(number, p.batch * p.columns) {
        unsigned batch = number / (unsigned)p.columns, column = number % (unsigned)p.columns;
        word b = ((p.b_shared ? 0 : (word)batch * p.columns) + column) * p.stride;
        for (unsigned row = 0; row < (unsigned)p.rows; ++row) {
            word a = ((word)batch * p.rows + row) * p.stride, sum = 0;
            for (unsigned k = LANE; k < words; k += LANES) {
                int a_high = ((const int *)(p.a_high + a))[k], b_high = ((const int *)(p.b_planes[0] + b))[k];
                if (p.a_low && !p.b_planes[1]) {
                    int a_low = ((const int *)(p.a_low + a))[k];
                    sum += (word)__dp4a(a_high, b_high, 0) * 128 + __dp4a(a_low, b_high, 0);
                } else if (p.a_low) {
                    sum += products_of_words(a_high, ((const int *)(p.a_low + a))[k], b_high, ((const int *)(p.b_planes[1] + b))[k]);
                } else {
                    sum += __dp4a(a_high, b_high, 0);
                }
            }
            sum = warp_sum(sum);
            if (LANE == 0) {
                finish(p, batch, row, column, sum);
            }
        }
    }
}
