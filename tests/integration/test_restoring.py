"""A copy of the database that is put back, of whatever kind and from whatever moment, costs nobody a
guest or a disk: what was under way in it is left as it is found (root, a lodged with fail points,
private libvirtd with QEMU)."""

import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from drawn import drawn  # noqa: E402
from failpoints import points  # noqa: E402
from restoring import PAUSE_MS, PLACE, PRECIOUS, SMALL, RestoringTest  # noqa: E402
from world import Mirror, RpcError  # noqa: E402


class OfCreations(RestoringTest):
    def test_a_guest_that_is_off_by_then_keeps_its_disk(self):
        """Nothing but its mark tells that it has run: libvirt has forgotten how it ended."""
        copies = self.made_meanwhile("define")
        path, _ = self.guest("fresh")
        with self.start() as rpc:
            rpc.call("vm.stop", vm="fresh", wait=True)
        self.stop()
        self.libvirtd.restart()
        self.each_way(copies, lambda how: self.live_on("fresh", path))
        self.clear()

    def test_a_row_that_is_forgotten_after_a_copy_was_put_back_leaves_the_guest(self):
        """Without its row nothing but the guard over its creation knows of it."""
        copies = self.made_meanwhile("define")
        path, run = self.guest("fresh")

        def check(_):
            with self.start() as rpc:
                self.settle(rpc)
            self.stop()
            with self.start() as rpc:
                mirror = Mirror(rpc, topics=["host"]).wait_ready(60)
                self.libvirtd.kill()
                mirror.wait(lambda m: m.hosts["q"]["state"] != "up", 30)
                rpc.call("vm.forget", vm="fresh", wait=True)
                self.libvirtd.start()
                mirror.wait(lambda m: m.hosts["q"]["state"] == "up", 30)
                self.daemon.synced(60).rpc.close()
                self.provoke_guards(rpc)
                self.expect_whole("fresh", path, run)
            self.stop()

        self.each_way(copies, check)
        self.clear()

    def test_a_guest_that_somebody_started_before_the_undo_is_not_undone(self):
        for point in drawn(("create.define.done", "create.start.done"), "kills before a start", 1):
            with self.subTest(point=point):
                with self.start(f"{point}:kill") as rpc:
                    rpc.ask("vm.create", name="fresh", start="start" in point, **SMALL)
                    self.daemon.process.wait(30)
                self.libvirtd.virsh("resume" if "start" in point else "start", "fresh")
                path, run = self.guest("fresh")
                self.live_on("fresh", path, run)
                with self.start() as rpc:
                    op = rpc.call("op.list")["ops"][0]
                    self.assertEqual(op["state"], "failed")
                    self.assertIn("its guest has run", op["error"]["message"])
                    self.assertEqual(self.worlds.compare(), [])
                self.stop()
                self.clear()

    def test_a_guest_that_ran_and_stands_still_again_is_not_undone(self):
        """libvirt's words for what lodge and others did are the same; what is on its disk is not."""
        for how in drawn((("resume", "suspend"), ("resume", "destroy"), ("destroy",)), "stops before an undo", 2):
            with self.subTest(how=how):
                with self.start("create.start.done:kill") as rpc:
                    rpc.ask("vm.create", name="fresh", start=True, **SMALL)
                    self.daemon.process.wait(30)
                for verb in how:
                    self.libvirtd.virsh(verb, "fresh")
                path, run = self.guest("fresh")  # writes to its disk
                with self.start() as rpc:
                    self.settle(rpc)
                    op = rpc.call("op.list")["ops"][0]
                    self.assertEqual(op["state"], "failed")
                    self.assertIn("its guest has run", op["error"]["message"])
                    self.assertTrue(path.exists())
                    with path.open("rb") as file:
                        file.seek(PLACE)
                        self.assertEqual(file.read(len(PRECIOUS)), PRECIOUS)
                    self.assertEqual(self.libvirtd.virsh("domid", "fresh", check=False).stdout.strip(), run)
                    self.assertEqual(self.worlds.compare(), [])
                self.stop()
                self.clear()

    def test_a_guest_on_an_overlay_of_another_tool_is_not_undone(self):
        """It may have run on that, and the disk below was never written to."""
        with self.start("create.start.done:kill") as rpc:
            rpc.ask("vm.create", name="fresh", start=True, **SMALL)
            self.daemon.process.wait(30)
        over = self.world.folder / "over.qcow2"
        self.libvirtd.virsh("snapshot-create-as", "fresh", "s1", "--disk-only", "--diskspec", f"vda,file={over}")
        run = self.libvirtd.virsh("domid", "fresh").stdout.strip()
        with self.start() as rpc:
            self.settle(rpc)
            self.assertEqual(rpc.call("op.list")["ops"][0]["state"], "failed")
            self.assertEqual(self.libvirtd.virsh("domid", "fresh").stdout.strip(), run)
            kept = rpc.call("vm.delete", vm="fresh", wait=True, deadline=60)["kept"]
        self.stop()
        self.assertEqual(len(kept), 2)
        for entry in kept:
            self.assertTrue(os.path.exists(entry["path"]))
            os.unlink(entry["path"])

    def test_a_disk_that_was_written_to_outlives_a_definition_that_somebody_removed(self):
        with self.start("create.start.done:kill") as rpc:
            rpc.ask("vm.create", name="fresh", start=True, **SMALL)
            self.daemon.process.wait(30)
        path, _ = self.guest("fresh")
        self.libvirtd.virsh("destroy", "fresh")
        self.libvirtd.virsh("undefine", "fresh")
        with self.start() as rpc:
            self.settle(rpc)
            with path.open("rb") as file:
                file.seek(PLACE)
                self.assertEqual(file.read(len(PRECIOUS)), PRECIOUS)
            strays = [stray["path"] for stray in rpc.call("server.compare")["stray_volumes"]]
            self.assertEqual(strays, [str(path)])
        self.stop()
        path.unlink()
        self.clear()

    def test_debris_that_runs_is_somebodys_from_then_on(self):
        with self.start("create.commit:error") as rpc:
            with self.assertRaises(RpcError):
                rpc.call("vm.create", name="fresh", start=True, wait=True, deadline=60, **SMALL)
            uuid = rpc.call("op.list")["ops"][0]["uuid"]
            path = self.disks / f"{uuid}-0.raw"
            self.stop()
        late = self.late_domain(uuid, path)
        self.libvirtd.virsh("define", late)
        self.libvirtd.virsh("start", "fresh")
        _, run = self.guest("fresh")
        self.live_on("fresh", path, run, restarts=1)
        self.libvirtd.virsh("destroy", "fresh")
        self.libvirtd.restart()  # how it ended is forgotten; that it has run is not
        self.live_on("fresh", path)
        with self.start() as rpc:
            rpc.call("vm.adopt", vm="fresh", owner="root", wait=True)
        self.assertEqual(self.mark("fresh").get("committed"), "1")
        self.stop()

    def test_a_copy_made_while_a_creation_was_undone_leaves_a_row_without_domain(self):
        points = f"create.commit:error,create.define.undo:delay={PAUSE_MS}"
        path, run = self.running("neighbour")
        with self.start(points) as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.create", name="fresh", start=True, wait=True, **SMALL)
            self.worlds.wait_rows("SELECT 1 FROM op WHERE state = 'undoing' AND step = 'define'")
            copies = self.copy_all(other)
            with self.assertRaises(RpcError):
                rpc.answer(asked, 60)
        self.stop()

        def check(_):
            self.live_on("neighbour", path, run)
            with self.start() as rpc:
                vm = rpc.call("vm.get", vm="fresh")
                self.assertEqual((vm["state"], vm["reason"]), ("error", "missing"))
                rpc.call("vm.delete", vm="fresh", wait=True, deadline=60)
                self.assertEqual(self.worlds.compare(), [])
            self.stop()

        self.each_way(copies, check, self.KNOWN)
        self.clear()

    def test_a_VM_that_was_adopted_since_its_creation_was_undone_is_no_debris(self):
        with self.start("create.commit:error") as rpc:
            with self.assertRaises(RpcError):
                rpc.call("vm.create", name="fresh", start=True, wait=True, deadline=60, **SMALL)
            uuid = rpc.call("op.list")["ops"][0]["uuid"]
            copies = self.copy_all(rpc)
        self.stop()
        path = self.disks / f"{uuid}-0.raw"
        late = self.late_domain(uuid, path)
        with sqlite3.connect(self.state / "lodge.db") as database:  # a week later
            database.execute("DELETE FROM op")
        database.close()
        self.libvirtd.virsh("define", late)
        self.guest("fresh")
        with self.start() as rpc:
            rpc.call("vm.adopt", vm="fresh", owner="root", wait=True)
        self.stop()
        self.each_way(copies, lambda how: self.live_on("fresh", path))


