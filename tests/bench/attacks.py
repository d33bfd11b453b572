"""attacks: what one user can do to the others, as files for flood.c.

Those of the method table are made from rpc.discover, by rule and not by name, so that a method that
is added is flooded too: once with no more than must be said, once with what makes it work hardest,
once with everything as long as its schema allows. The others are what somebody has thought of.
"""

import json

LINE_MAX = 1 << 20
VALUES_MAX = 20000
DEEP = "zz0" * 400
# As many terms as a query has, each with as many stars as there is room for: all but the last match
# the attacker's VMs, so that all are tried and nothing needs to be written.
GLOBS = " ".join(["name:*a*a*a*0*"] * 63 + ["name:*b*a*"])
GLOB = "*a" * 40 + "*"
# Parameters that make a method do less, or be refused.
NARROWING = {"if_rev", "cursor", "since", "state", "tag", "owner", "user", "host", "timeout_ms", "fields",
             "request_id", "path", "uuid", "vm", "pool", "kernel", "iso", "format", "firmware",
             "graphics", "network"}
CHURNED = 32  # names of VMs that are made and deleted
NUMBER = "######"  # flood.c puts one there that no other line has
SUBSCRIPTION = "@@@@@@"


class Attack:
    """What each connection sends, and how."""

    def __init__(self, name, lines, window=256, hang_up=0, deaf=False, seconds=None):
        self.name, self.lines, self.window = name, lines, window
        self.hang_up, self.deaf, self.seconds = hang_up, deaf, seconds

    def words(self):
        return [self.window, self.hang_up, *(["deaf"] if self.deaf else [])]


def request(method, params=None, number=1, answered=True):
    message = {"jsonrpc": "2.0", **({"id": number} if answered else {}), "method": method}
    if params:
        message["params"] = params
    return json.dumps(message, separators=(",", ":")).replace(f'"{SUBSCRIPTION}"', SUBSCRIPTION)


def batch(lines):
    return "[" + ",".join(line.lstrip("+") for line in lines) + "]"


