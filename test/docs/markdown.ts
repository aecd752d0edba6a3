/** The documents, as far as the tests read them: blocks of code, tables, headings and links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface Block {
  readonly document: string;
  /** The line that the block's text begins on. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export interface Link {
  readonly document: string;
  readonly target: string;
}

export interface Document {
  /** From the project's root on. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text without its blocks of code. */
  readonly prose: string;
  readonly links: readonly Link[];
  /** What a link can have behind `#`. */
  readonly anchors: readonly string[];
}

const FENCE = /^( *)```([\w-]*)$/;

export const DOCUMENTS: readonly Document[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'scripts/bench/README.md',
  'scripts/kubernetes/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((path) => parseDocument(path, readFileSync(join(ROOT, path), 'utf8')));

export function documentAt(path: string): Document {
  const found = DOCUMENTS.find((one) => one.path === path);
  if (found === undefined) throw new Error(`There is no document ${path}`);
  return found;
}

export function blocksOf(language: string): readonly Block[] {
  return DOCUMENTS.flatMap(({ blocks }) => blocks).filter((block) => block.language === language);
}

/** @throws when a block has no end. */
export function parseDocument(path: string, text: string): Document {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { language: string; indent: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', language = ''] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      if (FENCE.test(line)) open = { language, indent, line: index + 2, lines: [] };
      else prose.push(line);
    } else if (line === `${open.indent}\`\`\``) {
      blocks.push({
        document: path,
        line: open.line,
        language: open.language,
        text: `${open.lines.join('\n')}\n`,
      });
      open = undefined;
    } else {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: this block has no end`);
  const proseText = prose.join('\n');
  return { path, text, blocks, prose: proseText, links: findLinks(path, proseText), anchors: findAnchors(prose) };
}

/** The rows of the table that begins with this head, by cells; the texts of code and links stay as they are. */
export function readTable({ path, prose }: Document, head: string): readonly (readonly string[])[] {
  const lines = prose.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  if (start < 0) throw new Error(`${path} has no table that begins with "${head}"`);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The texts that stand between backticks. */
export function codeIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

function findLinks(document: string, prose: string): readonly Link[] {
  const text = prose.replaceAll(/`[^`]*`/g, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)];
  return targets.map(([, target = '']) => ({ document, target }));
}

/** As GitHub makes them of headings. */
function findAnchors(prose: readonly string[]): readonly string[] {
  return prose
    .map((line) => /^#{1,6} (.*)$/.exec(line)?.[1])
    .filter((heading) => heading !== undefined)
    .map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
}
