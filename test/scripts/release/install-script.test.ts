/** install.sh as a release writes it: the template with what it has to know, byte for byte the same each time. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type InstallScriptFacts,
  makeInstallScript,
  renderInstallScript,
} from '../../../scripts/release/install-script.ts';
import { RELEASES_URL } from '../../../scripts/release/project.ts';
import type { Release } from '../../../scripts/release/release.ts';

const root = join(import.meta.dirname, '../../..');
const TEMPLATE = readFileSync(join(root, 'scripts/release/install.sh'), 'utf8');
const ARCHIVE = 'docker-credential-acr-0.1.0-linux-x64.tar.xz';
const ZIP = 'docker-credential-acr-0.1.0-linux-x64.zip';
const MINISIGN_KEY = `RW${'Q'.repeat(54)}`;
const COSIGN_KEY = `-----BEGIN PUBLIC KEY-----\n${'M'.repeat(64)}\nabc=\n-----END PUBLIC KEY-----`;
const FACTS: InstallScriptFacts = {
  version: '0.1.0',
  releasesUrl: RELEASES_URL,
  sums: new Map([
    [ZIP, 'b'.repeat(64)],
    [ARCHIVE, 'a'.repeat(64)],
    ['docker-credential-acr_0.1.0-1_amd64.deb', 'c'.repeat(64)],
    ['docker-credential-acr-0.1.0.tgz', 'd'.repeat(64)],
  ]),
  minisignKey: '',
  cosignKey: '',
};

const folder = mkdtempSync(join(tmpdir(), 'acr-install-script-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('renderInstallScript', () => {
  test('puts in the version, the URL, the checksums of the archives and the keys', () => {
    const script = renderInstallScript(TEMPLATE, { ...FACTS, minisignKey: MINISIGN_KEY, cosignKey: COSIGN_KEY });
    expect(script).toContain("\nVERSION='0.1.0'\n");
    expect(script).toContain(`\nRELEASES_URL='${RELEASES_URL}'\n`);
    expect(script).toContain(`\nSUMS='${'a'.repeat(64)}  ${ARCHIVE}\n${'b'.repeat(64)}  ${ZIP}'\n`);
    expect(script).toContain(`\nMINISIGN_KEY='${MINISIGN_KEY}'\n`);
    expect(script).toContain(`\nCOSIGN_KEY='${COSIGN_KEY}'\n`);
  });

  test('does not depend on the order in which the archives were made', () => {
    const sums = new Map([...FACTS.sums].toReversed());
    expect(renderInstallScript(TEMPLATE, { ...FACTS, sums })).toBe(renderInstallScript(TEMPLATE, FACTS));
  });

  const rows: readonly (readonly [what: string, facts: Partial<InstallScriptFacts>])[] = [
    ['a version with a quote', { version: "0.1.0'; id; '" }],
    ['a version with a path', { version: '../0.1.0' }],
    ['a URL that is not https', { releasesUrl: 'http://example.com/releases' }],
    ['a URL with a quote', { releasesUrl: "https://example.com/'" }],
    ['a checksum that is none', { sums: new Map([[ARCHIVE, 'a'.repeat(63)]]) }],
    ['an archive with a quote', { sums: new Map([["docker-credential-acr-'.zip", 'a'.repeat(64)]]) }],
    ['a minisign key with its comment', { minisignKey: `untrusted comment: x\n${MINISIGN_KEY}` }],
    ['a secret key of minisign', { minisignKey: `RWRTY0Iy${'Q'.repeat(204)}` }],
    ['a private key for cosign', { cosignKey: COSIGN_KEY.replaceAll('PUBLIC', 'PRIVATE') }],
    ['a key for cosign with a quote', { cosignKey: COSIGN_KEY.replace('abc', "a'c") }],
  ];
  test.each(rows)('refuses %s, without repeating it', (_what, facts) => {
    const render = () => renderInstallScript(TEMPLATE, { ...FACTS, ...facts });
    expect(render).toThrow(/^Cannot make install\.sh: [A-Z_]+ has not the form that it should have$/);
  });

  test('refuses a template without a place for a fact, and one with two', () => {
    const message = 'the template must have one line for SUMS';
    expect(() => renderInstallScript(TEMPLATE.replace("\nSUMS=''\n", '\n'), FACTS)).toThrow(message);
    expect(() => renderInstallScript(`${TEMPLATE}\nSUMS=''\n`, FACTS)).toThrow(message);
  });
});

describe('makeInstallScript', () => {
  /** Makes it in a folder of its own, and returns what it wrote. */
  async function make(name: string, env: NodeJS.ProcessEnv) {
    const output = join(folder, name);
    mkdirSync(output);
    const release: Release = {
      ...{ root, output, scratch: folder, version: '0.1.0', commit: '0123456789ab', epochSeconds: 1_600_000_000 },
      ...{ isFast: true, executables: [], sums: FACTS.sums },
      documents: { manPagePath: '', completionPaths: { bash: '', zsh: '', fish: '', powershell: '' } },
    };
    const result = await makeInstallScript(release, env);
    return { result, path: join(output, 'install.sh') };
  }

  test('says that signatures are not checked without a key', async () => {
    const { result, path } = await make('without', {});
    expect(result).toEqual({
      files: ['install.sh'],
      skipped: [
        'signature check in install.sh: neither RELEASE_MINISIGN_PUBLIC_KEY nor RELEASE_COSIGN_PUBLIC_KEY is set',
      ],
    });
    expect(readFileSync(path, 'utf8')).toBe(renderInstallScript(TEMPLATE, FACTS));
  });

  test('takes the public keys from their variables, and makes the same twice', async () => {
    const env = { RELEASE_MINISIGN_PUBLIC_KEY: `${MINISIGN_KEY}\n`, RELEASE_COSIGN_PUBLIC_KEY: `${COSIGN_KEY}\n` };
    const [one, other] = [await make('one', env), await make('other', env)];
    expect(one.result).toEqual({ files: ['install.sh'], skipped: [] });
    expect(readFileSync(one.path, 'utf8')).toContain(`MINISIGN_KEY='${MINISIGN_KEY}'\nCOSIGN_KEY='${COSIGN_KEY}'\n`);
    expect(readFileSync(one.path)).toEqual(readFileSync(other.path));
    expect(statSync(one.path).mode & 0o111).toBe(0);
  });
});