def of_string(name, schema):
    longest = min(schema.get("maxLength", 255), LINE_MAX // 4)
    if name == "query":
        return GLOBS
    if name in ("user", "owner"):
        return f"nobody{NUMBER}"  # somebody to look up, each time another
    if name == "cursor":
        return "fleet/a/00000000-0000-4000-8000-000000000000"
    if "format" in schema:
        return "2000-01-01T00:00:00.000Z"
    if name == "name" and longest > 64:
        return GLOB
    return (f"x{NUMBER}" + DEEP * (1 + longest // len(DEEP)))[:longest]


class Rules:
    """The worst legal parameters of a method, from its schema and from what the attacker has."""

    def __init__(self, document, has):
        self.methods = {method["name"]: method for method in document["methods"]}
        self.has = has  # parameter -> what he may name

    def value(self, name, schema, hard):
        """As long or as large as it may be; `hard`: such that it is not refused, but works."""
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if name == "subscription":
            return SUBSCRIPTION
        if name in self.has:
            return self.has[name][0]
        if "enum" in schema:
            return schema["enum"][0 if hard else -1]
        kind = schema.get("type")
        if kind == "boolean":
            return True
        if kind == "integer":
            return schema.get("minimum" if hard else "maximum", 1)
        if kind == "array":
            return self.array(name, schema.get("items", {}), hard)
        if kind == "object":
            return {key: self.value(key, inner, hard)
                    for key, inner in schema.get("properties", {}).items()
                    if not hard or key in schema.get("required", ()) or key not in NARROWING}
        return of_string(name, schema)

    def array(self, name, items, hard):
        if "enum" in items:
            return items["enum"]
        if items.get("type") == "object":
            return [self.value(name, items, hard)] * 24
        return [f"{number}{DEEP}"[:60] for number in range(32)]

    def params(self, method, level):
        found = {}
        for param in self.methods[method]["params"]:
            name, schema, required = param["name"], param["schema"], param.get("required")
            largest = schema.get("type") == "integer" and not required
            if required or level == "full" or (level == "hard" and name not in NARROWING):
                found[name] = self.value(name, schema, level != "full" and not largest)
        return found

    def lines(self, method):
        """With each of the attacker's VMs; and with each parameter alone, should others forbid it."""
        bare, hard, full = (self.params(method, level) for level in ("bare", "hard", "full"))
        found = []
        for vm in self.has["vm"] if "vm" in bare else [None]:
            for params in (hard, bare):
                found.append(request(method, {**params, "vm": vm} if vm else params))
        for vm in self.has["vm"][::7] if "vm" in bare else [None]:
            found += [request(method, {**bare, **({"vm": vm} if vm else {}), name: value})
                      for name, value in hard.items() if name != "vm"]
        found.append(request(method, full))
        return [*self.firsts(full), *dict.fromkeys(found)]

    @staticmethod
    def firsts(params):
        """A connection must have what it is to change."""
        if "subscription" in params:
            return ["+" + request("event.subscribe", {"topics": ["vm"], "query": "name:none"})]
        return []

    def each_method(self):
        return [Attack(name, self.lines(name)) for name in self.methods]

    def all_lines(self):
        """Of all methods; and batches of them."""
        lines = [line for name in self.methods for line in self.lines(name)]
        plain = sorted(line for line in lines if not line.startswith("+"))
        return lines + [batch(plain[begin:begin + 64]) for begin in range(0, len(plain), 64)]

    def mix(self):
        return Attack("mix", self.all_lines(), seconds=60)


def broken_lines():
    """What costs before anybody looks which method it is."""
    full = LINE_MAX - 64
    return [
        Attack("braces", ["{}," * (full // 3)]),
        Attack("braces-array", ["[" + "{}," * (full // 3) + "{}]"]),
        Attack("values", ["[" + "{}," * (VALUES_MAX // 2 - 2) + "{}]"]),
        Attack("values-params", [request("vm.list", {"fields": [[]] * (VALUES_MAX - 100)})]),
        Attack("long-strings", [request("vm.list", {"query": "x" * (full - 100)})]),
        Attack("long-ids", [request("server.ping", None, "x" * (full - 100))]),
        Attack("long-ids-deaf", [request("server.ping", None, "x" * (full - 100))], deaf=True),
        Attack("half-lines", ["-" + "{" + " " * full]),
        Attack("half-lines-go", ["-" + "{" + " " * full], hang_up=1),
        Attack("too-long", [" " * (LINE_MAX + 2)]),
    ]


def of_many(rules):
    """Floods of what others need too: images, definitions, the audit, names."""
    vms = rules.has["vm"]
    images = request("image.list")
    xml = [request("vm.get", {"vm": vm, "xml": True}) for vm in vms[:8]]
    refused = [request("user.set", {"user": f"nobody{NUMBER}", "role": "admin"}),
               request("vm.start", {"vm": f"local/none{NUMBER}" + "x" * 300})]
    names = [request(method, {key: f"nobody{NUMBER}"})
             for method, key in (("quota.get", "user"), ("op.list", "user"), ("audit.list", "user"))]
    globs = request("vm.list", {"query": GLOBS})
    power = [request(method, {"vm": vm}) for vm in vms for method in ("vm.start", "vm.stop")]
    churn = [request(method, params) for number in range(CHURNED) for method, params in (
        ("vm.create", {"name": f"churn{number}", "vcpus": 1, "memory_mib": 16, "host": "fleet"}),
        ("vm.delete", {"vm": f"fleet/churn{number}"}))]
    ping = request("server.ping")
    alone = {"refused": refused, "xml": xml, "globs": [globs], "names": names, "images": [images],
             "pools": [request("pool.list")], "power": power,
             "churn": churn, "pings": [ping]}
    found = [Attack(name, lines) for name, lines in alone.items()]
    found += [Attack(f"{name}-batches", [batch((lines * 64)[:64])]) for name, lines in alone.items()]
    found += [Attack(f"{name}-go", lines, hang_up=256) for name, lines in alone.items()]
    unasked = [line.replace('"id":1,', "") for line in [*refused, *xml, images, *names]]
    return found + [Attack("connects", [ping], hang_up=1),
                    Attack("connects-images", [images], hang_up=1),
                    Attack("notifications", unasked)]


def of_listeners():
    """Subscriptions, and clients who do not read."""
    topics = ["vm", "host", "metrics", "op", "session"]
    every = request("event.subscribe", {"topics": topics})
    globs = request("event.subscribe", {"topics": topics, "query": GLOBS})
    listed = request("vm.list")
    return [
        Attack("subscriptions", [every]),
        Attack("subscriptions-go", [globs], hang_up=64),
        Attack("subscriptions-deaf", [every], deaf=True),
        Attack("subscriptions-end", ["+" + every, request("event.update", {
            "subscription": SUBSCRIPTION, "query": GLOBS})]),
        Attack("deaf", [listed], deaf=True),
        Attack("deaf-batches", [batch([listed] * 64)], deaf=True),
        Attack("deaf-discover", [request("rpc.discover")], deaf=True),
    ]


def all_attacks(rules):
    return [*rules.each_method(), rules.mix(), *broken_lines(), *of_many(rules), *of_listeners()]
