/** The script that each shell loads: it passes the words of the line to `sts-cli completion candidates` and shows the answer. */
import type { completionShells } from './complete-words.ts'

const bash = `# bash completion for sts-cli: eval "$(sts-cli completion bash)"
_sts_cli() {
  local i word line glue= current reply count=0
  local -a words
  # bash splits --flag=value at the equals sign; the program takes it whole
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = && $count -gt 0 ]]; then words[count - 1]+==; glue=1
    elif [[ -n $glue ]]; then words[count - 1]+=$word; glue=
    else words[count]=$word; count=$((count + 1)); fi
  done
  current=\${words[count - 1]}
  COMPREPLY=()
  reply=$(sts-cli completion candidates -- "\${words[@]}" 2>/dev/null) || return
  [[ $reply == :files ]] && return
  while IFS= read -r line; do
    [[ -z $line ]] && continue
    word=\${line%%$'\\t'*}
    [[ $current == -*=* ]] && word=\${word#*=}
    COMPREPLY+=("$word")
  done <<<"$reply"
}
complete -o bashdefault -o default -F _sts_cli sts-cli
`

const zsh = `#compdef sts-cli
# zsh completion for sts-cli: eval "$(sts-cli completion zsh)", after compinit
_sts_cli() {
  local line
  local -a lines described
  lines=("\${(@f)$(sts-cli completion candidates -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $lines[1] == :files ]]; then _files; return; fi
  for line in $lines; do
    described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe sts-cli described
}
compdef _sts_cli sts-cli
`

const fish = `# fish completion for sts-cli: sts-cli completion fish | source
function __sts_cli_candidates
  set -l words (commandline -opc)
  set -e words[1]
  set -l lines (sts-cli completion candidates -- $words "$(commandline -ct)" 2>/dev/null)
  if test "$lines[1]" = :files
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $lines
  end
end
complete -c sts-cli -f -a '(__sts_cli_candidates)'
`

const powershell = `# PowerShell completion for sts-cli: sts-cli completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName sts-cli -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  # before 7.3 an empty word is lost on its way to a program unless it is quoted once more
  if ($wordToComplete -eq '') { $words += if ($PSVersionTable.PSVersion -ge [version]'7.3') { '' } else { '""' } }
  sts-cli completion candidates '--' @words 2>$null | Where-Object { $_ -ne ':files' } | ForEach-Object {
    $text, $description = $_ -split "\`t", 2
    if (-not $description) { $description = $text }
    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $description)
  }
}
`

export const completionScripts: Readonly<Record<(typeof completionShells)[number], string>> = {
  bash,
  zsh,
  fish,
  powershell,
}
