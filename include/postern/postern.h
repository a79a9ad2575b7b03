/// postern.h: Postern's own calls, beside those of libbpf (bpf/libbpf.h).
///
/// A program needs none of this to load and run: the first call that needs a core creates one inside the process. Here are the
/// options of that core, the bridges that XDP programs attach to, the sentence behind an error, and the end of it all.
///
///     struct postern_bridge_options ports = {.size = sizeof ports, .port = {"eth0", "eth1"}};
///     struct postern_bridge *bridge = postern_bridge_open(&ports);
///     struct bpf_object *object = bpf_object__open("filter.o");
///     bpf_object__load(object);
///     bpf_program__attach_xdp(bpf_object__next_program(object, NULL), (int)postern_bridge_ifindex(bridge, 0));
///
/// Every call may be made from any thread unless it says otherwise. Failure: NULL with errno, or a negative errno with errno set.
#ifndef POSTERN_POSTERN_H
#define POSTERN_POSTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef POSTERN_API
#if defined(_WIN32) && defined(PST_BUILDING_SHARED)
#define POSTERN_API __declspec(dllexport)
#elif defined(_WIN32)
#define POSTERN_API
#else
#define POSTERN_API __attribute__((visibility("default")))
#endif
#endif

/// "0.1.0".
POSTERN_API const char *postern_version(void);

/// One sentence that says why the calling thread's last failed call failed: what, where, what to do. "" if none failed. Valid until
/// the thread's next call.
POSTERN_API const char *postern_last_error(void);

#define POSTERN_ENGINE_INTERP 1u
#define POSTERN_ENGINE_JIT 2u
#define POSTERN_ENGINE_JIT_QUICK 3u
#define POSTERN_ENGINE_CHECKED 4u

#define POSTERN_HARDEN_ON 1u
#define POSTERN_HARDEN_OFF 2u

struct postern_options {
    size_t size; // sizeof(struct postern_options); new fields go last
    /// Receives each line of bpf_printk, from the thread that runs the program. NULL: it goes to libbpf_set_print's function as information.
    void (*trace)(void *user, const char *text);
    /// Receives each trap: a run that was stopped because of what it tried. NULL: it goes to libbpf_set_print's function as a warning.
    void (*trap)(void *user, const char *program, const char *text);
    void *user;
    uint64_t budget; // instructions that one run may take; they are counted, which makes programs several times slower. 0: as many as the proof allows
    /// What runs programs: 0: machine code where this host has a compiler and allows dynamic code, else an interpreter; POSTERN_ENGINE_INTERP;
    /// POSTERN_ENGINE_JIT: machine code, and programs that cannot be compiled are refused; POSTERN_ENGINE_JIT_QUICK: the same by the compiler's
    /// quick tier; POSTERN_ENGINE_CHECKED: the interpreter that checks each access again and counts instructions.
    unsigned int engine;
    /// Programs are proved by the strict rules (postern verify --mode strict) and not by Linux's for a fully privileged loader: no address of the
    /// host becomes a number, no byte that nobody wrote is read, and in machine code no access goes
    /// astray when the processor guesses a branch wrong.
    bool strict;
    /// Machine code that is of no use to who chose the program: constants blinded, random places. 0: where this process is not privileged;
    /// POSTERN_HARDEN_ON; POSTERN_HARDEN_OFF.
    unsigned int harden;
    /// The socket of a host (posternd) whose core is used instead of one in this process; the options above are then the host's own affair. NULL: what
    /// the environment variable POSTERN_HOST says ("1": the usual place), else a core in this process. "": a core in this process in any case. Kept by the caller until postern_shutdown.
    const char *host;
    /// Native modules run here when a key in this file of public keys (postern_keygen) has signed them. The file is read when the core begins; the
    /// string stays valid until then. NULL: no key is trusted.
    const char *trust;
    /// Native modules without a signature run as well. A module is machine code: whoever may replace its file then runs what they like.
    bool allow_unsigned;
    /// Loops without a proved bound are no reason to refuse a program: their turns are counted when it runs, and the run is stopped (a trap) at
    /// meter_turns of them, 0: 8388608.
    bool meter;
    uint64_t meter_turns;
    /// perf(1) learns the names of compiled programs, by /tmp/perf-PID.map. The environment variable POSTERN_PERF_MAP=1 says the same. Lines stay in the
    /// file when programs go, and nobody removes it. Linux only.
    bool perf_map;
};

/// Options of the core in this process. Before the first call that needs it, else -EBUSY.
POSTERN_API int postern_configure(const struct postern_options *options);

#define POSTERN_WHY_FASTEST 0u     // the engine is the fastest of this machine
#define POSTERN_WHY_CHOSEN 1u      // whoever made the core chose it
#define POSTERN_WHY_COUNTED 2u     // instructions are counted
#define POSTERN_WHY_NO_COMPILER 3u // there is no compiler for this machine
#define POSTERN_WHY_REFUSED 4u     // the system allows no dynamic code

