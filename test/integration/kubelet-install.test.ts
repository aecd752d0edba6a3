/** `kubelet install` and `kubelet uninstall` as commands: their arguments, and what they print. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { BIN, CONFIG, makeConfig, Node, PROVIDER } from '../unit/commands/kubelet/node.ts';
import { type CommandResult, runCommand } from './command-world.ts';
import { openWorld } from './world.ts';

const world = await openWorld();
let node: Node;
let source: string;

beforeEach(() => {
  const folder = mkdtempSync(join(world.folder, 'node-'));
  node = new Node(join(folder, 'host'), join(folder, 'executable'));
  source = join(folder, 'config.yaml');
  writeFileSync(source, makeConfig(PROVIDER));
});

const install = (...args: readonly string[]): Promise<CommandResult> =>
  runCommand(world, [
    ...['kubelet', 'install', '--host-root', node.root, '--bin-dir', BIN, '--executable', node.executable],
    ...args,
  ]);
const uninstall = (...args: readonly string[]): Promise<CommandResult> =>
  runCommand(world, ['kubelet', 'uninstall', '--host-root', node.root, '--bin-dir', BIN, ...args]);

describe('kubelet install', () => {
  test('says what it has put where, and the second time that there is nothing to do', async () => {
    node.write(`${BIN}/${PROVIDER}`, 'the peer');
    const { exitCode, output } = await install('--config', CONFIG, '--config-source', source);
    expect([exitCode, output.replace(/[0-9a-f]{64}/, 'SUM')]).toEqual([
      0,
      `Installed docker-credential-acr ${VERSION} (SHA-256 SUM)
  ${BIN}/docker-credential-acr
  ${BIN}/${PROVIDER}
  ${CONFIG}
What was there before is kept:
  ${BIN}/${PROVIDER}.before-docker-credential-acr
`,
    ]);
    expect((await install('--config', CONFIG, '--config-source', source)).output).toBe(
      `Nothing to do: docker-credential-acr ${VERSION} is installed in ${BIN}/docker-credential-acr\n`,
    );
    expect((await uninstall('--flags-removed')).output).toBe(
      `Uninstalled docker-credential-acr
  ${CONFIG}: removed
  ${BIN}/${PROVIDER}: as it was before
  ${BIN}/docker-credential-acr: removed
`,
    );
    expect((await uninstall()).output).toBe('Nothing to do: nothing is installed there\n');
  });

  test('prints the same as JSON', async () => {
    const { output, errors } = await install('--json', '--name', PROVIDER, '--name', `${PROVIDER}-2`);
    expect(errors).toBe('');
    expect(JSON.parse(output)).toMatchObject({
      program: `${BIN}/docker-credential-acr`,
      names: [PROVIDER, `${PROVIDER}-2`],
      changed: [`${BIN}/docker-credential-acr`, `${BIN}/${PROVIDER}`, `${BIN}/${PROVIDER}-2`],
      kept: [],
      isRestarted: false,
    });
    const undone = await uninstall('--json');
    expect(JSON.parse(undone.output)).toEqual({
      places: [
        { path: `${BIN}/${PROVIDER}`, outcome: 'removed' },
        { path: `${BIN}/${PROVIDER}-2`, outcome: 'removed' },
        { path: `${BIN}/docker-credential-acr`, outcome: 'removed' },
      ],
    });
  });

  test('reads the configuration from standard input, and puts it where AKS has it', async () => {
    const input = Readable.from([Buffer.from(makeConfig(PROVIDER))]);
    const output = new Writable();
    const args = ['kubelet', 'install', '--host-root', node.root, '--executable', node.executable];
    const { exitCode } = await runCommand(world, [...args, '--config-source', '-'], {
      terminal: { promptStreams: () => ({ input, output }) },
    });
    expect(exitCode).toBe(0);
    expect(node.read('/var/lib/kubelet/credential-provider-config.yaml')).toBe(makeConfig(PROVIDER));
    expect(node.read(`/var/lib/kubelet/credential-provider/${PROVIDER}`)).toBe('version 1');
  });

  test('copies files for which only root has the right to read', async () => {
    await install('--copy', `${source}:/etc/acr/azure.json`, '--sha256', await sumOf());
    expect(node.look()['/etc/acr/azure.json']).toBe(`600 ${makeConfig(PROVIDER)}`);
  });

  test.each([
    [['--bin-dir', 'opt/bin'], '--bin-dir needs an absolute path'],
    [['--host-root', 'host'], '--host-root needs an absolute path'],
    [['--config', '/etc/x.yaml'], '--config needs --config-source'],
    [['--copy', '/a'], '--copy needs two paths'],
    [['--copy', '/a:b'], '--copy needs an absolute path'],
    [['--copy', '/a:/b:/c'], '--copy needs two paths'],
    [['--sha256', 'abc'], '--sha256 needs 64 hexadecimal digits'],
    [['--name', '../x'], '"../x" cannot be the name of a program'],
    [['--wait', '--json'], 'Option "--wait" cannot be used with option "--json"'],
  ])('is a usage error, and changes nothing: %j', async (args, message) => {
    const { exitCode, output, errors } = await install(...args);
    expect([exitCode, output]).toEqual([2, '']);
    expect(errors).toContain(`error: ${message}`);
    expect(node.look()).toEqual({});
  });

  test.each([
    [['--config-source', '/nowhere'], 'Cannot read /nowhere: there is no such file'],
    [['--executable', '/nowhere'], /Cannot read \/nowhere: ENOENT/],
    [['--copy', '/nowhere:/x'], 'Cannot install /x: there is no file /nowhere'],
    [['--sha256', 'ab'.repeat(32)], /its SHA-256 is not the expected one/],
  ])('fails with a hint, and changes nothing: %j', async (args, message) => {
    const { exitCode, output, errors } = await install(...args);
    expect([exitCode, output]).toEqual([1, '']);
    expect(errors).toMatch(typeof message === 'string' ? `error: ${message}` : message);
    expect(errors).toMatch(/\nhint: [^\n]+\n$/);
    expect(node.look()).toEqual({});
  });

  test('needs an executable when it runs from its sources', async () => {
    const { exitCode, errors } = await runCommand(world, ['kubelet', 'install', '--host-root', node.root]);
    expect([exitCode, errors]).toEqual([2, expect.stringContaining('npm run build')]);
  });

  test('refuses a record that is not its own', async () => {
    node.write(`${BIN}/docker-credential-acr.installed.json`, '{"version":"1"}');
    for (const run of [install, uninstall]) {
      const { exitCode, errors } = await run();
      expect([exitCode, errors]).toEqual([1, expect.stringContaining('it is not a record of this program')]);
    }
  });
});

async function sumOf(): Promise<string> {
  const { hashFile } = await import('../../src/commands/kubelet/node-files.ts');
  return hashFile(node.executable);
}
