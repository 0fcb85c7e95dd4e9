/** Shells that are served. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script that has the shell ask the program: one answer a line, then `:0` where files may follow, else `:4`. */
export const completionScript = (shell: Shell): string => SCRIPTS[shell];

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for weft and linkerd
_weft_complete() {
  local line directive=':0'
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      directive=$line
      break
    fi
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ $directive == ':0' && \${#COMPREPLY[@]} -eq 0 ]]; then
    compopt -o default 2>/dev/null
  elif [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _weft_complete weft linkerd
`,
  zsh: `#compdef weft linkerd
_weft_complete() {
  local line directive=':0'
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      directive=$line
      break
    fi
    candidates+=("$line")
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#candidates )); then
    compadd -- $candidates
  elif [[ $directive == ':0' ]]; then
    _files
  fi
}
compdef _weft_complete weft linkerd
`,
  fish: `# fish completion for weft and linkerd
function __weft_complete
  set -l words (commandline -opc)
  set -l part (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] "$part" 2>/dev/null)
    if string match -q ':*' -- $line
      break
    end
    echo $line
  end
end
for name in weft linkerd
  complete -c $name -a '(__weft_complete)'
end
`,
};
