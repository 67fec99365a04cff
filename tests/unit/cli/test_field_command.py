"""`openami field`: a meter is commissioned, read and exchanged at its local port."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from command_line import meter_on_loopback
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import SystemClock
from openami.protocols.dlms.security import SecurityKeys

KEY = "00112233445566778899aabbccddeeff"
HEADER = "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,since"


def device(number, power_w):
    keys = SecurityKeys(bytes.fromhex(KEY), bytes.fromhex(KEY))
    config = MeterConfig(serial=f"M{number}", system_title=title(number), keys=keys)
    return ElectricityMeter(config, SteadyCurve(power_w), SystemClock().time() - 7200)


def title(number):
    return b"OAM" + number.to_bytes(5, "big")


def line_of(tmp_path, number, key=KEY):
    file = tmp_path / f"M{number}.csv"
    row = f"P1,1 Mill Lane,UTC,M{number},{title(number).hex()},tcp://10.0.0.1:{number},900,{key},{KEY},2026-01-01"
    file.write_text(f"{HEADER}\n{row}\n")
    return file


def test_a_meter_is_commissioned_read_and_exchanged(openami, tmp_path):
    settings = openami("init", tmp_path / "installation", "--json").objects[0]["settings"]
    last = ("--settings", settings, "--json")
    with (
        meter_on_loopback(device(1, 1000), SystemClock()) as one,
        meter_on_loopback(device(2, 500), SystemClock()) as two,
    ):
        wrong = openami("field", "commission", one.hdlc, line_of(tmp_path, 1, KEY[::-1]), *last)
        assert wrong.status == 1
        assert openami("field", "read", one.hdlc, "M1", *last).status == 1, "it was not entered"
        (opened,) = openami("field", "commission", one.hdlc, line_of(tmp_path, 1), *last).objects
        assert opened["values"]["1-0:1.8.0*255"].endswith("Wh")
        assert openami("field", "read", one.hdlc, "M1", *last).status == 0
        ran = openami("field", "exchange", one.hdlc, "M1", two.hdlc, line_of(tmp_path, 2), *last)
        assert ran.status == 0, ran.err
        closed, opened = ran.objects
        assert (closed["serial"], opened["serial"]) == ("M1", "M2")
        assert closed["evidence"] != opened["evidence"]
        assert openami("field", "read", two.hdlc, "M2", *last).status == 0
        again = openami("field", "exchange", one.hdlc, "M9", two.hdlc, line_of(tmp_path, 3), *last)
        assert again.status == 1
        assert "commission it first" in again.err
    with closing(sqlite3.connect(tmp_path / "installation" / "openami.sqlite")) as store:
        registers = store.execute("SELECT meter, count(*) FROM stamped_register GROUP BY meter").fetchall()
        hung = store.execute("SELECT meter, start, end FROM installation ORDER BY start").fetchall()
        waiting = store.execute("SELECT count(*) FROM unplaced").fetchone()
    assert [meter for meter, _ in registers] == [1, 2]
    assert waiting == (0,)
    assert hung[0][2] == hung[1][1]
