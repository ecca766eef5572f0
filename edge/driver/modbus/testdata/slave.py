"""A foreign Modbus slave (pymodbus) for the driver's tests.

usage: slave.py tcp HOST PORT | slave.py rtu PATH
Units 1 to 3 hold the registers of shipped profiles; all others are silent.
"""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock as Block
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer


def slave(di=(), ir=(), hr=()):
    pad = lambda values, n: list(values) + [0] * (n - len(values))
    return ModbusSlaveContext(
        di=Block(0, pad(di, 16)), co=Block(0, [0] * 16),
        hr=Block(0, pad(hr, 400)), ir=Block(0, pad(ir, 400)), zero_mode=True)


meter = [0] * 400
meter[0:2] = [0x4366, 0x0000]      # 230 V
meter[6:8] = [0x40A0, 0x0000]      # 5 A
meter[12:14] = [0x448F, 0xC000]    # 1150 W
meter[342:344] = [0x439A, 0x8000]  # 309 kWh
units = {
    1: slave(hr=[31, 0]),                 # gas: 3.1 %LEL
    2: slave(di=[1], ir=[330]),           # smoke: alarm, 3.30 V
    3: slave(ir=meter),                   # electricity meter
    4: slave(hr=[0] * 4 + [0xFFFE]),      # water level: -2 mm
}
context = ModbusServerContext(slaves=units, single=False)
if sys.argv[1] == "tcp":
    StartTcpServer(context=context, address=(sys.argv[2], int(sys.argv[3])), ignore_missing_slaves=True)
else:
    StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[2], baudrate=9600, ignore_missing_slaves=True)
