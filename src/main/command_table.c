// command_table.c: the one table of commands: it drives --help, `postern help`, the check of the man page, and the completion.
#include "main/command_table.h"
#include "netsh/netsh.h"

const cli_option cli_global_options[] = {
    {"json", 'j', NULL, "print JSON, one value a line"},
    {"verbose", 'v', NULL, "say more on standard error"},
    {"help", 'h', NULL, "explain the command and exit"},
    {"version", 0, NULL, "print the version and exit"},
};
const size_t cli_global_option_count = PST_COUNT(cli_global_options);

// Rows that several commands share: an option that means the same has the same sentence.
#define MODE_OPTION \
    {"mode", 0, "privileged|strict", "the rules of the proof: Linux's for a fully privileged loader (default), or nothing of the host may leak"}
#define ENGINE_OPTIONS \
    {"engine", 0, "jit|jit-quick|interp|checked", "what runs the program (default: machine code where this host can, else the interpreter)"}, \
    MODE_OPTION, \
    {"harden", 0, NULL, "harden machine code: blinded constants, random places (default: where this process is not privileged)"}, \
    {"no-harden", 0, NULL, "leave machine code as fast as it can be, whoever runs this"}, \
    {"meter", 0, "[=TURNS]", "take loops that nothing bounds; a run is stopped after so many turns of them (default 8388608)"}, \
    {"budget", 0, "N", "stop a run after N instructions; they are counted, which takes a slower engine (default: no limit but the proof)"}
#define VALUE_OPTIONS \
    {"set", 0, "VARIABLE=VALUE", "value of a global variable before the program is loaded (repeatable)"}, \
    {"map", 0, "MAP=KEY=VALUE", "an element that a map has from the start (repeatable)"}
#define EVENT_OPTIONS \
    {"events", 0, "MAP[,MAP]|none", "which ring buffers and perf arrays to print (default: all)"}, \
    {"event-type", 0, "TYPE", "the struct that records are (default: struct event, event_t, or the map's name without s)"}
#define BTF_OPTION \
    {"btf", 0, "FILE", "types of the target for CO-RE relocations (default: those of this host)"}
#define TRUST_OPTIONS \
    {"trust", 0, "FILE", "public keys whose native modules may run here (default: nobody's)"}, \
    {"allow-unsigned", 0, NULL, "native modules without a signature run too"}

static const cli_option run_options[] = {
    {"hook", 0, "xdp:IFACE[,IFACE2]", "where the program runs: on frames that come in at IFACE, or between two interfaces joined inline"},
    {"program", 0, "NAME", "the program, by function or section name (needed when the object has several)"},
    {"one-way", 0, NULL, "attach to the first interface only; what comes in at the second passes unseen"},
    VALUE_OPTIONS,
    EVENT_OPTIONS,
    {"duration", 0, "SECONDS", "end after this time (default: at ctrl-C)"},
    {"stats-interval", 0, "SECONDS", "how often to print statistics when they changed (default 5, 0: only at the end)"},
    {"detach-after", 0, "SECONDS", "take the program off after this time and go on forwarding (SIGUSR1 does the same)"},
    ENGINE_OPTIONS,
    {"make-tap", 0, NULL, "create interfaces that do not exist as TAP devices; they go at the end"},
    BTF_OPTION,
    TRUST_OPTIONS,
};

static const cli_option show_options[] = {
    {"btf", 0, "FILE", "apply CO-RE relocations with these types before showing code (ELF object or raw BTF)"},
    {"engine", 0, "jit|jit-quick", "code: by which tier of the compiler"},
    {"mode", 0, "privileged|strict", "code: the rules of the proof, as for run"},
    {"harden", 0, NULL, "code: harden it, as for run"},
    {"no-harden", 0, NULL, "code: leave it as fast as it can be, as for run"},
    {"set", 0, "VARIABLE=VALUE", "code: value of a global variable before the program is loaded (repeatable)"},
    {"map", 0, "MAP=KEY=VALUE", "code: an element that a map has from the start (repeatable)"},
    {"profile", 0, NULL, "code: run the program in the checked interpreter and count how often each instruction is executed"},
    {"data", 0, "FILE|HEX|@PCAP[:N]", "code, with --profile: the packet, as for test-run"},
    {"ctx", 0, "HEX", "code, with --profile: the context, in the layout that programs see"},
    {"repeat", 0, "N", "code, with --profile: how often to run (default 1)"},
};

