/** Files of another user, which only root can make. */
import type { TestContext } from 'vitest';

/** Ends the test as skipped unless it runs as root. */
export function needRoot({ skip }: TestContext): void {
  skip(process.geteuid?.() !== 0, 'only root can give files to another user');
}
