// Executes the kernels of assay-cuda on the processor, thread by thread.
//
// It defines what the kernels take from CUDA: the position of a thread, single operations, the exchange of values within a warp, and
// barriers. The threads of a block that exchange values are contexts of their own, which take turns.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <ucontext.h>
#include <vector>

#define ASSAY_EMULATED
#define DEVICE static inline
#define SEPARATE static
#define SHARED static thread_local
#define ALIGNED alignas(16)
#define UNROLL

namespace {

struct Position {
    unsigned x;
};

thread_local Position threadIdx, blockIdx, blockDim, gridDim;

const unsigned WARP = 32;
const size_t STACK_BYTES = 128 * 1024;
// What a lane shows to the others of its warp at once.
const size_t SLOT_BYTES = 32;

// Threads that wait for each other.
struct Meeting {
    unsigned expected = 0, arrived = 0;
    unsigned long long round = 0;
};

#if defined(__x86_64__)
// A context is its stack pointer; everything else that a call must leave as it was is on the stack. glibc's own asks the kernel
// for the signal mask each time, which takes most of the time here.
typedef void *Context;
extern "C" void assay_emulator_switch(Context *from, Context to);
asm(R"(
.text
.type assay_emulator_switch, @function
assay_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size assay_emulator_switch, .-assay_emulator_switch
)");

void switch_context(Context &from, Context &to) { assay_emulator_switch(&from, to); }

// A context that begins with a function, which never returns.
void make_context(Context &context, std::vector<char> &stack, void (*begin)()) {
    uintptr_t top = ((uintptr_t)stack.data() + stack.size()) / 16 * 16;
    void **at = (void **)top;
    // As if the function had been called: what is above its return address is a multiple of 16.
    *--at = nullptr;
    *--at = (void *)begin;
    for (int saved = 0; saved < 6; ++saved) {
        *--at = nullptr;
    }
    context = at;
}
#else
typedef ucontext_t Context;

void switch_context(Context &from, Context &to) { swapcontext(&from, &to); }

void make_context(Context &context, std::vector<char> &stack, void (*begin)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack.data();
    context.uc_stack.ss_size = stack.size();
    makecontext(&context, begin, 0);
}
#endif

// A thread of the present block.
struct Thread {
    Context context;
    std::vector<char> stack;
    bool done;
    // How often it has shown something. Two sets of slots take turns, so that nobody overwrites what is still to be read.
    unsigned shown;
};

struct Warp {
    Meeting meeting;
    char slots[2][WARP][SLOT_BYTES];
};

typedef void (*Kernel)(const unsigned long long *);

struct Block {
    std::vector<Thread> threads;
    std::vector<Warp> warps;
    Meeting all;
    Context scheduler;
    Kernel kernel;
    const unsigned long long *parameters;
    unsigned size, left;
};

thread_local Block block;

// Goes on with the next thread that is not done.
void yield() {
    unsigned own = threadIdx.x, next = own;
    do {
        next = next + 1 == block.size ? 0 : next + 1;
    } while (block.threads[next].done);
    if (next != own) {
        threadIdx.x = next;
        switch_context(block.threads[own].context, block.threads[next].context);
    }
}

void meet(Meeting &meeting) {
    unsigned long long round = meeting.round;
    if (++meeting.arrived == meeting.expected) {
        meeting.arrived = 0;
        ++meeting.round;
        return;
    }
    while (meeting.round == round) {
        yield();
    }
}

// Shows a value to the warp, and returns the slots of all lanes.
template <class T> const char (*show(const T &value))[SLOT_BYTES] {
    static_assert(sizeof(T) <= SLOT_BYTES, "a slot is too small");
    Warp &warp = block.warps[threadIdx.x / WARP];
    auto &slots = warp.slots[block.threads[threadIdx.x].shown++ % 2];
    std::memcpy(slots[threadIdx.x % WARP], &value, sizeof(T));
    meet(warp.meeting);
    return slots;
}

template <class T> T slot(const char (*slots)[SLOT_BYTES], unsigned lane) {
    T value;
    std::memcpy(&value, slots[lane], sizeof(T));
    return value;
}

template <class T> T __shfl_xor_sync(unsigned, T value, int mask) {
    return slot<T>(show(value), threadIdx.x % WARP ^ (unsigned)mask);
}

template <class T> T __shfl_sync(unsigned, T value, int lane) { return slot<T>(show(value), (unsigned)lane); }

void __syncthreads() { meet(block.all); }

float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

// The compiler is told not to contract these.
float __fadd_rn(float a, float b) { return a + b; }
float __fsub_rn(float a, float b) { return a - b; }
float __fmul_rn(float a, float b) { return a * b; }
float __fdiv_rn(float a, float b) { return a / b; }
float __fsqrt_rn(float x) { return std::sqrt(x); }
int __float2int_rn(float x) { return (int)std::nearbyint(x); }
float __int2float_rn(int n) { return (float)n; }
float __ll2float_rn(long long n) { return (float)n; }

int __dp4a(int a, int b, int c) {
    for (int byte = 0; byte < 4; ++byte) {
        c += (int)(signed char)(a >> 8 * byte) * (int)(signed char)(b >> 8 * byte);
    }
    return c;
}

// By name: the kernel, and whether its threads exchange values.
// A kernel, whether its threads exchange values, and the words that its parameters have.
struct Entry {
    Kernel kernel;
    bool joint;
    unsigned long long words;
};

std::map<std::string, Entry> &kernels() {
    static std::map<std::string, Entry> kernels;
    return kernels;
}

struct Registered {
    Registered(const char *name, Kernel kernel, bool joint, unsigned long long words) {
        kernels()[name] = {kernel, joint, words};
    }
};

} // namespace

