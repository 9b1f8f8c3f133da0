// Products with weights of small integers in groups.

// Small integers in groups: a weight is `integer × multiplier + offset`.
struct Groups {
    word length;
    // Elements that share a multiplier and an offset, a multiple of 16.
    word group;
    // Whether a byte holds two integers plus 8, the first one in its low half.
    word four;
    const signed char *integers;
    // For each group the multiplier in the low 16 bits and the offset in the high ones.
    const int *words;
};

DEVICE int multiplier_of(int group) { return (short)group; }

DEVICE int offset_of(int group) { return group >> 16; }

struct TakeGroups {
    word rows;
    word stride;
    Groups groups;
    // Bytes whose sum, each 128 times the next, is the weight; the last ones are missing where fewer do.
    word planes;
    signed char *to[MAX_PLANES];
};

KERNEL(take_groups, TakeGroups) {
    FOR_EACH(index, p.rows * p.stride) {
        unsigned row = index / (unsigned)p.stride, k = index - row * (unsigned)p.stride;
        const Groups &from = p.groups;
        int weight = 0;
        if (k < (unsigned)from.length) {
            word at = (word)row * from.length + k;
            int integer = from.integers[from.four ? at / 2 : at];
            if (from.four) {
                integer = ((k % 2 ? integer >> 4 : integer) & 15) - 8;
            }
            int group = from.words[at / from.group];
            weight = integer * multiplier_of(group) + offset_of(group);
        }
        for (int plane = (int)p.planes - 1; plane > 0; --plane) {
            int low = ((weight + 64) & 127) - 64;
            p.to[plane][index] = (signed char)low;
            weight = (weight - low) / 128;
        }
        p.to[0][index] = (signed char)weight;
    }
}

struct GroupedProduct {
    Product product;
    Groups groups;
};

// Four integers, each plus 8 if they are of four bits.
DEVICE int four_integers(const Groups &groups, word at) {
    if (!groups.four) {
        return *(const int *)(groups.integers + at);
    }
    unsigned halves = *(const unsigned short *)(groups.integers + at / 2);
    return (int)((halves & 0xf) | (halves & 0xf0) << 4 | (halves & 0xf00) << 8 | (halves & 0xf000) << 12);
}

// For few rows, where reading the weight is what takes time: its small integers are read as they are given.
JOINT_KERNEL(product_of_few_rows_with_groups, GroupedProduct) {
    const Product &of = p.product;
    const Groups &groups = p.groups;
    FOR_EACH_ROW(column, of.columns) {
        word first = (word)column * groups.length;
        for (unsigned row = 0; row < (unsigned)of.rows; ++row) {
            word a = (word)row * of.stride, sum = 0;
            for (unsigned k = LANE; k < (unsigned)groups.length / 4; k += LANES) {
                int integers = four_integers(groups, first + 4 * k);
                int group = groups.words[(first + 4 * k) / groups.group];
                int a_high = ((const int *)(of.a_high + a))[k];
                int products = __dp4a(a_high, integers, 0), elements = __dp4a(a_high, 0x01010101, 0);
                if (of.a_low) {
                    int a_low = ((const int *)(of.a_low + a))[k];
                    products = products * 128 + __dp4a(a_low, integers, 0);
                    elements = elements * 128 + __dp4a(a_low, 0x01010101, 0);
                }
                if (groups.four) {
                    products -= 8 * elements;
                }
                sum += (word)products * multiplier_of(group) + (word)elements * offset_of(group);
            }
            sum = warp_sum(sum);
            if (LANE == 0) {
                finish(of, 0, row, column, sum);
            }
        }
    }
}
