/** How often each property is tried, and from which seed: `FUZZ_RUNS=10000 FUZZ_SEED=1`. */
export const RUN_OPTIONS = {
  numRuns: Number(process.env['FUZZ_RUNS'] ?? 100),
  ...(process.env['FUZZ_SEED'] === undefined ? {} : { seed: Number(process.env['FUZZ_SEED']) }),
};
