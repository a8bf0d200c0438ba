// Package cleat is TLS by cleat's C functions.
//
// The linker must find the library: CGO_CFLAGS=$(pkg-config --cflags cleat) CGO_LDFLAGS=$(pkg-config --libs cleat).
//
// A call that waits occupies a thread of the system, not the other goroutines.
package cleat

// #cgo LDFLAGS: -lcleat
// #include <cleat.h>
import "C"

import (
	"io"
	"runtime"
	"time"
	"unsafe"
)

// Forever is a timeout without a limit.
const Forever time.Duration = -1

// Error is a status, with the text of the failure.
type Error struct {
	Class, Value int
	Message      string
}

func (e *Error) Error() string { return e.Message }

// call makes a call. The text of a failure belongs to the thread that made the call: the goroutine stays on it until
// the text is read.
func call(f func() C.int32_t) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	result := f()
	if result >= 0 {
		return int(result), nil
	}
	e := &Error{Class: int(-result >> 16), Value: int(-result & 0xffff)}
	e.Message = text(func(out *C.char, room C.int32_t) C.int32_t { return C.cleat_error_message(out, room) })
	filename := text(func(out *C.char, room C.int32_t) C.int32_t { return C.cleat_error_filename(out, room) })
	if filename != "" {
		e.Message += ": " + filename
	}
	return 0, e
}

// text returns what a function with a last pair (out, out_cap) says; nothing if it fails.
func text(f func(out *C.char, room C.int32_t) C.int32_t) string {
	out := make([]byte, 256)
	length := int(f(pointer(out), C.int32_t(len(out))))
	if length > len(out) {
		out = make([]byte, length)
		length = int(f(pointer(out), C.int32_t(len(out))))
	}
	if length < 0 {
		return ""
	}
	return string(out[:length])
}

func pointer(bytes []byte) *C.char {
	if len(bytes) == 0 {
		return nil // with length 0: absent, or an empty text
	}
	return (*C.char)(unsafe.Pointer(&bytes[0]))
}

// size is the length of a pair (p, p_len). One that does not fit is negative, which cleat refuses (CLEAT_USAGE).
func size(bytes []byte) C.int32_t {
	if len(bytes) > 1<<31-1 {
		return -1
	}
	return C.int32_t(len(bytes))
}

func seconds(timeout time.Duration) C.double {
	return C.double(timeout.Seconds())
}

// object is an id. Close closes it, and wakes calls that wait in it.
type object struct{ id C.int32_t }

// Close closes the id. It sends nothing: see Conn.Shutdown.
func (o object) Close() error {
	_, err := call(func() C.int32_t { return C.cleat_close(o.id) })
	return err
}

// Context is what connections are made from.
type Context struct{ object }

func newContext(setters ...func(id C.int32_t) C.int32_t) (*Context, error) {
	id, err := call(func() C.int32_t { return C.cleat_context_new(C.CLEAT_PROTOCOL_TLS) })
	if err != nil {
		return nil, err
	}
	context := &Context{object{C.int32_t(id)}}
	for _, set := range setters {
		if _, err = call(func() C.int32_t { return set(context.id) }); err != nil {
			context.Close()
			return nil, err
		}
	}
	return context, nil
}

func minimumVersion(id C.int32_t) C.int32_t {
	return C.cleat_context_set_minimum_version(id, C.CLEAT_TLS1_2_VERSION)
}

// NewClientContext returns a context for clients that verify: with the CA certificates of the file, or the system's if
// its name is empty.
func NewClientContext(cafile string) (*Context, error) {
	return newContext(minimumVersion, func(id C.int32_t) C.int32_t {
		return C.cleat_context_set_verify_mode(id, C.CLEAT_CERT_REQUIRED)
	}, func(id C.int32_t) C.int32_t {
		return C.cleat_context_set_check_hostname(id, 1)
	}, func(id C.int32_t) C.int32_t {
		if cafile == "" {
			return C.cleat_context_set_default_verify_paths(id)
		}
		name := []byte(cafile)
		return C.cleat_context_load_verify_file(id, pointer(name), size(name))
	})
}

// NewServerContext returns a context for servers with a certificate and its private key.
func NewServerContext(certfile, keyfile string) (*Context, error) {
	return newContext(minimumVersion, func(id C.int32_t) C.int32_t {
		cert, key := []byte(certfile), []byte(keyfile)
		return C.cleat_context_load_cert_chain(id, pointer(cert), size(cert), pointer(key), size(key), nil, 0)
	})
}

// Conn is a TLS connection over a descriptor.
type Conn struct {
	object
	// Timeout is how long each call may take.
	Timeout time.Duration
}

// Client returns a connection to the server of that name, over the descriptor of a socket, which stays the caller's and
// must stay open as long as the connection.
func (c *Context) Client(fd uintptr, name string) (*Conn, error) {
	host := []byte(name)
	return connection(func() C.int32_t {
		return C.cleat_connection_over_fd(c.id, C.int32_t(fd), 0, pointer(host), size(host))
	})
}

// Server returns the server's side of a connection over a descriptor, as Client.
func (c *Context) Server(fd uintptr) (*Conn, error) {
	return connection(func() C.int32_t { return C.cleat_connection_over_fd(c.id, C.int32_t(fd), 1, nil, 0) })
}

func connection(make func() C.int32_t) (*Conn, error) {
	id, err := call(make)
	if err != nil {
		return nil, err
	}
	return &Conn{object{C.int32_t(id)}, 30 * time.Second}, nil
}

// Handshake does the handshake and verifies the peer.
func (c *Conn) Handshake() error {
	_, err := call(func() C.int32_t { return C.cleat_connection_handshake(c.id, seconds(c.Timeout)) })
	return err
}

// Version returns the name of the negotiated version.
func (c *Conn) Version() string {
	return text(func(out *C.char, room C.int32_t) C.int32_t { return C.cleat_connection_version(c.id, out, room) })
}

// Read is io.Reader's. It returns io.EOF at an end that the peer has marked, and an Error for a stream that was cut off.
func (c *Conn) Read(buffer []byte) (int, error) {
	count, err := call(func() C.int32_t {
		return C.cleat_connection_read(c.id, pointer(buffer), size(buffer), seconds(c.Timeout))
	})
	if err == nil && count == 0 && len(buffer) > 0 {
		err = io.EOF
	}
	return count, err
}

// Write is io.Writer's.
func (c *Conn) Write(data []byte) (int, error) {
	written := 0
	for written < len(data) {
		rest := data[written:]
		count, err := call(func() C.int32_t {
			return C.cleat_connection_write(c.id, pointer(rest), size(rest), seconds(c.Timeout))
		})
		if err != nil {
			return written, err
		}
		written += count
	}
	return written, nil
}

// Shutdown sends close_notify and waits for the peer's.
func (c *Conn) Shutdown() error {
	_, err := call(func() C.int32_t { return C.cleat_connection_shutdown(c.id, seconds(c.Timeout)) })
	return err
}
