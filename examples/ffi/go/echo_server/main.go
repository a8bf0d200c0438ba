// A TLS echo server: echo_server CERTFILE KEYFILE [PORT]
//
// Each connection has a goroutine. The sockets are Go's own.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"example.org/cleat/cleat"
)

func serve(context *cleat.Context, transport net.Conn) error {
	file, err := transport.(*net.TCPConn).File() // a duplicate, which Go's poller does not watch
	transport.Close()
	if err != nil {
		return err
	}
	defer file.Close()
	connection, err := context.Server(file.Fd())
	if err != nil {
		return err
	}
	defer connection.Close()
	connection.Timeout = 10 * time.Second
	if err = connection.Handshake(); err != nil {
		return err
	}
	connection.Timeout = cleat.Forever
	if _, err = io.Copy(connection, connection); err != nil { // until the client has sent close_notify
		return err
	}
	connection.Timeout = 10 * time.Second
	return connection.Shutdown()
}

func run(certfile, keyfile, port string) error {
	context, err := cleat.NewServerContext(certfile, keyfile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		transport, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			if err := serve(context, transport); err != nil {
				fmt.Fprintf(os.Stderr, "echo_server: %v\n", err)
			}
		}()
	}
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: echo_server CERTFILE KEYFILE [PORT]")
		os.Exit(2)
	}
	port := "0"
	if len(os.Args) > 3 {
		port = os.Args[3]
	}
	if err := run(os.Args[1], os.Args[2], port); err != nil {
		fmt.Fprintf(os.Stderr, "echo_server: %v\n", err)
		os.Exit(1)
	}
}
