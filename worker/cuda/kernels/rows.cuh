// Operators on rows along the last dimension, one warp to a row.

// Rows of a tensor: where each begins, and how far from one element to the next.
struct Rows {
    word count;
    word length;
    View starts;
    word step;
};

// The integer nearest to x·2^n, which is at most 2^30 in magnitude. Two factors, since 2^149 is no binary32 number: neither product
// rounds, or else both vanish.
DEVICE word on_grid(float x, int n) {
    int half = n / 2;
    return __float2int_rn(__fmul_rn(__fmul_rn(x, power_of_two(half)), power_of_two(n - half)));
}

// The exponent of the step of the grid that a finite greatest magnitude with these bits gives.
DEVICE int step_of(unsigned greatest) {
    int step = (int)(greatest >> 23) - 127 - 29;
    return step < -149 ? -149 : step;
}

DEVICE float sum_on_grid(word total, int step) { return __fmul_rn(__ll2float_rn(total), power_of_two(step)); }

// The sum of a row with an infinity or a NaN: 1 among the signs is for a positive infinity, 2 for a negative one.
DEVICE float infinite_sum(unsigned greatest, unsigned signs) {
    if (greatest > INFINITE || signs == 3) {
        return nan_number();
    }
    return __uint_as_float(signs == 1 ? INFINITE : INFINITE | 0x80000000u);
}

// The exact sum of a row's terms on the grid that the greatest gives, rounded once.
template <class Term> DEVICE float sum_of(Term term, unsigned length) {
    unsigned greatest = 0;
    bool positive = false, negative = false;
    for (unsigned k = LANE; k < length; k += LANES) {
        float x = term(k);
        unsigned bits = magnitude_bits(x);
        greatest = bits > greatest ? bits : greatest;
        positive |= bits == INFINITE && x > 0.0f;
        negative |= bits == INFINITE && x < 0.0f;
    }
    greatest = warp_max(greatest);
    if (greatest >= INFINITE) {
        return infinite_sum(greatest, warp_max(positive ? 1u : 0u) + 2 * warp_max(negative ? 1u : 0u));
    }
    int step = step_of(greatest);
    word total = 0;
    for (unsigned k = LANE; k < length; k += LANES) {
        total += on_grid(term(k), -step);
    }
    return sum_on_grid(warp_sum(total), step);
}

template <class Term> DEVICE float mean_of(Term term, unsigned length) {
    return __fdiv_rn(sum_of(term, length), __int2float_rn((int)length));
}

// Numbers as integers in the same order; a NaN is beyond all.
DEVICE word order_of_number(float x, bool nan_is_greatest) {
    word magnitude = magnitude_bits(x);
    if (magnitude > INFINITE) {
        return nan_is_greatest ? 0x7fffffffffffffffll : (word)0x8000000000000000ull;
    }
    return x < 0.0f ? -magnitude : magnitude;
}

DEVICE word order_of(const void *elements, word type, word at, bool nan_is_greatest) {
    return type == FLOAT32 ? order_of_number(((const float *)elements)[at], nan_is_greatest)
                           : load_integer(elements, type, at);
}

// The greatest number of a row; NaN if there is one.
template <class Term> DEVICE float greatest_of(Term term, unsigned length) {
    word best = order_of_number(term(0), true);
    for (unsigned k = LANE; k < length; k += LANES) {
        word order = order_of_number(term(k), true);
        best = order > best ? order : best;
    }
    for (int mask = LANES / 2; mask > 0; mask /= 2) {
        word other = __shfl_xor_sync(ALL_LANES, best, mask);
        best = other > best ? other : best;
    }
    if (best > (word)INFINITE) {
        return nan_number();
    }
    return best < 0 ? -__uint_as_float((unsigned)-best) : __uint_as_float((unsigned)best);
}

struct Normalise {
    Rows rows;
    float *to;
    const float *from;
    word epsilon;
    const float *weight;
    const float *bias;
};

// y = x / d, × weight, + bias.
DEVICE float scaled_and_shifted(const Normalise &p, float quotient, unsigned k) {
    if (p.weight) {
        quotient = __fmul_rn(quotient, p.weight[k]);
    }
    if (p.bias) {
        quotient = __fadd_rn(quotient, p.bias[k]);
    }
    return canonical(quotient);
}

