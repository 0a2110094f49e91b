// @ts-check
// The workflows that the cases run: called from outside as in production, one item for each of a list, through one node.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../dev/server/problem.mjs';

/**
 * @typedef {import('../../dev/server/session.mjs').Workflow} Workflow
 * @typedef {import('./stage.mjs').Stage} Stage
 */

export const GENERATE = 'Kling V2V Generate';
export const TRIGGER = 'Kling V2V Trigger';

/**
 * @param {string} name
 * @param {string} type
 * @param {number} typeVersion
 * @param {object} parameters
 * @param {object} [more]
 */
export function node(name, type, typeVersion, parameters, more = {}) {
	return { id: randomUUID(), name, type, typeVersion, parameters, position: [0, 0], ...more };
}

/** What a workflow is called by from outside. @param {string} path */
export const calledAt = (path) =>
	node(
		'Call',
		'n8n-nodes-base.webhook',
		2,
		{ httpMethod: 'POST', path, responseMode: 'onReceived' },
		{ webhookId: path },
	);

/** @param {Array<{ name: string }>} nodes each leads to the next */
function chain(nodes) {
	return Object.fromEntries(
		nodes
			.slice(0, -1)
			.map(({ name }, index) => [
				name,
				{ main: [[{ node: nodes[index + 1]?.name, type: 'main', index: 0 }]] },
			]),
	);
}

/**
 * A published workflow: a call with a list of prompts makes a video of each.
 *
 * @param {Stage} stage
 * @param {object} options
 * @param {object} [options.parameters] of the Generate node
 * @param {object} [options.settings] of the Generate node, such as its Retry On Fail
 * @param {Array<ReturnType<typeof node>>} [options.then] nodes that follow, one after the other
 * @returns {Promise<{ id: string, path: string }>}
 */
export async function publishBatch(
	{ world, credentials, videoUrl },
	{ parameters, settings, then = [] },
) {
	const path = randomUUID();
	const nodes = [
		calledAt(path),
		node('Prompts', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'body.prompts' }),
		node(
			GENERATE,
			'n8n-nodes-kling-v2v.klingV2vGenerate',
			1.1,
			{
				provider: 'magnific',
				mode: 'std',
				prompt: "={{ $json['body.prompts'] }}",
				videoUrl,
				completion: 'poll',
				options: { pollInterval: 1 },
				...parameters,
			},
			{ credentials, ...settings },
		),
		...then,
	];
	const workflow = { name: `Batch ${path}`, nodes, connections: chain(nodes), settings: {} };
	const { id } = await world.session.saveWorkflow(/** @type {Workflow} */ (workflow));
	await world.session.publish(id);
	return { id, path };
}

/**
 * A published workflow of the trigger alone.
 *
 * @param {Stage} stage
 * @param {number} typeVersion
 * @param {object} parameters of the trigger
 * @returns {Promise<{ id: string, url: string }>}
 */
export async function publishTrigger({ world, credentials }, typeVersion, parameters) {
	const webhookId = randomUUID();
	const type = 'n8n-nodes-kling-v2v.klingV2vTrigger';
	const trigger = node(TRIGGER, type, typeVersion, parameters, { credentials, webhookId });
	const workflow = {
		name: `Trigger ${webhookId}`,
		nodes: [trigger],
		connections: {},
		settings: {},
	};
	const { id } = await world.session.saveWorkflow(/** @type {Workflow} */ (workflow));
	await world.session.publish(id);
	return { id, url: `${world.webhookUrl}/${webhookId}/webhook` };
}

/**
 * Calls a published workflow.
 *
 * @param {Stage} stage
 * @param {{ id: string, path: string }} workflow
 * @param {string[]} prompts
 * @returns {Promise<string>} the execution's id
 */
export async function call({ world }, { id, path }, prompts) {
	const ask = async () =>
		await fetch(`${world.webhookUrl}/${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ prompts }),
		});
	let response = await ask();
	// n8n says that a workflow is published some moments before it can be called.
	for (let tries = 0; response.status === 404 && tries < 50; tries++) {
		await sleep(200);
		response = await ask();
	}
	if (!response.ok) {
		throw new Problem(
			`The published workflow answered its call with ${response.status}: ${await response.text()}`,
		);
	}
	return await world.session.firstExecutionOf(id, { timeoutMs: 10_000 });
}
