/** The result of a run of vitest. */

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  /** Names of the tests that were skipped on purpose, with the reason if it is known. */
  readonly skipped: readonly string[];
}

export const NO_TESTS: TestCount = { passed: 0, failed: 0, skipped: [] };

/** The count of a failure outside of all tests. */
export const ONE_FAILURE: TestCount = { passed: 0, failed: 1, skipped: [] };

export function addCounts(one: TestCount, other: TestCount): TestCount {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: [...one.skipped, ...other.skipped],
  };
}

/** The line that ends a test run. */
export function formatCount({ passed, failed, skipped }: TestCount): string {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}

/**
 * Parses the count that `CountReporter` wrote.
 * @returns `undefined` when the text is not the JSON of a count.
 */
export function parseCount(text: string): TestCount | undefined {
  let count: unknown;
  try {
    count = JSON.parse(text);
  } catch {
    return undefined;
  }
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((name) => property(count, name));
  return typeof passed === 'number' && typeof failed === 'number' && Array.isArray(skipped)
    ? { passed, failed, skipped: skipped.map(String) }
    : undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