#define EMULATED_KERNEL(name, Parameters, joint)                                                                                 \
    static_assert(sizeof(Parameters) % sizeof(unsigned long long) == 0, "parameters are words");                                 \
    static void name(const Parameters &p);                                                                                       \
    static Registered registered_##name(                                                                                        \
        #name, [](const unsigned long long *words) { name(*reinterpret_cast<const Parameters *>(words)); }, joint,               \
        sizeof(Parameters) / sizeof(unsigned long long));                                                                        \
    static void name(const Parameters &p)
#define KERNEL(name, Parameters) EMULATED_KERNEL(name, Parameters, false)
#define JOINT_KERNEL(name, Parameters) EMULATED_KERNEL(name, Parameters, true)

namespace emulated {

struct Sums;
struct FirstPart;
struct SecondPart;
static void multiply_in_tensor_cores(Sums &c, const FirstPart &a, const SecondPart &b);

#include ASSAY_KERNELS

// As the PTX manual lays the parts out.
static void multiply_in_tensor_cores(Sums &c, const FirstPart &a, const SecondPart &b) {
    struct Both {
        FirstPart first;
        SecondPart second;
    };
    auto lanes = show(Both{a, b});
    unsigned lane = threadIdx.x % WARP;
    for (unsigned index = 0; index < 4; ++index) {
        unsigned row = lane / 4 + index / 2 * 8, column = lane % 4 * 2 + index % 2;
        // Words 0 to 3 of a row are in the first register of four lanes, words 4 to 7 in the next one.
        for (unsigned word = 0; word < 8; ++word) {
            Both of_row = slot<Both>(lanes, row % 8 * 4 + word % 4), of_column = slot<Both>(lanes, column * 4 + word % 4);
            c.sums[index] =
                __dp4a(of_row.first.words[row / 8 + word / 4 * 2], of_column.second.words[word / 4], c.sums[index]);
        }
    }
}

} // namespace emulated

static void run_thread() {
    block.kernel(block.parameters);
    Thread &thread = block.threads[threadIdx.x];
    thread.done = true;
    --block.left;
    switch_context(thread.context, block.scheduler);
}

static void run_block(bool joint) {
    if (!joint) {
        for (threadIdx.x = 0; threadIdx.x < block.size; ++threadIdx.x) {
            block.kernel(block.parameters);
        }
        return;
    }
    if (block.threads.size() < block.size) {
        block.threads.resize(block.size);
    }
    block.warps.assign(block.size / WARP, Warp());
    for (Warp &warp : block.warps) {
        warp.meeting.expected = WARP;
    }
    block.all = Meeting();
    block.all.expected = block.left = block.size;
    for (unsigned index = 0; index < block.size; ++index) {
        Thread &thread = block.threads[index];
        thread.stack.resize(STACK_BYTES);
        thread.done = false;
        thread.shown = 0;
        make_context(thread.context, thread.stack, run_thread);
    }
    while (block.left > 0) {
        unsigned next = 0;
        while (block.threads[next].done) {
            ++next;
        }
        threadIdx.x = next;
        switch_context(block.scheduler, block.threads[next].context);
    }
}

// Launches a kernel. 0 if it is done, 1 if there is none of this name, 2 if the block is no whole number of warps, 3 if there are
// fewer words than the kernel reads.
extern "C" int assay_emulator_launch(const char *name, unsigned blocks, unsigned threads, const unsigned long long *parameters,
                                     unsigned long long words) {
    auto found = kernels().find(name);
    if (found == kernels().end()) {
        return 1;
    }
    if (threads == 0 || threads % WARP != 0) {
        return 2;
    }
    if (words < found->second.words) {
        return 3;
    }
    gridDim.x = blocks;
    blockDim.x = block.size = threads;
    block.kernel = found->second.kernel;
    block.parameters = parameters;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        run_block(found->second.joint);
    }
    return 0;
}
