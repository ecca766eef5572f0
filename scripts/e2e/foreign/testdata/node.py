"""A Sparkplug B edge node with one device, on the paho client: node.py HOST:PORT USER PASSWORD.

It is born with a device, tells data by alias, leaves one sequence number out,
and waits for the command to be born again; then it tells a metric more, and one
that may be set: what it is told to set it tells as data. Its payloads are written here by hand, so that they owe the hub nothing.
"""
import struct
import sys
import threading
import time

import paho.mqtt.client as mqtt

INT16, FLOAT, BOOLEAN, UINT64, STRING = 2, 9, 11, 8, 12
BASE = "spBv1.0/street/%s/node-1"


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def blob(field, b):
    return varint(field << 3 | 2) + varint(len(b)) + b


def metric(name, kind, value, alias=None, unit=None, writable=False):
    m = blob(1, name.encode()) if name else b""
    if alias is not None:
        m += number(2, alias)
    m += number(3, int(time.time() * 1000)) + number(4, kind)
    if unit:
        m += blob(9, blob(1, b"engUnit") + blob(2, number(1, STRING) + blob(8, unit.encode())))
    if writable:
        m += blob(9, blob(1, b"readOnly") + blob(2, number(1, BOOLEAN) + number(7, 0)))
    if kind == FLOAT:
        m += varint(12 << 3 | 5) + struct.pack("<f", value)
    elif kind == BOOLEAN:
        m += number(14, int(value))
    elif kind == UINT64:
        m += number(11, value)
    else:
        m += number(10, value & 0xFFFFFFFF)
    return m


def payload(metrics, seq=None):
    p = number(1, int(time.time() * 1000)) + b"".join(blob(2, m) for m in metrics)
    return p if seq is None else p + number(3, seq)


rebirth, connected = threading.Event(), threading.Event()


def on_connect(client, userdata, flags, code):
    print("connected", code, flush=True)
    client.subscribe([(BASE % "NCMD" + "/#", 1), (BASE % "DCMD" + "/#", 1), ("spBv1.0/STATE/gridhub", 1)])
    connected.set()


def on_message(client, userdata, msg):
    if "STATE" in msg.topic:
        print("host on", msg.topic, msg.payload.decode(), flush=True)
    elif b"Node Control/Rebirth" in msg.payload:
        print("rebirth on", msg.topic, flush=True)
        rebirth.set()
    elif b"Outputs/Valve" in msg.payload:
        wanted = bytes([14 << 3, 1]) in msg.payload
        print("set on", msg.topic, wanted, flush=True)
        client.publish(BASE % "DDATA" + "/pump1", payload([metric("", BOOLEAN, wanted, alias=5)], 2))


def births(client, more):
    bd = metric("bdSeq", UINT64, 7)
    client.publish(BASE % "NBIRTH", payload([bd, metric("Node Control/Rebirth", BOOLEAN, False), metric("Supply Voltage", FLOAT, 12.5, unit="V")], 0))
    device = [metric("Inputs/A", BOOLEAN, False, alias=3)]
    if more:
        device.append(metric("Level", INT16, -7, alias=4, unit="mm"))
        device.append(metric("Outputs/Valve", BOOLEAN, False, alias=5, writable=True))
    client.publish(BASE % "DBIRTH" + "/pump1", payload(device, 1))


def main():
    host, port = sys.argv[1].split(":")
    client = mqtt.Client(client_id="whatever", clean_session=True)
    client.username_pw_set(sys.argv[2], sys.argv[3])
    client.will_set(BASE % "NDEATH", payload([metric("bdSeq", UINT64, 7)]), qos=1)
    client.on_connect, client.on_message = on_connect, on_message
    client.connect(host, int(port), keepalive=5)
    client.loop_start()
    connected.wait(10)
    births(client, False)
    client.publish(BASE % "DDATA" + "/pump1", payload([metric("", BOOLEAN, True, alias=3)], 2))
    time.sleep(0.5)
    client.publish(BASE % "DDATA" + "/pump1", payload([metric("", BOOLEAN, True, alias=3)], 4))
    if rebirth.wait(20):
        births(client, True)
    threading.Event().wait()


main()
