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

const CHECKED_AT_ITS_CALL = 'each call with a pattern is checked where the pattern is written';
const ALLOWED: readonly DynamicPattern[] = [
  "new RegExp(pattern, 'u')",
  'text(description, words, pattern)',
  'list(description, words, pattern)',
].map((code) => ({ file: 'src/field.ts', code, reason: CHECKED_AT_ITS_CALL }));

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
