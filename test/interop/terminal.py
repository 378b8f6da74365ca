"""Runs a command on its own terminal. When the output has `ready`, types Ctrl-C; when it then has `SIGINT`, sends the command
SIGTERM. Prints the output, then the end of the command as `exit N` or `signal N`."""

import os
import pty
import signal
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

seen = b""
typed = sent = False
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:  # Linux's error for a terminal that no process has open.
        break
    if not chunk:
        break
    seen += chunk
    if b"ready" in seen and not typed:
        typed = True
        os.write(terminal, b"\x03")
    if b"SIGINT" in seen and not sent:
        sent = True
        os.kill(pid, signal.SIGTERM)

status = os.waitpid(pid, 0)[1]
print(seen.decode().replace("^C", "").split())
print("exit", os.waitstatus_to_exitcode(status)) if os.WIFEXITED(status) else print("signal", os.WTERMSIG(status))
