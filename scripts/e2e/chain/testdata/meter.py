"""A foreign Modbus RTU slave (pymodbus): the meter of edge/README.md, an SDM630
at address 17.

usage: meter.py PATH
"""
import struct
import sys

from pymodbus.datastore import ModbusSequentialDataBlock as Block
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer
from pymodbus.transaction import ModbusRtuFramer

# input registers as 32-bit floats, by address
values = {0: 229.5, 2: 230.25, 4: 231.0, 6: 5.0, 8: 6.5, 10: 0.25, 52: 2644.25, 72: 1234.5}
registers = [0] * 80
for at, value in values.items():
    registers[at:at + 2] = struct.unpack(">HH", struct.pack(">f", value))
meter = ModbusSlaveContext(ir=Block(0, registers), zero_mode=True)
context = ModbusServerContext(slaves={17: meter}, single=False)
StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[1], baudrate=9600, ignore_missing_slaves=True)
