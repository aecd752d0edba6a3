/** The script that installs a release on Linux and macOS. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RELEASES_URL } from './project.ts';
import type { Release, StepResult } from './release.ts';

const NAME = 'install.sh';
const ARCHIVE = /^docker-credential-acr-.*\.(?:tar\.xz|zip)$/;

/** What the script knows of its release. */
export interface InstallScriptFacts {
  readonly version: string;
  /** The URL of the folder that has one for each version, such as `v0.1.0`. */
  readonly releasesUrl: string;
  /** SHA-256 in hexadecimal digits by the name of the file. Those of archives get into the script. */
  readonly sums: ReadonlyMap<string, string>;
  /** The line of minisign's public key; empty without a key. */
  readonly minisignKey: string;
  /** The public key for cosign as PEM; empty without a key. */
  readonly cosignKey: string;
}

/**
 * Writes the script with the checksums of the archives and the public keys of the release, which are taken from
 * `RELEASE_MINISIGN_PUBLIC_KEY` and `RELEASE_COSIGN_PUBLIC_KEY`.
 *
 * @throws when a key has not the form of one.
 */
export async function makeInstallScript(
  { root, output, version, sums }: Release,
  env: NodeJS.ProcessEnv = process.env,
): Promise<StepResult> {
  const minisignKey = env['RELEASE_MINISIGN_PUBLIC_KEY']?.trim() ?? '';
  const cosignKey = env['RELEASE_COSIGN_PUBLIC_KEY']?.trim() ?? '';
  const template = await readFile(join(root, 'scripts/release', NAME), 'utf8');
  const facts = { version, releasesUrl: RELEASES_URL, sums, minisignKey, cosignKey };
  await writeFile(join(output, NAME), renderInstallScript(template, facts), { mode: 0o644 });
  const hasKey = minisignKey !== '' || cosignKey !== '';
  const skipped = `signature check in ${NAME}: neither RELEASE_MINISIGN_PUBLIC_KEY nor RELEASE_COSIGN_PUBLIC_KEY is set`;
  return { files: [NAME], skipped: hasKey ? [] : [skipped] };
}

/**
 * Puts the facts into the template.
 *
 * @throws when a fact cannot stand between quotes, or the template has no place for it.
 */
export function renderInstallScript(template: string, facts: InstallScriptFacts): string {
  const { version, releasesUrl, minisignKey, cosignKey } = facts;
  const lines = [...facts.sums]
    .filter(([file]) => ARCHIVE.test(file))
    .map(([file, sum]) => `${sum}  ${file}`)
    .sort((one, other) => (one.slice(66) < other.slice(66) ? -1 : 1));
  const values: readonly (readonly [name: string, value: string, form: RegExp])[] = [
    ['VERSION', version, /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/],
    ['RELEASES_URL', releasesUrl, /^https:\/\/[\w./-]+$/],
    ['SUMS', lines.join('\n'), /^(?:[\da-f]{64} {2}[\w.-]+(?:\n|$))*$/],
    // Two letters for the algorithm, eight bytes for the key's number and 32 for the key.
    ['MINISIGN_KEY', minisignKey, /^(?:RW[\w+/]{54})?$/],
    ['COSIGN_KEY', cosignKey, /^(?:-----BEGIN PUBLIC KEY-----\n(?:[\w+/=]{1,64}\n){1,20}-----END PUBLIC KEY-----)?$/],
  ];
  return values.reduce((script, [name, value, form]) => {
    if (!form.test(value)) throw new Error(`Cannot make ${NAME}: ${name} has not the form that it should have`);
    const [before, after, ...more] = script.split(`\n${name}=''\n`);
    if (before === undefined || after === undefined || more.length > 0) {
      throw new Error(`Cannot make ${NAME}: the template must have one line for ${name}`);
    }
    return `${before}\n${name}='${value}'\n${after}`;
  }, template);
}
