// netsh_parse_test.c: lines, words, abbreviations, tags and places.
#include "harness.h"

#include "netsh/netsh.h"

// The call that a line makes; a message in *why when it makes none.
static bool parse(const char *line, netsh_call *call, pst_text *why)
{
    static char copy[NETSH_LINE_MAX];
    const char *words[NETSH_WORDS_MAX];
    size_t count;
    snprintf(copy, sizeof copy, "%s", line);
    *call = (netsh_call){0};
    pst_text_clear(why);
    if (!netsh_split(copy, words, &count)) {
        pst_text_add(why, "split");
        return false;
    }
    return netsh_parse(words, count, call, why);
}

TEST(lines_become_words)
{
    char line[] = "  show\tprograms  pinpath=\"a b\" \"\" x\"y z\"w \n";
    const char *words[NETSH_WORDS_MAX];
    size_t count;
    REQUIRE(netsh_split(line, words, &count));
    REQUIRE(count == 5);
    CHECK_STR(words[1], "programs");
    CHECK_STR(words[2], "pinpath=a b");
    CHECK_STR(words[3], "");
    CHECK_STR(words[4], "xy zw");
    char open[] = "show \"programs", many[NETSH_WORDS_MAX * 2 + 3];
    CHECK(!netsh_split(open, words, &count));
    for (size_t i = 0; i < sizeof many; i++) many[i] = i % 2 ? ' ' : 'x';
    many[NETSH_WORDS_MAX * 2] = '\0';
    CHECK(netsh_split(many, words, &count));
    CHECK_EQ(count, NETSH_WORDS_MAX);
    for (size_t i = 0; i < sizeof many; i++) many[i] = i % 2 ? ' ' : 'x';
    many[sizeof many - 1] = '\0';
    CHECK(!netsh_split(many, words, &count));
}

TEST(words_may_be_abbreviated)
{
    static const char *const good[][3] = {
        {"show programs", "show", "programs"}, {"sh prog", "show", "programs"}, {"EBPF SHOW PROG", "show", "programs"}, {"e sho m", "show", "maps"},
        {"show pi", "show", "pins"},           {"sh v x.o", "show", "verification"}, {"d p 1", "delete", "program"},  {"u m 1", "unpin", "map"},
        {"pin prog 1", "pin", "program"},      {"a p x.o", "add", "program"},
    };
    static const char *const bad[][2] = {
        {"s programs", "several commands: set, show"}, {"show p", "pins, processes, programs"}, {"show programsx", "was not found: ebpf show programsx."},
        {"frobnicate", "was not found: ebpf frobnicate."}, {"show \"\"", "was not found"},
    };
    netsh_call call;
    pst_text why;
    pst_text_init(&why, cli_env());
    for (size_t i = 0; i < PST_COUNT(good); i++) {
        if (!parse(good[i][0], &call, &why)) pst_test_fail(__FILE__, __LINE__, "%s: %s", good[i][0], pst_text_cstr(&why));
        REQUIRE(call.command != NULL);
        CHECK_STR(call.command->group, good[i][1]);
        CHECK_STR(call.command->object, good[i][2]);
    }
    for (size_t i = 0; i < PST_COUNT(bad); i++) {
        CHECK(!parse(bad[i][0], &call, &why));
        if (!strstr(pst_text_cstr(&why), bad[i][1])) pst_test_fail(__FILE__, __LINE__, "%s: %s", bad[i][0], pst_text_cstr(&why));
    }
    pst_text_free(&why);
}

