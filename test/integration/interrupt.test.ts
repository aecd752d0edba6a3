/** What is left of the programs that the helper runs: nothing, however the helper ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isRunning } from '../unit/running-process.ts';
import { useTemporaryFolder } from '../unit/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const PATIENCE_MS = 10_000;
const folder = useTemporaryFolder();

/** Each stands for `az`, and writes the numbers of its processes to `pids`, the last of them being its own. */
const PROGRAMS: readonly (readonly [what: string, script: string])[] = [
  ['one process', 'exec sleep 60'],
  ['a child and a grandchild', '(sleep 60 & echo $! >> "$HOME/pids"; sleep 60) & echo $! >> "$HOME/pids"; wait'],
  ['a process that ignores signals', 'trap \'\' INT TERM HUP; sleep 60 & echo $! >> "$HOME/pids"; wait'],
];

/** Starts a sign-in with the account of this `az`. */
function startHelper(script: string, environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const bin = folder.path('bin');
  mkdirSync(bin);
  mkdirSync(folder.path('.azure'));
  const subscription = { id: 's', tenantId: 't', isDefault: true, user: { name: 'me', type: 'user' } };
  writeFileSync(folder.path('.azure', 'azureProfile.json'), JSON.stringify({ subscriptions: [subscription] }));
  writeFileSync(join(bin, 'az'), `#!/bin/sh\necho $$ >> "$HOME/started"\n${script}\n`);
  chmodSync(join(bin, 'az'), 0o700);
  const child = spawn(process.execPath, [MAIN, 'get'], {
    env: { HOME: folder.path(), PATH: `${bin}:/usr/bin:/bin`, ...environment },
    stdio: 'pipe',
    detached: true,
  });
  child.stdin?.end('myregistry.azurecr.io');
  return child;
}

/** A file is empty for a moment, until its first line is written. */
function readProcessIds(...names: readonly string[]): number[] {
  const known = readdirSync(folder.path());
  return names
    .filter((name) => known.includes(name))
    .flatMap((name) => readFileSync(folder.path(name), 'utf8').split('\n').filter(Boolean).map(Number));
}

/** Lists the guards of a process group that are running. */
function listGuards(groupId: number | undefined): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return words[1] === '-c' && words[2]?.includes('kill') === true && words.includes(String(groupId));
      } catch {
        return false; // it has just ended
      }
    });
}

async function waitUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (!isDone()) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

describe.runIf(process.platform === 'linux')('nothing is left, long before it would end by itself, of', () => {
  for (const [what, script] of PROGRAMS) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
      test(`${what} when ${signal} ends the helper`, async () => {
        const helper = startHelper(script);
        const expected = script.startsWith('exec') ? 1 : script.split('$!').length;
        expect(await waitUntil(() => readProcessIds('started', 'pids').length === expected, PATIENCE_MS)).toBe(true);
        const ids = readProcessIds('started', 'pids');
        const [groupId] = ids;
        expect(await waitUntil(() => listGuards(groupId).length === 1, PATIENCE_MS)).toBe(true);
        expect(ids.every(isRunning)).toBe(true);
        // As a terminal does: to the whole foreground group, which the programs are not in.
        if (signal === 'SIGINT') process.kill(-(helper.pid ?? 0), signal);
        else helper.kill(signal);
        // The client sees the end of the output at once: no process holds it.
        await once(helper, 'close');
        expect(await waitUntil(() => !ids.some(isRunning), PATIENCE_MS)).toBe(true);
        expect(await waitUntil(() => listGuards(groupId).length === 0, PATIENCE_MS)).toBe(true);
      });
    }
  }
});

describe.runIf(process.platform === 'linux')('no guard is left, and what the program left running still runs,', () => {
  test.each([
    ['answers', 'sleep 5 & echo $! >> "$HOME/pids"; echo "{}"'],
    ['fails', 'sleep 5 & echo $! >> "$HOME/pids"; exit 3'],
    ['is killed', 'sleep 5 & echo $! >> "$HOME/pids"; kill -9 $$'],
  ])('when the program %s', async (_what, script) => {
    const helper = startHelper(script);
    await once(helper, 'close');
    expect(listGuards(readProcessIds('started')[0])).toEqual([]);
    const left = readProcessIds('pids');
    expect(left.map(isRunning)).toEqual([true]);
    for (const id of left) process.kill(id);
  });
});
