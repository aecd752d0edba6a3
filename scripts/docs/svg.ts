/**
 * What the documents' pictures have in common: a dark panel that is legible on a light page and on a dark one, text as
 * text, and nothing that is loaded from elsewhere.
 */

export const COLORS = {
  panel: '#0d1117',
  border: '#30363d',
  text: '#e6edf3',
  muted: '#8b949e',
  accent: '#58a6ff',
  good: '#3fb950',
  bad: '#ff7b72',
  warning: '#d29922',
  info: '#39c5cf',
  special: '#bc8cff',
  bar: '#6e7681',
} as const;

export type Color = keyof typeof COLORS;

/** The fonts of the systems, so that no font has to be loaded. */
export const MONOSPACE = 'ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, Liberation Mono, monospace';
export const SANS_SERIF = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, DejaVu Sans, sans-serif';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** What the picture is, in a few words. */
  readonly title: string;
  /** What it shows, for those who cannot see it. */
  readonly description: string;
  readonly fontFamily: string;
  readonly fontSize: number;
  /** The elements on the panel. */
  readonly elements: readonly string[];
}

/** One SVG document: a panel with rounded corners and what is on it. */
export function formatPicture(picture: Picture): string {
  const { width, height, title, description, fontFamily, fontSize, elements } = picture;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description" font-family="${fontFamily}" font-size="${fontSize}">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="description">${escapeXml(description)}</desc>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${COLORS.panel}" stroke="${COLORS.border}"/>`,
    ...elements,
    '</svg>',
    '',
  ].join('\n');
}

export interface TextOptions {
  readonly color?: Color;
  readonly bold?: boolean;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly fontSize?: number;
  /** The exact width, whatever font the reader has. */
  readonly width?: number;
}

/** One line of text; `y` is its base line. */
export function formatText(x: number, y: number, text: string, options: TextOptions = {}): string {
  const { color = 'text', bold = false, anchor = 'start', fontSize, width } = options;
  const attributes = [
    `x="${round(x)}" y="${round(y)}" fill="${COLORS[color]}"`,
    ...(bold ? ['font-weight="bold"'] : []),
    ...(anchor === 'start' ? [] : [`text-anchor="${anchor}"`]),
    ...(fontSize === undefined ? [] : [`font-size="${fontSize}"`]),
    ...(width === undefined ? [] : [`textLength="${round(width)}" lengthAdjust="spacingAndGlyphs"`]),
    'xml:space="preserve"',
  ];
  return `<text ${attributes.join(' ')}>${escapeXml(text)}</text>`;
}

/** Text for an element or an attribute: markup is escaped, and what XML forbids is left out. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
