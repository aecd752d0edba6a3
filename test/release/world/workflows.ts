/** The workflows of this project, read as far as the tests look at them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { asJsonObject, asText, type JsonObject } from '../../../src/json.ts';

/** The folder of the workflows. */
export const WORKFLOW_FOLDER = join(import.meta.dirname, '../../../.github/workflows');

export interface Workflow {
  readonly file: string;
  readonly text: string;
  readonly content: JsonObject;
}

export interface Job {
  /** Such as `release.yml build`. */
  readonly name: string;
  readonly job: JsonObject;
  readonly steps: readonly JsonObject[];
}

export const WORKFLOWS: readonly Workflow[] = readdirSync(WORKFLOW_FOLDER).map((file) => {
  const text = readFileSync(join(WORKFLOW_FOLDER, file), 'utf8');
  return { file, text, content: asJsonObject(parse(text)) ?? {} };
});

export const JOBS: readonly Job[] = WORKFLOWS.flatMap(({ file, content }) =>
  Object.entries(asJsonObject(content['jobs']) ?? {}).map(([name, value]) => {
    const job = asJsonObject(value) ?? {};
    return { name: `${file} ${name}`, job, steps: listObjects(job['steps']) };
  }),
);

/** Each step with the name of its job. */
export const STEPS = JOBS.flatMap(({ name, steps }) => steps.map((step) => ({ name, step })));

/** @throws when there is no such step, or it runs nothing. */
export function findScript(stepName: string): string {
  const script = asText(STEPS.find(({ step }) => step['name'] === stepName)?.step['run']);
  if (script === undefined) throw new Error(`No step is called ${stepName}`);
  return script;
}

/** The objects of a list; none when it is no list. */
export function listObjects(value: unknown): readonly JsonObject[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.map(asJsonObject).filter((one) => one !== undefined);
}
