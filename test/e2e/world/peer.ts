/** The built program under the name of a program that it replaces, beside that program. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { PROGRAM, partOf } from './parts.ts';

/** Links both programs by the same name, in the folders `ours` and `peer` of a machine. */
export function installBesidePeer(machine: Machine, name: string): void {
  for (const [folder, program] of [
    ['ours', PROGRAM],
    ['peer', partOf(name)],
  ] as const) {
    mkdirSync(join(machine.folder, folder));
    symlinkSync(program, join(machine.folder, folder, name));
  }
}