class OfOthers(RestoringTest):
    def test_a_deletion_that_came_to_nothing_is_not_gone_on_with(self):
        path, run = self.running()
        with self.start(f"delete.undefine:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            rpc.ask("vm.delete", vm="victim")
            self.step_is("delete", "undefine")
            copies = self.copy_all(other)
            self.daemon.process.kill()
        with self.start("delete.undefine:error") as rpc:
            self.settle(rpc)  # it failed: the VM is there
        self.stop()
        self.each_way(copies, lambda how: self.live_on("victim", path, run), self.KNOWN)
        self.clear()

    def test_a_snapshot_of_all_is_known_by_what_was_made_since(self):
        path, run = self.running()
        with self.start(f"delete.undefine:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            rpc.ask("vm.delete", vm="victim")
            self.step_is("delete", "undefine")
            copies = self.copy_all(other)
            self.daemon.process.kill()
        with self.start("delete.undefine:error") as rpc:
            self.settle(rpc)
            rpc.call("vm.create", name="later", wait=True, deadline=60, **SMALL)
        self.stop()
        self.put_back("the whole folder", copies)
        self.assertTrue(self.live_on("victim", path, run))
        with self.start() as rpc:
            found = rpc.call("server.compare")
            self.assertEqual([vm["name"] for vm in found["unknown_domains"]], ["later"])
            rpc.call("vm.create", name="next", wait=True, deadline=60, **SMALL)
        self.assertGreater(int(self.mark("next")["op"]), int(self.mark("later")["op"]),
                           "a number was given out twice")
        self.stop()

    def test_a_deletion_that_was_finished_leaves_a_row_and_nothing_else_goes(self):
        path, run = self.running("neighbour")
        self.running()
        with self.start(f"delete.volumes:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.delete", vm="victim", wait=True)
            self.step_is("delete", "volumes")
            copies = self.copy_all(other)
            rpc.answer(asked, 60)
        self.stop()

        def check(how):
            self.live_on("neighbour", path, run)
            with self.start() as rpc:
                if how in self.KNOWN:  # else it was gone on with, to the same end
                    vm = rpc.call("vm.get", vm="victim")
                    self.assertEqual((vm["state"], vm["reason"]), ("error", "missing"))
                    rpc.call("vm.delete", vm="victim", wait=True, deadline=60)
                self.assertEqual(self.worlds.compare(), [])
            self.stop()

        self.each_way(copies, check)
        self.clear()

    def test_an_update_that_is_long_over_changes_no_definition(self):
        with self.start() as rpc:
            rpc.call("vm.create", name="victim", wait=True, deadline=60, **SMALL)
        self.stop()
        path, _ = self.guest("victim")
        with self.start(f"update.define:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.update", vm="victim", vcpus=2, wait=True)
            self.step_is("update", "define")
            copies = self.copy_all(other)
            rpc.answer(asked, 60)
        self.daemon.env = {}
        self.stop()
        with self.start() as rpc:
            rpc.call("vm.update", vm="victim", vcpus=1, tags=["kept"], wait=True, deadline=60)
        self.stop()

        def check(_):
            self.live_on("victim", path)
            xml = self.libvirtd.virsh("dumpxml", "victim").stdout
            self.assertIn("kept", xml)
            self.assertIn(">1</vcpu>", xml)

        self.each_way(copies, check, self.KNOWN)
        self.clear()


def add_steps():
    for step in (point.split(".")[1] for point in points()
                 if point.startswith("create.") and point.count(".") == 1):
        if step in ("reserve", "commit", "close"):
            continue  # these leave no line of their own in the journal

        def test(self, step=step):
            self.check_creation(step)
        test.__name__ = f"test_a_guest_that_runs_since_a_copy_was_made_at_{step}_of_its_creation_runs_on"
        setattr(OfCreations, test.__name__, test)


add_steps()

if __name__ == "__main__":
    promise.main()