JOINT_KERNEL(layer_norm, Normalise) {
    unsigned length = (unsigned)p.rows.length;
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = p.from + place(p.rows.starts, row);
        word step = p.rows.step;
        float centre = mean_of([=](unsigned k) { return from[k * step]; }, length);
        auto square = [=](unsigned k) {
            float c = __fsub_rn(from[k * step], centre);
            return __fmul_rn(c, c);
        };
        float divisor = __fsqrt_rn(__fadd_rn(mean_of(square, length), __uint_as_float((unsigned)p.epsilon)));
        for (unsigned k = LANE; k < length; k += LANES) {
            float c = __fsub_rn(from[k * step], centre);
            p.to[(word)row * length + k] = scaled_and_shifted(p, __fdiv_rn(c, divisor), k);
        }
    }
}

JOINT_KERNEL(rms_norm, Normalise) {
    unsigned length = (unsigned)p.rows.length;
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = p.from + place(p.rows.starts, row);
        word step = p.rows.step;
        auto square = [=](unsigned k) { return __fmul_rn(from[k * step], from[k * step]); };
        float divisor = __fsqrt_rn(__fadd_rn(mean_of(square, length), __uint_as_float((unsigned)p.epsilon)));
        for (unsigned k = LANE; k < length; k += LANES) {
            p.to[(word)row * length + k] = scaled_and_shifted(p, __fdiv_rn(from[k * step], divisor), k);
        }
    }
}

// Softmax of scores that may be scaled first, and then added to or hidden.
struct Softmax {
    Rows rows;
    float *to;
    const float *from;
    word scaled;
    word scale;
    // 0 none, 1 numbers that are added, 2 truth values: where one is false, −∞ takes the number's place.
    word masking;
    const void *mask;
    View mask_starts;
    word mask_step;
};

DEVICE float score(const Softmax &p, const float *from, word mask, unsigned k) {
    float x = from[k * p.rows.step];
    if (p.scaled) {
        x = canonical(__fmul_rn(x, __uint_as_float((unsigned)p.scale)));
    }
    if (p.masking == 1) {
        x = canonical(__fadd_rn(x, ((const float *)p.mask)[mask + k * p.mask_step]));
    } else if (p.masking == 2 && !((const unsigned char *)p.mask)[mask + k * p.mask_step]) {
        x = __uint_as_float(INFINITE | 0x80000000u);
    }
    return x;
}

// Writes the exponentials of the differences from the greatest score; gives that one, and returns the sum. Each lane reads again only
// what it has written itself.
DEVICE float exponentials(const Softmax &p, const float *from, word mask, float *to, float &greatest) {
    unsigned length = (unsigned)p.rows.length;
    greatest = greatest_of([&](unsigned k) { return score(p, from, mask, k); }, length);
    for (unsigned k = LANE; k < length; k += LANES) {
        to[k] = exact_exp(__fsub_rn(score(p, from, mask, k), greatest));
    }
    return sum_of([=](unsigned k) { return to[k]; }, length);
}

JOINT_KERNEL(softmax, Softmax) {
    unsigned length = (unsigned)p.rows.length;
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = p.from + place(p.rows.starts, row);
        word mask = p.masking ? place(p.mask_starts, row) : 0;
        float *to = p.to + (word)row * length;
        float greatest, total = exponentials(p, from, mask, to, greatest);
        // Where nothing counts, the differences are NaN.
        bool nothing = greatest == __uint_as_float(INFINITE | 0x80000000u);
        for (unsigned k = LANE; k < length; k += LANES) {
            to[k] = nothing ? 0.0f : canonical(__fdiv_rn(to[k], total));
        }
    }
}

JOINT_KERNEL(log_softmax, Softmax) {
    unsigned length = (unsigned)p.rows.length;
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = p.from + place(p.rows.starts, row);
        float *to = p.to + (word)row * length;
        float greatest, total = exact_log(exponentials(p, from, 0, to, greatest));
        for (unsigned k = LANE; k < length; k += LANES) {
            to[k] = canonical(__fsub_rn(__fsub_rn(score(p, from, 0, k), greatest), total));
        }
    }
}

struct Reduce {
    Rows rows;
    // 0 sum, 1 mean, 2 the greatest, 3 the least, and 4 and 5 where they stand first.
    word reduction;
    word type;
    void *to;
    const void *from;
};

JOINT_KERNEL(sum_numbers, Reduce) {
    unsigned length = (unsigned)p.rows.length;
    FOR_EACH_ROW(row, p.rows.count) {
        const float *from = (const float *)p.from + place(p.rows.starts, row);
        word step = p.rows.step;
        auto term = [=](unsigned k) { return from[k * step]; };
        float result = p.reduction == 0 ? sum_of(term, length) : mean_of(term, length);
        if (LANE == 0) {
            ((float *)p.to)[row] = canonical(result);
        }
    }
}

