/**
 * Simulates the kubelets of a fleet of nodes that pull from one registry, and counts what their credential provider asks
 * of Entra and of the registry's token service.
 */

import { EventQueue } from './event-queue.ts';
import { createRandom, MinuteCounter, type PerHour, TokenBucket } from './farm-simulation.ts';

export interface Fleet {
  readonly nodes: number;
  readonly podsPerNode: number;
  /** Each has its own image and its own service account. */
  readonly applications: number;
  /** How many of them a node runs: those of its pool. */
  readonly applicationsPerNode: number;
  readonly hours: number;
  /** The nodes start one after the other within this time. */
  readonly startMinutes: number;
  /** A node that starts starts its pods within this time. */
  readonly bootSeconds: number;
  /** The mean life of a pod. After it, another pod starts in its place. */
  readonly podMinutes: number;
  /** How many of these pods belong to the application of the pod before; the others to any application of the node. */
  readonly samePart: number;
  /** How often an application has a new image, which a node pulls when the next pod of the application starts on it. */
  readonly releaseHours: number;
  /** On every hour, each node starts one more pod of an application that it runs, within this time. */
  readonly rushSeconds: number;
  /** The registry's limit of OAuth operations per minute. Above it, the status is 429. */
  readonly limitPerMinute: number;
  readonly seed: number;
}

/** What a credential provider does between the kubelet and the registry. */
export interface Provider {
  readonly name: string;
  /** Whose identity pulls. The kubelet keeps one credential for each. */
  readonly identity: 'node' | 'service account';
  /**
   * How long the kubelet may keep a credential: an hour, until a sixth of the token's life is left, or until the token
   * is due for renewal.
   */
  readonly kubeletKeeps: 'an hour' | 'to the last sixth' | 'to the renewal';
  /** Whether tokens are kept on the node's disk, renewed before they expire, and fetched once for all that wait. */
  readonly hasCache: boolean;
}

export interface FleetCounts {
  readonly pods: number;
  /** Pulls, each with the client's own request for a token, which no provider can avoid. */
  readonly pulls: PerHour;
  /** How often a kubelet ran the provider. */
  readonly runs: PerHour;
  readonly entra: PerHour;
  readonly exchanges: PerHour;
  /** Exchanges and the clients' token requests, including refused ones. */
  readonly registry: PerHour;
  /** The fraction of the registry's operations that were refused with status 429. */
  readonly refusedPart: number;
  /** The fraction of the pods that started late, since a request for them was refused. */
  readonly delayedPart: number;
}

const TOKEN_SECONDS = 3 * 3600;
const ENTRA_SECONDS = 3599;
/** A token with less life left is not used. */
const MARGIN_SECONDS = 300;
/** How long a sign-in takes on a node that is starting its pods. */
const SIGN_IN_SECONDS = 1;
/** After a failed pull the kubelet waits twice as long each time. */
const FIRST_BACKOFF_SECONDS = 10;
const MAX_BACKOFF_SECONDS = 300;

interface PodStart {
  readonly second: number;
  readonly node: number;
  readonly application: number;
  /** Its place among the pods of all nodes; `undefined` for the one more on the hour. */
  readonly place: number | undefined;
  /** How often the registry has refused a request for it. */
  readonly failures: number;
}

/**
 * Simulates a fleet. A kubelet looks for the credential of a pod whose image has to be pulled. With service accounts it
 * does so for an image on the node as well, since the pod may have no right to it.
 *
 * @returns the counts, which are the same for the same fleet.
 * @see https://kubernetes.io/docs/concepts/containers/images/#ensureimagepullcredentialverification
 */
export function simulateFleet(fleet: Fleet, provider: Provider): FleetCounts {
  const meters = createMeters(fleet);
  const findCredential = createKubelets(fleet, provider, meters);
  const images = createImages(fleet);
  // A pod that cannot start is not replaced either.
  const waiting = new Set<number>();
  let pods = 0;
  let delayed = 0;
  const retries = new EventQueue<PodStart>();
  const obtainImage = (start: PodStart): boolean => {
    const isOnNode = images.has(start);
    if (isOnNode && provider.identity === 'node') return true;
    if (!findCredential(start)) return false;
    if (isOnNode) return true;
    if (!meters.pull(start.second)) return false;
    images.add(start);
    return true;
  };
  const startPod = (start: PodStart) => {
    const hasStarted = obtainImage(start);
    if (start.place !== undefined) waiting[hasStarted ? 'delete' : 'add'](start.place);
    if (hasStarted) return;
    if (start.failures === 0) delayed += 1;
    const pauseSeconds = Math.min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** start.failures);
    const second = start.second + pauseSeconds;
    if (second < fleet.hours * 3600) retries.push({ ...start, second, failures: start.failures + 1 });
  };
  const retryUntil = (second: number) => {
    for (let next = retries.peek(); next !== undefined && next.second <= second; next = retries.peek()) {
      retries.pop();
      startPod(next);
    }
  };
  for (const start of listPodStarts(fleet, waiting)) {
    retryUntil(start.second);
    pods += 1;
    startPod(start);
  }
  retryUntil(fleet.hours * 3600);
  return { pods, ...meters.sum(), delayedPart: pods === 0 ? 0 : delayed / pods };
}

