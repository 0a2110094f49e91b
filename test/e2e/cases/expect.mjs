// @ts-check
import assert from 'node:assert/strict';

/** @param {import('../../server/session.mjs').Execution} execution */
export function expectSuccess({ status, data }) {
	const { error, lastNodeExecuted } = data.resultData;
	const reason = [error?.message, error?.description].filter(Boolean).join(' ');
	assert.equal(
		status,
		'success',
		`the execution ended with "${status}" at "${lastNodeExecuted}": ${reason || 'no reason given'}`,
	);
}
