"""A foreign Modbus master (pymodbus) that reads our slaves.

usage: master.py tcp HOST PORT | master.py rtu PATH
Prints what it read of and wrote to unit 1, what unit 1 refused, and what unit 2 said.
"""
import sys

from pymodbus.client import ModbusSerialClient, ModbusTcpClient

if sys.argv[1] == "tcp":
    client = ModbusTcpClient(sys.argv[2], port=int(sys.argv[3]), timeout=5)
else:
    client = ModbusSerialClient(port=sys.argv[2], baudrate=9600, timeout=5)
client.connect()
print("holding", client.read_holding_registers(4, 3, slave=1).registers)
print("input", client.read_input_registers(0, 2, slave=1).registers)
print("discrete", client.read_discrete_inputs(0, 3, slave=1).bits[:3])
print("refused", client.read_holding_registers(5, 9, slave=1).exception_code)
print("coil", client.write_coil(9, True, slave=1).function_code, client.read_coils(9, 1, slave=1).bits[0])
print("register", client.write_register(7, 65413, slave=1).function_code, client.read_holding_registers(7, 1, slave=1).registers)
print("registers", client.write_registers(8, [4464, 1], slave=1).function_code, client.read_holding_registers(8, 2, slave=1).registers)
print("nowhere", client.write_register(99, 1, slave=1).exception_code)
client.close()
