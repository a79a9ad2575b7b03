#!/bin/bash
# The man page and the completion know every command, option and topic of the command table, and no others.
# usage: cli_docs.sh POSTERN SOURCE_DIR
set -eu
postern=$1 man=$2/man/postern.1 completion=$2/scripts/completion/postern.bash
fail=0
say() {
    echo "cli_docs: $*"
    fail=1
}
complete_words() { # what the completion offers after the words given
    bash --norc -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postern; printf "%s\n" "${COMPREPLY[@]}"' x "$completion" "$@"
}
table=$("$postern" help table)
[ "$(wc -l <<<"$table")" -ge 30 ] || say "the command table is nearly empty"
while read -r command option; do
    if [ -z "$option" ]; then
        grep -q "^\.Ss $command\$" "$man" || say "man page: no section on $command"
        complete_words postern "" | grep -qx -- "$command" || say "completion: no command $command"
    elif [[ $option == --* ]]; then
        grep -qE -- "Fl -${option#--}( |$)" "$man" || say "man page: no $command $option"
        [ "$command" = "*" ] && command=run
        complete_words postern "$command" -- | grep -qx -- "$option" || say "completion: no $command $option"
    else
        grep -q "^\.It Cm $option\$" "$man" || say "man page: no topic $option"
        complete_words postern show "" | grep -qx -- "$option" || say "completion: no topic $option"
    fi
done <<<"$table"
# The other way round: nothing is documented that does not exist.
options=$(grep -oE -- '--[a-z-]+$' <<<"$table" | sort -u)
for option in $(grep -oE 'Fl -[a-z-]+' "$man" | sed 's/Fl -/--/' | sort -u); do
    grep -qx -- "$option" <<<"$options" || say "man page: $option does not exist"
done
for command in $(grep -v " " <<<"$table"); do
    for option in $(complete_words postern $command --); do
        grep -qxE -- "($command|\*) $option" <<<"$table" || say "completion: $command $option does not exist"
    done
done
# Exit codes: the numbers of --help are those of the man page.
for code in $("$postern" --help | sed -n '/^Exit codes/,/^$/s/^  \([0-9]\) .*/\1/p'); do
    grep -q "^\.It $code\$" "$man" || say "man page: no exit code $code"
done
if command -v man >/dev/null && [ -n "$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$man" 2>&1 >/dev/null)" ]; then
    say "man page: $(man --warnings -E UTF-8 -l -Tutf8 -Z "$man" 2>&1 >/dev/null | head -3)"
fi
exit $fail
