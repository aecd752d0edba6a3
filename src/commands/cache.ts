/** `cache`: the commands about the cached tokens. */

import { CACHE_CLEAR } from './cache-clear.ts';
import { CACHE_LIST } from './cache-list.ts';
import { defineGroup, GROUPS } from './command.ts';

/** The command `cache`. */
export const CACHE = defineGroup(
  { name: 'cache', group: GROUPS.settings, summary: 'list and clear the cached tokens' },
  [CACHE_LIST, CACHE_CLEAR],
);
