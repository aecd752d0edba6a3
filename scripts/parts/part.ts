/** The parts that tests and releases need besides npm packages: their folder, and the report of an installation. */
import { fileURLToPath } from 'node:url';

/** The folder for the parts of this checkout; git ignores it. */
export const PARTS_FOLDER = fileURLToPath(new URL('../../.parts', import.meta.url));

export interface PartReport {
  readonly part: string;
  readonly state: 'present' | 'installed' | 'missing';
  /** Why the part is missing, or what was installed. */
  readonly detail: string;
}

/**
 * Formats one line for each part that was installed or is missing, and none for a part that was already present.
 * @param what the parts are, at the beginning of each line.
 */
export function formatPartReports(what: string, reports: readonly PartReport[]): string {
  if (reports.length === 0) return '';
  const news = reports.filter(({ state }) => state !== 'present');
  const lines = news.map(({ part, state, detail }) => `${what}: ${part} ${state}: ${detail}\n`);
  return `${lines.join('')}${what}: ${reports.filter(({ state }) => state !== 'missing').length} of ${reports.length} are there\n`;
}
