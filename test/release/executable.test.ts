/** The executable of a release: the same wherever it is made, and able to run on a small system. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIBRARY_NAME } from '../../scripts/build/libatomic.ts';
import { runTool } from '../../scripts/release/packing-tool.ts';
import { PROGRAM as NAME } from '../../scripts/release/project.ts';
import { expectAnswer } from '../e2e/world/answer.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import { PROGRAM } from '../e2e/world/parts.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { openCloud } from '../e2e/world/test-cloud.ts';
import { openMinbase, PACKAGES_FOLDER, SHARED_FOLDER } from './world/minbase.ts';
import { prepareSignIn } from './world/sign-in.ts';
import { findReleased } from './world/trial.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const cloud = await openCloud();
const { path: folder, remove } = createTemporaryFolder('acr-executable-');
afterAll(remove);
let unpacked = '';

beforeAll(async () => {
  const archive = findReleased(/^docker-credential-acr-[\d.]+-[a-z]+-[a-z\d]+\.tar\.xz$/);
  await runTool({ name: 'tar', debianPackage: 'tar' }, ['-xf', archive, '-C', folder]);
  unpacked = join(folder, basename(archive, '.tar.xz'));
});

describe('the executable of a release', () => {
  it('is, byte for byte, the one that was built in this checkout', () => {
    expect(readFileSync(join(unpacked, NAME)).equals(readFileSync(PROGRAM))).toBe(true);
  });

  it.each([
    ['of the checkout', CHECKOUT],
    ['of a home', `${homedir()}/`],
    ['of a temporary folder', `${tmpdir()}/${NAME}`],
    ['of the project in another folder', `/${NAME}/src/`],
    ['in which it was packed', '/.build-'],
  ])('holds no path %s', (_what, path) => {
    const file = readFileSync(PROGRAM);
    const found: string[] = [];
    for (let at = file.indexOf(path); at !== -1; at = file.indexOf(path, at + 1)) {
      found.push(file.toString('latin1', Math.max(0, at - 40), at + 80));
    }
    // Node looks for symbols below /usr/lib/debug/.build-id.
    expect(found.filter((text) => !text.includes('/usr/lib/debug/.build-id'))).toEqual([]);
  });

  it('comes with the licences of Node and of what is shipped beside it', () => {
    const licences = readFileSync(join(unpacked, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    expect(licences).toContain(`Node.js ${process.versions.node}\n\nNode.js is licensed for use as follows:`);
    expect(licences).toContain('- ICU, located at deps/icu-small, is licensed as follows:');
    const isShipped = existsSync(join(unpacked, LIBRARY_NAME));
    expect(isShipped).toBe(process.platform === 'linux');
    expect(licences.includes('GCC RUNTIME LIBRARY EXCEPTION')).toBe(isShipped);
  });
});

describe.runIf(process.platform === 'linux')('on a system without libatomic, the executable', () => {
  const get = ['-c', 'exec "$0" get', join(SHARED_FOLDER, NAME)];

  it('signs in with the library of the archive beside it, and not without', async (context) => {
    const minbase = openMinbase(context);
    copyFileSync(join(unpacked, NAME), join(minbase.sharedFolder, NAME));
    const environment = prepareSignIn(cloud, minbase.sharedFolder, SHARED_FOLDER);
    const without = await minbase.run('sh', get, { environment, input: LOGIN_SERVER });
    expect({ exitCode: without.exitCode, stdout: without.stdout }).toEqual({ exitCode: 127, stdout: '' });
    expect(without.stderr).toContain(`${LIBRARY_NAME}: cannot open shared object file`);
    copyFileSync(join(unpacked, LIBRARY_NAME), join(minbase.sharedFolder, LIBRARY_NAME));
    expectAnswer(await minbase.run('sh', get, { environment, input: LOGIN_SERVER }));
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    // The token is in the cache.
    expectAnswer(await minbase.run('sh', get, { environment, input: LOGIN_SERVER }));
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('runs by a link, and with the library of the system where none is beside it', async (context) => {
    const minbase = openMinbase(context);
    const [program, library] = [join(unpacked, NAME), join(unpacked, LIBRARY_NAME)];
    mkdirSync(join(minbase.sharedFolder, 'beside'));
    copyFileSync(program, join(minbase.sharedFolder, 'beside', NAME));
    copyFileSync(library, join(minbase.sharedFolder, 'beside', LIBRARY_NAME));
    copyFileSync(program, join(minbase.sharedFolder, NAME));
    const script = `ln -s "$0/beside/${NAME}" /usr/bin/linked && linked version
dpkg --install ${PACKAGES_FOLDER}/libatomic1_*.deb >/dev/null && "$0/${NAME}" version`;
    const { exitCode, stdout, stderr } = await minbase.run('sh', ['-c', script, SHARED_FOLDER]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([NAME, NAME, '']);
  });
});
