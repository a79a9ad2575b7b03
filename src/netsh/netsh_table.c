// netsh_table.c: the one table of commands: parsing, help and tests read it.
#include <string.h>

#include "netsh/netsh.h"

static const char *const any_yes_no[] = {"any", "yes", "no", NULL};
static const char *const none_first_all[] = {"none", "first", "all", NULL};
static const char *const jit_interpret[] = {"jit", "interpret", NULL};
static const char *const normal_verbose[] = {"normal", "verbose", NULL};
static const char *const normal_to_verbose[] = {"normal", "informational", "verbose", NULL};
static const char *const yes_no[] = {"yes", "no", "hashonly", NULL}; // "hashonly" as a word of its own means yes

#define TEXT(tag, help) {tag, "<string>", NULL, false, help}
#define NEEDED(tag, help) {tag, "<string>", NULL, true, help}
#define NUMBER(tag, help) {tag, "<integer>", NULL, true, help}
#define CHOICE(tag, values, help) {tag, NULL, values, false, help}

static const netsh_parameter add_program[] = {
    NEEDED("filename", "Object file to load"),
    TEXT("type", "Type of its first program, as a section name (default: by its section)"),
    TEXT("pinpath", "Where to pin it (default: the program's name)"),
    TEXT("interface", "Interface to attach to, by name or index (XDP only)"),
    CHOICE("pinned", none_first_all, "Which programs to pin (default: first)"),
    CHOICE("execution", jit_interpret, "Taken and not used: what runs programs is the core's own choice"),
    TEXT("compartment", "Compartment to attach to (socket addresses only)"),
};
static const netsh_parameter delete_program[] = {NUMBER("id", "Id of the program")};
static const netsh_parameter set_program[] = {
    NUMBER("id", "Id of the program"),
    TEXT("attached", "What to attach it to, as a section name; \"\" detaches it"),
    TEXT("pinpath", "Where to pin it; \"\" removes its pins"),
    TEXT("interface", "Interface to attach to, by name or index (XDP only)"),
};
static const netsh_parameter pin_program[] = {NUMBER("id", "Id of the program"), TEXT("pinpath", "Where (default: the program's name)")};
static const netsh_parameter pin_map[] = {NUMBER("id", "Id of the map"), TEXT("pinpath", "Where (default: the map's name)")};
static const netsh_parameter show_contents[] = {NEEDED("map", "Name, id or pin of the map")};
static const netsh_parameter of_type[] = {TEXT("type", "Only of this program type, as a section name")};
static const netsh_parameter show_disassembly[] = {
    NEEDED("filename", "Object file"),
    TEXT("section", "Section to show (default: the first that has a program)"),
    TEXT("program", "Program to show (default: the section's first)"),
};
static const netsh_parameter show_hash[] = {
    NEEDED("filename", "Object file"),
    CHOICE("hashonly", yes_no, "Prints nothing but the digits"),
};
static const netsh_parameter show_programs[] = {
    TEXT("type", "Only programs of this type, as a section name"),
    CHOICE("attached", any_yes_no, "Only programs that are attached, or are not (default: any)"),
    CHOICE("pinned", any_yes_no, "Only programs that are pinned, or are not (default: any)"),
    CHOICE("level", normal_verbose, "How much to say (default: normal)"),
    TEXT("filename", "Only programs that are in this object file, by type and name"),
    TEXT("section", "With filename: only those of this section"),
    {"id", "<integer>", NULL, false, "Only the program with this id, in full"},
};
static const netsh_parameter show_sections[] = {
    NEEDED("filename", "Object file"),
    TEXT("section", "Only this section, in full"),
    CHOICE("level", normal_verbose, "How much to say (default: normal)"),
};
static const netsh_parameter show_verification[] = {
    NEEDED("filename", "Object file"),
    TEXT("section", "Section to verify (default: the first that has a program)"),
    TEXT("program", "Program to verify (default: the section's first)"),
    TEXT("type", "Its type, as a section name (default: by its section)"),
    CHOICE("level", normal_to_verbose, "How much to say (default: normal)"),
};

#define PARAMETERS(list) list, PST_COUNT(list)

const netsh_command netsh_commands[] = {
    {"add", "program", "Loads a program from an object file, attaches and pins it.", PARAMETERS(add_program), netsh_add_program},
    {"delete", "program", "Removes the pins of a program, and takes it off its hooks.", PARAMETERS(delete_program), netsh_delete_program},
    {"pin", "map", "Pins a map.", PARAMETERS(pin_map), netsh_pin_map},
    {"pin", "program", "Pins a program.", PARAMETERS(pin_program), netsh_pin_program},
    {"set", "program", "Attaches, detaches, pins or unpins a program.", PARAMETERS(set_program), netsh_set_program},
    {"show", "contents", "Shows the elements of a map.", PARAMETERS(show_contents), netsh_show_contents},
    {"show", "disassembly", "Shows the instructions of a program in an object file.", PARAMETERS(show_disassembly), netsh_show_disassembly},
    {"show", "hash", "Shows the hash of an object file.", PARAMETERS(show_hash), netsh_show_hash},
    {"show", "helpers", "Shows functions that programs may call.", PARAMETERS(of_type), netsh_show_helpers},
    {"show", "hooks", "Shows what programs can be attached to.", PARAMETERS(of_type), netsh_show_hooks},
    {"show", "links", "Shows where programs are attached.", NULL, 0, netsh_show_links},
    {"show", "maps", "Shows maps.", NULL, 0, netsh_show_maps},
    {"show", "pins", "Shows pins.", NULL, 0, netsh_show_pins},
    {"show", "processes", "Shows processes that use the host.", NULL, 0, netsh_show_processes},
    {"show", "programs", "Shows programs.", PARAMETERS(show_programs), netsh_show_programs},
    {"show", "sections", "Shows the programs and maps of an object file.", PARAMETERS(show_sections), netsh_show_sections},
    {"show", "verification", "Proves a program of an object file safe, or says why it is not.", PARAMETERS(show_verification), netsh_show_verification},
    {"unpin", "map", "Removes a pin of a map.", PARAMETERS(pin_map), netsh_unpin_map},
    {"unpin", "program", "Removes a pin of a program.", PARAMETERS(pin_program), netsh_unpin_program},
};
const size_t netsh_command_count = PST_COUNT(netsh_commands);

const char *netsh_group_summary(const char *group)
{
    static const struct {
        const char *name, *summary;
    } groups[] = {
        {"add", "Adds a program."},         {"delete", "Deletes a program."}, {"pin", "Pins a program or a map."},
        {"set", "Changes a program."},      {"show", "Shows information."},   {"unpin", "Removes a pin."},
    };
    for (size_t i = 0; i < PST_COUNT(groups); i++)
        if (strcmp(groups[i].name, group) == 0) return groups[i].summary;
    return "";
}
