# A TLS echo server by the C ABI: echo_server.rb CERTFILE KEYFILE [PORT]
#
# The sockets are Ruby's own, and each connection has a thread: Fiddle lets the others run while a call waits.
require "socket"
require_relative "cleat"

def serve(context, transport)
  connection = Cleat.check(Cleat.connection_over_fd(context, transport.fileno, 1, nil, 0))
  Cleat.check(Cleat.connection_handshake(connection, 10.0))
  buffer = Cleat.buffer(16_384)
  while (count = Cleat.check(Cleat.connection_read(connection, buffer, buffer.size, -1.0))).positive?
    # with a timeout that cannot run out, all of it is written
    Cleat.check(Cleat.connection_write(connection, buffer, count, -1.0))
  end
  Cleat.check(Cleat.connection_shutdown(connection, 10.0)) # the client has sent close_notify
rescue Cleat::Error => e
  warn "echo_server: #{e.message}"
ensure
  Cleat.close(connection) if connection
  transport.close
end

def run(certfile, keyfile, port = "0")
  context = Cleat.check(Cleat.context_new(Cleat::PROTOCOL_TLS))
  Cleat.check(Cleat.context_set_minimum_version(context, Cleat::TLS1_2_VERSION))
  Cleat.check(Cleat.context_load_cert_chain(context, *Cleat.data(certfile), *Cleat.data(keyfile), nil, 0))
  listener = TCPServer.new("127.0.0.1", Integer(port))
  puts "listening on #{listener.addr[1]}"
  $stdout.flush
  loop do
    Thread.new(listener.accept) { |transport| serve(context, transport) }
  end
end

abort "usage: echo_server.rb CERTFILE KEYFILE [PORT]" if ARGV.length < 2
begin
  run(*ARGV)
rescue Cleat::Error, SystemCallError => e
  abort "echo_server: #{e.message}"
end
