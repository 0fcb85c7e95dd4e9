package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// serve listens on every port that it is told of, on 8080 without any, and ends with the first listener that fails.
func serve(args []string) error {
	values, _ := parse(args)
	if len(values["port"])+len(values["tls"])+len(values["grpc"])+len(values["tcp"]) == 0 {
		values["port"] = []string{"8080"}
	}
	ended := make(chan error)
	listen := func(port string, with func(net.Listener) error) error {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go func() { ended <- fmt.Errorf("port %s: %w", port, with(listener)) }()
		return nil
	}
	var failed []error
	for _, port := range values["port"] {
		if slices.Contains(values["tls"], port) {
			continue
		}
		failed = append(failed, listen(port, httpServer(port).Serve))
	}
	if len(values["tls"]) > 0 {
		certificate, err := certificateOf(last(values["crt"], ""), last(values["key"], ""))
		if err != nil {
			return err
		}
		for _, port := range values["tls"] {
			server := httpServer(port)
			server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
			failed = append(failed, listen(port, func(l net.Listener) error { return server.ServeTLS(l, "", "") }))
		}
	}
	for _, port := range values["grpc"] {
		server := grpc.NewServer()
		server.RegisterService(&echoService, port)
		failed = append(failed, listen(port, server.Serve))
	}
	for _, port := range values["tcp"] {
		failed = append(failed, listen(port, serveLines))
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return <-ended
}

// HTTP/1.1, and HTTP/2 with prior knowledge.
func httpServer(port string) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	answer := func(w http.ResponseWriter, r *http.Request) {
		fields := headerFields("RequestHeader", r.Header)
		fields = append(fields, "Host="+r.Host, "Method="+r.Method, "Proto="+r.Proto, "URL="+r.URL.RequestURI(), "IP="+ipOf(r.RemoteAddr))
		_, _ = io.WriteString(w, answerOf(port, fields))
	}
	return &http.Server{Handler: http.HandlerFunc(answer), Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second}
}

// Who answers comes first, then what it saw.
func answerOf(port string, fields []string) string {
	hostname, _ := os.Hostname()
	return strings.Join(append([]string{"Hostname=" + hostname, "ServicePort=" + port}, fields...), "\n") + "\n"
}

// Sorted by name; the values of a name stay in the order in which they came.
func headerFields(name string, header map[string][]string) []string {
	var fields []string
	for _, key := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[key] {
			fields = append(fields, name+"="+key+":"+value)
		}
	}
	return fields
}

func ipOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// One method that takes and gives a message with one text, its first field.
var echoService = grpc.ServiceDesc{
	ServiceName: "proto.EchoTestService",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Echo", Handler: func(port any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		if err := decode(&wrapperspb.StringValue{}); err != nil {
			return nil, err
		}
		header, _ := metadata.FromIncomingContext(ctx)
		fields := append(headerFields("RequestHeader", header), "Proto=GRPC")
		if from, ok := peer.FromContext(ctx); ok {
			fields = append(fields, "IP="+ipOf(from.Addr.String()))
		}
		return wrapperspb.String(answerOf(port.(string), fields)), nil
	}}},
}

// A connection of TCP is greeted with who answers and gets back what it sends.
func serveLines(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			_, _ = io.WriteString(connection, answerOf(connection.LocalAddr().String(), nil))
			_, _ = io.Copy(connection, connection)
		}()
	}
}

// The files' certificate; where they do not exist, a fresh one of its own.
func certificateOf(certificateFile, keyFile string) (tls.Certificate, error) {
	found, err := tls.LoadX509KeyPair(certificateFile, keyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), DNSNames: []string{"echo"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
