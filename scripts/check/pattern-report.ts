/** Reports the regular expressions that a program must not contain. */

import { type FoundPattern, findPatterns, type ReadImport } from './pattern-finder.ts';
import { judgePattern } from './pattern-judge.ts';

/** A file of the program. */
export interface SourceFile {
  readonly file: string;
  readonly code: string;
  readonly readImport: ReadImport;
}

/** A pattern that only the run knows, and why it is allowed. */
export interface DynamicPattern {
  readonly file: string;
  readonly code: string;
  readonly reason: string;
}

/**
 * Checks all regular expressions of the files.
 * @param allowed the patterns that cannot be read, and are allowed.
 * @returns a line for each one that is slow or cannot be read, and for each one in `allowed` that no longer exists.
 */
export async function reportPatterns(
  files: readonly SourceFile[],
  allowed: readonly DynamicPattern[],
): Promise<string[]> {
  const found = files.flatMap(({ file, code, readImport }) =>
    findPatterns(file, code, readImport).map((pattern) => ({ file, ...pattern })),
  );
  const isAllowed = ({ file, code }: { readonly file: string; readonly code: string }) =>
    allowed.some((one) => one.file === file && one.code === code);
  const reports = await Promise.all(
    found.map(async (pattern) => {
      if (pattern.source === undefined && isAllowed(pattern)) return undefined;
      const problem = await judge(pattern);
      return problem === undefined ? undefined : `${pattern.file}:${pattern.line}: ${pattern.code}: ${problem}`;
    }),
  );
  const unused = allowed.filter(({ file, code }) => !found.some((one) => one.file === file && one.code === code));
  return [
    ...reports.filter((report) => report !== undefined),
    ...unused.map(({ file, code }) => `${file}: ${code}: it is listed as allowed, but is not there`),
  ];
}

async function judge({ source, flags }: FoundPattern): Promise<string | undefined> {
  if (source === undefined) return 'its source cannot be read here';
  return await judgePattern(source, flags);
}
