/** What the workflows' own steps and scripts do when they run. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findProgram, runCommand } from '../../scripts/parts/command.ts';
import { VERSION } from '../../src/version.ts';
import { findReleased } from './world/trial.ts';
import { findScript } from './world/workflows.ts';

const ROOT = join(import.meta.dirname, '../..');

const world = mkdtempSync(join(tmpdir(), 'acr-workflow-steps-'));
afterAll(() => rmSync(world, { recursive: true, force: true }));

/** Runs a step as GitHub does. */
function runStep(name: string, folder: string, environment: NodeJS.ProcessEnv) {
  const script = `cd '${folder}' && set -eo pipefail\n${findScript(name)}`;
  const PATH = `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}`;
  return runCommand('bash', ['--noprofile', '--norc', '-c', script], { PATH, TMPDIR: world, ...environment });
}

test('makes the notes of this version, and refuses another tag', async () => {
  const run = (tag: string) => runCommand(process.execPath, [join(ROOT, 'scripts/release-notes.ts'), tag]);
  expect(await run(`v${VERSION}`)).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^### \w+\n\n- /) });
  expect(await run('v9.9.9')).toEqual({
    exitCode: 1,
    output: `error: the tag of version ${VERSION} is v${VERSION}, not "v9.9.9"\n`,
  });
});

describe('the step that compares', () => {
  const make = (sums: string, other: string) => {
    const folder = mkdtempSync(join(world, 'compare-'));
    for (const [name, text] of [
      ['release', sums],
      ['release-again', other],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'SHA256SUMS'), text);
      writeFileSync(join(folder, name, 'file'), 'abc');
    }
    return folder;
  };
  const sums = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  file\n';

  test.each([
    ['accepts the same bytes', make(sums, sums), 0],
    ['refuses others', make(sums, sums.replace('ba', 'bb')), 1],
    ['refuses a sum that is not that of the file', make(sums.replace('ba', 'bb'), sums.replace('ba', 'bb')), 1],
  ])('%s', async (_, folder, exitCode) => {
    expect(await runStep('Compare them byte for byte', folder, {})).toMatchObject({ exitCode });
  });
});

describe.skipIf(findProgram('minisign') === undefined)('the step that signs', () => {
  const NAME = 'Sign with the keys that there are';
  const NO_KEYS = { MINISIGN_KEY: '', MINISIGN_PASSWORD: '', COSIGN_KEY: '', COSIGN_PASSWORD: '' };
  const prepare = () => {
    const folder = mkdtempSync(join(world, 'sign-'));
    mkdirSync(join(folder, 'dist'));
    writeFileSync(join(folder, 'dist/SHA256SUMS'), 'sums\n');
    mkdirSync(join(folder, 'scripts'));
    const script = join(ROOT, 'scripts/sign.ts');
    writeFileSync(join(folder, 'scripts/sign.ts'), `await import(${JSON.stringify(script)});\n`);
    return folder;
  };
  const leftOver = () => readdirSync(world).filter((name) => name.startsWith('tmp.'));

  test('says what is not signed without keys', async () => {
    const folder = prepare();
    expect(await runStep(NAME, folder, NO_KEYS)).toEqual({
      exitCode: 0,
      output:
        'skipped: signature by minisign: RELEASE_MINISIGN_KEY is not set\n' +
        'skipped: signature by cosign: RELEASE_COSIGN_KEY is not set\n',
    });
    expect(readdirSync(join(folder, 'dist'))).toEqual(['SHA256SUMS']);
  });

  test('signs with a key, and leaves none behind', async () => {
    const folder = prepare();
    await runCommand('minisign', ['-G', '-W', '-s', join(folder, 'key'), '-p', join(folder, 'key.pub')]);
    const MINISIGN_KEY = readFileSync(join(folder, 'key'), 'utf8').trimEnd();
    expect(await runStep(NAME, folder, { ...NO_KEYS, MINISIGN_KEY })).toEqual({
      exitCode: 0,
      output: 'skipped: signature by cosign: RELEASE_COSIGN_KEY is not set\nsigned: SHA256SUMS.minisig\n',
    });
    const verified = await runCommand('minisign', [
      '-V',
      '-p',
      join(folder, 'key.pub'),
      '-m',
      join(folder, 'dist/SHA256SUMS'),
    ]);
    expect(verified.exitCode).toBe(0);
    expect(leftOver()).toEqual([]);
  });

  test('fails with a broken key, and leaves none behind', async () => {
    const { exitCode, output } = await runStep(NAME, prepare(), { ...NO_KEYS, MINISIGN_KEY: 'not a key' });
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining('Cannot sign with minisign') });
    expect(output).not.toContain('not a key');
    expect(leftOver()).toEqual([]);
  });
});

describe('the script that tries an archive', () => {
  const run = (archive: string) =>
    runCommand('sh', [join(ROOT, 'scripts/release/smoke.sh'), archive], { ...process.env, TMPDIR: world });

  test('accepts the archive of this release', async () => {
    expect(await run(findReleased(/-linux-\w+\.tar\.xz$/))).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('get: exit code 1, credentials not found in native keychain'),
    });
  });

  const answers = {
    version: `echo 'docker-credential-acr (docker-credential-acr) v1.2.3, Node 26'`,
    list: `echo '{}'`,
    get: `echo 'credentials not found in native keychain'; exit 1`,
  };
  test.each([
    ['nothing wrong', '.tar.xz', answers, 0],
    ['nothing wrong', '.zip', answers, 0],
    ['another version', '.tar.xz', { ...answers, version: answers.version.replace('1.2.3', '1.2.4') }, 1],
    ['a list that is none', '.tar.xz', { ...answers, list: 'exit 0' }, 1],
    ['a failure to list', '.tar.xz', { ...answers, list: 'echo "{}"; exit 1' }, 1],
    ['a credential of another registry', '.tar.xz', { ...answers, get: 'echo "{}"' }, 1],
  ])('judges a program with %s in a %s', async (_, extension, { version, list, get }, exitCode) => {
    const folder = mkdtempSync(join(world, 'smoke-'));
    const name = 'docker-credential-acr-1.2.3-linux-x64';
    mkdirSync(join(folder, name));
    const script = `#!/bin/sh\ncase $1 in version) ${version};; list) ${list};; get) ${get};; esac\n`;
    writeFileSync(join(folder, name, 'docker-credential-acr'), script, { mode: 0o755 });
    const pack = { '.tar.xz': 'tar -cJf', '.zip': 'zip -qr' }[extension];
    await runCommand('sh', ['-c', `cd '${folder}' && ${pack} '${name}${extension}' '${name}'`]);
    expect(await run(join(folder, `${name}${extension}`))).toMatchObject({ exitCode });
  });
});
