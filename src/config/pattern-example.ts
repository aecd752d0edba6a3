/** Finds out whether a pattern of the configuration can match the login server of any registry. */

import type { CloudHosts } from '../clouds.ts';

/**
 * The parts of a login server's name before the suffix (see `parseRegistry`), as an automaton: the name, its hash after
 * a hyphen, and the region of a regional endpoint.
 */
type Phase = 'name' | 'hash' | 'region' | 'geo' | 'suffix';

/** How much of a login server's name has been read. */
interface State {
  readonly phase: Phase;
  /** How many characters the name, the region or the fixed text has so far. */
  readonly length: number;
  /** Whether the hash has a character. */
  readonly isFilled: boolean;
}

const MIN_NAME = 5;
const MAX_NAME = 50;
const MAX_LABEL = 63;
const MIN_REGION = 2;
const GEO = '.geo.';
/** No host name is longer. */
const MAX_HOST = 253;
const LETTER = 'a';
const START: State = { phase: 'name', length: 0, isFilled: false };

/**
 * Finds a login server that a pattern matches.
 * @param pattern a text with stars, each for any text; in lower case.
 * @param clouds the hosts of the clouds to which it may belong.
 * @returns `undefined` when the pattern matches no login server.
 */
export function findExample(pattern: string, clouds: readonly CloudHosts[]): string | undefined {
  const glob = pattern.replace(/\*+/g, '*');
  if (glob.replaceAll('*', '').length > MAX_HOST) return undefined;
  const end = glob.slice(glob.lastIndexOf('*') + 1);
  for (const { registrySuffix, isOneHost } of clouds) {
    // Most patterns end with a suffix, and only one cloud has it.
    if (!end.endsWith(registrySuffix) && !registrySuffix.endsWith(end)) continue;
    const found = search(glob, registrySuffix, isOneHost ? { ...START, phase: 'suffix' } : START);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A pair of a place in the pattern and a state of the name, and how it was reached. */
interface Step {
  readonly place: number;
  readonly state: State;
  readonly character: string;
  readonly before: Step | undefined;
}

/** Goes through all pairs, each once. */
function search(glob: string, suffix: string, start: State): string | undefined {
  const seen = new Set<number>();
  const open: Step[] = [{ place: 0, state: start, character: '', before: undefined }];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { place, state } = one;
    const id = place * STATES + numberOf(state);
    if (seen.has(id)) continue;
    seen.add(id);
    const sign = glob[place];
    const isEnd = state.phase === 'suffix' && state.length === suffix.length;
    if (isEnd && (sign === undefined || (sign === '*' && place === glob.length - 1))) return spell(one);
    if (sign === undefined) continue;
    if (sign === '*') open.push({ ...one, place: place + 1 });
    for (const character of sign === '*' ? listNext(state, suffix) : [sign]) {
      for (const next of step(state, character, suffix)) {
        open.push({ place: sign === '*' ? place : place + 1, state: next, character, before: one });
      }
    }
  }
  return undefined;
}

/** The text that leads to a pair. A step over a star repeats the character of the one before it. */
function spell(last: Step): string {
  const characters: string[] = [];
  for (let one: Step | undefined = last; one?.before !== undefined; one = one.before) characters.push(one.character);
  return characters.reverse().join('');
}

const PHASES: readonly Phase[] = ['name', 'hash', 'region', 'geo', 'suffix'];
/** More than any phase has lengths, twice: with and without a character of the hash. */
const LENGTHS = 1024;
const STATES = PHASES.length * LENGTHS;

function numberOf({ phase, length, isFilled }: State): number {
  return PHASES.indexOf(phase) * LENGTHS + length * 2 + (isFilled ? 1 : 0);
}

/** The characters that can follow, with one for all letters and digits. */
function listNext({ phase, length }: State, suffix: string): readonly string[] {
  if (phase === 'suffix') return [suffix[length] ?? ''];
  return phase === 'geo' ? [GEO[length] ?? ''] : [LETTER, '-', '.'];
}

/** The states that a character leads to: after a dot comes the suffix or a region. */
function step(state: State, character: string, suffix: string): readonly State[] {
  const { phase, length, isFilled } = state;
  const isLetter = /^[a-z0-9]$/.test(character);
  switch (phase) {
    case 'name':
      if (isLetter) return length < MAX_NAME ? [{ ...state, length: length + 1 }] : [];
      if (length < MIN_NAME) return [];
      if (character === '-') return [{ phase: 'hash', length: length + 1, isFilled: false }];
      return character === '.' ? AFTER_NAME : [];
    case 'hash':
      if (isLetter) return length < MAX_LABEL ? [{ phase, length: length + 1, isFilled: true }] : [];
      return character === '.' && isFilled ? AFTER_NAME : [];
    case 'region':
      if (isLetter) return length < MAX_LABEL ? [{ ...state, length: length + 1 }] : [];
      return character === '.' && length >= MIN_REGION ? [{ phase: 'geo', length: 1, isFilled }] : [];
    case 'geo':
      if (character !== GEO[length]) return [];
      return [length + 1 === GEO.length ? { ...START, phase: 'suffix' } : { ...state, length: length + 1 }];
    case 'suffix':
      return character === suffix[length] ? [{ ...state, length: length + 1 }] : [];
  }
}

const AFTER_NAME: readonly State[] = [
  { ...START, phase: 'suffix' },
  { ...START, phase: 'region' },
];
