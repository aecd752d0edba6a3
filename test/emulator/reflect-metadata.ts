/** The three `Reflect` functions that `@peculiar/x509` wants to find when it loads; must be imported before it. */
const NONE = undefined;

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: () => NONE, getOwnMetadata: () => NONE, defineMetadata: () => NONE });
}
