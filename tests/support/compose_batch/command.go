package main

import (
	"bytes"
	"context"
	"io"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	"github.com/spf13/cobra"

	commands "github.com/docker/compose/v5/cmd/compose"
)

func call(arguments []string, out, errors io.Writer) error {
	docker, err := command.NewDockerCli(
		command.WithInputStream(io.NopCloser(bytes.NewReader(nil))),
		command.WithOutputStream(out),
		command.WithErrorStream(errors),
	)
	if err != nil {
		return err
	}
	if err := docker.Initialize(flags.NewClientOptions()); err != nil {
		return err
	}
	top := &cobra.Command{Use: "docker", SilenceUsage: true, SilenceErrors: true, TraverseChildren: true}
	top.AddCommand(commands.RootCommand(docker, &commands.BackendOptions{}))
	top.SetArgs(append([]string{"compose"}, arguments...))
	top.SetOut(out)
	top.SetErr(errors)
	return top.ExecuteContext(context.Background())
}
