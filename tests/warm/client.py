# `reconciler` or `python3` of a warm folder: hands its arguments, environment, folder and streams over, and exits as
# it is told. It runs without the site and imports nothing but built-in modules, so that it starts in 10 ms.
import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SHUT_WR, SOCK_STREAM, SOL_SOCKET, socket

words = sys.argv[2:] if sys.argv[1:2] in (["-I"], ["-Es"]) else sys.argv[1:]
if sys.argv[0].endswith("/python3") and (not words or words[0].startswith("-")):
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
here = os.open(".", os.O_RDONLY)
handed = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2, here))
parts = [str(len(sys.argv)).encode(), *map(os.fsencode, sys.argv)]
parts += [name + b"=" + value for name, value in os.environb.items()]
connection = socket(AF_UNIX, SOCK_STREAM)
connection.connect(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "socket"))
connection.sendmsg([b"."], [(SOL_SOCKET, SCM_RIGHTS, handed)])
connection.sendall(b"\0".join(parts))
connection.shutdown(SHUT_WR)
code = b""
while piece := connection.recv(16):
    code += piece
if not code:
    sys.exit("the warm command ended without an exit code")
os._exit(int(code))  # nothing is left to be written, and Python takes 3 ms to put itself away
