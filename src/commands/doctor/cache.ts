/** The cache and its locks: whether tokens can be kept, which one `get` would return, and who is signing in. */

import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Cache, findCache, MAX_ENTRY_BYTES, parseEntry } from '../../cache/cache.ts';
import { DEAD_AFTER_MS } from '../../cache/lock-holder.ts';
import { parseJsonObject } from '../../json.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { readOwnFile } from '../../system/files.ts';
import { listNames, WRITE_ACCESS_BY_OTHERS } from '../../system/folders.ts';
import { readVariable } from '../../system/runtime.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain, formatWhen } from './explain.ts';
import type { Visit } from './visit.ts';

const VARIABLE = 'DOCKER_CREDENTIAL_ACR_CACHE_DIR';
const LOCK_FILE = /^.+\.[1-9]\d{0,8}$/;
const MAX_LOCK_BYTES = 1024;

/** The check of the cache. */
export const CACHE: Check = {
  name: 'cache',
  title: 'Looking at the cache',
  needsRegistry: false,
  run: checkCache,
};

async function checkCache(context: DoctorContext): Promise<readonly Finding[]> {
  const { runtime, visit } = context;
  const cache = await findCache(runtime);
  if (cache === undefined) {
    const isNamed = readVariable(runtime, VARIABLE) !== undefined;
    const what = isNamed ? `${VARIABLE} is not an absolute path` : 'there is no home folder';
    const fix = isNamed ? `set ${VARIABLE} to an absolute path` : `set HOME or ${VARIABLE}`;
    return [found('warning', `${what}, so nothing is cached and each get signs in`, { fix })];
  }
  const findings = [judgeFolder(context, cache), ...listLocks(context, cache)];
  if (visit !== undefined) findings.push(...(await checkToken(context, visit)));
  return findings;
}

function judgeFolder({ runtime }: DoctorContext, { folder }: Cache): Finding {
  const quoted = createQuote(runtime)(folder);
  const stats = readStats(folder);
  if (stats === undefined) {
    const parent = findParent(folder);
    const isWritable = parent !== undefined && isOwn(parent.stats);
    return isWritable
      ? found('note', `${quoted} does not exist yet: the first sign-in creates it`)
      : found('warning', `${quoted} does not exist, and may not be created, so each get signs in`, {
          fix: `set ${VARIABLE} to a folder of your own`,
        });
  }
  if (!stats.isDirectory()) {
    return found('warning', `${quoted} is not a folder, so nothing is cached`, {
      fix: `ls -l ${shellWord(folder)}`,
    });
  }
  const userId = process.geteuid?.();
  if (userId !== undefined && stats.uid !== userId) {
    return found('warning', `${quoted} belongs to another user, so no token is saved in it`, {
      fix: `set ${VARIABLE} to a folder of your own`,
    });
  }
  if (!isOwn(stats)) {
    return found('warning', `others can write to ${quoted}, so no token is saved in it`, {
      fix: `chmod 700 ${shellWord(folder)}`,
    });
  }
  const tokens = listNames(folder).filter((name) => name.endsWith('.json'));
  const nowSeconds = runtime.now() / 1000;
  const living = tokens.filter((name) => {
    const text = readOwnFile(join(folder, name), MAX_ENTRY_BYTES);
    const entry = text === undefined ? undefined : parseEntry(text);
    return entry !== undefined && entry.cached.expiresAtSeconds > nowSeconds;
  });
  const details = { folder, tokens: living.length };
  return found('ok', `${quoted} is yours alone, with ${formatCount(living.length, 'token')}`, { details });
}

/** Whether this user, or root for this user, can make something in it. */
function isOwn({ uid, mode }: Stats): boolean {
  const userId = process.geteuid?.();
  return userId === undefined || (uid === userId && (mode & WRITE_ACCESS_BY_OTHERS) === 0);
}

function findParent(folder: string): { readonly stats: Stats } | undefined {
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    const stats = readStats(parent);
    if (stats !== undefined) return { stats };
    if (dirname(parent) === parent) return undefined;
  }
}

/** Every process that is signing in now, and locks that a killed one left. */
function listLocks({ runtime }: DoctorContext, { lockFolder }: Cache): readonly Finding[] {
  const locks = listNames(lockFolder).filter((name) => LOCK_FILE.test(name));
  const findings: Finding[] = [];
  let abandoned = 0;
  for (const name of locks) {
    const file = join(lockFolder, name);
    const holder = parseJsonObject(readOwnFile(file, MAX_LOCK_BYTES) ?? '')?.['process'];
    if (isTouched(file)) {
      const who = typeof holder === 'number' ? `process ${holder}` : 'a process';
      findings.push(found('note', `${who} is signing in right now (${createQuote(runtime)(name, 100)})`));
    } else abandoned += 1;
  }
  if (abandoned > 0) {
    findings.push(found('note', `${formatCount(abandoned, 'lock')} of killed processes: they delay nothing for long`));
  }
  return findings;
}

function isTouched(file: string): boolean {
  try {
    return Math.abs(Date.now() - statSync(file).mtimeMs) < DEAD_AFTER_MS;
  } catch {
    return false;
  }
}

/** Whether the registry still accepts the token that `get` returns from the cache. */
async function checkToken({ runtime }: DoctorContext, visit: Visit): Promise<readonly Finding[]> {
  const plan = await visit.plan();
  if (!('value' in plan) || plan.value.kind !== 'identity') return [];
  if ((await visit.cache()) === undefined) {
    return [found('note', 'the configuration forbids to cache the tokens of the registry: each get signs in')];
  }
  const cached = await visit.cachedToken();
  if (cached === undefined) return [found('note', 'no token is cached: the next get signs in')];
  const { host } = visit.registry;
  const end = `ends ${formatWhen(cached.expiresAtSeconds, runtime.now() / 1000)}`;
  // An access token has no means to be tried, except for a pull.
  if (visit.settings().secret === 'access-token') return [found('ok', `get returns a cached token, which ${end}`)];
  const tried = await visit.tryToken(cached.token);
  if ('skipped' in tried) return [found('note', `get returns a cached token, which ${end}`)];
  if ('value' in tried) return [found('ok', `get returns a cached token, which ${end}; ${host} accepts it`)];
  const problem = explain(tried.failure, { fix: `docker logout ${shellWord(host)}` });
  const why = 'a change of its permission mode, or of a role, ends tokens early';
  return [{ ...problem, what: `get returns a cached token, but ${problem.what}: ${why}` }];
}

function formatCount(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`;
}

function readStats(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
