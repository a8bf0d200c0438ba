//! What the generated binding does with ids, errors, absent texts, arrays and buffers: binding CERTFILE KEYFILE
#[path = "../../../examples/ffi/rust/cleat.rs"]
mod cleat;

use cleat::*;

/// Moves what one side has for the network to the other.
fn carry(from: &Connection, to: &Connection) {
    let mut buffer = [0; 16384];
    let count = from.drain(&mut buffer).unwrap();
    assert_eq!(to.feed(&buffer[..count]).unwrap(), count);
}

fn uses(certfile: &str, keyfile: &str) {
    let (first, second) = Socket::pair(AF_UNIX, SOCK_STREAM, 0).unwrap();
    assert_eq!(first.send(b"hello", 0, -1.0).unwrap(), 5);
    let mut revents = [0];
    assert_eq!(poll(&[second.fileno().unwrap()], &[POLLIN], &mut revents, -1.0).unwrap(), 1);
    assert_eq!(revents, [POLLIN]);
    let mut buffer = [0; 16];
    assert_eq!(second.recv(&mut buffer, 0, 0.0).unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
    let error = second.recv(&mut buffer, 0, 0.0).unwrap_err();
    assert_eq!((error.class, error.is_event(), error.message.as_str()), (WANT_READ, true, ""));

    let client_context = Context::new(PROTOCOL_TLS).unwrap();
    let name = "/none".repeat(100); // longer than the buffer at first
    let error = client_context.load_verify_file(&name).unwrap_err();
    assert_eq!((error.class, error.value, &error.filename), (SYS, ENOENT, &name));
    assert_eq!(error.to_string(), format!("No such file or directory: {name}"));
    assert!(!error.is_event());
    let mut unequal = [0, 0];
    assert_eq!(poll(&[0], &[POLLIN], &mut unequal, 0.0).unwrap_err().class, USAGE);

    let server_context = Context::new(PROTOCOL_TLS).unwrap();
    server_context.load_cert_chain(certfile, Some(keyfile), None).unwrap();
    let client = Connection::over_memory(&client_context, false, None).unwrap();
    let server = Connection::over_memory(&server_context, true, None).unwrap();
    while !(client.established().unwrap() && server.established().unwrap()) {
        for side in [&client, &server] {
            match side.handshake(0.0) {
                Ok(()) => {}
                Err(error) => assert!(error.is_event(), "{error}"),
            }
        }
        carry(&client, &server);
        carry(&server, &client);
    }
    assert!(server.peer_certificate().unwrap().is_none());
    let certificate = client.peer_certificate().unwrap().unwrap();
    let der = certificate.der().unwrap(); // longer than the buffer at first; says how long it is
    assert_eq!(der[..2], [0x30, 0x82]);
    assert_eq!(4 + usize::from(der[2]) * 256 + usize::from(der[3]), der.len());
    assert_eq!(handle_count().unwrap(), 7);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    uses(&arguments[1], &arguments[2]);
    assert_eq!(handle_count().unwrap(), 0);
    println!("as promised");
}
