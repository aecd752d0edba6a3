/** How often each property is checked, and from which seed. The test command sets the variables for a long run. */

const { FUZZ_RUNS, FUZZ_SEED, FUZZ_SECONDS } = process.env;

/**
 * The options of `fc.assert` for every property. Without `FUZZ_SEED` the seed is random, and a failure names it.
 * `FUZZ_SECONDS` ends a property after that time, so that cheap properties run more often than expensive ones.
 */
export const RUN_OPTIONS = {
  numRuns: Number(FUZZ_RUNS ?? 100),
  ...(FUZZ_SEED === undefined ? {} : { seed: Number(FUZZ_SEED) }),
  ...(FUZZ_SECONDS === undefined ? {} : { interruptAfterTimeLimit: Number(FUZZ_SECONDS) * 1000 }),
};
