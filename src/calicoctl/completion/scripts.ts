/** What a shell is to run so that it completes calicoctl's command lines: it asks the program itself, `calicoctl __complete`. */

export const SCRIPTS = {
  bash: `# bash completion for calicoctl: source <(calicoctl completion bash)
_calicoctl() {
  local IFS=$'\\n'
  # Words are taken apart at = and : by bash; what is typed of the last one is what it replaces.
  COMPREPLY=($(calicoctl __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ \${COMPREPLY[0]-} == *= ]] && compopt -o nospace
}
complete -o default -F _calicoctl calicoctl
`,
  zsh: `#compdef calicoctl
# zsh completion for calicoctl: calicoctl completion zsh > "\${fpath[1]}/_calicoctl"
_calicoctl() {
  local -a candidates
  candidates=("\${(@f)$(calicoctl __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#candidates} )) && [[ -n \${candidates[1]} ]]; then
    compadd -- "\${candidates[@]}"
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_calicoctl" ]; then _calicoctl "$@"; else compdef _calicoctl calicoctl; fi
`,
  fish: `# fish completion for calicoctl: calicoctl completion fish | source
function __calicoctl_complete
  set -l words (commandline -opc) (commandline -ct)
  calicoctl __complete -- $words[2..-1] 2>/dev/null
end
complete -c calicoctl -a '(__calicoctl_complete)'
`,
} as const;
