/** The manifests in the documents: a kubelet hands on what they say, and the program reads it. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { isGuid } from '../../src/field.ts';
import { asJsonObject } from '../../src/json.ts';
import { ANNOTATIONS } from '../../src/kubelet/service-account.ts';
import { documentAt } from './markdown.ts';

const kubernetes = documentAt('docs/kubernetes.md');

test('the service account has a client and a tenant in annotations that the program reads', () => {
  const [manifest] = kubernetes.blocks
    .filter(({ language }) => language === 'yaml')
    .map(({ text }): unknown => parse(text));
  const metadata = asJsonObject(asJsonObject(manifest)?.['metadata']);
  const annotations = Object.entries(asJsonObject(metadata?.['annotations']) ?? {});
  expect(annotations.map(([key]) => key.split('-').at(-2))).toEqual(['client', 'tenant']);
  for (const [key, value] of annotations) {
    expect(ANNOTATIONS).toContain(key);
    expect(isGuid(String(value))).toBe(true);
  }
});

test('every annotation that the program reads is documented', () => {
  for (const annotation of ANNOTATIONS) expect(kubernetes.text).toContain(annotation);
});
