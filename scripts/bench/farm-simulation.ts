/**
 * Simulates a build farm that pulls from one registry, and counts the requests to Entra and to the registry's token
 * service.
 */

export interface Farm {
  readonly nodes: number;
  readonly hours: number;
  /** The mean time between two jobs of a node. */
  readonly jobMinutes: number;
  readonly pullsPerJob: number;
  /** On every hour, all nodes run a scheduled job within this time. */
  readonly rushSeconds: number;
  /** The registry's limit of OAuth operations per minute. Above it, the status is 429. */
  readonly limitPerMinute: number;
  readonly seed: number;
}

/** How a node gets a token before the client's own request to `/oauth2/token`, which every pull makes. */
export interface Helper {
  readonly name: string;
  readonly entraPerSignIn: number;
  /** The life of a cached token; with 0 the node signs in for every pull. */
  readonly tokenHours: number;
  /** The age at which a token is renewed, as a fraction of its life; chosen at random for each token. */
  readonly renewalPart: readonly [earliest: number, latest: number];
  /** Whether all nodes share one cache. */
  readonly isShared: boolean;
}

export interface FarmCounts {
  readonly pulls: number;
  readonly entra: PerHour;
  /** Token exchanges and token requests, including refused ones. */
  readonly registry: PerHour;
  /** The fraction of the registry's operations that were refused with status 429. */
  readonly refusedPart: number;
}

export interface PerHour {
  readonly perHour: number;
  /** The first hour, which starts without any tokens. */
  readonly worstMinuteAtFirst: number;
  readonly worstMinuteLater: number;
}

export interface Pull {
  readonly second: number;
  readonly node: number;
}

/** @returns the counts, which are the same for the same farm. */
export function simulateFarm(farm: Farm, helper: Helper, pulls: readonly Pull[] = schedulePulls(farm)): FarmCounts {
  const draw = createRandom(farm.seed + 1);
  const renewAt = new Float64Array(helper.isShared ? 1 : farm.nodes);
  const entra = new MinuteCounter(farm.hours);
  const registry = new MinuteCounter(farm.hours);
  const bucket = new TokenBucket(farm.limitPerMinute);
  const [earliest, latest] = helper.renewalPart;
  let refused = 0;
  const ask = (second: number) => {
    registry.count(second);
    if (bucket.take(second)) return true;
    refused += 1;
    return false;
  };
  for (const { second, node } of pulls) {
    const holder = helper.isShared ? 0 : node;
    if (second >= (renewAt[holder] ?? 0)) {
      entra.count(second, helper.entraPerSignIn);
      // After a refusal the node has no new token, and tries again with its next pull.
      if (!ask(second)) continue;
      const part = earliest + (latest - earliest) * draw();
      renewAt[holder] = second + helper.tokenHours * 3600 * part;
    }
    ask(second);
  }
  return {
    pulls: pulls.length,
    entra: entra.sum(),
    registry: registry.sum(),
    refusedPart: registry.total === 0 ? 0 : refused / registry.total,
  };
}

/** Jobs at random moments and a rush on the hour; the pulls of a job follow each other by a few seconds. */
export function schedulePulls({ nodes, hours, jobMinutes, pullsPerJob, rushSeconds, seed }: Farm): readonly Pull[] {
  const draw = createRandom(seed);
  const endSecond = hours * 3600;
  const pulls: Pull[] = [];
  const addJob = (node: number, startSecond: number) => {
    for (let index = 0; index < pullsPerJob; index++) {
      const second = startSecond + index * 5;
      if (second < endSecond) pulls.push({ second, node });
    }
  };
  for (let node = 0; node < nodes; node++) {
    for (let second = nextJob(0); second < endSecond; second = nextJob(second)) addJob(node, second);
    for (let hour = 0; hour < hours; hour++) addJob(node, hour * 3600 + draw() * rushSeconds);
  }
  return pulls.sort((one, other) => one.second - other.second);

  function nextJob(second: number): number {
    return second - Math.log(1 - draw()) * jobMinutes * 60;
  }
}

/**
 * A bucket that holds a minute's operations and is filled evenly. @see the limits of Azure Container Registry's tiers
 */
export class TokenBucket {
  readonly #perMinute: number;
  #level: number;
  #filledSecond = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
    this.#level = perMinute;
  }

  /**
   * @param second the time, which must not decrease between calls.
   * @returns whether an operation was left.
   */
  take(second: number): boolean {
    const filled = this.#level + ((second - this.#filledSecond) * this.#perMinute) / 60;
    this.#level = Math.min(this.#perMinute, filled);
    this.#filledSecond = second;
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }
}

/** Counts by minute. */
export class MinuteCounter {
  readonly #minutes: Uint32Array;
  total = 0;

  constructor(hours: number) {
    this.#minutes = new Uint32Array(hours * 60);
  }

  count(second: number, times = 1): void {
    const minute = Math.floor(second / 60);
    this.#minutes[minute] = (this.#minutes[minute] ?? 0) + times;
    this.total += times;
  }

  sum(): PerHour {
    return {
      perHour: (this.total / this.#minutes.length) * 60,
      worstMinuteAtFirst: this.#minutes.slice(0, 60).reduce((worst, count) => Math.max(worst, count), 0),
      worstMinuteLater: this.#minutes.slice(60).reduce((worst, count) => Math.max(worst, count), 0),
    };
  }
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
