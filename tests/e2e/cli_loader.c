// cli_loader.c: a loader program as authors write it for libbpf: it compiles unchanged against libbpf's headers and against ours,
// and runs with libpostern. It names nothing of Postern. usage: cli_loader OBJECT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

struct event {
    __u32 length;
    __u16 port;
    char tag[10];
};

static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int handle_event(void *ctx, void *data, size_t size)
{
    const struct event *e = data;
    if (size < sizeof(*e)) return -EINVAL;
    printf("event %u %u %s\n", e->length, e->port, e->tag);
    ++*(int *)ctx;
    return 0;
}

static int configure(struct bpf_object *obj)
{
    struct bpf_program *prog;
    size_t size = 0;
    bpf_object__for_each_program(prog, obj)
        bpf_program__set_autoload(prog, strcmp(bpf_program__name(prog), "count") == 0 || strcmp(bpf_program__name(prog), "tail_target") == 0);
    __u16 *port = (void *)bpf_map__initial_value(bpf_object__find_map_by_name(obj, ".rodata"), &size);
    if (!port || size < sizeof(*port)) return -EINVAL;
    *port = 443;
    return 0;
}

static int run_program(int prog_fd, __u32 *retval)
{
    char packet[64] = {0}, out[128];
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet), .data_out = out, .data_size_out = sizeof(out),
                .repeat = 1);
    int err = bpf_prog_test_run_opts(prog_fd, &opts);
    *retval = opts.retval;
    return err;
}

static int watch(struct bpf_object *obj)
{
    int events = 0;
    __u32 retval = 0, key = 1;
    __u64 values[1024] = {0}, total = 0;
    struct bpf_program *prog = bpf_object__find_program_by_name(obj, "count");
    struct ring_buffer *rb = ring_buffer__new(bpf_object__find_map_fd_by_name(obj, "events"), handle_event, &events, NULL);
    if (!rb) return -errno;
    int err = run_program(bpf_program__fd(prog), &retval);
    if (!err) err = ring_buffer__poll(rb, 1000);
    ring_buffer__free(rb);
    if (err < 0) return err;
    err = bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj, "counts"), &key, values);
    for (int i = 0; i < libbpf_num_possible_cpus() && i < 1024; i++) total += values[i];
    printf("returned %u, counted %llu, %d events\n", retval, (unsigned long long)total, events);
    return err;
}

int main(int argc, char **argv)
{
    LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "loader");
    libbpf_set_print(print_warnings);
    struct bpf_object *obj = argc > 1 ? bpf_object__open_file(argv[1], &opts) : NULL;
    if (!obj) {
        fprintf(stderr, "cannot open: %s\n", strerror(errno));
        return 1;
    }
    int err = configure(obj);
    if (!err) err = bpf_object__load(obj);
    if (!err) err = watch(obj);
    if (err) {
        char text[128];
        libbpf_strerror(err, text, sizeof(text));
        fprintf(stderr, "failed: %s\n", text);
    }
    bpf_object__close(obj);
    return err ? 1 : 0;
}
