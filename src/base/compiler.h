// compiler.h: the one place where a compiler extension is used.
//
// Everything else says what it means through these names, so that a new compiler is ported to in this file alone.
// gcc, clang and MinGW are supported.
#ifndef PST_BASE_COMPILER_H
#define PST_BASE_COMPILER_H

#if !defined(__GNUC__) && !defined(__clang__)
#error "Postern needs gcc, clang or MinGW: add your compiler to src/base/compiler.h"
#endif

#define PST_MUST_USE __attribute__((warn_unused_result))
#define PST_NOINLINE __attribute__((noinline))
#define PST_INLINE static inline __attribute__((always_inline))
#define PST_COLD __attribute__((cold))
#define PST_UNUSED __attribute__((unused))
#define PST_NORETURN __attribute__((noreturn))
#define PST_PACKED __attribute__((packed))
#define PST_ALIGNED(n) __attribute__((aligned(n)))
#define PST_FALLTHROUGH __attribute__((fallthrough))
#define PST_CONSTRUCTOR __attribute__((constructor))
#define PST_THREAD_LOCAL __thread
#define PST_LIKELY(x) __builtin_expect(!!(x), 1)
#define PST_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PST_UNREACHABLE() __builtin_unreachable()
#define PST_TRAP() __builtin_trap()
#define PST_PREFETCH(p) __builtin_prefetch(p)
// Where the calling function's frame begins: its caller's frame pointer, and what it returns to. That function has one then, whatever is left out elsewhere.
#define PST_FRAME_ADDRESS() __builtin_frame_address(0)
// Makes instructions just written to [begin, end), both char *, visible to instruction fetch.
#define PST_FLUSH_CODE(begin, end) __builtin___clear_cache(begin, end)

// The machine that this build is for, where code is generated for it.
#if defined(__x86_64__)
#define PST_HOST_X64 1
// What cpuid says for a leaf: *out has eax, ebx, ecx, edx.
static inline void pst_cpuid(unsigned leaf, unsigned subleaf, unsigned out[4])
{
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}
#else
#define PST_HOST_X64 0
#endif
#if defined(__aarch64__)
#define PST_HOST_ARM64 1
#else
#define PST_HOST_ARM64 0
#endif
#define PST_HOST_COMPILES (PST_HOST_X64 || PST_HOST_ARM64) // src/jit has a back end for it

// Whose convention C functions follow here, where a machine has two.
#if defined(_WIN32)
#define PST_HOST_MS_ABI 1
#else
#define PST_HOST_MS_ABI 0
#endif

// A printf-like function; the format is C99's on every platform.
#if defined(__MINGW32__) && !defined(__clang__)
#define PST_PRINTF(fmt, first) __attribute__((format(gnu_printf, fmt, first)))
#else
#define PST_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#endif

// What a shared library exports.
#if defined(_WIN32) && defined(PST_BUILDING_SHARED)
#define PST_API __declspec(dllexport)
#elif defined(_WIN32)
#define PST_API
#else
#define PST_API __attribute__((visibility("default")))
#endif

// Overflow-checked arithmetic: true when the mathematical result does not fit *out.
#define PST_ADD_OVERFLOW(a, b, out) __builtin_add_overflow(a, b, out)
#define PST_SUB_OVERFLOW(a, b, out) __builtin_sub_overflow(a, b, out)
#define PST_MUL_OVERFLOW(a, b, out) __builtin_mul_overflow(a, b, out)

// x must not be 0.
#define PST_CLZ64(x) __builtin_clzll(x)
#define PST_CTZ64(x) __builtin_ctzll(x)
#define PST_THREAD_POINTER() __builtin_thread_pointer()
#define PST_POPCOUNT64(x) __builtin_popcountll(x)

#define PST_BSWAP16(x) __builtin_bswap16(x)
#define PST_BSWAP32(x) __builtin_bswap32(x)
#define PST_BSWAP64(x) __builtin_bswap64(x)

// Atomic accesses to ordinary objects (program memory and shared tables are plain bytes, not _Atomic).
#define PST_ATOMIC_LOAD(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define PST_ATOMIC_LOAD_RELAXED(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define PST_ATOMIC_STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define PST_ATOMIC_STORE_RELAXED(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define PST_ATOMIC_ADD(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define PST_ATOMIC_SUB(p, v) __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define PST_ATOMIC_AND(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define PST_ATOMIC_OR(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define PST_ATOMIC_XOR(p, v) __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST)
#define PST_ATOMIC_EXCHANGE(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
// *expected is replaced by what was found; true when the exchange took place.
#define PST_ATOMIC_CAS(p, expected, v) __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define PST_FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)

// Nothing behind it begins, nor is guessed, before every branch in front of it is decided. On machines that are not known: a fence, the best that C has.
#if PST_HOST_X64
#define PST_GUESS_BARRIER() __asm__ volatile("lfence" ::: "memory")
#elif PST_HOST_ARM64
#define PST_GUESS_BARRIER() __asm__ volatile("dsb sy\n\tisb" ::: "memory")
#else
#define PST_GUESS_BARRIER() PST_FENCE()
#endif

// Labels as values, for the direct-threaded interpreter. Define PST_NO_COMPUTED_GOTO for the portable switch.
#if !defined(PST_NO_COMPUTED_GOTO)
#define PST_COMPUTED_GOTO 1
#endif

#define PST_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PST_STATIC_ASSERT(cond, text) _Static_assert(cond, text)

#endif
