package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/utils"
	"github.com/docker/cli/pkg/kvfile"
)

func init() {
	dotenv.RegisterFormat("raw", readRaw)
}

func readRaw(file io.Reader, name string, values map[string]string, lookup func(string) (string, bool)) error {
	lines, err := kvfile.ParseFromReader(file, lookup)
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		values[key] = value
	}
	return err
}

// call does what `config` of Compose 2.40.3 does (cmd/compose/config.go, `runConfigInterpolate`; compose.go,
// `ToProject` and `setEnvWithDotEnv`), for the options `--file` and `--profile`.
func call(arguments []string, out, _ io.Writer) error {
	var files, profiles []string
	for _, argument := range arguments {
		if name, found := strings.CutPrefix(argument, "--file="); found {
			files = append(files, name)
		}
		if name, found := strings.CutPrefix(argument, "--profile="); found {
			profiles = append(profiles, name)
		}
	}
	setVariablesOfCompose(files)
	context := context.Background()
	options, err := cli.NewProjectOptions(files,
		cli.WithDefaultProfiles(profiles...),
		cli.WithDiscardEnvFile,
		cli.WithOsEnv,
		cli.WithEnvFiles(),
		cli.WithDotEnv,
		cli.WithConfigFileEnv,
		cli.WithDefaultConfigPath,
		cli.WithEnvFiles(),
		cli.WithDotEnv,
		cli.WithDefaultProfiles(profiles...),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context)
	if err != nil {
		return err
	}
	if project, err = project.WithSelectedServices(nil); err != nil {
		return err
	}
	project = project.WithoutUnnecessaryResources()
	if project, err = project.WithServicesEnvironmentResolved(true); err != nil {
		return err
	}
	if err := project.CheckContainerNameUnicity(); err != nil {
		return err
	}
	content, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(out, string(bytes.ReplaceAll(content, []byte("$"), []byte("$$"))))
	return err
}

func setVariablesOfCompose(files []string) {
	options, err := cli.NewProjectOptions(files, cli.WithOsEnv, cli.WithEnvFiles(), cli.WithDotEnv)
	if err != nil {
		return
	}
	values, _ := dotenv.GetEnvFromFile(utils.GetAsEqualsMap(os.Environ()), options.EnvFiles)
	for name, value := range values {
		if _, given := os.LookupEnv(name); !given && strings.HasPrefix(name, "COMPOSE_") {
			os.Setenv(name, value)
		}
	}
}
