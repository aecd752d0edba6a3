/** The kubelet's own code agreed with each row. */
import { describe, expect, test } from 'vitest';
import {
  explainFutility,
  isUnreadable,
  matchesImage,
  parseImage,
} from '../../../../src/commands/kubelet/image-pattern.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('an image is named as the kubelet names it', () => {
  test.each([
    ['my.azurecr.io/team/app', 'my.azurecr.io/team/app'],
    ['my.azurecr.io/team/app:v1', 'my.azurecr.io/team/app'],
    [`my.azurecr.io/team/app:v1@${DIGEST}`, 'my.azurecr.io/team/app'],
    ['my.azurecr.io:5000/app:v1', 'my.azurecr.io:5000/app'],
    ['localhost/app', 'localhost/app'],
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.29', 'docker.io/library/nginx'],
    ['team/app', 'docker.io/team/app'],
    ['docker.io/nginx', 'docker.io/library/nginx'],
    ['index.docker.io/team/app', 'docker.io/team/app'],
    ['Registry/app', 'Registry/app'],
    ['a.b/c_d/e--f/g__h.i', 'a.b/c_d/e--f/g__h.i'],
  ])('%s is %s', (text, image) => {
    expect(parseImage(text)).toBe(image);
  });

  test.each([
    '',
    ' ',
    '/app',
    'my.azurecr.io/',
    'my.azurecr.io/App',
    'my.azurecr.io/a//b',
    'my.azurecr.io/a___b',
    'my.azurecr.io/app@sha256:aa',
    'my.azurecr.io/app:',
    'my..io/app',
    '-my.io/app',
    'https://my.azurecr.io/app',
    'my.azurecr.io/a b',
    'my.azurecr.io/$(touch x)',
    `my.azurecr.io/${'a'.repeat(600)}`,
  ])('%j is no image', (text) => {
    expect(parseImage(text)).toBeUndefined();
  });
});

describe('a pattern and an image', () => {
  test.each([
    ['*.azurecr.io', 'my.azurecr.io/app', true],
    ['*.azurecr.io', 'x.eastus.geo.azurecr.io/app', false],
    ['*.*.geo.azurecr.io', 'x.eastus.geo.azurecr.io/app', true],
    ['*.azurecr.*', 'my.azurecr.cn/app', true],
    ['m*.azurecr.io', 'my.azurecr.io/app', true],
    ['*y.azurecr.io', 'my.azurecr.io/app', true],
    ['m*y.azurecr.io', 'my.azurecr.io/app', true],
    ['m*m*y.azurecr.io', 'my.azurecr.io/app', false],
    ['*a*b*.io', 'xaybz.io/app', true],
    ['*b*a*.io', 'xaybz.io/app', false],
    ['my*y.azurecr.io', 'my.azurecr.io/app', false],
    ['my.azurecr.io', 'my.azurecr.io:5000/app', false],
    ['my.azurecr.io:5000', 'my.azurecr.io:5000/app', true],
    ['my.azurecr.io:5000', 'my.azurecr.io/app', false],
    ['my.azurecr.io/team', 'my.azurecr.io/team/app', true],
    ['my.azurecr.io/team', 'my.azurecr.io/teamwork', true],
    ['my.azurecr.io/team/', 'my.azurecr.io/teamwork', false],
    ['My.azurecr.io', 'my.azurecr.io/app', false],
    ['docker.io', 'docker.io/library/nginx', true],
    ['*', 'my.azurecr.io/app', false],
    ['a b', 'my.azurecr.io/app', false],
  ])('%s matches %s: %s', (pattern, image, isMatch) => {
    expect(matchesImage(pattern, image)).toBe(isMatch);
  });

  test('take linear time, however many asterisks there are', () => {
    const image = `${'a'.repeat(900)}.io/app`;
    expect(matchesImage(`${'*a'.repeat(400)}b.io`, image)).toBe(false);
  });
});

describe('a pattern that matches no image', () => {
  test.each([
    ['https://my.azurecr.io', 'an image has no scheme'],
    ['my.azurecr.io/app:v1', 'the kubelet compares the image without its tag or digest'],
    [`my.azurecr.io/app@${DIGEST}`, 'the kubelet compares the image without its tag or digest'],
    ['my.azurecr.io/*', 'a * stands for a part of the host only; a path matches all that begins with it'],
    ['my.azurecr.io/Team', 'the path of an image has no upper-case letter'],
    ['my.azurecr.io//team', 'an image has no empty path segment'],
    ['my..azurecr.io', 'a label of its host is empty'],
    ['azurecr', 'an image whose first part has neither a dot nor a port is one of docker.io'],
    ['my.azurecr.io?x', 'it is not a host with an optional port and a path'],
    ['', 'it is not a host with an optional port and a path'],
  ])('%j', (pattern, why) => {
    expect(explainFutility(pattern)).toBe(why);
  });

  test.each(['*.azurecr.io', 'my.azurecr.io:5000', 'localhost', 'registry:5000', 'my.azurecr.io/team'])(
    'is not %s',
    (pattern) => {
      expect(explainFutility(pattern)).toBeUndefined();
    },
  );
});

test.each([
  ['a b', true],
  ['a^b.io', true],
  ['a{b.io', true],
  ['a\\b.io', true],
  ['a\tb', true],
  ['%zz.io', true],
  ['x.io/%zz', true],
  ['x.io:abc', true],
  ['x.io:*', true],
  ['a:b:1', true],
  ['[a.io', true],
  ['a[.io', true],
  ['[::1]:80', false],
  ['x.io:', false],
  ['x.io:99999', false],
  ['x.io?%zz', false],
  ['a:b@c:1', false],
  ['x.io/[a', false],
  ['https://x.io', false],
])('a kubelet does not start with the pattern %j: %s', (pattern, isWrong) => {
  expect(isUnreadable(pattern)).toBe(isWrong);
});
