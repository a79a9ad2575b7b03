// object_test.c: handles, ids, pins, infos, BTF, links: what lives how long, and what every command refuses.
#include "core_fixture.h"

#include "base/bits.h"
#include "core/builtin.h"
#include "core/engines.h"

static uint32_t id_of(core_fixture *f, int64_t fd)
{
    pst_bpf_map_info info = {0};
    pst_bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof info, .info = PTR(&info)}};
    CHECK_EQ(cmd(f, PST_BPF_OBJ_GET_INFO_BY_FD, &attr), 0);
    return info.id;
}

static int64_t pin(core_fixture *f, uint32_t number, int64_t fd, const char *path)
{
    pst_bpf_attr attr = {.pathname = PTR(path), .bpf_fd = (uint32_t)fd};
    return cmd(f, number, &attr);
}

TEST(handles_are_the_smallest_free_numbers)
{
    core_fixture f;
    fixture_open(&f);
    for (int i = 0; i < 20; i++) CHECK_EQ(map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0), 3 + i);
    CHECK_EQ(pst_core_close(f.client, 7), 0);
    CHECK_EQ(pst_core_close(f.client, 5), 0);
    CHECK_EQ(pst_core_close(f.client, 5), -PST_EBADF);
    CHECK_EQ(pst_core_close(f.client, 2), -PST_EBADF);
    CHECK_EQ(pst_core_close(f.client, -1), -PST_EBADF);
    CHECK_EQ(pst_core_close(f.client, 1 << 30), -PST_EBADF);
    CHECK_EQ(map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0), 5);
    CHECK_EQ(pst_core_dup(f.client, 5), 7);
    CHECK_EQ(id_of(&f, 5), id_of(&f, 7));
    CHECK_EQ(pst_core_dup(f.client, 99), -PST_EBADF);
    fixture_close(&f);
}

TEST(clients_have_their_own_handles)
{
    core_fixture f;
    pst_client *other;
    fixture_open(&f);
    CHECK(pst_client_create(f.core, &other) == PST_OK);
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd};
    CHECK_EQ(pst_core_command(other, PST_BPF_MAP_FREEZE, &attr, sizeof attr), -PST_EBADF);
    // Through its id the other client reaches it, and keeps it.
    pst_bpf_attr by_id = {.map_id = id_of(&f, fd)};
    int64_t others = pst_core_command(other, PST_BPF_MAP_GET_FD_BY_ID, &by_id, sizeof by_id);
    CHECK_EQ(others, 3);
    CHECK_EQ(pst_core_close(f.client, (int)fd), 0);
    by_id = (pst_bpf_attr){.map_id = by_id.map_id};
    fd = cmd(&f, PST_BPF_MAP_GET_FD_BY_ID, &by_id);
    CHECK(fd >= 3);
    CHECK_EQ(pst_core_close(f.client, (int)fd), 0);
    pst_client_free(other);
    CHECK_EQ(cmd(&f, PST_BPF_MAP_GET_FD_BY_ID, &by_id), -PST_ENOENT);
    fixture_close(&f);
}

TEST(ids_are_walked_in_order_and_never_used_twice)
{
    core_fixture f;
    fixture_open(&f);
    for (int i = 0; i < 5; i++) (void)map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    CHECK_EQ(pst_core_close(f.client, 4), 0);
    CHECK_EQ(id_of(&f, map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0)), 6);
    static const uint32_t want[] = {1, 3, 4, 5, 6};
    pst_bpf_attr attr = {0};
    for (size_t i = 0; i < PST_COUNT(want); i++) {
        CHECK_EQ(cmd(&f, PST_BPF_MAP_GET_NEXT_ID, &attr), 0);
        CHECK_EQ(attr.next_id, want[i]);
        attr = (pst_bpf_attr){.start_id = attr.next_id};
    }
    CHECK_EQ(cmd(&f, PST_BPF_MAP_GET_NEXT_ID, &attr), -PST_ENOENT);
    attr.start_id = UINT32_MAX;
    CHECK_EQ(cmd(&f, PST_BPF_MAP_GET_NEXT_ID, &attr), -PST_EINVAL);
    attr.start_id = 0;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_GET_NEXT_ID, &attr), -PST_ENOENT);
    fixture_close(&f);
}

