"""The door, byte by byte: JSON-RPC 2.0 as the specification says it, and what is not JSON at all."""

import json
import math
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import Gone, Rpc, World  # noqa: E402

PARSE, REQUEST, METHOD, PARAMS = -32700, -32600, -32601, -32602
MEBIBYTE = 1 << 20


def ping(number, **more):
    return {"jsonrpc": "2.0", "id": number, "method": "server.ping", **more}


class DoorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.daemon = cls.world.daemon("test:///default")
        cls.daemon.synced().rpc.close()

    def setUp(self):
        self.rpc = self.daemon.rpc()

    def tearDown(self):
        self.rpc.close()
        with Rpc(self.daemon.socket) as other:
            self.assertEqual(other.call("server.ping"), {}, "the daemon no longer answers")

    def expect_error(self, answer, code, number=None):
        self.assertEqual(answer["jsonrpc"], "2.0")
        self.assertIn("id", answer)
        self.assertEqual(answer["id"], number)
        self.assertNotIn("result", answer)
        self.assertEqual(answer["error"]["code"], code, answer)
        self.assertIsInstance(answer["error"]["message"], str)
        self.assertTrue(answer["error"]["message"].strip(), "an error that says nothing")

    def still_serves(self):
        self.assertEqual(self.rpc.exchange(ping("still")),
                         {"jsonrpc": "2.0", "id": "still", "result": {}})