static const cli_option test_run_options[] = {
    {"data", 0, "FILE|HEX|@PCAP[:N]", "the packet: a file's bytes, hex digits, or packet N (default 1) of a capture (default: 64 zero bytes)"},
    {"ctx", 0, "HEX", "the context, in the layout that programs see"},
    {"repeat", 0, "N", "how often to run (default 1); the time printed is the average"},
    ENGINE_OPTIONS,
    {"out", 0, "FILE", "write the packet as the program left it"},
    VALUE_OPTIONS,
    EVENT_OPTIONS,
    BTF_OPTION,
    TRUST_OPTIONS,
};

static const cli_option verify_options[] = {
    {"programs", 0, "FILE|-", "verify programs that are given as lines of JSON, and answer each with a line"},
    {"mode", 0, "privileged|strict", "the rules: those of Linux for a fully privileged loader (default), or nothing of the host may leak"},
    {"meter", 0, NULL, "take loops that nothing bounds: what runs the program counts their turns"},
    {"explain", 0, NULL, "print what is known at the head of each block"},
    {"html", 0, "OUT", "write a page with source, instructions, states and the failing path"},
    {"certificate", 0, "OUT", "write a certificate of each accepted program, from which --recheck proves it anew without a search"},
    {"recheck", 0, "FILE", "prove each program by its certificate of that file, which need not be trusted, and by nothing else"},
    {"btf", 0, "FILE", "types of the target, for CO-RE relocations and pointers to its structs (default: those of this host)"},
    {"max-steps", 0, "N", "instructions that are walked before the program counts as too complex (default 1000000)"},
    {"max-states", 0, "N", "states that are kept apart at one point before they are joined (default 24)"},
    {"unroll", 0, "N", "turns of a loop that are followed one by one before it is generalised (default 12)"},
    {"max-turns", 0, "N", "turns that a loop may make once it was entered (default 4294967295)"},
    {"stack-max", 0, "BYTES", "stack that a chain of calls may take (default 512)"},
};

static const cli_option shim_options[] = {
    {"host", 0, "SOCKET", "where the host listens (default: POSTERN_HOST, else /run/postern/host.sock)"},
};

static const cli_option compile_options[] = {
    {"output", 'o', "OUT", "the file to write; its ending says what it is: .so, .dll, .sys or .c"},
    {"target", 0, "TARGET", "the machine: x86_64-linux, x86_64-windows, arm64-linux or c (default: what the ending stands for)"},
    {"program", 0, "NAME", "compile this program only, by function or section name (default: all)"},
    {"sign", 0, "KEY", "sign the module with the secret key in this file (see keygen)"},
    MODE_OPTION,
    {"set", 0, "VARIABLE=VALUE", "value of a global variable; constants become part of the proof and of the code (repeatable)"},
    BTF_OPTION,
};

static const cli_option top_options[] = {
    {"interval", 0, "SECONDS", "how often to print the table, and over what time rates are taken (default 1)"},
    {"count", 0, "N", "end after N tables (default: at ctrl-C)"},
    {"sort", 0, "share|rate|average|runs|name|id", "what comes first (default share)"},
    {"filter", 0, "TEXT", "only programs whose name or type has TEXT in it"},
};

static const cli_option metrics_options[] = {
    {"listen", 0, "ADDRESS:PORT", "answer GET /metrics there until ctrl-C, with statistics on, instead of printing"},
    {"interval", 0, "SECONDS", "turn statistics on for this time first, so that what runs meanwhile is counted (default 0)"},
};

const char *const cli_show_topics[] = {"sections", "maps", "programs", "links", "pins", "host", "disassembly", "code", "btf", "helpers", "types", "groups", NULL};

