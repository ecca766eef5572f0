"""A foreign Modbus TCP slave (pymodbus) whose registers change on command.

usage: slave.py HOST PORT UNIT...
Each line on standard input, "UNIT REGISTER VALUE", sets a holding register.
"""
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock as Block
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

HOLDING = 3
units = {int(u): ModbusSlaveContext(hr=Block(0, [0] * 16), zero_mode=True) for u in sys.argv[3:]}
context = ModbusServerContext(slaves=units, single=False)


def obey():
    for line in sys.stdin:
        unit, register, value = map(int, line.split())
        context[unit].setValues(HOLDING, register, [value])


threading.Thread(target=obey, daemon=True).start()
StartTcpServer(context=context, address=(sys.argv[1], int(sys.argv[2])), ignore_missing_slaves=True)
