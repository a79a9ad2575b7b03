// netsh_powershell.c: `postern help powershell`: a PowerShell module of thin functions, made from the table of commands.
//
// Each function puts its parameters behind a command as tag=value, asks for JSON, and gives objects. Verbs are those that PowerShell approves.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "netsh/netsh.h"

static const char g_head[] =
    "# Functions for eBPF programs, maps, links and pins: `postern help powershell` has made this file.\n"
    "# Import-Module ./Postern.psm1; $env:POSTERN_HOST names the host, $env:POSTERN the program postern where it is not in the path.\n"
    "\n"
    "function Invoke-EbpfCommand {\n"
    "    param([string[]] $Words, [System.Collections.IDictionary] $Given = @{}, [string[]] $Tags = @())\n"
    "    $postern = if ($env:POSTERN) { $env:POSTERN } else { 'postern' }\n"
    "    foreach ($tag in $Tags) {\n"
    "        if ($Given.ContainsKey($tag)) { $Words += ('{0}={1}' -f $tag, $Given[$tag]) }\n"
    "    }\n"
    "    $output = & $postern @Words\n"
    "    $code = $LASTEXITCODE\n"
    "    if ($output) { ($output -join \"`n\") | ConvertFrom-Json | ForEach-Object { $_ } }\n"
    "    if ($code -ne 0) { Write-Error \"postern $($Words -join ' '): exit code $code\" }\n"
    "}\n";

// What has no command of netsh: topics of `postern show`, and elements of maps, which come as lines.
static const char g_tail[] =
    "\n"
    "function Get-EbpfHost {\n"
    "    <# .SYNOPSIS\n"
    "    Shows the core at hand: whose, its version, what runs programs and why. #>\n"
    "    [CmdletBinding()] param()\n"
    "    Invoke-EbpfCommand @('show', 'host', '-j')\n"
    "}\n"
    "\n"
    "function Get-EbpfMapElement {\n"
    "    <# .SYNOPSIS\n"
    "    Shows the elements of a map, by its name, id or pin. #>\n"
    "    [CmdletBinding()] param([Parameter(Mandatory = $true, Position = 0)] [string] $Map)\n"
    "    $postern = if ($env:POSTERN) { $env:POSTERN } else { 'postern' }\n"
    "    & $postern map dump $Map -j | ForEach-Object { $_ | ConvertFrom-Json }\n"
    "    if ($LASTEXITCODE -ne 0) { Write-Error \"postern map dump ${Map}: exit code $LASTEXITCODE\" }\n"
    "}\n"
    "\n"
    "function Set-EbpfMapElement {\n"
    "    <# .SYNOPSIS\n"
    "    Writes an element of a map. #>\n"
    "    [CmdletBinding()] param(\n"
    "        [Parameter(Mandatory = $true, Position = 0)] [string] $Map,\n"
    "        [Parameter(Mandatory = $true, Position = 1)] [string] $Key,\n"
    "        [Parameter(Mandatory = $true, Position = 2)] [string] $Value\n"
    "    )\n"
    "    Invoke-EbpfCommand @('map', 'update', $Map, $Key, $Value)\n"
    "}\n"
    "\n"
    "Export-ModuleMember -Function *-Ebpf*\n";

// "programs" is one program's word in PowerShell.
static void print_noun(const char *object)
{
    size_t length = strlen(object);
    bool processes = strcmp(object, "processes") == 0, plural = length > 1 && object[length - 1] == 's' && object[length - 2] != 's';
    if (processes) length -= 2;
    else if (plural) length--;
    printf("%c%.*s", toupper((unsigned char)object[0]), (int)(length - 1), object + 1);
}

static void print_name(const netsh_command *command)
{
    static const struct {
        const char *group, *verb, *suffix;
    } verbs[] = {{"add", "Add", ""}, {"delete", "Remove", ""}, {"pin", "Add", "Pin"}, {"set", "Set", ""}, {"show", "Get", ""}, {"unpin", "Remove", "Pin"}};
    for (size_t i = 0; i < PST_COUNT(verbs); i++) {
        if (strcmp(verbs[i].group, command->group) != 0) continue;
        printf("%s-Ebpf", verbs[i].verb);
        print_noun(command->object);
        printf("%s", verbs[i].suffix);
    }
}

static void print_parameter(const netsh_parameter *parameter, size_t position, bool last)
{
    printf("        [Parameter(%sPosition = %zu)] ", parameter->required ? "Mandatory = $true, " : "", position);
    if (parameter->choices) printf("[ValidateSet(");
    for (size_t i = 0; parameter->choices && parameter->choices[i]; i++) printf("%s'%s'", i ? ", " : "", parameter->choices[i]);
    if (parameter->choices) printf(")] ");
    else printf("[AllowEmptyString()] ");
    printf("[string] $%c%s%s\n", toupper((unsigned char)parameter->tag[0]), parameter->tag + 1, last ? "" : ",");
}

static void print_function(const netsh_command *command)
{
    printf("\nfunction ");
    print_name(command);
    printf(" {\n    <# .SYNOPSIS\n    %s #>\n    [CmdletBinding()] param(%s", command->summary, command->parameter_count ? "\n" : ")\n");
    for (size_t i = 0; i < command->parameter_count; i++) print_parameter(&command->parameters[i], i, i + 1 == command->parameter_count);
    if (command->parameter_count) printf("    )\n");
    printf("    Invoke-EbpfCommand @('netsh', '-j', 'ebpf', '%s', '%s') $PSBoundParameters @(", command->group, command->object);
    for (size_t i = 0; i < command->parameter_count; i++) printf("%s'%s'", i ? ", " : "", command->parameters[i].tag);
    printf(")\n}\n");
}

void netsh_powershell(void)
{
    fputs(g_head, stdout);
    for (size_t i = 0; i < netsh_command_count; i++) print_function(&netsh_commands[i]);
    fputs(g_tail, stdout);
}
