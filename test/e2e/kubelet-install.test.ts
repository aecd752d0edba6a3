/** The built program installs itself on a node, is killed in between, meets full disks, and has no capabilities. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hashFile } from '../../src/commands/kubelet/node-files.ts';
import { BIN, CONFIG, makeConfig, Node, PROVIDER } from '../unit/commands/kubelet/node.ts';
import { needParts, needRoot, PROGRAM, partOf } from './world/parts.ts';
import { type RunResult, runProcess, startProcess, waitForServer } from './world/process.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';

const folder = createTemporaryFolder('acr-install-');
afterAll(() => folder.remove());

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
const OTHERS = makeConfig('ecr-credential-provider', PROVIDER);
const WANTED = makeConfig(PROVIDER, `${PROVIDER}-2`);
const MERGED = makeConfig('ecr-credential-provider', PROVIDER, `${PROVIDER}-2`);
const SOURCE = join(folder.path, 'config.yaml');
writeFileSync(SOURCE, WANTED);

let nodes = 0;

/** A node with another program and another provider, and a small file as the executable to install. */
function makeNode(): Node {
  nodes += 1;
  const place = join(folder.path, String(nodes));
  mkdirSync(place);
  const node = new Node(join(place, 'host'), join(place, 'executable'));
  node.write(`${BIN}/${PROVIDER}`, 'the peer', 0o755);
  node.write(CONFIG, OTHERS, 0o600);
  return node;
}

const argumentsFor = (node: Node, ...more: readonly string[]) => [
  ...['kubelet', 'install', '--host-root', node.root, '--bin-dir', BIN, '--executable', node.executable],
  ...['--config', CONFIG, '--config-source', SOURCE, ...more],
];

const config = { path: CONFIG, text: WANTED };

/** What the kubelet needs at every moment: a whole program, and a whole configuration. */
function expectUsable(node: Node, where: string): void {
  const program = node.read(`${BIN}/${PROVIDER}`);
  expect(['the peer', 'version 1'], where).toContain(program);
  const text = node.read(CONFIG);
  expect([OTHERS, MERGED], where).toContain(text);
  // With the new configuration, all its programs are there.
  if (text === MERGED) expect([program, node.read(`${BIN}/${PROVIDER}-2`)], where).toEqual(['version 1', 'version 1']);
}

/** Runs an installation of which one system call fails. @returns `undefined` when there is no such call. */
async function runWithFault(node: Node, call: string, fault: string, count: number): Promise<RunResult | undefined> {
  const log = join(node.root, '..', 'strace');
  const inject = `inject=${call}:${fault}:when=${count}`;
  // Only calls on this node count, since the program's start makes others.
  const args = ['-f', '-qq', '-o', log, '-e', `trace=${call}`, '-e', inject];
  const result = await runProcess(partOf('strace'), [...args, PROGRAM, ...argumentsFor(node)], { environment }).catch(
    (): RunResult => ({ exitCode: 137, stdout: '', stderr: '' }), // strace ends as the program did
  );
  const trace = readFileSync(log, 'utf8');
  return trace.includes('(INJECTED)') || trace.includes('killed by SIGKILL') ? result : undefined;
}

/** The calls that change the node, each of which is made a few times. */
const CHANGES = ['rename', 'link', 'symlink', 'fchmod'];
const MOST_CALLS = 20;

