import type { CompletionWords } from "./completion-words.ts";

// All three work alike: walk over the words typed so far, step into a command where one is named, and offer what
// may follow the command they ended in. Where nothing fits, the shell offers files. Words are ours: letters and `-`.

export function bashScript(words: CompletionWords): string {
  return `# Completion of nex for bash. Made by: nex completion bash
_nex() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path/\${COMP_WORDS[index]}" in
      ${paths(words).join(" | ")}) path="$path/\${COMP_WORDS[index]}" ;;
    esac
  done
  case "$path" in
${[...words].map(([path, next]) => `    "${path}") words="${next.join(" ")}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _nex nex`;
}

export function zshScript(words: CompletionWords): string {
  return `#compdef nex
# Completion of nex for zsh. Made by: nex completion zsh
_nex() {
  local place="" word
  local -a next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place/$word" in
      ${paths(words).join(" | ")}) place="$place/$word" ;;
    esac
  done
  case "$place" in
${[...words].map(([path, next]) => `    "${path}") next=(${next.join(" ")}) ;;`).join("\n")}
  esac
  compadd -a next || _files
}
if [ "$funcstack[1]" = "_nex" ]; then _nex "$@"; else compdef _nex nex; fi`;
}

export function fishScript(words: CompletionWords): string {
  return `# Completion of nex for fish. Made by: nex completion fish
function __nex_next
  set -l path ""
  for word in (commandline -opc)[2..-1]
    switch "$path/$word"
      case ${paths(words).join(" ")}
        set path "$path/$word"
    end
  end
  switch "$path"
${[...words].map(([path, next]) => `    case "${path}"\n      printf '%s\\n' ${next.join(" ")}`).join("\n")}
  end
end
complete -c nex -a "(__nex_next)"`;
}

function paths(words: CompletionWords): string[] {
  return [...words.keys()].filter((path) => path !== "");
}
