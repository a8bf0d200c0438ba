//! Fetches a page over HTTPS: https_get [--cafile FILE] HOST PORT PATH
//!
//! The server must have a certificate for HOST from a CA of the system, or of FILE.
mod cleat;

use cleat::{Addrinfo, Connection, Context, Error, Socket};
use std::io::Write;

const TIMEOUT: f64 = 30.0;

fn client_context(cafile: Option<&str>) -> Result<Context, Error> {
    let context = Context::new(cleat::PROTOCOL_TLS)?;
    context.set_minimum_version(cleat::TLS1_2_VERSION)?;
    context.set_verify_mode(cleat::CERT_REQUIRED)?;
    context.set_check_hostname(true)?;
    match cafile {
        Some(cafile) => drop(context.load_verify_file(cafile)?),
        None => context.set_default_verify_paths()?,
    }
    Ok(context)
}

/// A socket that is connected to the first address of the host that answers.
fn connect(host: &str, service: &str) -> Result<Socket, Box<dyn std::error::Error>> {
    let list = Addrinfo::resolve(Some(host), Some(service), cleat::AF_UNSPEC, cleat::SOCK_STREAM, 0, 0)?;
    let mut failure = None;
    for index in 0..list.count()? {
        let (address, family, kind, protocol, port, _, _) = list.address(index as i32)?;
        let socket = Socket::new(family, kind, protocol)?;
        match socket.connect(std::str::from_utf8(&address)?, port, TIMEOUT) {
            Ok(()) => return Ok(socket),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or_else(|| "the host has no address".into(), Into::into))
}

fn get(cafile: Option<&str>, host: &str, port: &str, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let context = client_context(cafile)?;
    let socket = connect(host, port)?;
    let connection = Connection::over_socket(&context, &socket, false, Some(host))?;
    connection.handshake(TIMEOUT)?;
    eprintln!("{}", connection.version()?);
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    let mut sent = 0;
    while sent < request.len() {
        sent += connection.write(&request.as_bytes()[sent..], TIMEOUT)?;
    }
    // 0 is an end that the server has marked; a stream that was cut off is an error, cleat::EOF.
    let mut buffer = [0; 16384];
    let mut stdout = std::io::stdout();
    loop {
        let count = connection.read(&mut buffer, TIMEOUT)?;
        if count == 0 {
            return Ok(());
        }
        stdout.write_all(&buffer[..count])?;
        stdout.flush()?;
    }
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut cafile = None;
    if arguments.len() > 1 && arguments[0] == "--cafile" {
        cafile = Some(arguments.remove(1));
        arguments.remove(0);
    }
    if arguments.len() != 3 {
        eprintln!("usage: https_get [--cafile FILE] HOST PORT PATH");
        std::process::exit(2);
    }
    if let Err(error) = get(cafile.as_deref(), &arguments[0], &arguments[1], &arguments[2]) {
        eprintln!("https_get: {error}");
        std::process::exit(1);
    }
}
