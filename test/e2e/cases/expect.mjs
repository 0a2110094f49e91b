// @ts-check
import assert from 'node:assert/strict';

/** @param {import('../../../dev/server/session.mjs').Execution} execution */
export function expectSuccess({ status, data }) {
	const { error, lastNodeExecuted } = data.resultData;
	const reason = [error?.message, error?.description].filter(Boolean).join(' ');
	assert.equal(
		status,
		'success',
		`the execution ended with "${status}" at "${lastNodeExecuted}": ${reason || 'no reason given'}`,
	);
}

/**
 * Waits until an execution has left the processes for the database.
 *
 * @param {import('../../../dev/server/session.mjs').Session} session
 * @param {string} execution
 */
export async function expectAsleep(session, execution) {
	const { status } = await session.executionEnd(execution, {
		timeoutMs: 60_000,
		until: (seen) => seen.status !== 'new' && seen.status !== 'running',
	});
	assert.equal(status, 'waiting', 'the status of an execution that sleeps');
}
