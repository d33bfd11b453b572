#!/usr/bin/env python3
"""journal_names: what stands in the journals of lodgeds that are in use is called so still.

A lodged finds in its database what the one before left unfinished: the step that it was at and its plan, by
name. tests/data/journals/ has such operations, and names.json there all names of then; a recipe without one
of its steps, or a plan without one of its members, would leave them lying for ever. New names are welcome:
tests/journals.py adds them, when it writes the stored operations anew."""

import json
import re

import source

STORED = "tests/data/journals"
OPS = "daemon/ops"
PLAN = f"{OPS}/plan.c"
ARRAY = re.compile(r"^static const struct step (\w+)\[\] = \{(.*?)^\};", re.M | re.S)
STEP = re.compile(r'\{\.name = "(\w+)"')
RECIPE = re.compile(r'^const struct recipe \w+ = \{(.*?)^\};', re.M | re.S)
POWER = re.compile(r'^POWER\((\w+), "([\w.]+)"', re.M)
TABLE = re.compile(r"^static const struct field (\w+)_fields\[\] = \{(.*?)^\};", re.M | re.S)
MEMBER = re.compile(r'\{"(\w+)", FIELD_')


def steps_of(root):
    """Kind of operation -> its steps, as the recipes below `root` have them."""
    found = {}
    for path in source.files(root, (OPS,), (".c",)):
        text = path.read_text(encoding="utf-8")
        arrays = {name: STEP.findall(body) for name, body in ARRAY.findall(text)}
        kinds = [(kind, f"{noun}_steps") for noun, kind in POWER.findall(text)]
        for body in RECIPE.findall(text):
            kind = re.search(r'\.kind = "([\w.]+)"', body)
            steps = re.search(r"\.steps = (\w+)", body)
            if kind and steps:
                kinds.append((kind[1], steps[1]))
        found.update({kind: arrays[steps] for kind, steps in kinds if steps in arrays})
    return found


def members_of(root):
    """Table of plan.c -> the names in it."""
    text = (root / PLAN).read_text(encoding="utf-8")
    return {table: MEMBER.findall(body) for table, body in TABLE.findall(text)}


def plan_members(plan):
    """The same, of a journal."""
    yield from (("plan", name) for name in plan)
    for table, list_name in (("disk", "disks"), ("left", "left")):
        for item in plan.get(list_name, []):
            yield from ((table, name) for name in item)


def check(root):
    steps, members = steps_of(root), members_of(root)
    was = json.loads((root / STORED / "names.json").read_text(encoding="utf-8"))
    wanted_steps = {(kind, step) for kind, names in was["steps"].items() for step in names}
    wanted_members = {(table, name) for table, names in was["members"].items() for name in names}
    for path in sorted((root / STORED).glob("*.json")):
        if path.name != "names.json":
            for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
                op = case["rows"]["op"]
                wanted_steps |= {(op["kind"], row["name"]) for row in case["rows"]["op_step"]}
                wanted_members |= set(plan_members(op["journal"]))
    for kind, step in sorted(wanted_steps):
        if step not in steps.get(kind, ()):
            yield f"{OPS}: {kind} has no step '{step}', at which a lodged of before may have left it: {STORED}"
    for table, name in sorted(wanted_members):
        if name not in members.get(table, ()):
            yield f"{PLAN}: {table}_fields has no '{name}', which is in journals of lodgeds of before: {STORED}"


if __name__ == "__main__":
    source.run(check)
