# Bash completion of `postern`. The test tests/e2e/cli_docs.sh compares it with `postern help table`.

_postern() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= i
    local commands="run show map top metrics unpin test-run verify compile keygen netsh shim help"
    local global="--json --verbose --help --version -j -v -h"
    local topics="sections maps programs links pins host disassembly code btf helpers types groups"
    local run="--hook --program --one-way --set --map --events --event-type --duration --stats-interval --detach-after --engine --mode --harden --no-harden --meter --budget --trust --allow-unsigned --make-tap --btf"
    local show="--btf --engine --mode --harden --no-harden --set --map --profile --data --ctx --repeat"
    local test_run="--data --ctx --repeat --engine --mode --harden --no-harden --meter --budget --out --set --map --events --event-type --trust --allow-unsigned --btf"
    local verify="--programs --mode --meter --explain --html --certificate --recheck --btf --max-steps --max-states --unroll --max-turns --stack-max"
    local shim="--host"
    local compile="--output --target --program --sign --mode --set --btf -o"
    local keygen=""
    local top="--interval --count --sort --filter" metrics="--listen --interval"
    local map="" unpin="" netsh=""
    local netsh_groups="ebpf add delete pin set show unpin"
    local help=""
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case " $commands " in *" ${COMP_WORDS[i]} "*) command=${COMP_WORDS[i]} && break ;; esac
    done
    case $prev in
        --hook)
            local name names=
            for name in /sys/class/net/*; do names+=" xdp:${name##*/}"; done
            mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur")
            return ;;
        --btf | --out | --output | -o | --sign | --trust | --data | --html | --programs | --certificate | --recheck | --host)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return ;;
        --mode)
            mapfile -t COMPREPLY < <(compgen -W "privileged strict" -- "$cur")
            return ;;
        --target)
            mapfile -t COMPREPLY < <(compgen -W "x86_64-linux x86_64-windows arm64-linux c" -- "$cur")
            return ;;
        --engine)
            mapfile -t COMPREPLY < <(compgen -W "jit jit-quick interp checked" -- "$cur")
            return ;;
        --sort)
            mapfile -t COMPREPLY < <(compgen -W "share rate average runs name id" -- "$cur")
            return ;;
        --max-steps | --max-states | --unroll | --stack-max) return ;;
        --program | --set | --map | --event-type | --duration | --stats-interval | --detach-after | --ctx | --repeat | --budget | --events) return ;;
    esac
    if [[ $cur == -* ]]; then
        local variable=${command//-/_}
        mapfile -t COMPREPLY < <(compgen -W "${variable:+${!variable}} $global" -- "$cur")
    elif [[ -z $command || $prev == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    elif [[ $command == shim && $prev == shim || $prev == -- ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    elif [[ $command == netsh ]]; then
        case $prev in
            netsh | ebpf) mapfile -t COMPREPLY < <(compgen -W "$netsh_groups" -- "$cur") ;;
            add | delete | set) mapfile -t COMPREPLY < <(compgen -W "program" -- "$cur") ;;
            pin | unpin) mapfile -t COMPREPLY < <(compgen -W "map program" -- "$cur") ;;
            show)
                mapfile -t COMPREPLY < <(compgen -W "contents disassembly hash helpers hooks links maps pins processes programs sections verification" -- "$cur") ;;
            *) mapfile -t COMPREPLY < <(compgen -f -X '!*.o' -- "$cur" && compgen -d -- "$cur") ;;
        esac
    elif [[ $prev == map ]]; then
        mapfile -t COMPREPLY < <(compgen -W "dump lookup update delete" -- "$cur")
    elif [[ $prev == show ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$topics" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -f -X '!*.@(o|so|dll)' -- "$cur" && compgen -d -- "$cur")
    fi
}
complete -o filenames -F _postern postern