/** Creates the images of the nodes, which keep them. Each application has its releases at a moment of its own. */
function createImages({ nodes, applications, releaseHours, seed }: Fleet) {
  const draw = createRandom(seed + 2);
  const releaseSeconds = releaseHours * 3600;
  const phases = Float64Array.from({ length: applications }, () => draw() * releaseSeconds);
  const pulledAt = new Float64Array(nodes * applications).fill(Number.NEGATIVE_INFINITY);
  return {
    has: ({ second, node, application }: PodStart): boolean => {
      const phase = phases[application] ?? 0;
      const releasedAt = phase + Math.floor((second - phase) / releaseSeconds) * releaseSeconds;
      return (pulledAt[node * applications + application] ?? 0) >= releasedAt;
    },
    add: ({ second, node, application }: PodStart): void => {
      pulledAt[node * applications + application] = second;
    },
  };
}

/** Counts requests, and refuses what is above the registry's limit. */
interface Meters {
  readonly countRun: (second: number) => void;
  readonly countEntra: (second: number) => void;
  /** @returns whether the registry issued a token for the one of Entra. */
  readonly exchange: (second: number) => boolean;
  /** @returns whether the registry issued the client's own token. */
  readonly pull: (second: number) => boolean;
  readonly sum: () => Omit<FleetCounts, 'pods' | 'delayedPart'>;
}

function createMeters({ hours, limitPerMinute }: Fleet): Meters {
  const createCounter = () => new MinuteCounter(hours);
  const [runs, entra, exchanges] = [createCounter(), createCounter(), createCounter()];
  const [pulls, registry] = [createCounter(), createCounter()];
  const bucket = new TokenBucket(limitPerMinute);
  let refused = 0;
  const askRegistry = (second: number) => {
    registry.count(second);
    if (bucket.take(second)) return true;
    refused += 1;
    return false;
  };
  return {
    countRun: (second) => runs.count(second),
    countEntra: (second) => entra.count(second),
    exchange: (second) => {
      exchanges.count(second);
      return askRegistry(second);
    },
    pull: (second) => {
      pulls.count(second);
      return askRegistry(second);
    },
    sum: () => ({
      ...{ runs: runs.sum(), entra: entra.sum(), exchanges: exchanges.sum() },
      ...{ pulls: pulls.sum(), registry: registry.sum() },
      refusedPart: registry.total === 0 ? 0 : refused / registry.total,
    }),
  };
}

/**
 * Creates the kubelets with their caches.
 * @returns a function that finds the credential for a pod; false when the provider failed.
 */
function createKubelets(fleet: Fleet, provider: Provider, meters: Meters): (start: PodStart) => boolean {
  const { identity, hasCache } = provider;
  const identities = identity === 'node' ? 1 : fleet.applications;
  const size = fleet.nodes * identities;
  // The kubelet's cache: from when it has a credential, and until when.
  const [keptFrom, keptUntil] = [new Float64Array(size), new Float64Array(size)];
  // The disk: when the token expires, when it is due for renewal, and until when Entra's token can be used.
  const [expiresAt, renewAt, entraUntil] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  const draw = createRandom(fleet.seed + 1);

  const signIn = (key: number, second: number): boolean => {
    if (!hasCache || second >= (entraUntil[key] ?? 0)) meters.countEntra(second);
    entraUntil[key] = Math.max(entraUntil[key] ?? 0, second + ENTRA_SECONDS - MARGIN_SECONDS);
    if (!meters.exchange(second)) return false;
    expiresAt[key] = second + TOKEN_SECONDS;
    renewAt[key] = second + chooseRenewal(draw());
    return true;
  };
  /** Keeps what the provider answered, unless another run's answer comes first. */
  const keep = (key: number, second: number, now: number) => {
    if ((keptFrom[key] ?? 0) > now) return;
    keptFrom[key] = second;
    keptUntil[key] = second + measureKept(provider, (expiresAt[key] ?? 0) - second, (renewAt[key] ?? 0) - second);
  };

  return ({ second, node, application }) => {
    const key = node * identities + (identity === 'node' ? 0 : application);
    if (second >= (keptFrom[key] ?? 0) && second < (keptUntil[key] ?? 0)) return true;
    meters.countRun(second);
    // A token that another run is fetching counts as well: this run waits for it.
    if (hasCache && second < (expiresAt[key] ?? 0) - MARGIN_SECONDS) {
      keep(key, second, second);
      // In the background: this pull has its token.
      if (second > (renewAt[key] ?? 0)) signIn(key, second);
      return true;
    }
    if (!signIn(key, second)) return false;
    keep(key, second + SIGN_IN_SECONDS, second);
    return true;
  };
}

