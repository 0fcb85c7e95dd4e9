// The workload of the conformance tests: a server that answers with what it was asked, and a client that prints answers as the tests
// read them (`Hostname=`, `StatusCode=`, `RequestHeader=` and `ResponseHeader=` lines; an empty line after each answer).
//
//	server [--port=8080]… [--tls=8443]… [--grpc=7070]… [--tcp=9090]… [--crt=FILE --key=FILE]
//	client http://HOST[:PORT]/PATH | grpc://HOST:PORT [--method=GET] [-H NAME:VALUE]… [--count=N]
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	run := serve
	if filepath.Base(os.Args[0]) == "client" {
		run = call
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// values of options by name (`--port=80`, `-H a:b`), and the words between them.
func parse(args []string) (values map[string][]string, words []string) {
	values = map[string][]string{}
	for i := 0; i < len(args); i++ {
		switch name, value, found := strings.Cut(args[i], "="); {
		case args[i] == "-H" && i+1 < len(args):
			i++
			values["H"] = append(values["H"], args[i])
		case strings.HasPrefix(name, "--") && found:
			values[name[2:]] = append(values[name[2:]], value)
		default:
			words = append(words, args[i])
		}
	}
	return values, words
}

func last(values []string, otherwise string) string {
	if len(values) == 0 {
		return otherwise
	}
	return values[len(values)-1]
}
