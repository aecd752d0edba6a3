/**
 * The completion script for bash. It works without the package bash-completion, keeps hosts with a port whole, and never
 * evaluates what is typed or offered. The scripts for other shells are those of a library.
 */

/** Writes the script for a program of this name. */
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