TEST(a_handle_may_be_for_one_direction)
{
    core_fixture f;
    uint32_t key = 0, value = 0;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    pst_bpf_attr attr = {.map_id = id_of(&f, fd), .open_flags = PST_F_RDONLY};
    int64_t reader = cmd(&f, PST_BPF_MAP_GET_FD_BY_ID, &attr);
    attr.open_flags = PST_F_WRONLY;
    int64_t writer = cmd(&f, PST_BPF_MAP_GET_FD_BY_ID, &attr);
    attr.open_flags = PST_F_WRONLY | PST_F_RDONLY;
    CHECK_EQ(cmd(&f, PST_BPF_MAP_GET_FD_BY_ID, &attr), -PST_EINVAL);
    CHECK_EQ(map_lookup(&f, reader, &key, &value), 0);
    CHECK_EQ(map_update(&f, reader, &key, &value, 0), -PST_EPERM);
    CHECK_EQ(map_lookup(&f, writer, &key, &value), -PST_EPERM);
    CHECK_EQ(map_update(&f, writer, &key, &value, 0), 0);
    CHECK_EQ(map_freeze(&f, reader), -PST_EPERM);
    int64_t copy = pst_core_dup(f.client, (int)reader);
    CHECK_EQ(map_update(&f, copy, &key, &value, 0), -PST_EPERM);
    fixture_close(&f);
}

TEST(pins_keep_objects)
{
    core_fixture f;
    uint32_t key = 0, value = 5;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    CHECK_EQ(map_update(&f, fd, &key, &value, 0), 0);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "/sys/fs/bpf//a/./m"), 0);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "/sys/fs/bpf/a/m"), -PST_EEXIST);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "relative"), -PST_EINVAL);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "/a/../b"), -PST_EINVAL);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "/"), -PST_EINVAL);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, NULL), -PST_EFAULT);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, 99, "/x"), -PST_EBADF);
    CHECK_EQ(pst_core_close(f.client, (int)fd), 0);
    fd = pin(&f, PST_BPF_OBJ_GET, 0, "/sys/fs/bpf/a/m");
    CHECK(fd >= 3);
    value = 0;
    CHECK_EQ(map_lookup(&f, fd, &key, &value), 0);
    CHECK_EQ(value, 5);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_GET, 0, "/sys/fs/bpf/a"), -PST_ENOENT);
    CHECK_EQ(pst_core_unpin(f.client, "/sys/fs/bpf/a/m"), 0);
    CHECK_EQ(pst_core_unpin(f.client, "/sys/fs/bpf/a/m"), -PST_ENOENT);
    CHECK_EQ(pst_core_unpin(f.client, "a"), -PST_EINVAL);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "/left/behind"), 0); // freed with the core
    fixture_close(&f);
}

TEST(one_pin_has_three_names)
{
    static const char *const same[] = {"/sys/fs/bpf/a/m", "BPF:\\a\\m", "BPF:/a/m", "bpf:a\\.\\m", "BPF:\\\\a/m", "/ebpf/global/a/m", "/ebpf//./global/a//m"};
    static const char *const bad[] = {"", "BPF:", "BPF:\\", "BPF:\\..\\x", "BPF:\\a\\..", "/ebpf/global", "/ebpf/global/", "/sys/fs/bpf", "/sys/fs/bpf/.", "BP:\\x", "x\\y"};
    core_fixture f;
    char path[PST_PIN_PATH_MAX];
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    for (size_t i = 0; i < PST_COUNT(same); i++) {
        CHECK(pst_core_pin_path(same[i], path, sizeof path));
        CHECK_STR(path, same[0]);
        CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, same[i]), 0);
        for (size_t k = 0; k < PST_COUNT(same); k++) CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, same[k]), -PST_EEXIST);
        int64_t got = pin(&f, PST_BPF_OBJ_GET, 0, same[(i + 1) % PST_COUNT(same)]);
        CHECK(got >= 0);
        CHECK_EQ(pst_core_close(f.client, (int)got), 0);
        CHECK_EQ(pst_core_unpin(f.client, same[(i + 2) % PST_COUNT(same)]), 0);
    }
    for (size_t i = 0; i < PST_COUNT(bad); i++) {
        CHECK(!pst_core_pin_path(bad[i], path, sizeof path));
        CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, bad[i]), -PST_EINVAL);
    }
    CHECK(!pst_core_pin_path("BPF:\\abc", path, sizeof PST_PIN_ROOT "/abc" - 1));
    // Other trees are what they say, a backslash in them too.
    CHECK(pst_core_pin_path("/ebpf/globally/a\\b", path, sizeof path));
    CHECK_STR(path, "/ebpf/globally/a\\b");
    fixture_close(&f);
}