JOINT_KERNEL(sum_integers, Reduce) {
    FOR_EACH_ROW(row, p.rows.count) {
        word start = place(p.rows.starts, row);
        unsigned long long total = 0;
        for (unsigned k = LANE; k < (unsigned)p.rows.length; k += LANES) {
            total += (unsigned long long)load_integer(p.from, p.type, start + k * p.rows.step);
        }
        for (int mask = LANES / 2; mask > 0; mask /= 2) {
            total += __shfl_xor_sync(ALL_LANES, total, mask);
        }
        if (LANE == 0) {
            ((word *)p.to)[row] = (word)total;
        }
    }
}

// The greatest or the least element, or where it stands: of equal ones the first, and the first NaN if there is one.
JOINT_KERNEL(best, Reduce) {
    bool greatest = p.reduction == 2 || p.reduction == 4;
    FOR_EACH_ROW(row, p.rows.count) {
        word start = place(p.rows.starts, row);
        word order = order_of(p.from, p.type, start, greatest), where = 0;
        for (unsigned k = LANE; k < (unsigned)p.rows.length; k += LANES) {
            word other = order_of(p.from, p.type, start + k * p.rows.step, greatest);
            if (greatest ? other > order : other < order) {
                order = other;
                where = k;
            }
        }
        for (int mask = LANES / 2; mask > 0; mask /= 2) {
            word other = __shfl_xor_sync(ALL_LANES, order, mask), there = __shfl_xor_sync(ALL_LANES, where, mask);
            bool better = greatest ? other > order : other < order;
            if (better || (other == order && there < where)) {
                order = other;
                where = there;
            }
        }
        if (LANE == 0) {
            word at = start + where * p.rows.step;
            if (p.reduction >= 4) {
                ((word *)p.to)[row] = where;
            } else if (p.type == FLOAT32) {
                ((float *)p.to)[row] = ((const float *)p.from)[at];
            } else {
                store_integer(p.to, p.type, row, load_integer(p.from, p.type, at));
            }
        }
    }
}

struct Sequence {
    Rows rows;
    word type;
    word count;
    word largest;
    void *to;
    const void *from;
};

// What the lanes up to this one have, put together in any order.
template <class T, class Join> DEVICE T up_to_here(T own, Join join) {
    T all = own;
    for (unsigned mask = 1; mask < LANES; mask *= 2) {
        T other = __shfl_xor_sync(ALL_LANES, all, (int)mask);
        own = (LANE & mask) != 0 ? join(own, other) : own;
        all = join(all, other);
    }
    return own;
}

DEVICE word sum_up_to_here(word own) {
    return up_to_here(own, [](word a, word b) { return (word)((unsigned long long)a + (unsigned long long)b); });
}

DEVICE void integer_sums_so_far(const Sequence &p, unsigned row) {
    unsigned length = (unsigned)p.rows.length;
    word start = place(p.rows.starts, row), before = 0;
    for (unsigned first = 0; first < length; first += LANES) {
        unsigned k = first + LANE;
        word own = k < length ? load_integer(p.from, p.type, start + k * p.rows.step) : 0;
        own = (word)((unsigned long long)before + (unsigned long long)sum_up_to_here(own));
        if (k < length) {
            ((word *)p.to)[(word)row * length + k] = own;
        }
        before = __shfl_sync(ALL_LANES, own, LANES - 1);
    }
}