const cli_command cli_commands[] = {
    {
        .name = "run",
        .arguments = "FILE",
        .summary = "load a program, attach it to a hook, and show what happens",
        .text = "Loads the object FILE, attaches one of its programs to a hook and prints, as it happens: records of its ring buffers and perf\n"
                "arrays, decoded by the object's type information; lines of bpf_printk; runs that were stopped, with instruction and source\n"
                "line; statistics of verdicts per interface. At the end it prints totals and the contents of small maps.\n"
                "\n"
                "Two interfaces are joined inline: a frame that comes in at one leaves by the other if the program says XDP_PASS. The\n"
                "interfaces should carry no address of their own. One interface alone is watched: verdicts are counted, not enforced;\n"
                "a TAP device alone gets its answers (XDP_TX).\n"
                "\n"
                "Ctrl-C, SIGTERM or the end of --duration detach the program and put the interfaces back as they were. SIGUSR1 detaches\n"
                "the program while forwarding goes on.\n"
                "\n"
                "Values are written as numbers, true, false, enumerator names, \"text\", 10.0.0.1 and 02:00:00:00:00:01 (bytes in network\n"
                "order), a,b,c for arrays, or hex:001122 for any type.\n",
        .examples = "postern run filter.o --hook xdp:eth0,eth1\n"
                    "postern run filter.o --hook xdp:veth0,veth1 --program drop_udp --set port=53\n"
                    "postern run count.o --hook xdp:tap0 --make-tap --duration 10 -j\n"
                    "postern run block.o --hook xdp:eth0,eth1 --map blocked=10.0.0.7=1\n",
        .options = run_options,
        .option_count = PST_COUNT(run_options),
        .arguments_min = 1,
        .arguments_max = 1,
        .run = cli_run,
    },
    {
        .name = "show",
        .arguments = "TOPIC [FILE [NAME]]",
        .summary = "show what is in an object file, or what Postern knows",
        .text = "Topics:\n"
                "  sections     the ELF sections of FILE\n"
                "  maps         its maps, with the types of keys and values; without FILE: the maps that live in the core at hand\n"
                "  programs     its programs, their sections and types; without FILE: those that live in the core at hand\n"
                "  links        where programs are attached, in the core at hand\n"
                "  pins         the pins of the core at hand\n"
                "  host         the core at hand: whose, its version, what runs programs and why, since when, how much is in it\n"
                "  disassembly  its instructions, with source lines (NAME: of one program or section)\n"
                "  code         the machine code of one program (NAME) beside bytecode and source, and what each source line costs; the program\n"
                "               is loaded for that, not run. With --profile it is run too, and instructions are counted\n"
                "  btf          its types (NAME: of one type)\n"
                "  helpers      the helpers that its programs call; without FILE: all helpers with their prototypes\n"
                "  types        the types of its programs; without FILE: all program types and the section names that choose them\n"
                "  groups       the conformance groups of RFC 9669 that its programs need (\"none\": the RFC has no such instruction); without\n"
                "               FILE: all groups\n"
                "\n"
                "The core at hand is that of the host that POSTERN_HOST names, else one inside this process, which is empty.\n",
        .examples = "postern show programs filter.o\n"
                    "postern show disassembly filter.o drop_udp\n"
                    "postern show code filter.o drop_udp --profile --data @capture.pcap:3\n"
                    "postern show maps filter.o -j\n"
                    "postern show groups filter.o\n"
                    "postern show helpers\n"
                    "POSTERN_HOST=1 postern show programs\n",
        .options = show_options,
        .option_count = PST_COUNT(show_options),
        .arguments_min = 1,
        .arguments_max = 3,
        .run = cli_show,
    },
    {
        .name = "map",
        .arguments = "ACTION MAP [KEY [VALUE]]",
        .summary = "read and change the elements of a map that lives in a host",
        .text = "MAP is a name, an id or the path of a pin. Keys and values are decoded by the types that the map was created with, and written as for\n"
                "`postern run`. Actions:\n"
                "  dump MAP              all elements\n"
                "  lookup MAP KEY        one element; of a queue or stack, without KEY, the value that is next\n"
                "  update MAP KEY VALUE  write an element; per-CPU maps get VALUE for each CPU; queues and stacks take VALUE alone\n"
                "  delete MAP KEY        delete an element\n",
        .examples = "postern map dump counters\n"
                    "postern map lookup blocked 10.0.0.7 -j\n"
                    "postern map update BPF:\\\\blocked 10.0.0.7 1\n"
                    "postern map delete 3 hex:0a000007\n",
        .arguments_min = 2,
        .arguments_max = 4,
        .run = cli_map,
    },
    {
        .name = "top",
        .arguments = "",
        .summary = "watch the programs of a host: runs a second, share of time, average time of a run",
        .text = "Turns statistics on and prints, again and again, a table of the programs that live in the core at hand: runs in a second, the share of\n"
                "one CPU's time that they took, the average time of a run, all over the last interval, and runs since they are counted. With -j each\n"
                "program is a line. Statistics go off with the last process that wants them.\n",
        .examples = "postern top\n"
                    "postern top --sort rate --filter xdp\n"
                    "postern top --count 1 --interval 10 -j\n",
        .options = top_options,
        .option_count = PST_COUNT(top_options),
        .run = cli_top,
    },
    {
        .name = "metrics",
        .arguments = "",
        .summary = "print what lives in a host, and what it does, as Prometheus reads it",
        .text = "Prints metrics of the core at hand in Prometheus' text format: what it is and since when, how many objects live in it, and for each\n"
                "program its runs and seconds, counted while statistics were on. With --listen it serves them, without it prints them, for a\n"
                "collector of text files.\n",
        .examples = "postern metrics >/var/lib/prometheus/node-exporter/postern.prom\n"
                    "postern metrics --interval 5\n"
                    "postern metrics --listen 127.0.0.1:9435\n",
        .options = metrics_options,
        .option_count = PST_COUNT(metrics_options),
        .run = cli_metrics,
    },
    {
        .name = "unpin",
        .arguments = "PATH",
        .summary = "remove a pin of a host",
        .text = "Removes the pin at PATH; /sys/fs/bpf/x, BPF:\\x and /ebpf/global/x name the same one. What nothing else holds ends with it: a program that is\n"
                "not attached, a link, which takes its program off the hook.\n",
        .examples = "postern unpin /sys/fs/bpf/counters\n",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = cli_unpin,
    },
    {
        .name = "test-run",
        .arguments = "FILE [PROGRAM]",
        .summary = "run a program once on given data and show what it does",
        .text = "Loads the object FILE and runs PROGRAM (a function or section name; not needed when there is only one) on a packet or context\n"
                "that you give, without any hook and on every system. Prints the value returned and its meaning, the time, the packet if the\n"
                "program changed it, events, lines of bpf_printk and the contents of small maps.\n"
                "\n"
                "Values of --set and --map are written as for `postern run`.\n",
        .examples = "postern test-run filter.o\n"
                    "postern test-run filter.o drop_udp --data @capture.pcap:3\n"
                    "postern test-run filter.o --data 0200000000010200000000020800450000... --repeat 1000\n",
        .options = test_run_options,
        .option_count = PST_COUNT(test_run_options),
        .arguments_min = 1,
        .arguments_max = 2,
        .run = cli_test_run,
    },
    {
        .name = "verify",
        .arguments = "FILE [SECTION|PROGRAM]",
        .summary = "prove programs safe, or show why they are not",
        .text = "Proves each program of the object FILE (or those of a section, or one) safe for every input: it ends, touches only memory that it may\n"
                "touch, and calls helpers as they want to be called. Nothing is loaded, no map is created, and programs of types that nothing\n"
                "here runs are verified too. A program that is refused gets a report: the source line and instruction, what was needed, what\n"
                "was known, where that knowledge was lost, and what usually helps.\n"
                "\n"
                "With --programs each line of input is an object: {\"id\":1,\"type\":\"xdp\",\"insns\":\"b7000000020000009500000000000000\"}, and\n"
                "each line of output the answer: {\"id\":1,\"verdict\":\"accept\",...}. The man page lists the members. Accepted programs whose\n"
                "line has \"runs\" are run on the data by every engine, which must agree.\n"
                "\n"
                "Exit codes of this command: 0 all accepted, 1 some rejected, 2 none rejected but some unsupported (a helper, kfunc, map or program\n"
                "type that is not described here), 3 the file or a line of it could not be read.\n",
        .examples = "postern verify filter.o\n"
                    "postern verify filter.o drop_udp -v --explain\n"
                    "postern verify filter.o -j --mode strict\n"
                    "postern verify filter.o --html report.html\n"
                    "postern verify filter.o --certificate filter.cert && postern verify filter.o --recheck filter.cert\n"
                    "postern verify --programs - <corpus.jsonl\n",
        .options = verify_options,
        .option_count = PST_COUNT(verify_options),
        .arguments_min = 0,
        .arguments_max = 2,
        .run = cli_verify,
    },
    {
        .name = "netsh",
        .arguments = "[[ebpf] COMMAND [ARGUMENT]...]",
        .summary = "the commands of eBPF for Windows, against a host",
        .text = "Does what `netsh ebpf` does on Windows, with the same commands, parameters, layouts, messages and exit codes (0 and 1): add, delete and set\n"
                "program; pin and unpin map and program; show disassembly, hash, links, maps, pins, processes, programs, sections and verification; and what\n"
                "it lacks, show contents, helpers and hooks.\n"
                "`postern netsh ?` lists them, `postern netsh show programs ?` explains one. Words may be abbreviated as long as they are clear; a\n"
                "parameter is given by its place or as TAG=VALUE. Without COMMAND, lines of standard input are commands until `exit`. -j among the\n"
                "words prints JSON.\n"
                "\n"
                "Programs live in the host that POSTERN_HOST names: start one with posternd(8). Without a host they end with this process, and only the\n"
                "commands about files have something to show.\n",
        .examples = "postern netsh ebpf show sections filter.o\n"
                    "POSTERN_HOST=1 postern netsh ebpf add program filter.o pinpath=filter\n"
                    "POSTERN_HOST=1 postern netsh show programs level=verbose\n"
                    "POSTERN_HOST=1 postern netsh sh prog -j\n",
        .takes_rest = true,
        .run = netsh_run,
    },
    {
        .name = "shim",
        .arguments = "[--] COMMAND [ARGUMENT]...",
        .summary = "run a program whose bpf(2) system calls go to a host",
        .text = "Starts COMMAND so that its bpf(2) system calls become commands to the host at POSTERN_HOST (posternd): bpftool, and programs built\n"
                "with libbpf, work unchanged. Pins below /sys/fs/bpf are the host's. Everything else the program does goes to the kernel as before.\n"
                "\n"
                "It works for dynamically linked programs that use the C library's system calls. With POSTERN_SHIM_VERBOSE=1 each command that\n"
                "fails says why on standard error. POSTERN_SHIM is the path of the library that is preloaded, where it is not beside this program.\n",
        .examples = "postern shim -- bpftool prog show\n"
                    "postern shim --host /tmp/h.sock -- bpftool map dump name counters\n",
        .options = shim_options,
        .option_count = PST_COUNT(shim_options),
        .takes_rest = true,
        .run = cli_shim,
    },
    {
        .name = "compile",
        .arguments = "FILE",
        .summary = "compile programs ahead of time into a native module",
        .text = "Proves the programs of the object FILE and compiles them into a native module: an ELF shared object (.so), a PE image (.dll), or one that\n"
                "the Windows kernel loads (.sys). No compiler is needed, here or where it runs. The module also holds the object, what was proved\n"
                "of each program, and what for. With the ending .c the programs are written as C instead, one function a subprogram and one line an\n"
                "instruction with its source beside it, for people and other compilers.\n"
                "\n"
                "Every command that takes an object takes a .so or .dll: `postern run` and `postern test-run` run its machine code, where the host\n"
                "allows no dynamic code too, if a key that they are told to trust has signed it (--trust), or with --allow-unsigned. It is refused where\n"
                "anything differs that its proof depends on: the engine, the description of the program type, maps, constants. With --engine the\n"
                "object inside is proved and run as any other.\n",
        .examples = "postern keygen mykey\n"
                    "postern compile filter.o -o filter.so --sign mykey\n"
                    "postern test-run filter.so --trust mykey.pub\n"
                    "postern compile filter.o -o filter.dll --target x86_64-windows\n",
        .options = compile_options,
        .option_count = PST_COUNT(compile_options),
        .arguments_min = 1,
        .arguments_max = 1,
        .run = cli_compile,
    },
    {
        .name = "keygen",
        .arguments = "KEY",
        .summary = "make a key that signs native modules",
        .text = "Writes a new secret key (ECDSA on the curve P-256) to the file KEY, which only its owner may read, and the public key that belongs to it\n"
                "to KEY.pub; neither file may be there already. Files with public keys, one a line, are what --trust takes; they may be joined with cat.\n",
        .examples = "postern keygen mykey\n",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = cli_keygen,
    },
    {
        .name = "help",
        .arguments = "[COMMAND]",
        .summary = "explain a command",
        .text = "Without COMMAND: what there is. `postern COMMAND --help` says the same. `postern help powershell` prints a PowerShell module with a\n"
                "function for each command of `postern netsh`: Get-EbpfProgram, Add-EbpfProgram, Get-EbpfMap and so on.\n",
        .examples = "postern help run\n"
                    "postern help powershell >Postern.psm1\n",
        .arguments_min = 0,
        .arguments_max = 1,
        .run = cli_help,
    },
};
const size_t cli_command_count = PST_COUNT(cli_commands);
