// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../server/problem.mjs';
import { ENDED, itemsOf } from '../../server/session.mjs';

/** @typedef {import('../../server/session.mjs').Session} Session */

/** Each look costs n8n some milliseconds, which must not show in what is measured. */
const LOOK_MS = 1000;

/**
 * What n8n lists of a workflow's executions: without their data, so that looking costs next to nothing.
 *
 * @param {Session} session
 * @param {string} workflowId
 * @param {{ limit?: number, status?: string }} [which] at most 100 are listed; all are counted
 * @returns {Promise<{ count: number, results: Array<{ id: string, status: string, startedAt: string, stoppedAt: string | null }> }>}
 */
export async function list(session, workflowId, { limit = 1, status } = {}) {
	const filter = JSON.stringify({ workflowId, ...(status && { status: [status] }) });
	return await session.request(
		'GET',
		`/executions?${new URLSearchParams({ filter, limit: String(limit) })}`,
	);
}

/**
 * Runs a workflow to its end, through all its sleeps.
 *
 * @param {Session} session
 * @param {string} workflowId
 * @param {{ timeoutMs: number, trigger?: string }} options
 * @returns {Promise<{ milliseconds: number }>}
 */
export async function runToEnd(session, workflowId, { timeoutMs, trigger = 'Start' }) {
	const began = Date.now();
	const id = await session.start(workflowId, trigger);
	for (;;) {
		const { results } = await list(session, workflowId);
		const [latest] = results;
		if (latest?.id === id && ENDED.has(latest.status)) break;
		if (Date.now() - began > timeoutMs) {
			throw new Problem(`A workflow of the bench was not done within ${timeoutMs / 1000} s.`);
		}
		await sleep(LOOK_MS);
	}
	// By a clock of our own: n8n writes times at each sleep.
	const milliseconds = Date.now() - began;
	await successful(session, id);
	return { milliseconds };
}

/**
 * @param {Session} session
 * @param {string} id
 */
async function successful(session, id) {
	const execution = await session.execution(id);
	if (execution.status !== 'success') {
		const { error, lastNodeExecuted } = execution.data.resultData;
		throw new Problem(
			`A workflow of the bench ended with "${execution.status}" at "${lastNodeExecuted}": ${error?.message} ${error?.description ?? ''}`,
		);
	}
	const milliseconds = Date.parse(String(execution.stoppedAt)) - Date.parse(execution.startedAt);
	return { execution, milliseconds };
}

/**
 * Publishes a workflow that begins with a webhook, and waits until n8n knows the webhook: that is a moment later.
 *
 * @param {Session} session
 * @param {import('../../server/session.mjs').Workflow} workflow
 * @param {string} path of the webhook
 */
export async function publish(session, workflow, path) {
	const { id } = await session.saveWorkflow(workflow);
	await session.publish(id);
	const url = `${session.url}/webhook/${path}`;
	for (let looks = 0; looks < 200; looks++) {
		// With the wrong method nothing is started, and n8n says which one would be right.
		const text = await (await fetch(url)).text();
		if (text.includes('Did you mean to make a POST request')) return { id, url };
		await sleep(100);
	}
	throw new Problem('n8n did not get to know a webhook of the bench.');
}

/**
 * Publishes a workflow that begins with a webhook which answers when the last node is done. So nobody has to look whether
 * it is, and n8n does nothing else meanwhile.
 *
 * @param {Session} session
 * @param {import('../../server/session.mjs').Workflow} workflow
 */
export async function callable(session, workflow) {
	const { path } = /** @type {any} */ (workflow.nodes[0]).parameters;
	const { id, url } = await publish(session, workflow, path);
	let calls = 0;
	return async (/** @type {unknown} */ body) => {
		const response = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		const text = await response.text();
		if (!response.ok) throw new Problem(`n8n answered a call of the bench with ${text}.`);
		calls++;
		// n8n answers a moment before it has stored the end.
		for (let looks = 0; looks < 100; looks++) {
			const { count, results } = await list(session, id);
			if (count === calls && results[0]?.stoppedAt) return await successful(session, results[0].id);
			await sleep(50);
		}
		throw new Problem('An execution that has answered was not stored.');
	};
}

/**
 * What n8n took for a node, in milliseconds, and what it put out.
 *
 * @param {import('../../server/session.mjs').Execution} execution
 * @param {string} node
 */
export function nodeRun(execution, node) {
	const milliseconds = execution.data.resultData.runData[node]?.at(-1)?.executionTime ?? NaN;
	return { milliseconds, items: itemsOf(execution, node) };
}