// Every sum is on the grid that the greatest of its own terms gives. Along a row grids only become coarser; with each new one what
// came before is added up once more. There are some hundreds of grids at most, and as a rule a few in a row.
DEVICE void number_sums_so_far(const Sequence &p, unsigned row) {
    unsigned length = (unsigned)p.rows.length;
    const float *from = (const float *)p.from + place(p.rows.starts, row);
    word step = p.rows.step, total = 0;
    unsigned greatest = 0, signs = 0;
    int grid = step_of(0);
    for (unsigned first = 0; first < length; first += LANES) {
        unsigned k = first + LANE;
        float x = k < length ? from[k * step] : 0.0f;
        unsigned bits = magnitude_bits(x), sign = bits != INFINITE ? 0u : x > 0.0f ? 1u : 2u;
        unsigned most = up_to_here(bits, [](unsigned a, unsigned b) { return a > b ? a : b; });
        most = most > greatest ? most : greatest;
        unsigned ends = signs | up_to_here(sign, [](unsigned a, unsigned b) { return a | b; });
        bool finite = most < INFINITE, waits = finite && k < length;
        int own_grid = finite ? step_of(most) : 0;
        float result = finite ? 0.0f : infinite_sum(most, ends);
        word sum = total;
        // The finest grid that a lane still waits for, as a number above zero.
        for (unsigned next; (next = warp_max(waits ? (unsigned)(1000 - own_grid) : 0u)) != 0;) {
            int now = 1000 - (int)next;
            if (now != grid) {
                word earlier = 0;
                for (unsigned j = LANE; j < first; j += LANES) {
                    earlier += on_grid(from[j * step], -now);
                }
                total = warp_sum(earlier);
                grid = now;
            }
            // A lane with a coarser grid stands after all that wait for this one.
            sum = total + sum_up_to_here(finite && own_grid <= now ? on_grid(x, -now) : 0);
            if (waits && own_grid == now) {
                result = sum_on_grid(sum, now);
                waits = false;
            }
        }
        if (k < length) {
            ((float *)p.to)[(word)row * length + k] = canonical(result);
        }
        total = __shfl_sync(ALL_LANES, sum, LANES - 1);
        greatest = __shfl_sync(ALL_LANES, most, LANES - 1);
        signs = __shfl_sync(ALL_LANES, ends, LANES - 1);
    }
}

// The sum of each element and those before it, by a warp for each row.
JOINT_KERNEL(sums_so_far, Sequence) {
    FOR_EACH_ROW(row, p.rows.count) {
        if (p.type == FLOAT32) {
            number_sums_so_far(p, row);
        } else {
            integer_sums_so_far(p, row);
        }
    }
}

// Where the best elements of each short row stand: an element's place is how many are better, of equal ones those before it.
KERNEL(top_k, Sequence) {
    unsigned length = (unsigned)p.rows.length;
    bool largest = p.largest != 0;
    FOR_EACH(index, p.rows.count *length) {
        unsigned row = index / length, own = index - row * length;
        word start = place(p.rows.starts, row), step = p.rows.step;
        word order = order_of(p.from, p.type, start + own * step, largest);
        word before = 0;
        for (unsigned k = 0; k < length; ++k) {
            word other = order_of(p.from, p.type, start + k * step, largest);
            before += (largest ? other > order : other < order) || (other == order && k < own);
        }
        if (before < p.count) {
            ((word *)p.to)[row * p.count + before] = own;
        }
    }
}

// The places of a row's elements, which a block sorts in memory of its own.
struct SortedPlaces {
    Rows rows;
    word type;
    word count;
    word largest;
    // A power of two that is no less than a row's length.
    word padded;
    void *to;
    const void *from;
    int *places;
};

// Whether the element at one place stands before the one at another. What is beyond the row stands last.
DEVICE bool stands_before(const SortedPlaces &p, word start, int one, int other) {
    if (one >= p.rows.length || other >= p.rows.length) {
        return one < other;
    }
    bool largest = p.largest != 0;
    word a = order_of(p.from, p.type, start + one * p.rows.step, largest);
    word b = order_of(p.from, p.type, start + other * p.rows.step, largest);
    return a != b ? (largest ? a > b : a < b) : one < other;
}

// Where the best elements of each row stand, by a block for each row: a bitonic sort, since no two places are equal.
JOINT_KERNEL(sorted_places, SortedPlaces) {
    unsigned padded = (unsigned)p.padded, count = (unsigned)p.count;
    int *places = p.places + (word)blockIdx.x * padded;
    for (unsigned row = blockIdx.x; row < (unsigned)p.rows.count; row += gridDim.x) {
        word start = place(p.rows.starts, row);
        for (unsigned k = threadIdx.x; k < padded; k += blockDim.x) {
            places[k] = (int)k;
        }
        __syncthreads();
        for (unsigned size = 2; size <= padded; size *= 2) {
            for (unsigned stride = size / 2; stride > 0; stride /= 2) {
                for (unsigned pair = threadIdx.x; pair < padded / 2; pair += blockDim.x) {
                    unsigned low = pair / stride * 2 * stride + pair % stride, high = low + stride;
                    int one = places[low], other = places[high];
                    // Halves are sorted in turns to either side, and the whole to one.
                    if (stands_before(p, start, other, one) == ((low & size) == 0)) {
                        places[low] = other;
                        places[high] = one;
                    }
                }
                __syncthreads();
            }
        }
        for (unsigned k = threadIdx.x; k < count; k += blockDim.x) {
            ((word *)p.to)[(word)row * count + k] = places[k];
        }
        __syncthreads();
    }
}
