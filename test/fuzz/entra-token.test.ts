/** Whatever token a configured program prints: it is used, and cached only where it is for registries. */
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CLOUDS } from '../../src/clouds.ts';
import { obtainEntraToken } from '../../src/entra/entra-token.ts';
import { readClockMs } from '../../src/system/clock.ts';
import { cacheIn } from '../unit/cache-in.ts';
import { makeRuntime, NOW_SECONDS } from '../unit/runtime.ts';
import { makeToken } from '../unit/token.ts';
import { openFuzzFolder } from './fuzz-folder.ts';
import { ANY_JSON, mutatedJson } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const folder = openFuzzFolder();
const cache = cacheIn(folder.path);
beforeAll(() => {
  mkdirSync(cache.folder, { mode: 0o700 });
});
const [cloud] = CLOUDS;
const AUDIENCE = 'https://containerregistry.azure.net';
const CLAIMS = { aud: AUDIENCE, exp: NOW_SECONDS + 3600 };
let runs = 0;

describe('a token with any claims', () => {
  const audiences = fc.oneof(
    ANY_JSON,
    fc.constantFrom(AUDIENCE, `${AUDIENCE}/`, [AUDIENCE], 'https://management.azure.com'),
  );

  it('is used as it is, and used again only when it is for registries and has not expired', async () => {
    await fc.assert(
      fc.asyncProperty(mutatedJson(CLAIMS, audiences), async (claims) => {
        if (cloud === undefined) return;
        const isObject = typeof claims === 'object' && claims !== null && !Array.isArray(claims);
        const [token, other] = [makeToken({ ...(isObject ? claims : {}) }), makeToken({ other: true })];
        runs += 1;
        const get = async (one: string) => {
          return await obtainEntraToken({
            ...{ runtime: makeRuntime(), cloud, audience: undefined, isCacheable: true, cache, log: undefined },
            identity: { source: 'command', description: `command ${runs}`, getToken: () => Promise.resolve(one) },
            ...{ onWait: () => undefined, deadlineMs: readClockMs() + 5_000 },
          });
        };
        expect(await get(token)).toMatchObject({ token });
        const again = await get(other);
        const isReused = 'token' in again && again.token === token;
        const { aud, exp }: { aud?: unknown; exp?: unknown } = isObject ? claims : {};
        const list = [aud ?? []].flat();
        const isForRegistries = list.length > 0 && list.every((one) => one === AUDIENCE || one === `${AUDIENCE}/`);
        if (isReused) expect([isForRegistries, Number(exp) > NOW_SECONDS]).toEqual([true, true]);
      }),
      RUN_OPTIONS,
    );
  });
});
