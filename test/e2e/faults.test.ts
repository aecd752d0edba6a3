/** Every system call that the program makes on its files fails once, at each place, in each of its flows. */
import { describe, expect, it } from 'vitest';
import { FAULT_PART, listFlowCalls, runErrors } from './world/fault-cases.ts';
import { FLOW_NAMES, prepareFlow } from './world/fault-flows.ts';
import { needParts } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
process.stdout.write(`faults: the part is ${FAULT_PART}; for all: npm test -- e2e faults\n`);

describe.each(FLOW_NAMES)('%s', (name) => {
  it('works or fails clearly, and leaves nothing behind, whichever call on a file fails', async (context) => {
    needParts(context, 'strace');
    const machine = cloud.addMachine();
    const { count, problems } = await runErrors(await prepareFlow(name, machine), machine);
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThan(5);
  });
});

// Between them, these create every folder and every kind of file.
it.for(['get without a cached token', 'get that starts a renewal', 'store of a password', 'erase'] as const)(
  '%s changes the mode of a file only through its descriptor, so that no link can be put in between',
  async (name, context) => {
    needParts(context, 'strace');
    const machine = cloud.addMachine();
    const calls = await listFlowCalls(await prepareFlow(name, machine), machine);
    const changes = calls.filter((call) => /^(chmod|fchmodat2?|chown|fchownat)$/.test(call.name));
    expect(changes.map((call) => `${call.name} ${call.path}`)).toEqual([]);
  },
);
