# Completion of sct, and of `uv run sct.py` and `uv run sct`, for fish.
function __sct_is_run
    set -l typed (commandline -opc)
    test (count $typed) -ge 3; and test "$typed[2]" = run; and string match -qr '(^|/)sct(\.py)?$' -- $typed[3]
end

function __sct_completion
    set -l typed (commandline -opc)
    set -l program $typed[1]
    if test (basename $typed[1]) = uv
        set program .venv/bin/sct
        test -x $program; or set program $typed[1] run --quiet --no-sync sct
        set typed sct $typed[4..-1]
    end
    set -l current (commandline -ct)
    set -l words (string escape -- $typed)
    # An empty word is not counted: the program takes the last one away only where something was typed of it.
    test -n "$current"; and set -a words (string escape -- $current)
    for line in (env _SCT_COMPLETE=fish_complete "COMP_WORDS=$words" "COMP_CWORD=$current" $program 2>/dev/null)
        set -l part (string split -m 1 ',' -- $line)
        switch $part[1]
            case dir
                __fish_complete_directories $current
            case file
                __fish_complete_path $current
            case plain
                echo $part[2]
        end
    end
end

complete --no-files --command sct --arguments '(__sct_completion)'
complete --no-files --command sct.py --arguments '(__sct_completion)'
complete --no-files --command uv --condition __sct_is_run --arguments '(__sct_completion)'
