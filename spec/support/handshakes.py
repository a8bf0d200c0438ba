"""handshakes.py PORT CAFILE NAME: four clients connect again and again, verify the server and read one line, until
each of them has received a certificate other than the first one ten times. Prints the common names, and the number of failures."""
import socket, ssl, sys, threading

port, cafile, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=cafile)
lock = threading.Lock()
names, failures = [], []

def connect():
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        with context.wrap_socket(plain, server_hostname=name) as stream:
            found = dict(entry[0] for entry in stream.getpeercert()["subject"])["commonName"]
            if stream.recv(100) != b"hello\n":
                raise ConnectionError("no answer")
    with lock:
        if found not in names:
            print("next" if names else "first", found, flush=True)
            names.append(found)
    return found

def client():
    new = 0
    while new < 10:
        try:
            new += connect() != names[0]
        except (OSError, ssl.SSLError) as failure:
            failures.append(failure)
            if len(failures) > 20:
                return

threads = [threading.Thread(target=client) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("failed", len(failures))
print(*failures[:3], sep="\n")
