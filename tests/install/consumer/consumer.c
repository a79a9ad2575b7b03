// consumer.c: a program of somebody who installed Postern: both kinds of header, one call.
#include <stdio.h>

#include <bpf/libbpf.h>
#include <postern/postern.h>

int main(void)
{
    struct bpf_object *object = bpf_object__open_file("no-such-file.bpf.o", NULL);
    if (object) return 1;
    printf("libbpf interface %u.%u, and no object from a file that is not there\n", libbpf_major_version(), libbpf_minor_version());
    return 0;
}