TEST(pins_come_in_order_and_to_whom_they_belong)
{
    static const char *const paths[] = {"/sys/fs/bpf/b", "/sys/fs/bpf/a", "/sys/fs/bpf/a/x", "/other"};
    static const char *const sorted[] = {"/other", "/sys/fs/bpf/a", "/sys/fs/bpf/a/x", "/sys/fs/bpf/b"};
    const pst_client_identity nobody = {.uid = 65534};
    core_fixture f;
    pst_client *other;
    pst_pin_info info;
    fixture_open(&f);
    CHECK(!pst_core_pin_next(f.client, "", &info));
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    for (size_t i = 0; i < PST_COUNT(paths); i++) CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, paths[i]), 0);
    info.path[0] = '\0';
    for (size_t i = 0; i < PST_COUNT(sorted); i++) {
        REQUIRE(pst_core_pin_next(f.client, info.path, &info));
        CHECK_STR(info.path, sorted[i]);
        CHECK_EQ(info.kind, 0);
        CHECK(info.id != 0);
    }
    CHECK(!pst_core_pin_next(f.client, info.path, &info));
    // Where to go on may be said in any form, and need not be a pin any more.
    REQUIRE(pst_core_pin_next(f.client, "BPF:\\a", &info));
    CHECK_STR(info.path, "/sys/fs/bpf/a/x");
    REQUIRE(pst_core_pin_next(f.client, "/sys/fs/bpf/aa", &info));
    CHECK_STR(info.path, "/sys/fs/bpf/b");
    // Somebody without rights sees what is his.
    REQUIRE(pst_client_create(f.core, &other) == PST_OK);
    pst_client_identify(other, &nobody);
    CHECK(!pst_core_pin_next(other, "", &info));
    int64_t given = pst_client_share(f.client, (int)fd, other);
    pst_bpf_attr own = {.pathname = (uint64_t)(uintptr_t) "BPF:\\own", .bpf_fd = (uint32_t)given};
    CHECK_EQ(pst_core_command(other, PST_BPF_OBJ_PIN, &own, sizeof own), 0);
    REQUIRE(pst_core_pin_next(other, "", &info));
    CHECK_STR(info.path, "/sys/fs/bpf/own");
    CHECK(!pst_core_pin_next(other, info.path, &info));
    pst_client_free(other);
    fixture_close(&f);
}

TEST(a_user_without_rights_has_so_many_pins)
{
    const pst_client_identity nobody = {.uid = 65534};
    core_fixture f;
    pst_client *other;
    char path[64];
    int64_t result = 0;
    uint32_t made = 0;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    REQUIRE(pst_client_create(f.core, &other) == PST_OK);
    pst_client_identify(other, &nobody);
    pst_bpf_attr attr = {.pathname = (uint64_t)(uintptr_t)path, .bpf_fd = (uint32_t)pst_client_share(f.client, (int)fd, other)};
    for (uint32_t i = 0; result == 0 && i < 10000; i++) {
        snprintf(path, sizeof path, "/sys/fs/bpf/%u", i * 7919 % 10000); // in no order
        result = pst_core_command(other, PST_BPF_OBJ_PIN, &attr, sizeof attr);
        made += result == 0;
    }
    CHECK_EQ(result, -PST_ENOSPC);
    CHECK_EQ(made, 4096);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, fd, "/sys/fs/bpf/mine"), 0); // others go on
    CHECK_EQ(pst_core_unpin(other, "/sys/fs/bpf/0"), 0);
    CHECK_EQ(pst_core_command(other, PST_BPF_OBJ_PIN, &attr, sizeof attr), 0);
    // All are found, and in order.
    pst_pin_info info = {.path = ""};
    char last[PST_PIN_PATH_MAX] = "";
    uint32_t seen = 0;
    for (; pst_core_pin_next(f.client, info.path, &info); seen++) {
        CHECK(strcmp(last, info.path) < 0);
        memcpy(last, info.path, strlen(info.path) + 1);
    }
    CHECK_EQ(seen, 4097);
    pst_client_free(other);
    fixture_close(&f);
}

