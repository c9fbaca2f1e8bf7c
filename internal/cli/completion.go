package cli

import "github.com/spf13/cobra"

const completionHelp = `jobsd completion - print a completion script for a shell

usage: jobsd completion bash|zsh|fish

Prints a script that makes the shell complete verbs, options and job names.

  bash  with the package bash-completion, in ~/.bashrc:
            source <(jobsd completion bash)
        or for all users, once:
            jobsd completion bash > /usr/share/bash-completion/completions/jobsd
  zsh   in ~/.zshrc, below compinit:
            source <(jobsd completion zsh)
        or for all users, once:
            jobsd completion zsh > /usr/local/share/zsh/site-functions/_jobsd
  fish  once:
            jobsd completion fish > ~/.config/fish/completions/jobsd.fish
`

var completedShells = []string{"bash", "zsh", "fish"}

func (a *app) completion() *cobra.Command {
	var cmd *cobra.Command
	cmd = a.verb(completionHelp, arguments{1, 1, "shell", only(completedShells)}, func(args []string) error {
		switch root := cmd.Root(); args[0] {
		case "bash":
			return root.GenBashCompletionV2(a.out, true)
		case "zsh":
			return root.GenZshCompletion(a.out)
		case "fish":
			return root.GenFishCompletion(a.out, true)
		}
		return oneOf("shell", args[0], completedShells...)
	})
	return cmd
}