TEST(every_word_of_the_table_is_found)
{
    netsh_call call;
    pst_text why;
    char line[256];
    pst_text_init(&why, cli_env());
    CHECK_EQ(netsh_command_count, 16 + 3); // eBPF for Windows', and contents, helpers and hooks
    for (size_t i = 0; i < netsh_command_count; i++) {
        const netsh_command *command = &netsh_commands[i];
        CHECK(*netsh_group_summary(command->group) != '\0');
        CHECK(command->parameter_count <= NETSH_PARAMETERS_MAX);
        snprintf(line, sizeof line, "%s %s ?", command->group, command->object);
        CHECK(parse(line, &call, &why) && call.help && call.command == command);
        for (size_t k = 0; k < command->parameter_count; k++) {
            const netsh_parameter *p = &command->parameters[k];
            CHECK((p->value == NULL) != (p->choices == NULL));
            snprintf(line, sizeof line, "%s %s %s=%s ?", command->group, command->object, p->tag, p->choices ? p->choices[0] : "1");
            CHECK(parse(line, &call, &why) && call.values[k] != NULL);
        }
    }
    pst_text_free(&why);
}

TEST(parameters_have_tags_or_places)
{
    netsh_call call;
    pst_text why;
    pst_text_init(&why, cli_env());
    REQUIRE(parse("add program x.o xdp BPF:\\p eth0 all", &call, &why));
    CHECK_STR(netsh_value(&call, "filename"), "x.o");
    CHECK_STR(netsh_value(&call, "type"), "xdp");
    CHECK_STR(netsh_value(&call, "pinpath"), "BPF:\\p");
    CHECK_STR(netsh_value(&call, "interface"), "eth0");
    CHECK_STR(netsh_value(&call, "pinned"), "all");
    CHECK(netsh_value(&call, "execution") == NULL);
    // A tag takes its parameter out of the row.
    REQUIRE(parse("add program pinpath=here x.o pinned=F exec=I compart=1 xdp", &call, &why));
    CHECK_STR(netsh_value(&call, "filename"), "x.o");
    CHECK_STR(netsh_value(&call, "type"), "xdp");
    CHECK_STR(netsh_value(&call, "pinned"), "first");
    CHECK_STR(netsh_value(&call, "execution"), "interpret");
    CHECK_STR(netsh_value(&call, "compartment"), "1");
    REQUIRE(parse("set program 5 attached=\"\" pinpath=", &call, &why));
    CHECK_STR(netsh_value(&call, "attached"), "");
    CHECK_STR(netsh_value(&call, "pinpath"), "");
    REQUIRE(parse("-j show programs LEVEL=Verb --json", &call, &why));
    CHECK(call.json);
    CHECK_STR(netsh_value(&call, "level"), "verbose");
    REQUIRE(parse("show hash x.o hashonly", &call, &why));
    CHECK_STR(netsh_value(&call, "hashonly"), "hashonly");
    pst_text_free(&why);
}

TEST(wrong_parameters_are_said)
{
    static const char *const bad[][2] = {
        {"add program", "essential parameters"},  {"show programs level=x", "'x' is not an acceptable value for 'level'"},
        {"show programs foo=1", "foo is not a valid tag"}, {"add program x.o pin=1", "pin= may be several"}, {"show maps x", "one argument too many"},
        {"delete program 1 2", "2 is one argument too many"}, {"delete program id=1 id=2", "id is given twice"}, {"delete program =1", " is not a valid tag"},
        {"show programs attached=", "'' is not an acceptable"}, {"show \"maps", "split"},
    };
    netsh_call call;
    pst_text why;
    pst_text_init(&why, cli_env());
    for (size_t i = 0; i < PST_COUNT(bad); i++) {
        CHECK(!parse(bad[i][0], &call, &why));
        if (!strstr(pst_text_cstr(&why), bad[i][1])) pst_test_fail(__FILE__, __LINE__, "%s: %s", bad[i][0], pst_text_cstr(&why));
    }
    pst_text_free(&why);
}

TEST(usage_comes_from_the_table)
{
    pst_text usage;
    netsh_call call;
    pst_text_init(&usage, cli_env());
    REQUIRE(parse("show sections x.o", &call, &usage));
    netsh_usage(call.command, &usage);
    CHECK_STR(pst_text_cstr(&usage), "show sections [filename=]<string> [[section=]<string>] [[level=]normal|verbose]");
    pst_text_free(&usage);
}
