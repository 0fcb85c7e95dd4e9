// Command kube-tables writes what Weft needs to know about the built-in Kubernetes kinds, read from the published Go types:
// struct tags (JSON names, protobuf numbers, strategic-merge keys), markers in the source (optional fields, enums) and the
// server-side apply schema that client-go carries. Facts only: names, numbers and rules, no descriptions.
//
//	cd tools/kube-tables && go run . ../../packages/api/kube
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: kube-tables <output folder>")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "kube-tables:", err)
		os.Exit(1)
	}
}

func generate(out string) error {
	model, err := readModel()
	if err != nil {
		return err
	}
	shared, err := exportedNames(filepath.Join(out, "meta.ts"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "types.gen.ts"), []byte(typescript(model, shared)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "tables.gen.ts"), []byte(tables(model)), 0o644)
}
