import { expect, test } from 'vitest';
import { formatMinor, parseMinor } from '../../../../src/commands/kubelet/kubernetes-version.ts';

test.each([
  ['1.34', 34],
  ['v1.34.2', 34],
  [' 1.34.0-rc.1 ', 34],
  ['v1.31.4+k3s1', 31],
  ['Kubernetes v1.36.3', 36],
  ['k3s version v1.31.4+k3s1 (a562d090)', 31],
  ['1.9', 9],
])('a version has a minor: %j', (text, minor) => {
  expect(parseMinor(text)).toBe(minor);
});

test.each([
  '',
  '1',
  '34',
  '2.1',
  '1.x',
  '1.34x',
  'v0.0.0-master+$Format:%H$',
  'Kubernetes v0.0.0',
  '1.1234',
  `1.34 ${'x'.repeat(300)}`,
])('another text has none: %j', (text) => {
  expect(parseMinor(text)).toBeUndefined();
});

test('a version is named as people name it', () => {
  expect(formatMinor(34)).toBe('Kubernetes 1.34');
});