/// The core at hand: of a host, or of this process.
struct postern_about {
    size_t size;         // sizeof(struct postern_about); new fields go last
    bool is_host;        // it is a host's
    bool dynamic_code;   // it may make machine code
    bool strict;         // it proves every program by the strict rules
    bool statistics;     // somebody has it count and time runs (BPF_ENABLE_STATS)
    uint32_t pid;        // of the process that it lives in
    unsigned int engine; // POSTERN_ENGINE_*: what runs programs that are loaded now
    unsigned int why;    // POSTERN_WHY_*: why that one
    uint64_t uptime_ns;
    char version[16];    // "0.1.0"
};
POSTERN_API int postern_about(struct postern_about *out);

/// The ids of processes that use the core, in order: the one behind pid (0: the first). ENOENT at the end; EPERM where the host tells only those with rights.
POSTERN_API int postern_next_process(uint32_t pid, uint32_t *next);

/// Closes a descriptor of an object (bpf/bpf.h): what close(2) is to the kernel's.
POSTERN_API int postern_close(int fd);

/// Detaches every program, closes every descriptor and frees the core. Objects and links that are still open become invalid except for
/// bpf_object__close and bpf_link__destroy. No other thread may be in a call. The next call begins anew.
POSTERN_API void postern_shutdown(void);

// --- Native modules: programs compiled ahead of time --------------------------------------------------------------

struct bpf_object;

struct postern_compile_options {
    size_t size;        // sizeof(struct postern_compile_options); new fields go last
    const char *target; // "x86_64-linux", "x86_64-windows", "arm64-linux", "c"; NULL: what the ending of the path stands for
    const char *key;    // file of a secret key that signs the module; NULL: it is not signed
};

/// Compiles every loaded program of obj into a file, whose ending says what it is: .so, an ELF shared object; .dll, a PE image; .sys, one that the Windows
/// kernel loads; .c, the programs as C, a line an instruction, for people and other compilers (no module: nothing loads it). bpf_object__open_file opens
/// a .so or .dll as the object that it was compiled from, and bpf_object__load then takes proof and machine code from it, where
/// the host allows no dynamic code too: see postern_options.trust. EOPNOTSUPP: a program cannot be compiled.
POSTERN_API int postern_compile(const struct bpf_object *obj, const char *path, const struct postern_compile_options *options);

/// Makes a key: the secret one in the new file path, the public one in path with ".pub" behind it. EEXIST: one of them is there already.
POSTERN_API int postern_keygen(const char *path);

// --- Bridges: the ports that XDP programs see (Linux) ----------------------------------------------------------

struct postern_bridge;

struct postern_bridge_options {
    size_t size;         // sizeof(struct postern_bridge_options); new fields go last
    const char *port[2]; // names of interfaces; port[1] NULL: a bridge of one port
    int make_tap[2];     // not 0: create the TAP device if there is no such interface; it goes when the bridge is closed
    uint32_t headroom;   // bytes in front of each frame for bpf_xdp_adjust_head; 0: 256
};

enum postern_port_kind {
    POSTERN_PORT_PACKET, // one end of an inline bridge: verdicts are enforced
    POSTERN_PORT_TAP,    // a TAP device: verdicts are enforced
    POSTERN_PORT_WATCH,  // an interface alone: verdicts are counted, frames pass anyway
};

struct postern_port_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t passed, dropped, aborted, sent_back, redirected; // verdicts on frames that came in here
    uint64_t kernel_drops; // frames for which the kernel had no room
    uint64_t tx_errors;    // frames that could not be sent
    uint64_t no_program;   // frames forwarded while no program was attached
};

/// Joins two interfaces: what comes in at one leaves by the other, past the program attached to the port where it came in. ENODEV: no such
/// interface. EACCES: rights are missing. EOPNOTSUPP: this system has no bridges.
POSTERN_API struct postern_bridge *postern_bridge_open(const struct postern_bridge_options *options);
/// Stops forwarding and puts the interfaces back as they were. NULL is fine.
POSTERN_API void postern_bridge_close(struct postern_bridge *bridge);
/// What bpf_program__attach_xdp takes. port is 0 or 1; 0 when there is no such port.
POSTERN_API uint32_t postern_bridge_ifindex(const struct postern_bridge *bridge, unsigned port);
POSTERN_API enum postern_port_kind postern_bridge_port_kind(const struct postern_bridge *bridge, unsigned port);
POSTERN_API int postern_bridge_stats(const struct postern_bridge *bridge, unsigned port, struct postern_port_stats *out);

#ifdef __cplusplus
}
#endif

#endif
