package main

import (
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	commands "github.com/docker/compose/v5/cmd/compose"
)

func composeCommand(docker command.Cli) *cobra.Command {
	return commands.RootCommand(docker, &commands.BackendOptions{})
}