describe('kubelet install', () => {
  it.for(CHANGES)(
    'leaves a usable node when it is killed before any %s, and can be repeated and undone',
    async (call, context) => {
      needParts(context, 'strace');
      let count = 1;
      for (; count < MOST_CALLS; count += 1) {
        const node = makeNode();
        const before = node.look();
        const result = await runWithFault(node, call, 'signal=SIGKILL', count);
        expectUsable(node, `${call} ${count}`);
        if (result === undefined) break;
        expect(result.exitCode).toBe(137);
        // Sometimes it is undone at once, and sometimes after it was repeated.
        if (count % 2 === 0) {
          node.install({ config });
          expect(node.read(CONFIG)).toBe(MERGED);
        }
        node.uninstall();
        expect(withoutLeftovers(node.look()), `${call} ${count}`).toEqual(before);
      }
      expect(count).toBeGreaterThan(1);
    },
  );

  it.for([
    ['write', 'ENOSPC', 'make room on the file system: df -h'],
    ['rename', 'EROFS', 'choose a folder that can be written to, or mount it without readOnly'],
    ['link', 'EACCES', 'run it as root'],
  ] as const)(
    'fails clearly, and leaves nothing half done, when %s fails with %s',
    async ([call, error, hint], context) => {
      needParts(context, 'strace');
      let failures = 0;
      for (let count = 1; count < MOST_CALLS; count += 1) {
        const node = makeNode();
        const before = node.look();
        const result = await runWithFault(node, call, `error=${error}`, count);
        expectUsable(node, `${call} ${count}`);
        if (result === undefined) break;
        // The start of the program and its output make such calls too.
        if (result.exitCode === 0 || !/^error: (?!Cannot write to standard output)/.test(result.stderr)) continue;
        failures += 1;
        expect(result.stderr).toMatch(/^error: Cannot (?:write|restore) \/\S+: [^\n]+\nhint: [^\n]+\n$/);
        expect(result.stderr).toContain(`hint: ${hint}`);
        expect(withoutLeftovers(node.look()), 'no temporary file').toEqual(node.look());
        node.uninstall();
        expect(node.look(), `${call} ${count}`).toEqual(before);
      }
      expect(failures).toBeGreaterThan(0);
    },
  );

  it('links a file system without second names for a file by copies', async (context) => {
    needParts(context, 'strace');
    const node = makeNode();
    const before = node.look();
    expect(await runWithFault(node, 'link', 'error=EPERM', 1)).toMatchObject({ exitCode: 0 });
    expect(node.look()[`${BIN}/${PROVIDER}.before-docker-credential-acr`]).toBe('755 the peer');
    node.uninstall();
    expect(node.look()).toEqual(before);
  });

  it('installs itself as root without any capability, through a link for the kubelet', async (context) => {
    needParts(context, 'setpriv');
    needRoot(context);
    const node = makeNode();
    const before = node.look();
    const restrictions = ['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
    const sum = hashFile(PROGRAM);
    const run = (...args: readonly string[]) =>
      runProcess(partOf('setpriv'), [...restrictions, PROGRAM, 'kubelet', ...args], { environment });
    const place = ['--host-root', node.root, '--bin-dir', BIN];
    const install = ['install', ...place, '--config', CONFIG, '--config-source', SOURCE, '--sha256', sum];
    const { exitCode, stdout } = await run(...install);
    expect([exitCode, stdout]).toEqual([
      0,
      `Installed docker-credential-acr ${await readVersion()} (SHA-256 ${sum})
  ${BIN}/docker-credential-acr
  ${BIN}/${PROVIDER}
  ${BIN}/${PROVIDER}-2
  ${CONFIG}
What was there before is kept:
  ${BIN}/${PROVIDER}.before-docker-credential-acr
  ${CONFIG}.before-docker-credential-acr
`,
    ]);
    const asked = await runProcess(node.at(`${BIN}/${PROVIDER}`), [], { environment, input: 'no request' });
    expect([asked.exitCode, asked.stdout]).toEqual([1, '']);
    expect((await run(...install)).stdout).toMatch(/^Nothing to do: /);
    expect((await run('uninstall', ...place)).exitCode).toBe(0);
    expect(node.look()).toEqual(before);
  });

  it('keeps running with --wait, and ends at once when it is asked to', async () => {
    const node = makeNode();
    const server = startProcess(PROGRAM, argumentsFor(node, '--wait'), { environment });
    await waitForServer(server, () => Promise.resolve(server.output().includes('every five minutes')));
    expect(node.read(CONFIG)).toBe(MERGED);
    expect(server.hasEnded()).toBe(false);
    const started = Date.now();
    await server.stop();
    expect(Date.now() - started).toBeLessThan(2000);
  });
});

async function readVersion(): Promise<string> {
  const { stdout } = await runProcess(PROGRAM, ['version'], { environment });
  return stdout.replace(/^.* v|,.*\n$/g, '');
}

/** A killed process leaves its temporary file, which the next one removes after an hour. */
function withoutLeftovers(found: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(found).filter(([path]) => !path.endsWith('.tmp')));
}
