import java.io.IOException;
import java.util.Arrays;

/**
 * A TLS echo server: java EchoServer CERTFILE KEYFILE [PORT]
 *
 * Each connection has a thread.
 */
public final class EchoServer {
    private static void serve(Cleat.Context context, Cleat.Socket accepted) {
        try (Cleat.Socket socket = accepted;
                Cleat.Connection connection = Cleat.Connection.overSocket(context, socket, true, null)) {
            connection.handshake(10);
            byte[] buffer = new byte[16384];
            int count;
            while ((count = connection.read(buffer, -1)) > 0) {
                // with a timeout that cannot run out, all of it is written
                connection.write(Arrays.copyOf(buffer, count), -1);
            }
            connection.shutdown(10); // the client has sent close_notify
        } catch (IOException error) {
            System.err.println("echo_server: " + error.getMessage());
        }
    }

    private static void run(String certfile, String keyfile, int port) throws IOException {
        try (Cleat.Context context = Cleat.Context.create(Cleat.PROTOCOL_TLS);
                Cleat.Socket listener = Cleat.Socket.create(Cleat.AF_INET, Cleat.SOCK_STREAM, 0)) {
            context.setMinimumVersion(Cleat.TLS1_2_VERSION);
            context.loadCertChain(certfile, keyfile, null);
            listener.setsockopt(Cleat.SOL_SOCKET, Cleat.SO_REUSEADDR, 1);
            listener.bind("127.0.0.1", port);
            listener.listen(16);
            System.out.println("listening on " + listener.getsockname().port());
            System.out.flush();
            while (true) {
                Cleat.Socket socket = listener.accept(-1);
                Thread thread = new Thread(() -> serve(context, socket));
                thread.setDaemon(true);
                thread.start();
            }
        }
    }

    public static void main(String[] arguments) {
        if (arguments.length < 2) {
            System.err.println("usage: EchoServer CERTFILE KEYFILE [PORT]");
            System.exit(2);
        }
        try {
            run(arguments[0], arguments[1], arguments.length > 2 ? Integer.parseInt(arguments[2]) : 0);
        } catch (IOException error) {
            System.err.println("echo_server: " + error.getMessage());
            System.exit(1);
        }
    }
}
