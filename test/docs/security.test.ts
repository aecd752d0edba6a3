/** The threat model names tests that exist, and the life of every kind of secret that the program handles. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeIn, documentAt, ROOT, readTable } from './markdown.ts';

const security = documentAt('SECURITY.md');

test('each threat has a defence, and tests that exist', () => {
  const rows = readTable(security, 'who may attack');
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const [who, , defence = '', tests = ''] = row;
    expect(defence.length, who).toBeGreaterThan(20);
    const files = codeIn(tests);
    expect(files.length, who).toBeGreaterThan(0);
    for (const file of files) expect(existsSync(join(ROOT, file)), `${who}: ${file}`).toBe(true);
  }
});

test('each secret has an end', () => {
  const rows = readTable(security, 'secret');
  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows) {
    expect(row).toHaveLength(5);
    expect(row.at(-1)?.length, row[0]).toBeGreaterThan(10);
  }
});
