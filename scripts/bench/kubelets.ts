/** Goals 12 to 14: a kubelet that asks for many images at once, each of another pod of one service account. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gather, writeInputs } from './crowd.ts';
import { makeRow, type Row, type Skipped, samplesOf } from './row.ts';
import {
  CACHE_VARIABLE,
  type FinishedRun,
  measureInTurn,
  measureMemory,
  measureTime,
  type Subject,
} from './subject.ts';
import { REGISTRY, ROUND_TRIPS_MS, type World } from './world.ts';

const GOALS = [12, 13, 14];
const REQUESTS = 64;
const MEMORY_ROUNDS = 12;
const [ROUND_TRIP_MS] = ROUND_TRIPS_MS;

interface Subjects {
  /** One request, with an empty cache. */
  readonly ours: Subject;
  readonly peer: Subject;
  readonly inputs: readonly string[];
}

/** Measures a crowd of requests without and with a cached token, and the memory of one request. */
export async function measureKubelets(world: World, goals: ReadonlySet<number>, rounds: number) {
  const wanted = GOALS.filter((goal) => goals.has(goal));
  const skipped: Skipped[] = [];
  if (wanted.length === 0) return { rows: [], skipped };
  const { kubeletPeer } = world.programs;
  if (process.platform === 'win32' || kubeletPeer === undefined) {
    const reason = kubeletPeer === undefined ? 'the tests have not installed the peer' : 'there is no shell here';
    return { rows: [], skipped: wanted.map((goal) => ({ goal, reason })) };
  }
  const subjects = createSubjects(world, kubeletPeer);
  const rows: Row[] = [];
  if (goals.has(12)) rows.push(await compareCrowds(world, subjects, rounds));
  if (goals.has(13)) rows.push(await compareCrowds(world, { ...subjects, ours: warmUp(world, subjects) }, rounds));
  if (goals.has(14) && existsSync('/usr/bin/time')) rows.push(await compareMemory(subjects));
  else if (goals.has(14)) skipped.push({ goal: 14, reason: 'there is no GNU time here' });
  return { rows, skipped };
}

function createSubjects({ scratch, programs, emulatorOf, environmentOf }: World, peer: string): Subjects {
  const { AZURE_CLIENT_ID: clientId, AZURE_TENANT_ID: tenantId } = emulatorOf(ROUND_TRIP_MS).environment;
  const azureJson = join(scratch, 'azure.json');
  const settings = { cloud: 'AzurePublicCloud', tenantId, useManagedIdentityExtension: true };
  writeFileSync(azureJson, JSON.stringify(settings), { mode: 0o600 });
  const requests = Array.from({ length: REQUESTS }, (_, index) =>
    JSON.stringify({
      kind: 'CredentialProviderRequest',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      image: `${REGISTRY}/team/app${index}`,
      serviceAccountToken: emulatorOf(ROUND_TRIP_MS).serviceAccountToken,
      serviceAccountAnnotations: {
        'kubernetes.azure.com/acr-client-id': clientId,
        'kubernetes.azure.com/acr-tenant-id': tenantId,
      },
    }),
  );
  /** Without the identity that the environment of the other goals has. */
  const environmentWith = (certificate: 'NODE_EXTRA_CA_CERTS' | 'SSL_CERT_FILE') => {
    const all = Object.entries(environmentOf(ROUND_TRIP_MS, certificate));
    return Object.fromEntries(all.filter(([name]) => !name.startsWith('AZURE_')));
  };
  const ours: Subject = {
    name: 'one request',
    file: programs.ours,
    args: ['kubelet', azureJson],
    input: `${requests[0]}\n`,
    environment: environmentWith('NODE_EXTRA_CA_CERTS'),
    isExpected: isProvided,
    isCold: true,
  };
  const environment = environmentWith('SSL_CERT_FILE');
  return {
    ours,
    peer: { ...ours, name: 'acr-credential-provider', file: peer, args: [azureJson], environment },
    inputs: writeInputs(join(scratch, 'kubelet'), requests),
  };
}

/** Fills a cache with one request. The emulator stays there: it shows that nobody asks it. */
function warmUp({ scratch }: World, { ours }: Subjects): Subject {
  const folder = join(scratch, 'kubelet-cache');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const environment = { ...ours.environment, [CACHE_VARIABLE]: folder };
  measureTime(ours, environment);
  return { ...ours, environment, isCold: false };
}

/** Compares the times, and counts the requests of each round. The peer has no cache: it is always cold. */
async function compareCrowds({ emulatorOf }: World, { ours, peer, inputs }: Subjects, rounds: number): Promise<Row> {
  const emulator = emulatorOf(ROUND_TRIP_MS);
  const [goal, state] = ours.isCold ? [12, 'cold'] : [13, 'hot'];
  const [mine, theirs] = [
    gather(ours, `${REQUESTS} ${state} requests of a kubelet`, inputs, isProvided),
    gather(peer, `the same to ${peer.name}`, inputs, isProvided),
  ];
  const seen = new Map([mine, theirs].map(({ name }) => [name, new Set<string>()]));
  const samples = await measureInTurn([mine, theirs], rounds, async (subject, environment) => {
    await emulator.forget();
    const tookMs = measureTime(subject, environment);
    seen.get(subject.name)?.add(countRequests(await emulator.listRequests()));
    return tookMs;
  });
  const describe = ({ name }: Subject) => [...(seen.get(name) ?? [])].join('; ');
  return makeRow({
    goal: Number(goal),
    what: `${mine.name} ÷ ${theirs.name}`,
    unit: 'ms',
    ours: samplesOf(samples, mine.name),
    against: samplesOf(samples, theirs.name),
    note: `requests: ${describe(mine)} ÷ ${describe(theirs)}`,
  });
}

async function compareMemory({ ours, peer }: Subjects): Promise<Row> {
  const samples = await measureInTurn([ours, peer], MEMORY_ROUNDS, measureMemory);
  return makeRow({
    goal: 14,
    what: `resident memory of one cold request ÷ ${peer.name}`,
    unit: 'MB',
    ours: samplesOf(samples, ours.name),
    against: samplesOf(samples, peer.name),
  });
}

function isProvided({ exitCode, stdout, stderr }: FinishedRun): boolean {
  const hasPassword = /"password":"ey[\w-]+\.[\w-]+\.[\w-]+"/.test(stdout);
  return exitCode === 0 && stderr === '' && stdout.includes('"CredentialProviderResponse"') && hasPassword;
}

function countRequests(requests: readonly string[]): string {
  const count = (ending: string) => requests.filter((request) => request.endsWith(ending)).length;
  return `${count('/oauth2/v2.0/token')} Entra, ${count('/oauth2/exchange')} exchanges, ${requests.length} in all`;
}