TEST(infos_are_cut_and_checked)
{
    core_fixture f;
    uint8_t bytes[512] = {0};
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_HASH, 8, 16, 32, PST_F_NO_PREALLOC | PST_F_RDONLY);
    pst_bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd, .info_len = 16, .info = PTR(bytes)}};
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &attr), 0);
    CHECK_EQ(attr.info.info_len, 16);
    CHECK_EQ(pst_load32(bytes + 8), 8);
    CHECK_EQ(pst_load32(bytes + 16), 0);
    attr.info.info_len = sizeof bytes;
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &attr), 0);
    CHECK_EQ(attr.info.info_len, sizeof(pst_bpf_map_info));
    CHECK_EQ(pst_load32(bytes + 20), PST_F_NO_PREALLOC); // how it was opened is no property of the map
    bytes[300] = 1;
    attr.info.info_len = sizeof bytes;
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &attr), -PST_E2BIG);
    attr.info.info = 0;
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &attr), -PST_EFAULT);
    attr.info.bpf_fd = 1000;
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &attr), -PST_EBADF);
    fixture_close(&f);
}

// A header, no types, the strings "", "file.c", "  return 0;".
static uint32_t make_btf(uint8_t *out)
{
    static const char strings[] = "\0file.c\0  return 0;";
    memset(out, 0, 24);
    pst_store16(out, 0xeb9f);
    out[2] = 1;
    pst_store32(out + 4, 24);
    pst_store32(out + 20, sizeof strings);
    memcpy(out + 24, strings, sizeof strings);
    return 24 + sizeof strings;
}

TEST(btf_is_kept_and_gives_lines)
{
    core_fixture f;
    uint8_t btf[64], out[64];
    fixture_open(&f);
    uint32_t size = make_btf(btf), retval;
    pst_bpf_attr attr = {.btf = PTR(btf), .btf_size = size};
    int64_t fd = cmd(&f, PST_BPF_BTF_LOAD, &attr);
    CHECK(fd >= 3);
    pst_bpf_btf_info info = {.btf = PTR(out), .btf_size = sizeof out};
    pst_bpf_attr get = {.info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof info, .info = PTR(&info)}};
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &get), 0);
    CHECK_EQ(info.btf_size, size);
    CHECK(memcmp(out, btf, size) == 0);
    // A program with line information: a refusal names the line, and so does a trap.
    pst_slot slots[] = {{.opcode = 0xb7, .regs = 1, .imm = 16}, {.opcode = 0x79, .regs = 0x10}, {.opcode = 0x95}};
    pst_bpf_line_info lines[] = {{0, 1, 8, 7 << 10 | 3}};
    pst_bpf_attr load = {.prog_type = PST_PROG_SAMPLE, .insn_cnt = 3, .insns = PTR(slots), .license = PTR("GPL"), .prog_btf_fd = (uint32_t)fd,
                         .line_info = PTR(lines), .line_info_cnt = 1, .line_info_rec_size = 16};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &load), -PST_EACCES);
    CHECK(strstr(pst_client_error(f.client), "file.c:7, instruction 1: ") != NULL);
    pst_client_load_unproved(f.client);
    int64_t prog = cmd(&f, PST_BPF_PROG_LOAD, &load);
    CHECK(prog >= 3);
    CHECK_EQ(prog_run_sample(&f, prog, &retval), -PST_EFAULT);
    CHECK(strstr(f.trap, "file.c:7: return 0;") != NULL);
    // Without the BTF, with wrong sizes.
    load.prog_btf_fd = 55;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &load), -PST_EBADF);
    load.prog_btf_fd = (uint32_t)fd;
    load.line_info_rec_size = 12;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &load), -PST_EINVAL);
    load.line_info_rec_size = 16;
    load.line_info = 0;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &load), -PST_EFAULT);
    fixture_close(&f);
}

