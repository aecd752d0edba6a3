/** The arithmetic of the simulated fleet of nodes. */
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../../scripts/bench/event-queue.ts';
import { createRandom } from '../../../scripts/bench/farm-simulation.ts';
import { type Fleet, type Provider, simulateFleet } from '../../../scripts/bench/fleet-simulation.ts';

/** Every pod that starts has a new image to pull. */
const fleet: Fleet = {
  nodes: 20,
  podsPerNode: 10,
  applications: 5,
  applicationsPerNode: 5,
  hours: 6,
  startMinutes: 30,
  bootSeconds: 10,
  podMinutes: 60,
  samePart: 0.5,
  releaseHours: 1 / 3_600_000,
  rushSeconds: 60,
  limitPerMinute: 100_000,
  seed: 1,
};
const peer: Provider = { name: 'peer', identity: 'node', kubeletKeeps: 'an hour', hasCache: false };
const ours: Provider = { name: 'ours', identity: 'node', kubeletKeeps: 'to the last sixth', hasCache: true };
const asPods = (provider: Provider): Provider => ({ ...provider, identity: 'service account' });
/** One node that starts a pod each minute. */
const oneNode: Fleet = { ...fleet, nodes: 1, podsPerNode: 1, startMinutes: 0, hours: 9, podMinutes: 1 };
const total = ({ perHour }: { readonly perHour: number }, { hours } = fleet) => Math.round(perHour * hours);

describe('a fleet', () => {
  it('is the same for the same seed, and another one for another seed', () => {
    expect(simulateFleet(fleet, ours)).toEqual(simulateFleet(fleet, ours));
    expect(simulateFleet({ ...fleet, seed: 2 }, ours)).not.toEqual(simulateFleet(fleet, ours));
  });

  it('starts the pods of its nodes, their replacements, and one more on each node every hour', () => {
    const { pods, pulls } = simulateFleet(fleet, ours);
    const { nodes, podsPerNode, hours } = fleet;
    const expected = nodes * podsPerNode * (1 + hours - 0.25) + nodes * (hours - 1);
    expect(Math.abs(pods - expected)).toBeLessThan(4 * Math.sqrt(expected));
    expect(total(pulls)).toBe(pods);
  });

  it('asks the registry for each exchange and each pull', () => {
    const { exchanges, pulls, registry } = simulateFleet(fleet, asPods(peer));
    expect(total(registry)).toBe(total(exchanges) + total(pulls));
  });
});

describe('a provider without a cache', () => {
  it('signs in whenever a kubelet runs it: each hour', () => {
    const { runs, entra, exchanges } = simulateFleet(oneNode, peer);
    expect([entra, exchanges]).toEqual([runs, runs]);
    expect(total(runs, oneNode)).toBeGreaterThanOrEqual(8);
    expect(total(runs, oneNode)).toBeLessThanOrEqual(10);
  });

  it('signs in for each pod of a node that starts them at once', () => {
    const boot: Fleet = { ...fleet, hours: 1, bootSeconds: 0.5, podMinutes: 1_000_000 };
    expect(total(simulateFleet(boot, peer).entra, boot)).toBe(boot.nodes * boot.podsPerNode);
    expect(total(simulateFleet(boot, ours).entra, boot)).toBe(boot.nodes);
    expect(total(simulateFleet(boot, ours).runs, boot)).toBe(boot.nodes * boot.podsPerNode);
  });
});

