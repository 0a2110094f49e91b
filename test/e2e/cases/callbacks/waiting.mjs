// @ts-check
// What the cases about Pause Until Callback have in common: executions that wait, and providers that call back when told to.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stage } from '../../stage.mjs';
import { call, publishBatch } from '../../workflows.mjs';

/**
 * @typedef {import('../../world.mjs').World} World
 * @typedef {import('../../../../dev/server/session.mjs').Execution} Execution
 * @typedef {{ event: string, status: number | null, error: string | null, dropped?: true }} Receipt what the receiver of a callback said
 * @typedef {{ taskId: string, status: string, body: { webhook_url?: string }, callbacks: Receipt[] }} Task
 */

export const PROMPTS = ['@Video1 at dawn', '@Video1 at noon', '@Video1 at night'];

/** Longer than any case: a task ends when the case says so. */
export const NEVER = 3600;

const LOOK_MS = 200;

/**
 * @template T
 * @param {World} world
 * @param {(stage: Stage) => Promise<T>} work
 */
export const withPatientTasks = async (world, work) =>
	await Stage.for(world, { taskSeconds: NEVER }, work);

/**
 * A published workflow that pauses until callback.
 *
 * @param {Stage} stage
 * @param {Parameters<typeof publishBatch>[1]} [options]
 */
export const publishWaiting = async (stage, { parameters, ...more } = {}) =>
	await publishBatch(stage, {
		parameters: { completion: 'callback', options: {}, ...parameters },
		...more,
	});

/**
 * Calls a workflow, and waits until its execution does.
 *
 * @param {Stage} stage
 * @param {{ id: string, path: string }} workflow
 * @param {string[]} [prompts]
 * @returns {Promise<string>} the execution's id
 */
export async function callAndWait(stage, workflow, prompts = PROMPTS) {
	const id = await call(stage, workflow, prompts);
	await untilWaiting(stage.world, id);
	return id;
}

/** @param {World} world @param {string} id of an execution */
export async function untilWaiting(world, id) {
	const execution = await world.session.executionEnd(id, {
		timeoutMs: 60_000,
		until: ({ status }) => status !== 'new' && status !== 'running',
	});
	assert.equal(execution.status, 'waiting', reasonOf(execution) ?? 'it waits in the database');
}

/** @param {Execution} execution @returns {string | undefined} */
export const reasonOf = ({ data }) => data.resultData.error?.message;

/** @param {Stage} stage @returns {Promise<Task[]>} in the order in which they were made */
export const tasksOf = async (stage) => (await stage.emulator.ask('/state?requests=0')).tasks;

/** @param {Stage} stage @returns {Promise<Receipt[]>} of all tasks */
export const receiptsOf = async (stage) =>
	(await tasksOf(stage)).flatMap(({ callbacks }) => callbacks);

/** The tasks are finished, and the provider calls back. @param {Stage} stage @param {Task[]} [tasks] */
export async function completeAll(stage, tasks) {
	for (const { taskId } of tasks ?? (await tasksOf(stage))) {
		await stage.emulator.ask(`/tasks/${taskId}/complete`, { method: 'POST' });
	}
}

/**
 * @param {string} what
 * @param {() => Promise<boolean> | boolean} holds
 * @param {number} [withinMs]
 */
export async function until(what, holds, withinMs = 30_000) {
	for (const deadline = Date.now() + withinMs; !(await holds()); await sleep(LOOK_MS)) {
		assert.ok(Date.now() < deadline, `${what}, within ${withinMs / 1000} s`);
	}
}
