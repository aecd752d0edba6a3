/** `config`: the commands about the configuration file. */

import { defineGroup, GROUPS } from './command.ts';
import { CONFIG_EDIT } from './config-edit.ts';
import { CONFIG_PATH } from './config-path.ts';
import { CONFIG_SHOW } from './config-show.ts';
import { CONFIG_VALIDATE } from './config-validate.ts';

/** The command `config`. */
export const CONFIG = defineGroup(
  { name: 'config', group: GROUPS.settings, summary: 'show, check and edit the configuration' },
  [CONFIG_PATH, CONFIG_SHOW, CONFIG_VALIDATE, CONFIG_EDIT],
);
