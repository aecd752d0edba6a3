/**
 * The completion scripts for bash and zsh. They keep hosts with a port whole, never evaluate what is typed, and can be
 * loaded twice; that for bash works without the package bash-completion.
 */

/** Writes the script for bash and a program of this name. */
export function formatBashScript(programName: string): string {
  const name = `_${programName.replace(/[^A-Za-z0-9]/g, '_')}`;
  return `# bash completion for ${programName}

${name}() {
    local IFS=$' \\t\\n' line=\${COMP_LINE:0:COMP_POINT} output flag='' kept='' sign piece value description word
    local -a words=()
    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=('')
    word=\${words[\${#words[@]}-1]}
    COMPREPLY=()
    output=$(${programName} complete -- "\${words[@]:1}" 2>/dev/null) || return 0

    # The value of --option=value comes without its option.
    [[ $word == --*=* ]] && flag=\${word%%=*}=
    # Readline replaces only what follows the last of these signs.
    for sign in : =; do
        [[ $COMP_WORDBREAKS == *"$sign"* && $word == *"$sign"* ]] || continue
        piece=\${word%"\${word##*"$sign"}"}
        ((\${#piece} > \${#kept})) && kept=$piece
    done
    while IFS=$'\\t' read -r value description; do
        case $value in
            '') ;;
            # The last line is a number: 4 stands for "no files".
            :*) [[ $value == :4 ]] && compopt +o default 2>/dev/null ;;
            *)
                value=$flag$value
                COMPREPLY+=("\${value#"$kept"}")
                ;;
        esac
    done <<<"$output"
    return 0
}

complete -o default -F ${name} ${programName}
`;
}

/** Writes the script for zsh and a program of this name. */
export function formatZshScript(programName: string): string {
  return `#compdef ${programName}
# zsh completion for ${programName}

_${programName}() {
    local line value typed=$PREFIX
    local -a lines candidates
    lines=("\${(@f)$(${programName} complete -- "\${(@Q)words[2,CURRENT-1]}" "$typed" 2>/dev/null)}")
    # The value of --option=value comes without its option.
    [[ $typed == --*=* ]] && compset -P '*='
    for line in "\${(@)lines[1,-2]}"; do
        value=\${line%%$'\\t'*}
        candidates+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
    done
    if (( $#candidates )); then
        _describe '${programName}' candidates
    elif [[ $lines[-1] == :0 ]]; then
        _files
    fi
}

# It is loaded from a folder of completions at the first Tab, or by "source".
if [[ \${funcstack[1]-} == _${programName} ]]; then
    _${programName} "$@"
else
    compdef _${programName} ${programName}
fi
`;
}
