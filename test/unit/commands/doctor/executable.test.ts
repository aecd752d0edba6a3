/** Which executable the clients start, and what is wrong with it. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import type { Finding } from '../../../../src/commands/doctor/check.ts';
import { EXECUTABLE } from '../../../../src/commands/doctor/executable.ts';
import { createPrivateNames } from '../../../../src/commands/doctor/private-names.ts';
import { VERSION } from '../../../../src/version.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const NAME = 'docker-credential-acr';
const folder = useTemporaryFolder();

function install(path: string, script = 'exit 1', mode = 0o755): string {
  const file = folder.path(path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, mode);
  return file;
}

const says = (line: string) => `echo '${line}'`;

async function check(
  programFile: string | undefined,
  folders: readonly string[],
  programName = NAME,
  nodeFile: string | undefined = undefined,
  platform: NodeJS.Platform = 'linux',
) {
  const runtime = makeRuntime({ PATH: folders.map((one) => folder.path(one)).join(':') }, { programName, platform });
  const names = createPrivateNames(runtime);
  const context = { runtime, log: undefined, target: undefined, visit: undefined, programFile, nodeFile, names };
  const findings = await EXECUTABLE.run(context);
  // Where a test installs them is not on the PATH of a desktop.
  return findings.filter(({ what }) => !what.startsWith('programs that the desktop starts'));
}

const find = (findings: readonly Finding[], status: string) => findings.find((one) => one.status === status);

test('is content with this program, also through a link', async () => {
  const file = install(`lib/${NAME}`);
  mkdirSync(folder.path('bin'));
  symlinkSync(file, folder.path('bin', NAME));
  expect(await check(file, ['bin'])).toEqual([
    expect.objectContaining({ status: 'ok', what: `${folder.path('bin', NAME)} is this program, version ${VERSION}` }),
  ]);
});

test('says how to put it on PATH', async () => {
  const file = install(`lib/${NAME}`);
  expect(await check(file, ['bin'])).toEqual([
    expect.objectContaining({ status: 'problem', fix: `sudo install ${file} /usr/local/bin/${NAME}` }),
  ]);
  expect(find(await check(undefined, ['bin']), 'problem')?.fix).toMatch(/^install docker-credential-acr into a folder/);
});

test.each([
  [says(`${NAME} (docker-credential-acr) v${VERSION}`), 'ok', /is this program/],
  [says(`other-name (docker-credential-acr) v${VERSION}`), 'ok', /is this program/],
  [says(`${NAME} (docker-credential-acr) v0.0.1`), 'warning', /^clients start version 0\.0\.1 at /],
  [says(`${NAME} (github.com/somebody/${NAME}) v1.0.0`), 'problem', /which is another program of this name$/],
  ['echo usage >&2; exit 1', 'problem', /which is another program of this name$/],
  ['printf "\\033[31m%s" x', 'problem', /which is another program of this name$/],
])('judges another file on PATH by what its version says: %s', async (script, status, what) => {
  const own = install(`lib/${NAME}`);
  const other = install(`bin/${NAME}`, script);
  const findings = await check(own, ['bin']);
  expect(find(findings, status)?.what).toMatch(what);
  if (status !== 'ok') expect(find(findings, status)?.fix).toBe(`sudo install ${own} ${other}`);
  expect(JSON.stringify(findings)).not.toContain('\u001b');
});

test('tells of a file that cannot be started', async () => {
  const own = install(`lib/${NAME}`);
  const other = install(`bin/${NAME}`);
  writeFileSync(other, '\u0000no program');
  expect(find(await check(own, ['bin']), 'problem')?.what).toMatch(/cannot be started$|another program/);
});

test('tells which file is never started', async () => {
  const own = install(`bin/${NAME}`);
  const hidden = install(`later/${NAME}`);
  const findings = await check(own, ['bin', 'later', 'bin']);
  expect(find(findings, 'note')?.what).toBe(`${hidden} is never started: ${own} comes first on PATH`);
});

test('looks for the name under which it was called', async () => {
  const own = install('bin/docker-credential-acr-env');
  const findings = await check(own, ['bin'], 'docker-credential-acr-env');
  expect(findings[0]?.status).toBe('ok');
  expect(find(findings, 'note')?.what).toBe(
    'it was called as docker-credential-acr-env: that is "acr-env" in "credHelpers"',
  );
});

test('warns when others can replace it or cannot run it', async () => {
  const own = install(`bin/${NAME}`, 'exit 1', 0o775);
  expect(find(await check(own, ['bin']), 'warning')).toMatchObject({ fix: `chmod go-w ${own}` });
  chmodSync(own, 0o700);
  expect(find(await check(own, ['bin']), 'note')?.what).toMatch(/^only its owner or group can run /);
});

test('gives advice that Windows understands', async () => {
  const own = 'C:\\Program Files\\Tools\\docker-credential-acr.exe';
  const advise = async (programFile: string | undefined) =>
    find(await check(programFile, ['bin'], NAME, undefined, 'win32'), 'problem')?.fix;
  expect(await advise(own)).toBe("put 'C:\\Program Files\\Tools' on the PATH of your account");
  expect(await advise(undefined)).toBe('put the folder of this program on the PATH of your account');

  // It cannot be started, since no variable names the folder of Windows.
  const other = install(`bin/${NAME}.exe`);
  expect(await advise(own)).toBe(`icacls ${other}`);
});

test('says that npm has installed it, and how npm puts it on PATH', async () => {
  const script = install(`lib/${NAME}.js`);
  const node = install('node/node');
  mkdirSync(folder.path('bin'));
  symlinkSync(script, folder.path('bin', NAME));
  const what = `${folder.path('bin', NAME)} is this program, version ${VERSION}, installed by npm, on Node `;
  expect((await check(script, ['bin', 'node'], NAME, node))[0]?.what).toContain(what);
  const fix = 'npm install --global docker-credential-acr';
  expect(find(await check(script, ['node'], NAME, node), 'problem')).toMatchObject({ fix });
});

test('warns where only npm and npx look', async () => {
  const script = install('node_modules/.bin/docker-credential-acr');
  const node = install('node/node');
  const warning = find(await check(script, ['node_modules/.bin', 'node'], NAME, node), 'warning');
  expect(warning).toMatchObject({
    what: `clients that npm does not start do not look in ${folder.path('node_modules/.bin')}`,
    fix: 'npm install --global docker-credential-acr',
  });
  install('bin/docker-credential-acr');
  expect(find(await check(script, ['node_modules/.bin', 'node', 'bin'], NAME, node), 'warning')).toBeUndefined();
});

test('does not offer to copy a script of npm, which is not all of the program', async () => {
  const script = install(`lib/${NAME}.js`);
  const other = install(`bin/${NAME}`, says(`${NAME} (docker-credential-acr) v0.0.1`));
  const fix = `remove ${other}, or put this program before it on PATH`;
  expect(find(await check(script, ['bin'], NAME, install('node/node')), 'warning')).toMatchObject({ fix });
});

test('tells of a Node that clients do not find', async () => {
  const script = install(`bin/${NAME}`);
  const node = install('node/node');
  const findings = await check(script, ['bin'], NAME, node);
  expect(find(findings, 'problem')).toMatchObject({
    what: 'node is not on PATH, so no client can start this program',
    fix: `sudo ln -s ${node} /usr/local/bin/node`,
  });
  expect(find(await check(script, ['bin', 'node'], NAME, node), 'problem')).toBeUndefined();
});
