//go:build tools

// Package h2spec pins the conformance tester of HTTP/2 and what it is built from; tools/http-tools.mjs builds it.
package h2spec

import _ "github.com/summerwind/h2spec/cmd/h2spec"
