// @ts-check
import { batch } from './batch.mjs';
import { bigResults } from './bigResults.mjs';
import { callbacks } from './callbacks.mjs';
import { growth } from './growth.mjs';
import { hostileCallers } from './hostileCallers.mjs';
import { loadAndSize } from './loadAndSize.mjs';
import { manyExecutions } from './manyExecutions.mjs';
import { schedule } from './schedule.mjs';

/** @typedef {(lab: import('../lab/lab.mjs').Lab, options: { quick: boolean }) => Promise<import('../report/answer.mjs').Answer>} Question */

/** @type {Map<string, Question>} */
export const questions = new Map([
	['a', loadAndSize],
	['b', bigResults],
	['c', batch],
	['d', schedule],
	['e', callbacks],
	['f', manyExecutions],
	['g', growth],
	['h', hostileCallers],
]);