TEST(what_is_no_btf_is_refused)
{
    core_fixture f;
    uint8_t btf[64];
    fixture_open(&f);
    uint32_t size = make_btf(btf);
    for (uint32_t i = 0; i < 24; i++) {
        uint8_t was = btf[i];
        btf[i] = 0xff;
        pst_bpf_attr attr = {.btf = PTR(btf), .btf_size = size};
        if (i != 3 && (i < 8 || i >= 12)) CHECK_EQ(cmd(&f, PST_BPF_BTF_LOAD, &attr), -PST_EINVAL); // flags are free; see below
        btf[i] = was;
    }
    for (uint32_t cut = 0; cut < size; cut++) {
        pst_bpf_attr attr = {.btf = PTR(btf), .btf_size = cut};
        CHECK_EQ(cmd(&f, PST_BPF_BTF_LOAD, &attr), -PST_EINVAL);
    }
    pst_bpf_attr attr = {.btf = 0, .btf_size = size};
    CHECK_EQ(cmd(&f, PST_BPF_BTF_LOAD, &attr), -PST_EFAULT);
    attr.btf_size = 17u << 20;
    CHECK_EQ(cmd(&f, PST_BPF_BTF_LOAD, &attr), -PST_E2BIG);
    fixture_close(&f);
}

TEST(links_run_programs_and_let_them_go)
{
    core_fixture f;
    pst_sample_ctx ctx = {0};
    bool trapped;
    fixture_open(&f);
    int64_t one = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 1; exit"), two = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 2; exit");
    int64_t xdp = prog_load_text(&f, PST_PROG_XDP, "r0 = 2; exit");
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 7, &ctx, &trapped), 0);
    int64_t link = link_create(&f, one, PST_ATTACH_SAMPLE, 7);
    CHECK(link >= 3);
    CHECK_EQ(pst_core_close(f.client, (int)one), 0); // the link keeps the program
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 7, &ctx, &trapped), 1);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 8, &ctx, &trapped), 0);
    pst_bpf_link_info info = {0};
    pst_bpf_attr get = {.info = {.bpf_fd = (uint32_t)link, .info_len = sizeof info, .info = PTR(&info)}};
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &get), 0);
    CHECK(info.prog_id == 1 && info.id == 1 && info.tcx.ifindex == 7 && info.type == PST_LINK_SAMPLE);
    // Another program in its place; only of the same kind.
    pst_bpf_attr update = {.link_update = {.link_fd = (uint32_t)link, .new_prog_fd = (uint32_t)xdp}};
    CHECK_EQ(cmd(&f, PST_BPF_LINK_UPDATE, &update), -PST_EINVAL);
    update.link_update.new_prog_fd = (uint32_t)two;
    update.link_update.old_prog_fd = (uint32_t)two;
    CHECK_EQ(cmd(&f, PST_BPF_LINK_UPDATE, &update), -PST_EINVAL); // without BPF_F_REPLACE
    update.link_update.flags = PST_F_REPLACE;
    CHECK_EQ(cmd(&f, PST_BPF_LINK_UPDATE, &update), -PST_EPERM); // it runs the other one
    update.link_update.flags = 0;
    update.link_update.old_prog_fd = 0;
    CHECK_EQ(cmd(&f, PST_BPF_LINK_UPDATE, &update), 0);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 7, &ctx, &trapped), 2);
    pst_bpf_attr detach = {.link_detach = {.link_fd = (uint32_t)link}};
    CHECK_EQ(cmd(&f, PST_BPF_LINK_DETACH, &detach), 0);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 7, &ctx, &trapped), 0);
    CHECK_EQ(cmd(&f, PST_BPF_LINK_DETACH, &detach), 0); // already
    CHECK_EQ(cmd(&f, PST_BPF_LINK_UPDATE, &update), -PST_ENOLINK);
    // Closing the last handle detaches; a pin keeps the link.
    link = link_create(&f, two, PST_ATTACH_SAMPLE, 7);
    CHECK_EQ(pin(&f, PST_BPF_OBJ_PIN, link, "/l"), 0);
    CHECK_EQ(pst_core_close(f.client, (int)link), 0);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 7, &ctx, &trapped), 2);
    CHECK_EQ(pst_core_unpin(f.client, "/l"), 0);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 7, &ctx, &trapped), 0);
    fixture_close(&f);
}

