// Operators that compute each element of their result from one element of each operand.

// The functions in the order of `Function` in `functions.rs`.
SEPARATE float apply_function(word function, float x) {
    switch (function) {
    case 0: return canonical(-x);
    case 1: return canonical(x < 0.0f ? -x : x);
    case 2: return canonical(x < 0.0f ? 0.0f : x);
    case 3: return canonical(__fsqrt_rn(x));
    case 4: return canonical(exact_rsqrt(x));
    case 5: return canonical(exact_exp(x));
    case 6: return canonical(exact_log(x));
    case 7: return canonical(exact_sin(x));
    case 8: return canonical(exact_cos(x));
    case 9: return canonical(exact_tanh(x));
    case 10: return canonical(exact_sigmoid(x));
    case 11: return canonical(exact_erf(x));
    case 12: return canonical(exact_silu(x));
    case 13: return canonical(exact_gelu(x));
    case 14: return canonical(exact_gelu_tanh(x));
    case 15: return canonical(floorf(x));
    case 16: return canonical(ceilf(x));
    case 17: return canonical(rintf(x));
    default: return canonical(truncf(x));
    }
}

struct Chain {
    word count;
    word functions[MAX_FUNCTIONS];
};

DEVICE float apply_chain(const Chain &chain, float x) {
    for (word index = 0; index < chain.count; ++index) {
        x = apply_function(chain.functions[index], x);
    }
    return x;
}

struct Apply {
    word count;
    float *to;
    const float *from;
    View view;
    Chain chain;
};

KERNEL(apply, Apply) {
    FOR_EACH(index, p.count) { p.to[index] = apply_chain(p.chain, p.from[place(p.view, index)]); }
}

struct Combine {
    word operation;
    word count;
    void *to;
    const void *a;
    const void *b;
    View a_view;
    View b_view;
};

// What a division that rounds towards zero leaves, exactly: significands are divided bit by bit. NaN for an infinite x and for y = 0.
SEPARATE float remainder_of(float x, float y) {
    unsigned a = magnitude_bits(x), b = magnitude_bits(y), sign = __float_as_uint(x) & 0x80000000u;
    if (b == 0 || a >= INFINITE || b > INFINITE) {
        return nan_number();
    }
    if (a < b) {
        return x;
    }
    // Subnormal numbers have the exponent of the least normal ones, and no hidden bit.
    int a_exponent = a >> 23 ? (int)(a >> 23) : 1, b_exponent = b >> 23 ? (int)(b >> 23) : 1;
    unsigned rest = (a & 0x007fffffu) | (a >> 23 ? 0x00800000u : 0u);
    unsigned divisor = (b & 0x007fffffu) | (b >> 23 ? 0x00800000u : 0u);
    rest %= divisor;
    for (int exponent = a_exponent; exponent > b_exponent; --exponent) {
        rest *= 2;
        rest = rest >= divisor ? rest - divisor : rest;
    }
    // rest · 2^(b_exponent − 150), which has no more bits than a number has.
    int exponent = b_exponent;
    while (rest != 0 && rest < 0x00800000u && exponent > 1) {
        rest *= 2;
        --exponent;
    }
    unsigned bits = rest < 0x00800000u ? rest : ((unsigned)exponent << 23) | (rest & 0x007fffffu);
    return __uint_as_float(sign | bits);
}

// Sums, differences, products, quotients, remainders, the greater and the lesser, in the order of `Operation` in `elements.rs`.
DEVICE float combine_numbers(word operation, float a, float b) {
    switch (operation) {
    case 0: return canonical(__fadd_rn(a, b));
    case 1: return canonical(__fsub_rn(a, b));
    case 2: return canonical(__fmul_rn(a, b));
    case 3: return canonical(__fdiv_rn(a, b));
    case 4: return canonical(remainder_of(a, b));
    default:
        if (a != a || b != b) {
            return nan_number();
        }
        return operation == 5 ? (a < b ? b : a) : (b < a ? b : a);
    }
}

KERNEL(combine_float, Combine) {
    const float *a = (const float *)p.a, *b = (const float *)p.b;
    FOR_EACH(index, p.count) {
        ((float *)p.to)[index] = combine_numbers(p.operation, a[place(p.a_view, index)], b[place(p.b_view, index)]);
    }
}

// Integers of 64 bits, from which the result is cut: sums, differences and products wrap in any width, and the others of narrower
// integers need no more bits, but for the quotient of the least one by −1, which wraps to itself.
DEVICE word combine_integers(word operation, word a, word b) {
    typedef unsigned long long bits;
    switch (operation) {
    case 0: return (word)((bits)a + (bits)b);
    case 1: return (word)((bits)a - (bits)b);
    case 2: return (word)((bits)a * (bits)b);
    case 3:
    case 4: {
        if (b == 0) {
            return 0;
        }
        if (b == -1) {
            return operation == 3 ? (word)(0 - (bits)a) : 0;
        }
        word rest = a % b;
        if (operation == 4) {
            return rest;
        }
        return a / b - (rest != 0 && (rest < 0) != (b < 0));
    }
    case 5: return a < b ? b : a;
    default: return b < a ? b : a;
    }
}

// And, or, exclusive or, and shifts to the left and to the right, in the order of `Bitwise` in `elements.rs`, of integers of so many
// bits. The sign of a narrow one is in all higher bits.
DEVICE word combine_bits(word operation, word a, word b, word bits) {
    bool is_count = b >= 0 && b < bits;
    switch (operation) {
    case 0: return a & b;
    case 1: return a | b;
    case 2: return a ^ b;
    case 3: return is_count ? (word)((unsigned long long)a << b) : 0;
    default: return is_count ? a >> b : a < 0 ? -1 : 0;
    }
}