class SpecificationExamples(DoorTest):
    """https://www.jsonrpc.org/specification, section 7, with methods of ours."""

    def test_a_call_with_named_parameters_is_answered(self):
        answer = self.rpc.exchange({"jsonrpc": "2.0", "method": "vm.get",
                                    "params": {"vm": "test"}, "id": 3})
        self.assertEqual((answer["jsonrpc"], answer["id"]), ("2.0", 3))
        self.assertEqual(answer["result"]["name"], "test")

    def test_the_order_of_named_parameters_does_not_matter(self):
        one = self.rpc.exchange('{"jsonrpc":"2.0","method":"vm.list","id":1,'
                                '"params":{"name":"test","host":"local"}}')
        two = self.rpc.exchange('{"params":{"host":"local","name":"test"},"id":1,'
                                '"method":"vm.list","jsonrpc":"2.0"}')
        self.assertEqual([vm["uuid"] for vm in one["result"]["vms"]],
                         [vm["uuid"] for vm in two["result"]["vms"]])

    def test_positional_parameters_are_refused(self):
        self.expect_error(self.rpc.exchange(
            {"jsonrpc": "2.0", "method": "vm.get", "params": ["test"], "id": 1}), PARAMS, 1)

    def test_a_notification_is_not_answered_even_if_its_method_is_unknown(self):
        self.rpc.send_line({"jsonrpc": "2.0", "method": "server.ping"})
        self.rpc.send_line({"jsonrpc": "2.0", "method": "foobar"})
        self.rpc.send_line({"jsonrpc": "2.0", "method": "vm.get", "params": {"nonsense": 1}})
        self.still_serves()

    def test_a_call_of_an_unknown_method_is_method_not_found(self):
        self.expect_error(self.rpc.exchange({"jsonrpc": "2.0", "method": "foobar", "id": "1"}),
                          METHOD, "1")

    def test_invalid_json_is_a_parse_error(self):
        self.expect_error(self.rpc.exchange(
            '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]'), PARSE)
        self.still_serves()

    def test_an_invalid_request_object_is_an_invalid_request(self):
        self.expect_error(self.rpc.exchange('{"jsonrpc": "2.0", "method": 1, "params": "bar"}'),
                          REQUEST)

    def test_a_batch_of_invalid_json_is_one_parse_error(self):
        self.expect_error(self.rpc.exchange(
            '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},'
            '{"jsonrpc": "2.0", "method"]'), PARSE)

    def test_an_empty_array_is_one_invalid_request(self):
        answer = self.rpc.exchange("[]")
        self.assertIsInstance(answer, dict)
        self.expect_error(answer, REQUEST)

    def test_an_invalid_batch_that_is_not_empty_is_an_array_of_errors(self):
        for text, count in (("[1]", 1), ("[1,2,3]", 3), ("[[],null,{},true]", 4)):
            with self.subTest(text=text):
                answers = self.rpc.exchange(text)
                self.assertIsInstance(answers, list)
                self.assertEqual(len(answers), count)
                for answer in answers:
                    self.expect_error(answer, REQUEST)

    def test_a_mixed_batch_is_answered_entry_by_entry(self):
        answers = self.rpc.exchange([
            ping("1"),
            {"jsonrpc": "2.0", "method": "server.ping"},
            {"jsonrpc": "2.0", "method": "vm.get", "params": {"vm": "test"}, "id": "2"},
            {"foo": "boo"},
            {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
            {"jsonrpc": "2.0", "method": "server.info", "id": "9"},
        ])
        self.assertEqual(len(answers), 5, answers)
        by_id = {answer["id"]: answer for answer in answers}
        self.assertEqual(by_id["1"]["result"], {})
        self.assertEqual(by_id["2"]["result"]["name"], "test")
        self.expect_error(by_id[None], REQUEST)
        self.expect_error(by_id["5"], METHOD, "5")
        self.assertEqual(by_id["9"]["result"]["api"], 1)

    def test_a_batch_of_notifications_only_is_not_answered(self):
        self.rpc.send_line([{"jsonrpc": "2.0", "method": "server.ping"},
                            {"jsonrpc": "2.0", "method": "foobar"}])
        self.still_serves()


class Envelopes(DoorTest):
    def test_ids_come_back_as_they_were(self):
        for text in ("1", "0", "-7", '"x"', '""', "null", "1.5", "-0.25", "1e3",
                     "9223372036854775807", "-9223372036854775808", "9007199254740993",
                     '"\\u00e4\\n\\"\\\\ \\u20ac \\ud83d\\ude00"', '"' + "i" * 16384 + '"'):
            with self.subTest(id=text[:40]):
                answer = self.rpc.exchange(
                    '{"jsonrpc":"2.0","method":"server.ping","id":%s}' % text)
                self.assertEqual(answer, {"jsonrpc": "2.0", "id": json.loads(text), "result": {}})

    def test_a_number_too_large_for_64_bits_is_not_turned_into_another_id(self):
        for text in ("9223372036854775808", "18446744073709551616", "1" * 40, "-" + "9" * 30):
            with self.subTest(id=text):
                answer = self.rpc.exchange(
                    '{"jsonrpc":"2.0","method":"server.ping","id":%s}' % text)
                if "error" in answer:
                    self.assertIn(answer["error"]["code"], (REQUEST, PARSE))
                else:
                    self.assertTrue(math.isclose(answer["id"], int(text)), answer)

    def test_an_id_that_is_no_string_number_or_null_is_an_invalid_request(self):
        for text in ("{}", "[]", "true", "false", "[1]", '{"a":1}', '"' + "i" * 16385 + '"',
                     "1." + "1" * 20000):
            with self.subTest(id=text[:40]):
                self.expect_error(self.rpc.exchange(
                    '{"jsonrpc":"2.0","method":"server.ping","id":%s}' % text), REQUEST)

    def test_a_request_without_the_right_version_is_an_invalid_request(self):
        for version in ('"1.0"', "2.0", "2", "null", '"2.00"', '""', "{}"):
            with self.subTest(version=version):
                answer = self.rpc.exchange('{"jsonrpc":%s,"method":"server.ping","id":7}' % version)
                self.assertEqual(answer["error"]["code"], REQUEST)
                self.assertIn(answer["id"], (7, None))
        answer = self.rpc.exchange('{"method":"server.ping","id":7}')
        self.assertEqual(answer["error"]["code"], REQUEST)

    def test_a_method_that_is_no_string_is_an_invalid_request(self):
        for method in ("1", "null", "[]", "{}", "true"):
            with self.subTest(method=method):
                answer = self.rpc.exchange('{"jsonrpc":"2.0","method":%s,"id":7}' % method)
                self.assertEqual(answer["error"]["code"], REQUEST)
        answer = self.rpc.exchange('{"jsonrpc":"2.0","id":7}')
        self.assertEqual(answer["error"]["code"], REQUEST)

    def test_odd_method_names_are_method_not_found(self):
        for method in ("", "server", "server.", ".ping", "server.ping ", "SERVER.PING",
                       "server.ping\u0000", "server.ping\u0000x", "x" * 100000, "rpc.nope",
                       "%s%n%s", "server.ping\n"):
            with self.subTest(method=method[:20]):
                self.expect_error(self.rpc.exchange(
                    {"jsonrpc": "2.0", "method": method, "id": 1}), METHOD, 1)

    def test_params_that_are_neither_object_nor_array_are_refused(self):
        for params in ('"bar"', "1", "true", "1.5"):
            with self.subTest(params=params):
                answer = self.rpc.exchange(
                    '{"jsonrpc":"2.0","method":"server.ping","params":%s,"id":1}' % params)
                self.assertIn(answer["error"]["code"], (REQUEST, PARAMS))

    def test_an_empty_params_object_is_as_none(self):
        self.assertEqual(self.rpc.exchange(ping(1, params={}))["result"], {})

    def test_members_of_the_envelope_that_nobody_knows_do_no_harm(self):
        answer = self.rpc.exchange(ping(1, extra={"a": [1, 2]}, trace="x"))
        self.assertEqual(answer["id"], 1)

    def test_scalars_are_invalid_requests(self):
        for text in ("1", "null", "true", '"x"', "1.5"):
            with self.subTest(text=text):
                self.expect_error(self.rpc.exchange(text), REQUEST)
        self.still_serves()

    def test_a_batch_of_64_runs_and_one_of_65_is_refused_as_a_whole(self):
        answers = self.rpc.exchange([ping(number) for number in range(64)])
        self.assertEqual([answer["id"] for answer in answers], list(range(64)))
        answer = self.rpc.exchange([ping(number) for number in range(65)])
        self.assertIsInstance(answer, dict, "65 entries were run")
        self.expect_error(answer, REQUEST)
        self.still_serves()

    def test_a_batch_runs_one_after_the_other_and_events_stay_out_of_its_array(self):
        answers = self.rpc.exchange([
            {"jsonrpc": "2.0", "method": "event.subscribe", "params": {"topics": ["vm"]}, "id": 1},
            ping(2),
            {"jsonrpc": "2.0", "method": "vm.list", "id": 3}])
        self.assertEqual([answer["id"] for answer in answers], [1, 2, 3])
        note = self.rpc.read_message()
        self.assertEqual(note["method"], "event")


class Framing(DoorTest):
    def test_a_carriage_return_before_the_newline_is_fine(self):
        self.rpc.send(json.dumps(ping(1)).encode() + b"\r\n")
        self.assertEqual(self.rpc.read_message()["result"], {})

    def test_white_space_around_a_message_is_fine(self):
        self.rpc.send(b"  \t" + json.dumps(ping(1)).encode() + b"  \n")
        self.assertEqual(self.rpc.read_message()["result"], {})

    def test_what_follows_a_message_on_its_line_is_a_parse_error(self):
        for text in ("{} {}", json.dumps(ping(1)) + "x", json.dumps(ping(1)) + json.dumps(ping(2)),
                     "[] ,"):
            with self.subTest(text=text):
                self.expect_error(self.rpc.exchange(text), PARSE)

    def test_a_message_that_comes_byte_by_byte_is_one_message(self):
        for byte in json.dumps(ping("slow")).encode() + b"\n":
            self.rpc.send(bytes([byte]))
        self.assertEqual(self.rpc.read_message()["id"], "slow")

    def test_ten_thousand_requests_in_one_write_are_all_answered_in_order(self):
        self.rpc.send(b"".join(json.dumps(ping(number)).encode() + b"\n"
                               for number in range(10000)))
        for number in range(10000):
            self.assertEqual(self.rpc.read_message(),
                             {"jsonrpc": "2.0", "id": number, "result": {}})

    def test_a_line_of_one_mebibyte_is_read_and_one_byte_more_ends_the_connection(self):
        text = json.dumps(ping(1))
        self.rpc.send_line(text + " " * (MEBIBYTE - len(text)))
        self.assertEqual(self.rpc.read_message()["result"], {})
        self.rpc.send_line(text + " " * (MEBIBYTE - len(text)))
        self.assertEqual(self.rpc.read_message()["result"], {})
        try:
            self.rpc.send_line(text + " " * (MEBIBYTE - len(text) + 1))
        except Gone:
            pass  # it may hang up while we still send
        lines = self.rpc.wait_end()
        self.assertEqual(len(lines), 1, lines)
        self.expect_error(json.loads(lines[0]), REQUEST)

    def test_a_line_that_never_ends_is_cut_off_at_one_mebibyte(self):
        before = self.daemon.rss_kib()
        try:
            for _ in range(64):
                self.rpc.send(b"x" * MEBIBYTE)
        except Gone:
            pass
        lines = self.rpc.wait_end()
        self.assertTrue(lines, "hung up without a word")
        self.expect_error(json.loads(lines[0]), REQUEST)
        if not self.daemon.sanitized():
            self.assertLess(self.daemon.rss_kib() - before, 8 * 1024)

    def test_the_answers_before_a_line_that_is_too_long_are_not_lost(self):
        try:
            self.rpc.send(b"".join(json.dumps(ping(number)).encode() + b"\n" for number in range(50))
                          + b"y" * (MEBIBYTE + 1) + b"\n")
        except Gone:
            pass
        lines = [json.loads(line) for line in self.rpc.wait_end()]
        self.assertEqual([line["id"] for line in lines], list(range(50)) + [None])

    def test_half_a_line_and_hanging_up_leaves_nothing_behind(self):
        self.still_serves()  # our own connection has been accepted
        before = self.daemon.descriptors()
        for _ in range(50):
            with Rpc(self.daemon.socket) as rude:
                rude.send(b'{"jsonrpc":"2.0","id":1,"method":"server.pi')
        for _ in range(50):
            with Rpc(self.daemon.socket) as rude:
                rude.send(json.dumps(ping(1)).encode() + b"\n")
        self.settled_descriptors(before)

    def settled_descriptors(self, wanted):
        # Each ping is a turn of its loop: what was hung up is seen within a few.
        for _ in range(2000):
            self.still_serves()
            if self.daemon.descriptors() <= wanted:
                return
        self.fail(f"{self.daemon.descriptors()} descriptors, {wanted} before")

    def test_a_last_line_without_newline_is_not_run(self):
        with Rpc(self.daemon.socket) as half:
            half.send(json.dumps(ping(1)))
            half.socket.shutdown(1)
            self.assertEqual(half.wait_end(), [])

    def test_who_closes_only_the_sending_side_still_gets_the_answers(self):
        with Rpc(self.daemon.socket) as half:
            half.send(json.dumps(ping(1)) + "\n" + json.dumps(
                {"jsonrpc": "2.0", "method": "vm.get", "params": {"vm": "test", "xml": True},
                 "id": 2}) + "\n")
            half.socket.shutdown(1)
            self.assertEqual({json.loads(line)["id"] for line in half.wait_end()}, {1, 2})

    def test_invalid_utf_8_is_a_parse_error(self):
        for raw in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
                    b"\xf8\x88\x80\x80\x80", b"\x80"):
            with self.subTest(raw=raw):
                self.rpc.send_line(b'{"jsonrpc":"2.0","id":"' + raw + b'","method":"server.ping"}')
                self.expect_error(self.rpc.read_message(), PARSE)
        self.still_serves()

    def test_a_nul_byte_is_a_parse_error(self):
        self.rpc.send_line(b'{"jsonrpc":"2.0","id":1,"method":"server.ping"}\0')
        self.expect_error(self.rpc.read_message(), PARSE)
        self.rpc.send_line(b'\0{"jsonrpc":"2.0","id":1,"method":"server.ping"}')
        self.expect_error(self.rpc.read_message(), PARSE)
        self.still_serves()

    def test_what_json_does_not_allow_is_a_parse_error(self):
        for text in ("{'jsonrpc':'2.0','id':1,'method':'server.ping'}",
                     '{"jsonrpc":"2.0","id":1,"method":"server.ping",}',
                     '{"jsonrpc":"2.0","id":NaN,"method":"server.ping"}',
                     '{"jsonrpc":"2.0","id":Infinity,"method":"server.ping"}',
                     '{"jsonrpc":"2.0","id":01,"method":"server.ping"}',
                     '{"jsonrpc":"2.0","id":1,"method":"server.ping"} // so',
                     '/* so */ {"jsonrpc":"2.0","id":1,"method":"server.ping"}',
                     '{"jsonrpc":"2.0","id":1,"method":"a\tb"}',
                     '{jsonrpc:"2.0","id":1,"method":"server.ping"}',
                     '{"jsonrpc":"2.0","id":1,"method":"server.ping"', "nonsense", "{", "]"):
            with self.subTest(text=text):
                self.expect_error(self.rpc.exchange(text), PARSE)
        self.still_serves()

    def test_nesting_to_32_is_read_and_33_is_refused(self):
        answers = self.rpc.exchange("[" * 32 + "]" * 32)
        self.assertIsInstance(answers, list, f"32 levels were refused: {answers}")
        self.expect_error(answers[0], REQUEST)
        deep = self.rpc.exchange("[" * 33 + "]" * 33)
        self.assertIsInstance(deep, dict, f"33 levels were read: {deep}")
        self.assertIn(deep["error"]["code"], (PARSE, REQUEST))
        self.still_serves()

    def test_a_million_deep_array_is_an_error_and_costs_nothing(self):
        before = self.daemon.rss_kib()
        for text in (b"[" * 1000000, b"[" * 500000 + b"]" * 500000, b'{"a":' * 150000):
            self.rpc.send_line(text)
            answer = self.rpc.read_message()
            self.assertIn(answer["error"]["code"], (PARSE, REQUEST))
        self.still_serves()
        if not self.daemon.sanitized():
            self.assertLess(self.daemon.rss_kib() - before, 8 * 1024)

    def test_random_bytes_are_survived(self):
        import random  # pylint: disable=import-outside-toplevel
        dice = random.Random(20)
        good = json.dumps(ping(1)).encode()
        for _ in range(300):
            line = bytearray(good)
            for _ in range(dice.randrange(1, 6)):
                line[dice.randrange(len(line))] = dice.choice(
                    [byte for byte in range(256) if byte != 10])
            self.rpc.send_line(bytes(line))
        self.rpc.send_line(ping("end"))
        while True:
            answer = self.rpc.read_message()
            if isinstance(answer, dict) and answer.get("id") == "end":
                break


if __name__ == "__main__":
    promise.main()
