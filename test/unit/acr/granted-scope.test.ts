import { describe, expect, test } from 'vitest';
import { isWithin, listMissing } from '../../../src/acr/granted-scope.ts';

function tokenWith(access: unknown): string {
  return `e30.${Buffer.from(JSON.stringify({ access })).toString('base64url')}.x`;
}

const PULL = { type: 'repository', name: 'team/app', actions: ['pull'] };
const ALL = { type: 'repository', name: 'team/app', actions: ['*'] };

describe('listMissing', () => {
  test.each([
    [['repository:team/app:pull'], [PULL], []],
    [['repository:team/app:pull,push'], [PULL], ['repository:team/app:push']],
    [['repository:team/app:pull', 'repository:x:pull'], [PULL], ['repository:x:pull']],
    [['repository:team/app:pull,push'], [ALL], []],
    [['repository:team/app:pull'], [], ['repository:team/app:pull']],
    [['registry:catalog:*'], [{ type: 'registry', name: 'catalog', actions: ['*'] }], []],
    [['registry:catalog:*'], [PULL], ['registry:catalog:*']],
    [
      ['repository:team/app:pull'],
      [null, 7, {}, { ...PULL, actions: 'pull' }, { ...PULL, actions: [7] }],
      ['repository:team/app:pull'],
    ],
    [['repository:team/app:pull'], 'pull', []],
    [['repository:team/app:pull'], undefined, []],
  ])('of %j, a token with %j misses %j', (scope, access, missing) => {
    expect(listMissing(scope, tokenWith(access))).toEqual(missing);
  });

  test('returns nothing for a token that is not a JWT', () => {
    expect(listMissing(['repository:team/app:pull'], 'opaque')).toEqual([]);
  });
});

describe('isWithin', () => {
  test.each([
    [['repository:team/app:pull'], [PULL], true],
    [['repository:team/app:pull,push'], [PULL], true],
    [['repository:team/app:*'], [PULL], true],
    [['repository:team/app:pull'], [ALL], false],
    [['repository:team/app:pull'], [PULL, { ...PULL, name: 'x' }], false],
    [['repository:team/app:pull'], [], true],
    [['repository:team/app:pull'], undefined, false],
  ])('of %j with a token for %j is %j', (scope, access, expected) => {
    expect(isWithin(scope, tokenWith(access))).toBe(expected);
  });
});
