import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Fetches a page over HTTPS: java HttpsGet [--cafile FILE] HOST PORT PATH
 *
 * The server must have a certificate for HOST from a CA of the system, or of FILE.
 */
public final class HttpsGet {
    private static final double TIMEOUT = 30;

    private static Cleat.Context clientContext(String cafile) throws IOException {
        Cleat.Context context = Cleat.Context.create(Cleat.PROTOCOL_TLS);
        context.setMinimumVersion(Cleat.TLS1_2_VERSION);
        context.setVerifyMode(Cleat.CERT_REQUIRED);
        context.setCheckHostname(true);
        if (cafile != null) {
            context.loadVerifyFile(cafile);
        } else {
            context.setDefaultVerifyPaths();
        }
        return context;
    }

    /** A socket that is connected to the first address of the host that answers. */
    private static Cleat.Socket connect(String host, String service) throws IOException {
        IOException failure = new IOException("the host has no address");
        try (Cleat.Addrinfo list =
                Cleat.Addrinfo.resolve(host, service, Cleat.AF_UNSPEC, Cleat.SOCK_STREAM, 0, 0)) {
            for (int i = 0; i < list.count(); i++) {
                Cleat.Addrinfo.Address address = list.address(i);
                Cleat.Socket socket = Cleat.Socket.create(address.family(), address.socktype(), address.proto());
                try {
                    socket.connect(new String(address.output(), StandardCharsets.UTF_8), address.port(), TIMEOUT);
                    return socket;
                } catch (Cleat.Failure error) {
                    socket.close();
                    failure = error;
                }
            }
        }
        throw failure;
    }

    private static void get(String cafile, String host, String port, String path) throws IOException {
        try (Cleat.Context context = clientContext(cafile);
                Cleat.Socket socket = connect(host, port);
                Cleat.Connection connection = Cleat.Connection.overSocket(context, socket, false, host)) {
            connection.handshake(TIMEOUT);
            System.err.println(connection.version());
            String text = "GET " + path + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
            byte[] request = text.getBytes(StandardCharsets.UTF_8);
            while (request.length > 0) {
                int sent = connection.write(request, TIMEOUT);
                request = Arrays.copyOfRange(request, sent, request.length);
            }
            // 0 is an end that the server has marked; a stream that was cut off is a Failure, Cleat.EOF.
            byte[] buffer = new byte[16384];
            int count;
            while ((count = connection.read(buffer, TIMEOUT)) > 0) {
                System.out.write(buffer, 0, count);
            }
        } finally {
            System.out.flush();
        }
    }

    public static void main(String[] arguments) {
        String cafile = null;
        if (arguments.length > 1 && arguments[0].equals("--cafile")) {
            cafile = arguments[1];
            arguments = Arrays.copyOfRange(arguments, 2, arguments.length);
        }
        if (arguments.length != 3) {
            System.err.println("usage: HttpsGet [--cafile FILE] HOST PORT PATH");
            System.exit(2);
        }
        try {
            get(cafile, arguments[0], arguments[1], arguments[2]);
        } catch (IOException error) {
            System.err.println("https_get: " + error.getMessage());
            System.exit(1);
        }
    }
}