struct CombineIntegers {
    word type;
    Combine combine;
};

KERNEL(combine_integer, CombineIntegers) {
    FOR_EACH(index, p.combine.count) {
        word a = load_integer(p.combine.a, p.type, place(p.combine.a_view, index));
        word b = load_integer(p.combine.b, p.type, place(p.combine.b_view, index));
        store_integer(p.combine.to, p.type, index, combine_integers(p.combine.operation, a, b));
    }
}

KERNEL(combine_bitwise, CombineIntegers) {
    word bits = p.type == INT64 ? 64 : p.type == INT32 ? 32 : 8;
    FOR_EACH(index, p.combine.count) {
        word a = load_integer(p.combine.a, p.type, place(p.combine.a_view, index));
        word b = load_integer(p.combine.b, p.type, place(p.combine.b_view, index));
        store_integer(p.combine.to, p.type, index, combine_bits(p.combine.operation, a, b, bits));
    }
}

template <class T> DEVICE bool compare(word comparison, T a, T b) {
    switch (comparison) {
    case 0: return a == b;
    case 1: return a != b;
    case 2: return a < b;
    case 3: return a <= b;
    case 4: return a > b;
    default: return a >= b;
    }
}

KERNEL(compare_elements, CombineIntegers) {
    unsigned char *to = (unsigned char *)p.combine.to;
    FOR_EACH(index, p.combine.count) {
        word a = place(p.combine.a_view, index), b = place(p.combine.b_view, index);
        if (p.type == FLOAT32) {
            to[index] = compare(p.combine.operation, ((const float *)p.combine.a)[a], ((const float *)p.combine.b)[b]);
        } else {
            to[index] = compare(
                p.combine.operation, load_integer(p.combine.a, p.type, a), load_integer(p.combine.b, p.type, b));
        }
    }
}

// And, or, exclusive or.
KERNEL(connect, Combine) {
    const unsigned char *first = (const unsigned char *)p.a, *second = (const unsigned char *)p.b;
    FOR_EACH(index, p.count) {
        unsigned char a = first[place(p.a_view, index)], b = second[place(p.b_view, index)];
        ((unsigned char *)p.to)[index] = p.operation == 0 ? a & b : p.operation == 1 ? a | b : a ^ b;
    }
}

struct Change {
    word type;
    word change;
    word count;
    void *to;
    const void *from;
    View view;
};

// The negative, the magnitude, the truth value the other way round, or every bit the other way round.
KERNEL(change, Change) {
    FOR_EACH(index, p.count) {
        word x = load_integer(p.from, p.type, place(p.view, index));
        word negative = (word)(0 - (unsigned long long)x);
        word result;
        switch (p.change) {
        case 0: result = negative; break;
        case 1: result = x < 0 ? negative : x; break;
        case 2: result = x == 0; break;
        default: result = ~x; break;
        }
        store_integer(p.to, p.type, index, result);
    }
}

struct Random {
    word count;
    float *to;
    const word *key;
    const word *counter;
    const word *lane;
    View key_view;
    View counter_view;
    View lane_view;
};

// The first word of Philox4x32-10.
DEVICE unsigned random_word(word key, word counter, word lane) {
    unsigned words[4] = {(unsigned)counter, (unsigned)(counter >> 32), (unsigned)lane, (unsigned)(lane >> 32)};
    unsigned keys[2] = {(unsigned)key, (unsigned)(key >> 32)};
    for (int round = 0; round < 10; ++round) {
        unsigned long long first = (unsigned long long)words[0] * 0xd2511f53u;
        unsigned long long third = (unsigned long long)words[2] * 0xcd9e8d57u;
        words[0] = (unsigned)(third >> 32) ^ words[1] ^ keys[0];
        words[1] = (unsigned)third;
        words[2] = (unsigned)(first >> 32) ^ words[3] ^ keys[1];
        words[3] = (unsigned)first;
        keys[0] += 0x9e3779b9u;
        keys[1] += 0xbb67ae85u;
    }
    return words[0];
}

KERNEL(random_numbers, Random) {
    FOR_EACH(index, p.count) {
        word key = p.key[place(p.key_view, index)], counter = p.counter[place(p.counter_view, index)];
        unsigned drawn = random_word(key, counter, p.lane[place(p.lane_view, index)]);
        // An odd integer below 2^24, and a power of two: nothing is rounded.
        p.to[index] = __fmul_rn(__int2float_rn((int)(2 * (drawn >> 9) + 1)), power_of_two(-24));
    }
}

struct Cast {
    word from_type;
    word to_type;
    word count;
    void *to;
    const void *from;
    View view;
};

KERNEL(cast, Cast) {
    FOR_EACH(index, p.count) {
        word at = place(p.view, index);
        if (p.from_type == FLOAT32) {
            float x = ((const float *)p.from)[at];
            switch (p.to_type) {
            case FLOAT32: ((float *)p.to)[index] = x; break;
            case INT64:
                ((word *)p.to)[index] = from_number(x, (word)0x8000000000000000ull, 0x7fffffffffffffffll);
                break;
            case INT32: ((int *)p.to)[index] = (int)from_number(x, -2147483648ll, 2147483647ll); break;
            case INT8: ((signed char *)p.to)[index] = (signed char)from_number(x, -128, 127); break;
            case UINT8: ((unsigned char *)p.to)[index] = (unsigned char)from_number(x, 0, 255); break;
            default: ((unsigned char *)p.to)[index] = x != 0.0f; break;
            }
        } else {
            word x = load_integer(p.from, p.from_type, at);
            if (p.to_type == FLOAT32) {
                ((float *)p.to)[index] = __ll2float_rn(x);
            } else {
                store_integer(p.to, p.to_type, index, p.to_type == BOOL ? x != 0 : x);
            }
        }
    }
}

