import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../../src/acr/catalog.ts';

describe('parseRepositoryName', () => {
  test.each(['app', 'team/app', 'a', '7', 'team/my-app_1.2', 'a__b', `a/${'b'.repeat(253)}`])('accepts %s', (name) => {
    expect(parseRepositoryName(name)).toBe(name);
  });

  test.each([
    '',
    '/',
    'team/',
    '/app',
    'team//app',
    '..',
    'team/../app',
    '.hidden',
    'Team/app',
    'team/app:1',
    'a b',
    'a?n=1',
    'a#b',
    'a%2Fb',
    'ä',
    'a\\b',
    'a\n',
    'b'.repeat(256),
  ])('rejects %j', (name) => {
    expect(parseRepositoryName(name)).toBeUndefined();
  });
});
