/** What packers are told about the program, and what they say. */
import { expect, test } from 'vitest';
import { describeProgram } from '../../../scripts/build/packing.ts';
import { findWarnings } from '../../../scripts/build/pkg.ts';
import { TARGETS } from '../../../scripts/build/target.ts';

test.each(TARGETS)('the description of the program for $name names no folder', (target) => {
  const description = describeProgram({
    ...{ target, folder: '/home/somebody/build', main: 'program.cjs', assets: { 'rest.js': 'rest.js' } },
    ...{ hasCodeCache: true, nodePath: '/home/somebody/node', generatorPath: '/usr/bin/node' },
    output: '/home/somebody/executable',
  });
  expect(description).toMatchObject({
    ...{ main: 'program.cjs', assets: { 'rest.js': 'rest.js' }, useCodeCache: true, useSnapshot: false },
    execArgvExtension: 'none',
  });
  const nothing = target.os === 'win' ? 'NUL' : '/dev/null';
  expect(description.execArgv).toEqual(
    expect.arrayContaining(['--disable-sigusr1', `--openssl-config=${nothing}`, `--icu-data-dir=${nothing}`]),
  );
  expect(JSON.stringify(description)).not.toContain('/home');
});

test('of what pkg prints, its warnings are found', () => {
  const said = `> pkg@6.23.0
> Creating the executable...
> Warning Unable to sign the executable
  Due to the requirement,
  it must be signed.
> \u001b[33mWarning\u001b[39m Another one
> Done`;
  expect(findWarnings(said)).toEqual([
    'Unable to sign the executable Due to the requirement, it must be signed.',
    'Another one',
  ]);
  expect(findWarnings('> Warning The first line')).toEqual(['The first line']);
  expect(findWarnings('')).toEqual([]);
});
