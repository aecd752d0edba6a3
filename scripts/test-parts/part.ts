/** What the end-to-end tests need besides npm's packages, where it lives, and how an installation reports itself. */
import { fileURLToPath } from 'node:url';

/** Where parts that belong to this checkout are installed; git ignores it. */
export const PARTS_FOLDER = fileURLToPath(new URL('../../.parts', import.meta.url));

export interface PartReport {
  readonly part: string;
  readonly state: 'present' | 'installed' | 'missing';
  /** Why it is missing, or what was installed. */
  readonly detail: string;
}
