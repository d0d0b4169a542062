"""Types into the shell of `deskferry query` as a person would, through a pseudo-terminal.

Arguments: the program, a configuration, a home folder. Prints what it did; a difference from what is
expected ends it with an error.
"""

import os
import pathlib
import pty
import select
import stat
import sys
import time

PROGRAM, CONFIG, HOME = sys.argv[1:4]
PATIENCE_S = 60
PROMPT, MORE = "deskferry=> ", "deskferry-> "


class Terminal:
    def __init__(self):
        child, self.end = pty.fork()
        if child == 0:
            environment = {"HOME": HOME, "TERM": "xterm", "PATH": os.environ["PATH"]}
            os.execve(PROGRAM, [PROGRAM, "--config", CONFIG, "query"], environment)
        self.child = child
        self.seen = ""

    def expect(self, text):
        """Reads until the text appears, and forgets what came before its end."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            ready, _, _ = select.select([self.end], [], [], 1)
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if ready:
                try:
                    self.seen += os.read(self.end, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"ended before {text!r}: {self.seen!r}") from None
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.end, text.encode())

    def ended(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self.end], [], [], 1)
            if ready:
                try:
                    if not os.read(self.end, 65536):
                        break
                except OSError:
                    break
        _, status = os.waitpid(self.child, 0)
        return os.waitstatus_to_exitcode(status)


terminal = Terminal()
terminal.expect(PROMPT)
terminal.type("select count(*) > 0 as any_tickets\r")
terminal.expect(MORE)
terminal.type("from tickets;\r")
terminal.expect("| true ")
terminal.expect("(1 row)")
terminal.expect(PROMPT)
terminal.type("drop table tickets;\r")
terminal.expect("only statements that read are run here")
terminal.expect(PROMPT)
terminal.type("\\d tickets\r")
terminal.expect("staged.tickets: one row per ticket")
terminal.expect("timestamp with time zone")
terminal.expect(PROMPT)
terminal.type("\\dn\r")
terminal.expect("quarantine")
terminal.expect(PROMPT)
terminal.type("select 'half of a")
terminal.type("\x03")
terminal.expect(PROMPT)
terminal.type("select 'whole' as it;\r")
terminal.expect("| whole |")
terminal.expect(PROMPT)
terminal.type("\x04")
assert terminal.ended() == 0

history = pathlib.Path(HOME) / ".local/state/deskferry/history"
assert stat.S_IMODE(history.stat().st_mode) == 0o600, oct(history.stat().st_mode)
assert "select 'whole' as it;" in history.read_text()

terminal = Terminal()
terminal.expect(PROMPT)
terminal.type("\x1b[A\r")
terminal.expect("| whole |")
terminal.expect(PROMPT)
terminal.type("\\q\r")
assert terminal.ended() == 0
print("shell: lines, refusals, commands, Ctrl-C, Ctrl-D, history")
