/** The formula for Homebrew. `test/release/formula.test.ts` has Ruby read it, and install it. */
import { expect, test } from 'vitest';
import { makeHomebrewFormula } from '../../../scripts/release/homebrew.ts';
import { HOMEPAGE } from '../../../scripts/release/project.ts';
import { ARCHIVES, runStep, sumOf } from './made-up-release.ts';

const { result, texts } = await runStep(makeHomebrewFormula, ARCHIVES);
const formula = texts['docker-credential-acr.rb'] ?? '';

test('each system and processor gets its own archive', () => {
  expect(result).toEqual({ files: ['docker-credential-acr.rb'] });
  const found = [...formula.matchAll(/^ {2}on_(\w+) do$|^ {4}on_(\w+) do\n {6}url "(.+)"\n {6}sha256 "(.+)"$/gm)];
  const expectProcessor = (processor: string, target: string) => {
    const file = `docker-credential-acr-1.2.3-${target}.tar.xz`;
    return [undefined, processor, `${HOMEPAGE}/releases/download/v1.2.3/${file}`, sumOf(file)];
  };
  expect(found.map(([, ...parts]) => parts)).toEqual([
    ['macos', undefined, undefined, undefined],
    expectProcessor('arm', 'macos-arm64'),
    expectProcessor('intel', 'macos-x64'),
    ['linux', undefined, undefined, undefined],
    expectProcessor('arm', 'linux-arm64'),
    expectProcessor('intel', 'linux-x64'),
  ]);
});

test('Homebrew finds the version in the addresses, where it expects it', () => {
  expect(formula).not.toMatch(/^ *version /m);
  // https://github.com/Homebrew/brew/blob/HEAD/Library/Homebrew/version.rb
  for (const [, url = ''] of formula.matchAll(/url "(.+)"/g)) {
    expect(/github\.com\/.+\/releases\/download\/v(\d+(?:\.\d+)+)\//.exec(url)?.[1]).toBe('1.2.3');
  }
});

test('a release of one target has no formula', async () => {
  expect((await runStep(makeHomebrewFormula, ['docker-credential-acr-1.2.3-linux-x64.tar.xz'])).result).toEqual({
    files: [],
    skipped: ['Homebrew formula: there is no .tar.xz of macos-arm64, macos-x64, linux-arm64'],
  });
});
