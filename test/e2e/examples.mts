import type { Values } from '../../dev/server/examples.mjs';
import { examples, prepare } from '../../dev/server/examples.mjs';
import type { Execution } from '../../dev/server/session.mjs';
import { expectSuccess } from './expect.mts';
import type { Stage } from './stage.mts';

export type Example = keyof typeof examples;

/** As examples/folder-to-s3.json names it. */
export const BUCKET = 'kling-videos';

/**
 * Imports an example, with what everyone replaces in it.
 * @returns its id
 */
export async function importExample(
	{ instance, credentials, emulator, videos }: Stage,
	name: Example,
	values: Values & { credentials?: Stage['credentials'] } = {},
): Promise<string> {
	const given = { credentials, videoUrl: emulator.referenceUrl, folder: videos, ...values };
	return (await instance.session.saveWorkflow(prepare(examples[name], given))).id;
}

/** Runs an example as "Execute workflow" does. */
export async function runByButton(
	{ instance }: Stage,
	id: string,
	name: Example,
): Promise<Execution> {
	const execution = await instance.session.run(id, examples[name].trigger);
	expectSuccess(execution);
	return execution;
}
