// Operators that move elements and change none. Elements are moved as words of their width.

struct Copy {
    word count;
    void *to;
    const void *from;
    View to_view;
    View from_view;
};

template <class T> DEVICE void copy_elements(const Copy &p) {
    FOR_EACH(index, p.count) { ((T *)p.to)[place(p.to_view, index)] = ((const T *)p.from)[place(p.from_view, index)]; }
}

KERNEL(copy_1, Copy) { copy_elements<unsigned char>(p); }
KERNEL(copy_4, Copy) { copy_elements<unsigned>(p); }
KERNEL(copy_8, Copy) { copy_elements<unsigned long long>(p); }

struct Choose {
    word count;
    void *to;
    const unsigned char *condition;
    const void *yes;
    const void *no;
    View condition_view;
    View yes_view;
    View no_view;
};

template <class T> DEVICE void choose_elements(const Choose &p) {
    FOR_EACH(index, p.count) {
        bool holds = p.condition[place(p.condition_view, index)] != 0;
        ((T *)p.to)[index] =
            holds ? ((const T *)p.yes)[place(p.yes_view, index)] : ((const T *)p.no)[place(p.no_view, index)];
    }
}

KERNEL(choose_1, Choose) { choose_elements<unsigned char>(p); }
KERNEL(choose_4, Choose) { choose_elements<unsigned>(p); }
KERNEL(choose_8, Choose) { choose_elements<unsigned long long>(p); }

struct Lookup {
    word count;
    void *to;
    const void *from;
    const void *index;
    word index_type;
    word length;
    word stride;
    // The elements at the first place, for each index.
    View from_view;
    View index_view;
};

// Elements at places along a dimension that indices say. One below 0 counts from the end; one outside is the nearest inside.
template <class T> DEVICE void look_up(const Lookup &p) {
    FOR_EACH(number, p.count) {
        word index = load_integer(p.index, p.index_type, place(p.index_view, number));
        if (index < 0) {
            index += p.length;
        }
        index = index < 0 ? 0 : index >= p.length ? p.length - 1 : index;
        ((T *)p.to)[number] = ((const T *)p.from)[place(p.from_view, number) + index * p.stride];
    }
}

KERNEL(look_up_1, Lookup) { look_up<unsigned char>(p); }
KERNEL(look_up_4, Lookup) { look_up<unsigned>(p); }
KERNEL(look_up_8, Lookup) { look_up<unsigned long long>(p); }

struct WriteWhere {
    word count;
    void *to;
    const void *from;
    const void *index;
    const unsigned char *condition;
    word index_type;
    word length;
    word stride;
    // The elements at the first place, for each index.
    View from_view;
    View index_view;
    View condition_view;
};

// Writes what `look_up` finds where a condition holds.
template <class T> DEVICE void write_where(const WriteWhere &p) {
    FOR_EACH(number, p.count) {
        if (p.condition[place(p.condition_view, number)]) {
            word index = load_integer(p.index, p.index_type, place(p.index_view, number));
            if (index < 0) {
                index += p.length;
            }
            index = index < 0 ? 0 : index >= p.length ? p.length - 1 : index;
            ((T *)p.to)[number] = ((const T *)p.from)[place(p.from_view, number) + index * p.stride];
        }
    }
}

KERNEL(write_where_1, WriteWhere) { write_where<unsigned char>(p); }
KERNEL(write_where_4, WriteWhere) { write_where<unsigned>(p); }
KERNEL(write_where_8, WriteWhere) { write_where<unsigned long long>(p); }

struct Arange {
    word count;
    word *to;
    word start;
    word step;
};

KERNEL(arange, Arange) {
    FOR_EACH(index, p.count) {
        p.to[index] = (word)((unsigned long long)p.start + (unsigned long long)p.step * index);
    }
}

