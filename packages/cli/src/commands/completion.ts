import { NexError } from "@nex/protocol";
import type { CommandTree } from "../command-entry.ts";
import { type Command, defineCommand } from "../command.ts";
import { completionWords } from "../completion/completion-words.ts";
import { bashScript, fishScript, zshScript } from "../completion/scripts.ts";
import { required } from "../option.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `nex completion SHELL`, for these commands: it is one of them itself. */
export function completionOf(tree: CommandTree): Command {
  return defineCommand({
    details: "Completes commands and options in the shell.",
    arguments: { shell: required("shell", "bash, zsh or fish") },
    examples: [
      ["completion bash > ~/.local/share/bash-completion/completions/nex", "for bash"],
      ['completion zsh > "${fpath[1]}/_nex"', "for zsh"],
      ["completion fish > ~/.config/fish/completions/nex.fish", "for fish"],
    ],
    async run({ print }, { shell }) {
      if (!Object.hasOwn(SCRIPTS, shell)) {
        throw new NexError(
          "usage",
          `There is no completion script for "${shell}"; there is one for bash, zsh and fish.`,
        );
      }
      const script = SCRIPTS[shell as keyof typeof SCRIPTS](await completionWords(tree));
      if (print.isJson) print.json({ shell, script });
      else print.text(script);
    },
  });
}
