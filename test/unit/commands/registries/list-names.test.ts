import { expect, test } from 'vitest';
import { suggestNames } from '../../../../src/commands/registries/list-names.ts';

const NAMES = ['team/app', 'team/api', 'other/app', 'base', 'x/app', 'y/app'];

test.each([
  ['team/ap', NAMES, ['team/app']],
  ['app', NAMES, ['x/app', 'team/app', 'other/app']],
  ['wrong/app', NAMES, ['team/app', 'other/app', 'x/app']],
  ['nothing-like-it', NAMES, []],
  ['team/app', [], []],
  ['x'.repeat(100_000), NAMES, []],
])('for %s of %j, the names %j are suggested', (name, candidates, expected) => {
  expect(suggestNames(name, candidates)).toEqual(expected);
});
