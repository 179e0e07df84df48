// Answers many calls of Docker Compose in one process, with Compose's own commands: the start of the program takes
// longer than its work.
//
// Each line of standard input is a request in JSON: {"folder": PATH, "arguments": [...], "environment": {...}}.
// Each line of standard output is the answer: {"out": TEXT, "err": TEXT, "failed": BOOL}.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

type request struct {
	Folder      string            `json:"folder"`
	Arguments   []string          `json:"arguments"`
	Environment map[string]string `json:"environment"`
}

type answer struct {
	Out    string `json:"out"`
	Err    string `json:"err"`
	Failed bool   `json:"failed"`
}

func serve(asked request) (given answer) {
	var out, errors bytes.Buffer
	defer func() {
		if reason := recover(); reason != nil {
			given = answer{Err: fmt.Sprint("panic: ", reason), Failed: true}
		}
	}()
	os.Clearenv()
	for name, value := range asked.Environment {
		os.Setenv(name, value)
	}
	logrus.SetOutput(&errors)
	logrus.StandardLogger().ReplaceHooks(logrus.LevelHooks{}) // Compose 2 adds one at each call
	err := os.Chdir(asked.Folder)
	if err == nil {
		err = call(asked.Arguments, &out, &errors)
	}
	if err != nil {
		fmt.Fprintln(&errors, err)
	}
	return answer{Out: out.String(), Err: errors.String(), Failed: err != nil}
}

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
	top.AddCommand(composeCommand(docker))
	top.SetArgs(append([]string{"compose"}, arguments...))
	top.SetOut(out)
	top.SetErr(errors)
	return top.ExecuteContext(context.Background())
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := answers.Encode(serve(asked)); err != nil {
			os.Exit(1)
		}
	}
}
