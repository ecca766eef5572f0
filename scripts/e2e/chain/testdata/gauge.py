"""A foreign Modbus RTU slave (pymodbus): the level gauge of electrician/manual.md.

usage: gauge.py PATH
"""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock as Block
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer
from pymodbus.transaction import ModbusRtuFramer

# 987.25 mm with the low word first, echo 73.5 %, measuring
registers = [0, 0, 0, 0, 0xD000, 0x4476, 735, 0]
gauge = ModbusSlaveContext(hr=Block(0, registers), zero_mode=True)
context = ModbusServerContext(slaves={17: gauge}, single=False)
StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[1], baudrate=9600, ignore_missing_slaves=True)
