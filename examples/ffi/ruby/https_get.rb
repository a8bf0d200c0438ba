# Fetches a page over HTTPS by the C ABI: https_get.rb [--cafile FILE] HOST PORT PATH
#
# The server must have a certificate for HOST from a CA of the system, or of FILE. The sockets are Ruby's own.
require "socket"
require_relative "cleat"

TIMEOUT = 30.0

def client_context(cafile)
  context = Cleat.check(Cleat.context_new(Cleat::PROTOCOL_TLS))
  Cleat.check(Cleat.context_set_minimum_version(context, Cleat::TLS1_2_VERSION))
  Cleat.check(Cleat.context_set_verify_mode(context, Cleat::CERT_REQUIRED))
  Cleat.check(Cleat.context_set_check_hostname(context, 1))
  if cafile
    Cleat.check(Cleat.context_load_verify_file(context, *Cleat.data(cafile)))
  else
    Cleat.check(Cleat.context_set_default_verify_paths(context))
  end
  context
end

def send_all(connection, data)
  until data.empty?
    sent = Cleat.check(Cleat.connection_write(connection, *Cleat.data(data), TIMEOUT))
    data = data.byteslice(sent..)
  end
end

# 0 is an end that the server has marked; a stream that was cut off is an Error, Cleat::EOF.
def receive_all(connection)
  buffer = Cleat.buffer(16_384)
  loop do
    count = Cleat.check(Cleat.connection_read(connection, buffer, buffer.size, TIMEOUT))
    return if count.zero?

    yield buffer[0, count]
  end
end

def get(cafile, host, port, path)
  context = client_context(cafile)
  Socket.tcp(host, port, connect_timeout: TIMEOUT) do |transport|
    connection = Cleat.check(Cleat.connection_over_fd(context, transport.fileno, 0, *Cleat.data(host)))
    begin
      Cleat.check(Cleat.connection_handshake(connection, TIMEOUT))
      warn Cleat.text(:connection_version, connection)
      send_all(connection, "GET #{path} HTTP/1.0\r\nHost: #{host}\r\n\r\n")
      receive_all(connection) { |piece| $stdout.write(piece) }
    ensure
      Cleat.close(connection)
    end
  end
ensure
  Cleat.close(context) if context
end

cafile = ARGV[0] == "--cafile" ? ARGV.shift(2)[1] : nil
abort "usage: https_get.rb [--cafile FILE] HOST PORT PATH" if ARGV.length != 3
begin
  $stdout.binmode
  get(cafile, *ARGV)
rescue Cleat::Error, SystemCallError, SocketError => e
  $stdout.flush
  abort "https_get: #{e.message}"
end