/** The program's own rule: a moment in the first half of the time between a third of the life and the last minutes. */
function chooseRenewal(share: number): number {
  const leadSeconds = TOKEN_SECONDS / 3;
  return TOKEN_SECONDS - leadSeconds + (share * (leadSeconds - MARGIN_SECONDS)) / 2;
}

/** @returns how many seconds the kubelet keeps a credential. */
function measureKept({ kubeletKeeps }: Provider, leftSeconds: number, toRenewalSeconds: number): number {
  const mostSeconds = Math.max(0, leftSeconds - MARGIN_SECONDS);
  if (kubeletKeeps === 'an hour') return Math.min(3600, mostSeconds);
  const restSeconds = kubeletKeeps === 'to the renewal' ? leftSeconds - toRenewalSeconds : TOKEN_SECONDS / 6;
  return leftSeconds > restSeconds ? leftSeconds - restSeconds : mostSeconds;
}

/**
 * Lists the pods that start, in the order of time.
 * @param waiting the places of pods that have not started yet, as they are at that time.
 */
function* listPodStarts(fleet: Fleet, waiting: ReadonlySet<number>): Generator<PodStart> {
  const { nodes, podsPerNode, applications, applicationsPerNode, samePart } = fleet;
  const draw = createRandom(fleet.seed);
  const choose = (count: number) => Math.floor(draw() * count);
  // A pool runs applications that follow each other, from one that is the node's.
  const firstOf = Int32Array.from({ length: nodes }, () => choose(applications));
  const chooseFor = (node: number) => ((firstOf[node] ?? 0) + choose(applicationsPerNode)) % applications;
  const running = Int32Array.from({ length: nodes * podsPerNode }, (_, pod) =>
    chooseFor(Math.floor(pod / podsPerNode)),
  );
  const bootsAt = Float64Array.from({ length: nodes }, () => draw() * fleet.startMinutes * 60);
  const planned = planStarts(fleet, bootsAt, draw);
  const endSecond = fleet.hours * 3600;
  const meanSeconds = (fleet.podMinutes * 60) / running.length;
  let replacedAt = nextReplacement(0);
  for (;;) {
    const second = Math.min(replacedAt, planned.peek()?.second ?? endSecond);
    if (second >= endSecond) return;
    if (second < replacedAt) {
      const { node = 0, slot = 0, isMore = false } = planned.pop() ?? {};
      const place = node * podsPerNode + slot;
      yield { second, node, application: running[place] ?? 0, place: isMore ? undefined : place, failures: 0 };
      continue;
    }
    const pod = choose(running.length);
    const node = Math.floor(pod / podsPerNode);
    replacedAt = nextReplacement(second);
    if (second < (bootsAt[node] ?? 0) + fleet.bootSeconds || waiting.has(pod)) continue;
    if (draw() >= samePart) running[pod] = chooseFor(node);
    yield { second, node, application: running[pod] ?? 0, place: pod, failures: 0 };
  }

  /** The replacements of all pods together, one after the other. */
  function nextReplacement(second: number): number {
    return second - Math.log(1 - draw()) * meanSeconds;
  }
}

interface PlannedStart {
  readonly second: number;
  readonly node: number;
  /** Which of the node's pods. */
  readonly slot: number;
  /** Whether it is one more of the slot's application, on the hour. */
  readonly isMore: boolean;
}

/** The pods of nodes that boot, and those on the hour. */
function planStarts(fleet: Fleet, bootsAt: Float64Array, draw: () => number): EventQueue<PlannedStart> {
  const planned = new EventQueue<PlannedStart>();
  bootsAt.forEach((bootSecond, node) => {
    for (let slot = 0; slot < fleet.podsPerNode; slot++) {
      planned.push({ second: bootSecond + draw() * fleet.bootSeconds, node, slot, isMore: false });
    }
    for (let hour = Math.max(1, Math.ceil(fleet.startMinutes / 60)); hour < fleet.hours; hour++) {
      const slot = Math.floor(draw() * fleet.podsPerNode);
      planned.push({ second: hour * 3600 + draw() * fleet.rushSeconds, node, slot, isMore: true });
    }
  });
  return planned;
}
