/**
 * `node scripts/bench/fleet.ts`: what the credential providers of 10,000 nodes ask of Entra and of one registry, with the
 * identity of each node and with 200 service accounts.
 */

import { formatTable } from '../build/table.ts';
import { formatCount, formatMinutes, formatPart } from './farm.ts';
import { type Fleet, type FleetCounts, type Provider, simulateFleet } from './fleet-simulation.ts';

const LIMITS = { Standard: 10_000, Premium: 20_000 } as const;

const FLEET: Fleet = {
  limitPerMinute: LIMITS.Premium,
  nodes: 10_000,
  podsPerNode: 30,
  applications: 200,
  applicationsPerNode: 200,
  hours: 9,
  startMinutes: 60,
  bootSeconds: 10,
  podMinutes: 30,
  releaseHours: 24,
  samePart: 0.5,
  rushSeconds: 60,
  seed: 20,
};

const PEER = { name: 'acr-credential-provider', kubeletKeeps: 'an hour', hasCache: false } as const;
const OURS = { name: 'this program', kubeletKeeps: 'to the last sixth', hasCache: true } as const;
const OTHERS = [
  { ...OURS, name: 'this program, an hour in the kubelet', kubeletKeeps: 'an hour' },
  { ...OURS, name: 'this program, in the kubelet to the renewal', kubeletKeeps: 'to the renewal' },
] as const;
const POOLS: Fleet = { ...FLEET, applicationsPerNode: 40 };

const CASES: readonly (readonly [whose: string, fleet: Fleet, provider: Provider])[] = [
  ...[PEER, OURS].map((policy) => ["the node's", FLEET, { ...policy, identity: 'node' }] as const),
  ...[PEER, OURS].map((policy) => ["the pod's", FLEET, { ...policy, identity: 'service account' }] as const),
  ...[PEER, OURS, ...OTHERS].map(
    (policy) => ["the pod's, in pools", POOLS, { ...policy, identity: 'service account' }] as const,
  ),
];

function simulateAll(): readonly Record<string, string>[] {
  return CASES.map(([whose, fleet, provider]) => {
    const premium = simulateFleet({ ...fleet, limitPerMinute: LIMITS.Premium }, provider);
    const standard = simulateFleet({ ...fleet, limitPerMinute: LIMITS.Standard }, provider);
    return { identity: whose, ...formatCounts(provider, standard, premium) };
  });
}

/** Below the limit of Premium, each sign-in is one request to Entra and one exchange. */
function formatCounts({ name }: Provider, standard: FleetCounts, premium: FleetCounts) {
  return {
    provider: name,
    'runs an hour': formatCount(premium.runs.perHour),
    'sign-ins an hour': formatCount(premium.exchanges.perHour),
    'worst minute, first / later': formatMinutes(premium.exchanges),
    'registry: worst minute, first / later': formatMinutes(premium.registry),
    '429, Premium': formatPart(premium.refusedPart),
    '429, Standard': formatPart(standard.refusedPart),
    'late pods, Standard': formatPart(standard.delayedPart),
    'Entra an hour, Standard': formatCount(standard.entra.perHour),
  };
}

if (import.meta.main) {
  const { nodes, hours, podsPerNode, applications, podMinutes, startMinutes, rushSeconds } = FLEET;
  console.log(
    `${formatCount(nodes)} nodes for ${hours} hours, each with ${podsPerNode} pods of ${applications} applications (in pools: of ${POOLS.applicationsPerNode}).`,
  );
  console.log(`A pod lives ${podMinutes} minutes on average. The nodes start within ${startMinutes} minutes.`);
  console.log(`On every hour each node starts one more pod within ${rushSeconds} s.`);
  console.log(`\n${formatTable(simulateAll())}`);
}
