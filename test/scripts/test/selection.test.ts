/** Which suites and files the test command runs, and how long its properties run. */
import { describe, expect, it } from 'vitest';
import { BUILT_SUITES, parseSelection, QUICK_SUITES } from '../../../scripts/test/selection.ts';

const HALF = () => 0.5;
const HALF_SEED = String(2 ** 30);

describe('the suites', () => {
  it('are all of them without an argument, and properties run short with a seed of their own', () => {
    expect(parseSelection([], {})).toEqual({
      suites: [...QUICK_SUITES, ...BUILT_SUITES],
      filters: [],
      variables: {},
      note: undefined,
    });
  });

  it('end with the cluster, whose parts take the longest', () => {
    expect(parseSelection([], {}).suites.slice(-3)).toEqual(['e2e', 'release', 'cluster']);
    expect(parseSelection(['cluster', 'pulls'], {})).toMatchObject({ suites: ['cluster'], filters: ['pulls'] });
  });

  it('are those that are named, and other words select files', () => {
    const { suites, filters } = parseSelection(['cache', 'docs', 'unit', '-u'], {});
    expect({ suites, filters }).toEqual({ suites: ['unit', 'docs'], filters: ['cache', '-u'] });
  });
});

describe('properties run long when their suite is named', () => {
  it('with a random seed, which a line tells', () => {
    const { variables, note } = parseSelection(['fuzz'], {}, HALF);
    expect(variables).toEqual({ FUZZ_RUNS: '1000000', FUZZ_SECONDS: '4', FUZZ_SEED: HALF_SEED });
    expect(note).toBe(`fuzz: the seed is ${HALF_SEED}; to repeat the run: npm test -- fuzz --seed ${HALF_SEED}`);
  });

  it.each([[['fuzz', '--seed', '123']], [['--seed', '123', 'fuzz']], [['fuzz', '--seed=123']]])(
    'with the seed of %j, which is not a filter',
    (args) => {
      const { suites, filters, variables } = parseSelection(args, { FUZZ_SEED: '7' }, HALF);
      expect({ suites, filters, seed: variables['FUZZ_SEED'] }).toEqual({ suites: ['fuzz'], filters: [], seed: '123' });
    },
  );

  it('with what the environment sets', () => {
    const env = { FUZZ_SEED: '-7', FUZZ_RUNS: '5', FUZZ_SECONDS: '1' };
    expect(parseSelection(['fuzz', 'redact'], env, HALF)).toMatchObject({ filters: ['redact'], variables: env });
  });
});

describe('properties run short with a given seed', () => {
  it('when another suite or none is named', () => {
    expect(parseSelection(['--seed', '5'], {}).variables).toEqual({ FUZZ_SEED: '5' });
    expect(parseSelection(['unit'], { FUZZ_SEED: '5' }).variables).toEqual({ FUZZ_SEED: '5' });
  });
});

describe('every fault is tried', () => {
  it('when the tests of faults are named', () => {
    expect(parseSelection(['e2e', 'faults'], {}).variables).toEqual({ FAULT_PART: 'all' });
    expect(parseSelection(['e2e', 'faults-kill'], { FAULT_PART: '1' }).variables).toEqual({ FAULT_PART: '1' });
  });

  it('not when all tests run, where a third is enough', () => {
    expect(parseSelection(['e2e'], {}).variables).toEqual({});
  });
});

describe('a seed is rejected', () => {
  it.each(['', 'abc', '1.5', '1e3', '0x10', '99999999999'])('when it is %j', (seed) => {
    expect(() => parseSelection(['fuzz', '--seed', seed], {})).toThrow('Cannot use the seed');
  });

  it('when there is nothing behind --seed', () => {
    expect(() => parseSelection(['fuzz', '--seed'], {})).toThrow('Cannot use the seed');
  });
});
