/** Reads the arguments of the test command: which suites run, which of their files, and how the properties are checked. */

/** The suites that need neither the built program nor its clients. */
export const QUICK_SUITES = ['unit', 'fuzz', 'scripts', 'docs', 'integration', 'emulator'];
/** The suites that run the built program, in the order in which their parts are ready. */
export const BUILT_SUITES = ['e2e', 'release', 'cluster'];
const SUITES = [...QUICK_SUITES, ...BUILT_SUITES];

/** How often a property is checked at most, and for how long, when its suite is named. */
const LONG_RUNS = '1000000';
const LONG_SECONDS = '4';
/** fast-check takes a signed number of 32 bits. */
const MAX_SEED = 2 ** 31;

/** What the test command was asked for. */
export interface Selection {
  readonly suites: readonly string[];
  /** Words of paths, and options of vitest. */
  readonly filters: readonly string[];
  /** The variables that `test/fuzz/runs.ts` and `test/e2e/world/fault-cases.ts` read. */
  readonly variables: Readonly<Record<string, string>>;
  /** The line that says how to repeat the run, if the properties run long. */
  readonly note: string | undefined;
}

/**
 * Reads the arguments. Properties run long when their suite is named; otherwise they run a few hundred times.
 * @param env the variables that are set already. They take precedence, except over `--seed`.
 * @param random returns a number from 0 to 1, for the seed of a long run.
 * @throws an error for a seed that is not a whole number.
 */
export function parseSelection(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  random: () => number = Math.random,
): Selection {
  const { seed: givenSeed, words } = takeSeed(args);
  const named = SUITES.filter((suite) => words.includes(suite));
  const filters = words.filter((word) => !SUITES.includes(word));
  const isLong = named.includes('fuzz');
  const seed = givenSeed ?? env['FUZZ_SEED'] ?? (isLong ? String(Math.floor(random() * MAX_SEED)) : undefined);
  if (seed !== undefined && !isSeed(seed)) throw new Error(`Cannot use the seed "${seed}": it is not a whole number`);
  return {
    suites: named.length > 0 ? named : SUITES,
    filters,
    variables: {
      ...(isLong
        ? { FUZZ_RUNS: env['FUZZ_RUNS'] ?? LONG_RUNS, FUZZ_SECONDS: env['FUZZ_SECONDS'] ?? LONG_SECONDS }
        : {}),
      ...(seed === undefined ? {} : { FUZZ_SEED: seed }),
      // Otherwise a third of the faults is tried.
      ...(filters.some((word) => word.includes('faults')) ? { FAULT_PART: env['FAULT_PART'] ?? 'all' } : {}),
    },
    note: isLong ? `fuzz: the seed is ${seed}; to repeat the run: npm test -- fuzz --seed ${seed}` : undefined,
  };
}

function takeSeed(args: readonly string[]): { seed: string | undefined; words: readonly string[] } {
  const position = args.findIndex((word) => word === '--seed' || word.startsWith('--seed='));
  if (position < 0) return { seed: undefined, words: args };
  const [, seed] = args[position]?.split('=') ?? [];
  const count = seed === undefined ? 2 : 1;
  return {
    seed: seed ?? args[position + 1] ?? '',
    words: args.filter((_, index) => index < position || index >= position + count),
  };
}

function isSeed(text: string): boolean {
  return /^-?\d+$/.test(text) && Math.abs(Number(text)) <= MAX_SEED;
}
