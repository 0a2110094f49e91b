// @ts-check
import { batch } from './batch.mjs';
import { bigResults } from './bigResults.mjs';
import { callbacks } from './callbacks.mjs';
import { loadAndSize } from './loadAndSize.mjs';
import { manyExecutions } from './manyExecutions.mjs';
import { schedule } from './schedule.mjs';

/** @typedef {(lab: import('../lab/lab.mjs').Lab, options: { quick: boolean }) => Promise<import('../report/answer.mjs').Answer>} Question */

/** Each has a decision behind it. @type {Map<string, Question>} */
export const questions = new Map([
	['a', loadAndSize],
	['b', bigResults],
	['c', batch],
	['d', schedule],
	['e', manyExecutions],
	['f', callbacks],
]);
