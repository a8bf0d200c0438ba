// Fetches a page over HTTPS: https_get [--cafile FILE] HOST PORT PATH
//
// The server must have a certificate for HOST from a CA of the system, or of FILE. The sockets are Go's own.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"example.org/cleat/cleat"
)

func get(cafile, host, port, path string) error {
	context, err := cleat.NewClientContext(cafile)
	if err != nil {
		return err
	}
	defer context.Close()
	transport, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 30*time.Second)
	if err != nil {
		return err
	}
	file, err := transport.(*net.TCPConn).File() // a duplicate, which Go's poller does not watch
	transport.Close()
	if err != nil {
		return err
	}
	defer file.Close()
	connection, err := context.Client(file.Fd(), host)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err = connection.Handshake(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, connection.Version())
	if _, err = fmt.Fprintf(connection, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host); err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, connection)
	return err
}

func main() {
	cafile := flag.String("cafile", "", "")
	flag.Parse()
	if flag.NArg() != 3 {
		fmt.Fprintln(os.Stderr, "usage: https_get [--cafile FILE] HOST PORT PATH")
		os.Exit(2)
	}
	if err := get(*cafile, flag.Arg(0), flag.Arg(1), flag.Arg(2)); err != nil {
		fmt.Fprintf(os.Stderr, "https_get: %v\n", err)
		os.Exit(1)
	}
}
