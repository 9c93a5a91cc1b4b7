# Completion of sct, and of `uv run sct.py` and `uv run sct`, for bash.
# Other commands of uv keep the completion that they had.
if ! declare -p _sct_uv_before >/dev/null 2>&1; then
    _sct_uv_before=$(complete -p uv 2>/dev/null | sed -n 's/.*-F \([^ ]*\) .*/\1/p')
fi

_sct_completion() {
    local words=("${COMP_WORDS[@]}") at=$COMP_CWORD program=("$1") line
    if [[ ${words[0]##*/} == uv ]]; then
        if [[ ${words[1]} != run || $COMP_CWORD -lt 3 || (${words[2]##*/} != sct && ${words[2]##*/} != sct.py) ]]; then
            [[ -n $_sct_uv_before ]] && "$_sct_uv_before" "$@"
            return
        fi
        # The program itself, where there is one, spares uv's look at the whole environment at each key.
        program=(.venv/bin/sct)
        [[ -x ${program[0]} ]] || program=("${words[0]}" run --quiet --no-sync sct)
        words=(sct "${words[@]:3}") at=$((COMP_CWORD - 2))
    fi
    COMPREPLY=()
    while IFS=, read -r kind line; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$line")
                [[ $line == */ ]] && compopt -o nospace
                ;;
        esac
    done < <(COMP_WORDS=$(printf '%q ' "${words[@]}") COMP_CWORD=$at _SCT_COMPLETE=bash_complete "${program[@]}" 2>/dev/null)
}

complete -o nosort -F _sct_completion sct sct.py uv
