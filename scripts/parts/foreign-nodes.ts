/** Node for macOS and Windows, into which the tests pack the program. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findNodePart, readPinnedNodeVersion, stripNode } from '../build/node-part.ts';
import { findHostTarget, TARGETS } from '../build/target.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const ROOT = join(PARTS_FOLDER, '..');

/** Fetches each, without its symbols, and a Node of its version that runs here. */
export async function fetchForeignNodes(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  const pinned = await readPinnedNodeVersion(ROOT);
  const host = findHostTarget();
  for (const target of TARGETS.filter(({ os }) => os !== 'linux')) {
    const part = `Node for ${target.name}`;
    const kept = readdirSync(PARTS_FOLDER).length;
    try {
      const node = await findNodePart(ROOT, PARTS_FOLDER, target, pinned);
      await stripNode(PARTS_FOLDER, target, node);
      if (host !== undefined) await findNodePart(ROOT, PARTS_FOLDER, { ...host, nodeVersion: node.version }, pinned);
      const isNew = readdirSync(PARTS_FOLDER).length > kept;
      reports.push({ part, state: isNew ? 'installed' : 'present', detail: node.version });
    } catch (error) {
      reports.push({ part, state: 'missing', detail: error instanceof Error ? error.message : String(error) });
    }
  }
  return reports;
}