TEST(links_that_cannot_be_are_refused)
{
    core_fixture f;
    fixture_open(&f);
    int64_t sample = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 1; exit"), xdp = prog_load_text(&f, PST_PROG_XDP, "r0 = 2; exit");
    int64_t bound = prog_load_as(&f, PST_PROG_XDP, PST_ATTACH_XDP_DEVMAP, "b", "r0 = 2; exit");
    CHECK_EQ(link_create(&f, sample, PST_ATTACH_XDP, 1), -PST_EINVAL);
    CHECK_EQ(link_create(&f, bound, PST_ATTACH_XDP, 1), -PST_EINVAL);
    CHECK_EQ(link_create(&f, xdp, PST_ATTACH_XDP, 1), -PST_EOPNOTSUPP); // no hook in the bare core
    CHECK(strstr(pst_client_error(f.client), "test run") != NULL);
    CHECK_EQ(link_create(&f, 500, PST_ATTACH_XDP, 1), -PST_EBADF);
    pst_bpf_attr flags = {.link_create = {.prog_fd = (uint32_t)sample, .attach_type = PST_ATTACH_SAMPLE, .flags = 1}};
    CHECK_EQ(cmd(&f, PST_BPF_LINK_CREATE, &flags), -PST_EINVAL);
    flags = (pst_bpf_attr){.link_create = {.prog_fd = (uint32_t)sample, .attach_type = PST_ATTACH_SAMPLE, .tracing = {.cookie = 5}}};
    CHECK_EQ(cmd(&f, PST_BPF_LINK_CREATE, &flags), -PST_EINVAL);
    for (int i = 0; i < 64; i++) CHECK(link_create(&f, sample, PST_ATTACH_SAMPLE, 1) >= 3);
    CHECK_EQ(link_create(&f, sample, PST_ATTACH_SAMPLE, 1), -PST_ENOSPC);
    fixture_close(&f);
}

TEST(programs_can_be_attached_without_links)
{
    core_fixture f;
    pst_sample_ctx ctx = {0};
    uint32_t ids[4] = {0};
    fixture_open(&f);
    uint32_t one = (uint32_t)prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 1; exit"), two = (uint32_t)prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 2; exit");
    uint32_t xdp = (uint32_t)prog_load_text(&f, PST_PROG_XDP, "r0 = 2; exit");
    pst_bpf_attr attach = {.target_fd = 3, .attach_bpf_fd = one, .attach_type = PST_ATTACH_SAMPLE};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_ATTACH, &attach), 0);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_ATTACH, &attach), -PST_EEXIST);
    attach.attach_bpf_fd = two; // takes the place of the first
    CHECK_EQ(cmd(&f, PST_BPF_PROG_ATTACH, &attach), 0);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 3, &ctx, NULL), 2);
    attach.attach_bpf_fd = one;
    attach.attach_flags = PST_F_ALLOW_MULTI;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_ATTACH, &attach), 0);
    pst_bpf_attr query = {.query = {.target_fd = 3, .attach_type = PST_ATTACH_SAMPLE, .prog_ids = PTR(ids), .prog_cnt = 4}};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_QUERY, &query), 0);
    CHECK(query.query.prog_cnt == 2 && ids[0] == 2 && ids[1] == 1);
    query.query.prog_cnt = 1;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_QUERY, &query), -PST_ENOSPC);
    CHECK_EQ(query.query.prog_cnt, 2);
    pst_bpf_attr detach = {.target_fd = 3, .attach_bpf_fd = two, .attach_type = PST_ATTACH_SAMPLE};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_DETACH, &detach), 0);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_DETACH, &detach), -PST_ENOENT);
    detach.attach_bpf_fd = 0;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_DETACH, &detach), 0);
    CHECK_EQ(pst_builtin_sample_invoke(f.core, 3, &ctx, NULL), 0);
    attach = (pst_bpf_attr){.target_fd = 3, .attach_bpf_fd = xdp, .attach_type = PST_ATTACH_XDP};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_ATTACH, &attach), -PST_EINVAL);
    attach = (pst_bpf_attr){.target_fd = 3, .attach_bpf_fd = one, .attach_type = PST_ATTACH_SAMPLE};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_ATTACH, &attach), 0); // left to the core
    fixture_close(&f);
}

// --- The command entry ----------------------------------------------------------------------------------------

