"""said: what the programs print for people is in people's words, in every test.

promise.main() calls listen(): from then on whatever `subprocess.run` captures of a `lodge` is looked at. The
names of methods (but behind `lodge call`), of members and the numbers of errors are the contract's; a person
has verbs, flags and keys. Not looked at: `--json`, `lodge call`, whose output is the contract's own, what a
test sends into a file or a terminal of its own, and the line of lodged's log that `lodge doctor` shows. Methods
that have no verb are called by their names.
"""

import re
import subprocess

NOUNS = "server|vm|host|quota|user|audit|op|image|pool|network|orphan|console|event|session|rpc"
VERBS = ("create|nmi|pause|reboot|reset|resume|save|shutdown|start|stop|list|close|open|subscribe|unsubscribe|update|"
         "get|cancel|delete|set|discover|backup|compare|health|info|ping|set_log_level|adopt|forget|media|screenshot")
CALLED = ("network.list", "pool.list", "server.compare", "server.set_log_level", "orphan.delete", "rpc.discover")
LOG = re.compile(r"(ok|warn|BAD) +log ")
FOREIGN = {
    "a method": re.compile(rf"(?<![\w./'-])(?<!call )(?:{NOUNS})\.(?:{VERBS})\b(?![.\w])"),
    "a member": re.compile(r"\b(?:memory|disk|used|since|timeout|request|grace)_(?:mib|gib|id|ms|s)\b"),
    "an error's number": re.compile(r"-32\d\d\d\b"),
}


def is_for_programs(words):
    return "--json" in words or "-j" in words or "call" in words


def complaint(words, text):
    """What in this text is not for people; None: it is all theirs."""
    for what, pattern in FOREIGN.items():
        for line in (text or "").splitlines():
            found = pattern.search(line)
            if found and found[0] not in CALLED and not LOG.match(line):
                return f"lodge {' '.join(words)} says {what}: {line}"
    return None


def listen():
    run = subprocess.run

    def run_and_read(*args, **kwargs):
        ran = run(*args, **kwargs)
        command = [str(word) for word in ran.args] if isinstance(ran.args, (list, tuple)) else []
        if command and command[0].endswith("/tui/lodge") and not is_for_programs(command[1:]):
            for text in (ran.stdout, ran.stderr):
                text = text.decode(errors="replace") if isinstance(text, bytes) else text
                found = complaint(command[1:], text)
                if found:
                    raise AssertionError(found)
        return ran

    subprocess.run = run_and_read
