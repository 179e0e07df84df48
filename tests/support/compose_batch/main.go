// Answers many calls of `docker compose config` in one process: the start of the program takes longer than its work.
// `call` has them answered by Compose's command (command.go), or by the parser of an older Compose (parser.go).
//
// Each line of standard input is a request in JSON: {"folder": PATH, "arguments": [...], "environment": {...}}.
// Each line of standard output is the answer: {"out": TEXT, "err": TEXT, "failed": BOOL}.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sirupsen/logrus"
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
