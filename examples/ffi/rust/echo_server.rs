//! A TLS echo server: echo_server CERTFILE KEYFILE [PORT]
//!
//! Each connection has a thread.
mod cleat;

use cleat::{Connection, Context, Error, Socket};
use std::io::Write;
use std::sync::Arc;

fn serve(context: &Context, socket: &Socket) -> Result<(), Error> {
    let connection = Connection::over_socket(context, socket, true, None)?;
    connection.handshake(10.0)?;
    let mut buffer = [0; 16384];
    loop {
        let count = connection.read(&mut buffer, -1.0)?;
        if count == 0 {
            return connection.shutdown(10.0); // the client has sent close_notify
        }
        // with a timeout that cannot run out, all of it is written
        connection.write(&buffer[..count], -1.0)?;
    }
}

fn run(certfile: &str, keyfile: &str, port: i32) -> Result<(), Error> {
    let context = Context::new(cleat::PROTOCOL_TLS)?;
    context.set_minimum_version(cleat::TLS1_2_VERSION)?;
    context.load_cert_chain(certfile, Some(keyfile), None)?;
    let context = Arc::new(context);
    let listener = Socket::new(cleat::AF_INET, cleat::SOCK_STREAM, 0)?;
    listener.setsockopt(cleat::SOL_SOCKET, cleat::SO_REUSEADDR, 1)?;
    listener.bind("127.0.0.1", port)?;
    listener.listen(16)?;
    println!("listening on {}", listener.getsockname()?.1);
    let _ = std::io::stdout().flush();
    loop {
        let socket = listener.accept(-1.0)?;
        let context = Arc::clone(&context);
        std::thread::spawn(move || {
            if let Err(error) = serve(&context, &socket) {
                eprintln!("echo_server: {error}");
            }
        });
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() < 2 {
        eprintln!("usage: echo_server CERTFILE KEYFILE [PORT]");
        std::process::exit(2);
    }
    let port = arguments.get(2).map_or(0, |port| port.parse().unwrap_or(0));
    if let Err(error) = run(&arguments[0], &arguments[1], port) {
        eprintln!("echo_server: {error}");
        std::process::exit(1);
    }
}
