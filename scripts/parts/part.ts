/** The parts that the end-to-end tests need besides npm packages: their folder, and the report of an installation. */
import { fileURLToPath } from 'node:url';

/** The folder for the parts of this checkout; git ignores it. */
export const PARTS_FOLDER = fileURLToPath(new URL('../../.parts', import.meta.url));

export interface PartReport {
  readonly part: string;
  readonly state: 'present' | 'installed' | 'missing';
  /** Why the part is missing, or what was installed. */
  readonly detail: string;
}
