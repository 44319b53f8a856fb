"""What a shell reads once, so that it asks for completions: the scripts of bash, zsh and fish."""

from __future__ import annotations

# COMP_LINE and not COMP_WORDS: bash parts words at colons and equals signs, and keeps the quotes. The answers come
# quoted for the place where they go. compopt came with bash 4; what an older one does without it is a blank too many.
_BASH = """\
_reconciler_completion() {
    local kind reply
    COMPREPLY=()
    while IFS=$'\\t' read -r kind reply; do
        case $kind in
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
            part) compopt -o nospace 2>/dev/null; COMPREPLY+=("$reply") ;;
            plain) COMPREPLY+=("$reply") ;;
        esac
    done < <("$1" completion bash --line="${COMP_LINE:0:COMP_POINT}" --breaks="$COMP_WORDBREAKS" </dev/null 2>/dev/null)
}
complete -F _reconciler_completion reconciler
"""

_ZSH = """\
#compdef reconciler

_reconciler_completion() {
    local -a values described parts lines
    local line kind value help
    lines=("${(@f)$("${words[1]}" completion zsh "${(@)words[1,CURRENT]/#/--word=}" </dev/null 2>/dev/null)}")
    for line in "${lines[@]}"; do
        IFS=$'\\t' read -r kind value help <<< "$line"
        case $kind in
            file) _files ;;
            dir) _files -/ ;;
            part) parts+=("$value") ;;
            plain) if [[ -n $help ]]; then described+=("${value//:/\\\\:}:$help"); else values+=("$value"); fi ;;
        esac
    done
    (( ${#described} )) && _describe -V reconciler described -U
    (( ${#values} )) && compadd -U -V reconciler -a values
    (( ${#parts} )) && compadd -U -S '' -V reconciler -a parts
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _reconciler_completion "$@"
else
    compdef _reconciler_completion reconciler
fi
"""

_FISH = """\
function __reconciler_completion
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] completion fish --word=$words --word="$current" </dev/null 2>/dev/null)
        set -l parts (string split -m 1 \\t -- $line)
        switch $parts[1]
            case file
                __fish_complete_path "$current"
            case dir
                __fish_complete_directories "$current"
            case plain part
                printf '%s\\n' $parts[2]
        end
    end
end

complete --no-files --command reconciler --arguments '(__reconciler_completion)'
"""

SHELL_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""The scripts by the names of their shells."""
