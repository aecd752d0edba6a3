/** The picture of a terminal: what it shows of a program's output. */
import { describe, expect, test } from 'vitest';
import { drawTerminal } from '../../../scripts/docs/terminal.ts';

/** The texts of the picture, in the order in which they stand in it. */
function readTexts(svg: string): readonly string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);
}

describe('the picture of a terminal', () => {
  test('shows the command and its output as text', () => {
    expect(readTexts(drawTerminal('npm run demo', 'one\n  two\n'))).toEqual([
      'npm run demo',
      '$',
      'npm run demo',
      'one',
      'two',
    ]);
  });

  test('keeps columns where they are, whatever the font', () => {
    const svg = drawTerminal('x', 'a\n    b\n');
    const [a = 0, b = 0] = ['a', 'b'].map((text) => Number(new RegExp(`x="([\\d.]+)"[^>]*>${text}<`).exec(svg)?.[1]));
    expect(b - a).toBeCloseTo(4 * 7.8);
    expect(svg.match(/textLength=/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test('escapes markup, and leaves out colours and control characters', () => {
    const svg = drawTerminal('x', '\u001B[31m<b>&"\u001B[0m\u0007\n');
    expect(readTexts(svg)).toContain('&lt;b&gt;&amp;&quot;');
    expect(svg.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test('leaves out what npm says, and the claims that nobody reads', () => {
    const claims = ['jti', 'exp', 'sub', 'roles'].map((name) => `             ${name.padEnd(12)}value`);
    const texts = readTexts(drawTerminal('x', ['> package@1 demo', '', ...claims, '', 'end'].join('\n')));
    expect(texts).toEqual(['x', '$', 'x', 'exp', 'value', '…', 'end']);
  });

  test('loads nothing from elsewhere', () => {
    const svg = drawTerminal('x', 'https://example.com/');
    expect(svg).not.toMatch(/href|url\(|@import|<image|<script|<foreignObject/);
  });
});
