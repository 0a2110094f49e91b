// @ts-check
import { examples, prepare } from '../../../dev/server/examples.mjs';
import { node, workflow } from '../../../dev/workflow.mjs';

/**
 * @typedef {{ id: string, nodes: string[] }} Shown `nodes`: those that get a green tick
 * @typedef {{ main: Shown, loop: Shown, trigger: Shown, empty: Shown }} Workflows
 */

/** A wait that short stays in memory, and the picture need not wait for it. */
const WAIT_SECONDS = 4;

/**
 * The examples as a person has them who has filled them in.
 *
 * @param {import('../stage.mts').Stage} stage
 * @returns {Promise<Workflows>}
 */
export async function importForEditor({ instance, credentials, emulator }) {
	const { session } = instance;
	// Relative to where n8n was started: a picture is no place for somebody's folders.
	const values = { credentials, videoUrl: emulator.referenceUrl, folder: 'videos' };
	const main = await session.saveWorkflow(prepare(examples.referenceVideoToFile, values));
	const trigger = await session.saveWorkflow(prepare(examples.triggerToStorage, values));

	const loop = await session.saveWorkflow(
		prepare(examples.submitWaitStatusLoop, { ...values, waitSeconds: WAIT_SECONDS }),
	);

	const start = node('Start', 'manualTrigger');
	const empty = await session.saveWorkflow(workflow('My videos', [start]));
	return {
		main: { id: main.id, nodes: ['Your Video', 'Kling V2V Generate', 'Save the Video'] },
		loop: { id: loop.id, nodes: ['Kling V2V Generate', 'Kling Task Status', 'Save the Video'] },
		trigger: { id: trigger.id, nodes: [] },
		empty: { id: empty.id, nodes: [] },
	};
}
