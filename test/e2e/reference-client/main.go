// Command reference-client calls a credential helper by the protocol's own client library, as the Docker client does.
//
//	reference-client PROGRAM store|get|erase|list
//
// A credential to store is JSON on stdin, a server URL is text on stdin; what comes back is JSON on stdout.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "Usage: reference-client PROGRAM store|get|erase|list")
		os.Exit(2)
	}
	err := run(client.NewShellProgramFunc(os.Args[1]), os.Args[2], os.Stdin, os.Stdout)
	if credentials.IsErrCredentialsNotFound(err) {
		fmt.Println("not found")
		os.Exit(3)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(program client.ProgramFunc, verb string, in io.Reader, out io.Writer) error {
	input, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	switch verb {
	case credentials.ActionStore:
		var given credentials.Credentials
		if err := json.Unmarshal(input, &given); err != nil {
			return err
		}
		return client.Store(program, &given)
	case credentials.ActionGet:
		found, err := client.Get(program, string(input))
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(found)
	case credentials.ActionErase:
		return client.Erase(program, string(input))
	case credentials.ActionList:
		servers, err := client.List(program)
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(servers)
	default:
		return fmt.Errorf("unknown verb: %s", verb)
	}
}
