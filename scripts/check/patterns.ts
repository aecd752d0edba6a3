/**
 * The check of patterns: fails when a regular expression of the program may take more than linear time. A stranger who
 * writes the text could stop the program with it, since nothing interrupts a match.
 */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConstant } from './pattern-finder.ts';
import { type DynamicPattern, reportPatterns } from './pattern-report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const CHECKED_AT_ITS_CALL = 'each pattern is checked where a field is declared';
const ALLOWED: readonly DynamicPattern[] = [
  { file: 'src/field.ts', code: "new RegExp(pattern, 'u')", reason: CHECKED_AT_ITS_CALL },
  { file: 'src/field.ts', code: 'text(description, words, pattern)', reason: CHECKED_AT_ITS_CALL },
  { file: 'src/field.ts', code: 'list(description, words, pattern)', reason: CHECKED_AT_ITS_CALL },
  { file: 'src/readings.ts', code: 'reading.bytes.matchAll(pattern)', reason: 'it takes a literal of the same file' },
];

const files = globSync('src/**/*.ts', { cwd: ROOT }).sort();
const readCode = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const reports = await reportPatterns(
  files.map((file) => ({
    file: file.replaceAll('\\', '/'),
    code: readCode(file),
    readImport: (specifier, name) =>
      specifier.startsWith('.') ? readConstant(readCode(join(dirname(file), specifier)), name) : undefined,
  })),
  ALLOWED,
);
for (const report of reports) process.stdout.write(`${report}\n`);
process.exitCode = reports.length === 0 ? 0 : 1;