TEST(sizes_of_attr_follow_linux)
{
    core_fixture f;
    struct {
        pst_bpf_attr attr;
        uint8_t more[4096];
    } big = {.attr = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1}};
    fixture_open(&f);
    CHECK(pst_core_command(f.client, PST_BPF_MAP_CREATE, &big, 20) >= 3); // an old caller
    CHECK(pst_core_command(f.client, PST_BPF_MAP_CREATE, &big, 4096) >= 3);
    CHECK_EQ(pst_core_command(f.client, PST_BPF_MAP_CREATE, &big, 4097), -PST_E2BIG);
    big.more[1000] = 1;
    CHECK_EQ(pst_core_command(f.client, PST_BPF_MAP_CREATE, &big, 4096), -PST_E2BIG);
    CHECK(pst_core_command(f.client, PST_BPF_MAP_CREATE, &big, sizeof big.attr) >= 3);
    CHECK_EQ(pst_core_command(f.client, PST_BPF_MAP_CREATE, NULL, 8), -PST_EFAULT);
    CHECK_EQ(pst_core_command(f.client, PST_BPF_MAP_CREATE, NULL, 0), -PST_EINVAL);
    CHECK_EQ(pst_core_command(f.client, 36, &big, 8), -PST_EINVAL);
    CHECK_EQ(pst_core_command(f.client, UINT32_MAX, &big, 8), -PST_EINVAL);
    // Output does not go beyond what the caller has.
    pst_bpf_attr next = {.start_id = 0, .next_id = 0x55555555};
    CHECK_EQ(pst_core_command(f.client, PST_BPF_MAP_GET_NEXT_ID, &next, 4), 0);
    CHECK_EQ(next.next_id, 0x55555555);
    fixture_close(&f);
}

// Every byte after a command's last field must be 0.
TEST(unused_bytes_must_be_zero)
{
    static const struct {
        uint32_t cmd, end;
    } rows[] = {{PST_BPF_MAP_LOOKUP_ELEM, 32}, {PST_BPF_MAP_DELETE_ELEM, 16}, {PST_BPF_MAP_GET_NEXT_KEY, 24}, {PST_BPF_MAP_FREEZE, 4},
                {PST_BPF_OBJ_GET_INFO_BY_FD, 16}, {PST_BPF_LINK_DETACH, 4},   {PST_BPF_LINK_UPDATE, 16},      {PST_BPF_PROG_BIND_MAP, 12},
                {PST_BPF_PROG_TEST_RUN, 76},      {PST_BPF_MAP_UPDATE_BATCH, 56}, {PST_BPF_ENABLE_STATS, 4},  {PST_BPF_MAP_GET_NEXT_ID, 8}};
    core_fixture f;
    fixture_open(&f);
    for (size_t r = 0; r < PST_COUNT(rows); r++)
        for (uint32_t at = rows[r].end; at < sizeof(pst_bpf_attr); at++) {
            pst_bpf_attr attr = {0};
            ((uint8_t *)&attr)[at] = 1;
            CHECK_EQ(cmd(&f, rows[r].cmd, &attr), -PST_EINVAL);
            if (!strstr(pst_client_error(f.client), "bytes that are not zero")) pst_test_fail(__FILE__, __LINE__, "command %u byte %u", rows[r].cmd, at);
        }
    fixture_close(&f);
}

TEST(a_provider_takes_the_place_of_another)
{
    core_fixture f;
    uint32_t retval;
    fixture_open(&f);
    pst_provider bare = {.size = sizeof bare, .name = "bare", .type = pst_prog_type_by_number(PST_PROG_XDP)};
    int64_t before = prog_load_text(&f, PST_PROG_XDP, "r0 = 2; exit");
    CHECK(pst_core_add_provider(f.core, &bare) == PST_OK);
    int64_t after = prog_load_text(&f, PST_PROG_XDP, "r0 = 2; exit");
    CHECK_EQ(prog_run_sample(&f, before, &retval), 0); // keeps the provider it was loaded with
    CHECK_EQ(prog_run_sample(&f, after, &retval), -PST_ENOTSUPP);
    bare.type = NULL;
    CHECK(pst_core_add_provider(f.core, &bare) == PST_E_INVALID);
    fixture_close(&f);
}