describe('a provider with a cache', () => {
  it('signs in once for a token, and renews it while the kubelet still has it', () => {
    // Each token is in the kubelet for two hours and a half; then comes the old one again, while it is being renewed.
    // Without the renewal, the fourth sign-in would come after the eighth hour.
    const short = { ...oneNode, hours: 8 };
    const { runs, entra, exchanges } = simulateFleet(short, ours);
    expect(total(exchanges, short)).toBe(4);
    expect(total(entra, short)).toBe(4);
    expect(total(runs, short)).toBe(7);
  });

  it('runs each hour without a sign-in when the kubelet keeps a credential for an hour', () => {
    const { runs, exchanges } = simulateFleet(oneNode, { ...ours, kubeletKeeps: 'an hour' });
    expect(total(runs, oneNode)).toBeGreaterThanOrEqual(8);
    expect(total(exchanges, oneNode)).toBeLessThanOrEqual(4);
  });

  it('signs in again with the next pull after its token has expired', () => {
    const rare: Fleet = { ...oneNode, podMinutes: 1_000_000, rushSeconds: 0, hours: 9 };
    // A pod at 0:00 and one on every hour: the token of 0:00 is in the kubelet until 2:30, and expires at 3:00.
    const { exchanges, runs } = simulateFleet(rare, ours);
    expect(total(exchanges, rare)).toBe(3);
    expect(total(runs, rare)).toBe(3);
  });
});

describe('service accounts', () => {
  it('sign in once for each application of a node, and never for another node or application', () => {
    const boot: Fleet = { ...fleet, hours: 1, podsPerNode: 400, applicationsPerNode: 3, podMinutes: 1_000_000 };
    expect(total(simulateFleet(boot, asPods(ours)).entra, boot)).toBe(boot.nodes * 3);
  });

  it('need the provider for an image that is on the node, and nodes do not', () => {
    const stable: Fleet = { ...fleet, releaseHours: 1_000 };
    const [pods, nodes] = [simulateFleet(stable, asPods(peer)), simulateFleet(stable, peer)];
    // One pull for each node and application, or none where no pod of it started.
    expect(total(pods.pulls)).toBeLessThanOrEqual(stable.nodes * stable.applications);
    expect(pods.pulls).toEqual(nodes.pulls);
    expect(total(pods.runs)).toBeGreaterThan(3 * stable.nodes * stable.applications);
    expect(total(nodes.runs)).toBeLessThanOrEqual(stable.nodes * stable.applications);
  });
});

describe('a registry beyond its limit', () => {
  const narrow: Fleet = { ...fleet, limitPerMinute: 10 };

  it('refuses requests, so that pods start late', () => {
    const { refusedPart, delayedPart } = simulateFleet(narrow, asPods(peer));
    expect(refusedPart).toBeGreaterThan(0.1);
    expect(delayedPart).toBeGreaterThan(0.1);
    expect(simulateFleet(fleet, asPods(peer))).toMatchObject({ refusedPart: 0, delayedPart: 0 });
  });

  it('is asked again after pauses that double, up to five minutes', () => {
    // After 0, 10, 30, 70, 150 and 310 seconds, and then every 300 seconds.
    const closed: Fleet = { ...oneNode, hours: 1, podMinutes: 1_000_000, limitPerMinute: 0 };
    expect(total(simulateFleet(closed, peer).exchanges, closed)).toBe(16);
  });

  it('replaces no pod that has not started yet', () => {
    const closed: Fleet = { ...fleet, limitPerMinute: 0 };
    const { pods } = simulateFleet(closed, asPods(peer));
    expect(pods).toBe(closed.nodes * (closed.podsPerNode + closed.hours - 1));
  });

  it('costs another sign-in at Entra for each attempt without a cache, and none with one', () => {
    const [theirs, mine] = [simulateFleet(narrow, asPods(peer)), simulateFleet(narrow, asPods(ours))];
    expect(theirs.entra).toEqual(theirs.exchanges);
    expect(total(mine.entra)).toBeLessThan(total(mine.exchanges) / 2);
    expect(total(mine.entra)).toBeLessThan(total(theirs.entra) / 2);
  });
});

describe('an event queue', () => {
  it('gives events in the order of time, whatever the order in which they came', () => {
    const draw = createRandom(3);
    const queue = new EventQueue<{ readonly second: number }>();
    const seconds = Array.from({ length: 500 }, () => Math.floor(draw() * 100));
    for (const second of seconds) queue.push({ second });
    expect(queue.peek()?.second).toBe(Math.min(...seconds));
    const taken = seconds.map(() => queue.pop()?.second);
    expect(taken).toEqual(seconds.toSorted((one, other) => one - other));
    expect([queue.pop(), queue.peek()]).toEqual([undefined, undefined]);
  });
});
