/** The ways in which the kubelet's plug-in may sign in. It is loaded with every command, so it imports nothing. */

/** With which identity images are pulled. */
export const MODES = ['node', 'service-account', 'identity-binding'] as const;

/** One of `MODES`. */
export type Mode = (typeof MODES)[number];
