/** The three `Reflect` functions that `@peculiar/x509` expects when it loads; import this module before it. */
const NONE = undefined;

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: () => NONE, getOwnMetadata: () => NONE, defineMetadata: () => NONE });
}
