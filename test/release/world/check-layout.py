"""Checks the layout of executables with LIEF: a line each, with what is wrong or nothing."""

import sys

import lief

lief.logging.disable()
for path in sys.argv[1:]:
    if lief.is_macho(path):
        is_right, reason = lief.MachO.check_layout(lief.MachO.parse(path).at(0))
    elif lief.is_pe(path):
        is_right, reason = lief.PE.check_layout(lief.PE.parse(path))
    else:
        is_right, reason = lief.ELF.check_layout(lief.ELF.parse(path))
    print("" if is_right else " ".join(reason.split()) or "wrong")
