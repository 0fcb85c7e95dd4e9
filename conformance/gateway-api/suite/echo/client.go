package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	requestLimit = 10 * time.Second
	// answerBytesMax bounds what is read of an answer.
	answerBytesMax = 1 << 20
)

// call makes the requests one after the other and prints each answer as it comes. A request that gets no answer ends it.
func call(args []string) error {
	values, words := parse(args)
	if len(words) != 1 {
		return fmt.Errorf("usage: client URL [--method=GET] [-H NAME:VALUE]… [--count=N]")
	}
	target, err := url.Parse(words[0])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(last(values["count"], "1"))
	if err != nil {
		return fmt.Errorf("--count: %w", err)
	}
	header := http.Header{}
	for _, each := range values["H"] {
		name, value, _ := strings.Cut(each, ":")
		header.Add(name, strings.TrimSpace(value))
	}
	request, done, err := caller(target, last(values["method"], "GET"), header)
	if err != nil {
		return err
	}
	defer done()
	for range count {
		ctx, cancel := context.WithTimeout(context.Background(), requestLimit)
		answer, err := request(ctx)
		cancel()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(os.Stdout, "%s\n", answer); err != nil {
			return err
		}
	}
	return nil
}

// What makes one request and gives the lines to print, and what ends it all.
func caller(target *url.URL, method string, header http.Header) (request func(context.Context) (string, error), done func(), err error) {
	switch target.Scheme {
	case "http":
		return httpCaller(target, method, header), func() {}, nil
	case "grpc":
		connection, err := grpc.NewClient("passthrough:///"+target.Host, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, nil, err
		}
		return grpcCaller(connection, header), func() { _ = connection.Close() }, nil
	}
	return nil, nil, fmt.Errorf("%s: expected http or grpc", target.Scheme)
}

// Redirects are answers, not followed.
func httpCaller(target *url.URL, method string, header http.Header) func(context.Context) (string, error) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context) (string, error) {
		request, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
		if err != nil {
			return "", err
		}
		request.Header = header.Clone()
		if host := header.Get("Host"); host != "" {
			request.Host = host
			request.Header.Del("Host")
		}
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		var body bytes.Buffer
		if _, err := io.Copy(&body, io.LimitReader(response.Body, answerBytesMax)); err != nil {
			return "", err
		}
		return printed(response.StatusCode, response.Header, body.String()), nil
	}
}

// A call that went well counts as status 200.
func grpcCaller(connection *grpc.ClientConn, header http.Header) func(context.Context) (string, error) {
	outgoing := metadata.MD{}
	for name, all := range header {
		outgoing.Append(name, all...)
	}
	return func(ctx context.Context) (string, error) {
		var answer wrapperspb.StringValue
		var seen metadata.MD
		ctx = metadata.NewOutgoingContext(ctx, outgoing)
		err := connection.Invoke(ctx, "/proto.EchoTestService/Echo", wrapperspb.String("hello"), &answer, grpc.Header(&seen))
		if code := status.Code(err); code != codes.OK {
			return "", fmt.Errorf("gRPC status %d (%s): %w", code, code, err)
		}
		return printed(http.StatusOK, http.Header(seen), answer.GetValue()), nil
	}
}

// Lines of the body that say something of the answer are kept apart from what the answer itself says.
func printed(code int, header http.Header, body string) string {
	lines := append([]string{fmt.Sprintf("StatusCode=%d", code)}, headerFields("ResponseHeader", header)...)
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
