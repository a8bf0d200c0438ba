import java.util.Arrays;

/** What the generated binding does with ids, errors, absent texts, arrays and buffers: java Binding CERTFILE KEYFILE */
@SuppressWarnings("try") // an object is closed twice
public final class Binding {
    private static void equal(Object wanted, Object found) {
        if (!wanted.equals(found)) {
            throw new AssertionError("wanted " + wanted + ", found " + found);
        }
    }

    /** Moves what one side has for the network to the other. */
    private static void carry(Cleat.Connection from, Cleat.Connection to) throws Cleat.Failure {
        byte[] buffer = new byte[16384];
        int count = from.drain(buffer);
        equal(count, to.feed(Arrays.copyOf(buffer, count)));
    }

    private interface Call {
        void call() throws Cleat.Failure;
    }

    private static Cleat.Failure failure(Call call) {
        try {
            call.call();
        } catch (Cleat.Failure failure) {
            return failure;
        }
        throw new AssertionError("no failure");
    }

    private static void sockets() throws Cleat.Failure {
        Cleat.Socket.Pair pair = Cleat.Socket.pair(Cleat.AF_UNIX, Cleat.SOCK_STREAM, 0);
        try (Cleat.Socket first = pair.first();
                Cleat.Socket second = pair.second()) {
            equal(5, first.send(new byte[] {1, 2, 3, 4, 5}, 0, -1));
            int[] revents = new int[1];
            equal(1, Cleat.poll(new int[] {second.fileno()}, new int[] {Cleat.POLLIN}, revents, -1));
            equal(Cleat.POLLIN, revents[0]);
            byte[] buffer = new byte[16];
            equal(5, second.recv(buffer, 0, 0));
            equal((byte) 5, buffer[4]);
            Cleat.Failure event = failure(() -> second.recv(buffer, 0, 0));
            equal(Cleat.WANT_READ, event.statusClass);
            equal(true, event.isEvent());
            equal("", event.reason);
            Cleat.Failure usage = failure(() -> Cleat.poll(new int[1], new int[1], new int[2], 0));
            equal(Cleat.USAGE, usage.statusClass);
            first.close(); // and once more at the end
            equal(Cleat.HANDLE, failure(first::fileno).statusClass);
        }
    }

    private static void connections(String certfile, String keyfile) throws Cleat.Failure {
        try (Cleat.Context clientContext = Cleat.Context.create(Cleat.PROTOCOL_TLS);
                Cleat.Context serverContext = Cleat.Context.create(Cleat.PROTOCOL_TLS)) {
            String name = "/none".repeat(200); // longer than the buffer at first
            Cleat.Failure missing = failure(() -> clientContext.loadVerifyFile(name));
            equal(Cleat.SYS, missing.statusClass);
            equal(Cleat.ENOENT, missing.value);
            equal(name, missing.filename);
            equal("No such file or directory: " + name, missing.getMessage());
            serverContext.loadCertChain(certfile, keyfile, null);
            try (Cleat.Connection client = Cleat.Connection.overMemory(clientContext, false, null);
                    Cleat.Connection server = Cleat.Connection.overMemory(serverContext, true, null)) {
                while (!client.established() || !server.established()) {
                    for (Cleat.Connection side : new Cleat.Connection[] {client, server}) {
                        try {
                            side.handshake(0);
                        } catch (Cleat.Failure failure) {
                            equal(true, failure.isEvent());
                        }
                    }
                    carry(client, server);
                    carry(server, client);
                }
                equal(true, server.peerCertificate() == null);
                try (Cleat.Certificate certificate = client.peerCertificate()) {
                    byte[] der = certificate.der(); // longer than the buffer at first; says how long it is
                    equal((byte) 0x30, der[0]);
                    equal((byte) 0x82, der[1]);
                    equal(4 + (der[2] & 0xff) * 256 + (der[3] & 0xff), der.length);
                    equal(5, Cleat.handleCount());
                }
            }
        }
    }

    public static void main(String[] arguments) throws Cleat.Failure {
        sockets();
        connections(arguments[0], arguments[1]);
        equal(0, Cleat.handleCount());
        System.out.println("as promised");
    }
}
