#compdef sct sct.py
# Completion of sct, and of `uv run sct.py` and `uv run sct`, for zsh.
# Other commands of uv keep the completion that they had.
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
(( $+_sct_uv_before )) || typeset -g _sct_uv_before=${_comps[uv]}

_sct_completion() {
    local -a typed program response described plain
    local at=$((CURRENT - 1)) kind value help
    typed=("${words[@]}") program=("${words[1]}")
    if [[ ${words[1]:t} == uv ]]; then
        if [[ ${words[2]} != run || $CURRENT -lt 4 || (${words[3]:t} != sct && ${words[3]:t} != sct.py) ]]; then
            [[ -n $_sct_uv_before ]] && $_sct_uv_before
            return
        fi
        program=(.venv/bin/sct)
        [[ -x $program[1] ]] || program=("${words[1]}" run --quiet --no-sync sct)
        typed=(sct "${words[@]:3}") at=$((CURRENT - 3))
    fi
    response=("${(@f)$(COMP_WORDS="${(j: :)${(@q)typed}}" COMP_CWORD=$at _SCT_COMPLETE=zsh_complete $program 2>/dev/null)}")
    for kind value help in ${response}; do
        case $kind in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $help == _ ]]; then
                    plain+=("$value")
                else
                    described+=("${value//:/\\:}:$help")
                fi
                ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}

compdef _sct_completion sct sct.py uv
