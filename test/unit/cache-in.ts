/** The cache below a folder, in the program's own layout. */
import { join } from 'node:path';
import type { Cache } from '../../src/cache/cache.ts';

export function cacheIn(folder: string): Cache {
  return { folder: join(folder, 'tokens'), lockFolder: join(folder, 'locks'), markerFolder: join(folder, 'notes') };
}
