package main

import (
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	commands "github.com/docker/compose/v2/cmd/compose"
	"github.com/docker/compose/v2/pkg/compose"
)

func composeCommand(docker command.Cli) *cobra.Command {
	return commands.RootCommand(docker, compose.NewComposeService(docker))
}
