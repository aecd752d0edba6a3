/** The process is killed right before every system call that changes its files, in each of its flows. */
import { expect, it } from 'vitest';
import { FAULT_PART, runKills } from './world/fault-cases.ts';
import { FLOW_NAMES, prepareFlow } from './world/fault-flows.ts';
import { needParts } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
process.stdout.write(`faults: the part is ${FAULT_PART}; for all: npm test -- e2e faults\n`);
/** These only read. */
const READING = ['get with a cached token', 'list'];

it.for(FLOW_NAMES.filter((name) => !READING.includes(name)))(
  '%s leaves no secret and nothing that delays the next run, whenever it is killed',
  async (name, context) => {
    needParts(context, 'strace');
    const machine = cloud.addMachine();
    const { count, problems } = await runKills(await prepareFlow(name, machine), machine);
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThan(3);
  },
);
