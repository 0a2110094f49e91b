import type { IExecuteFunctions } from 'n8n-workflow';
import {
	checkMedia,
	maxConcurrentTasks,
	maxTasks,
	maxTotalSeconds,
	pollInterval,
	taskOptions,
	validateOnly,
	waitLimit,
	whileWaiting,
} from './taskOptions';
import { checkValue } from './check';

/** The user's options; they are resolved before anything is spent. */
export interface Options {
	/** Milliseconds. */
	waitLimit: number;
	/** Milliseconds; left out, the schedule decides. */
	pollInterval?: number;
	maxConcurrentTasks: number;
	maxTasks: number;
	/** Of video, in all. */
	maxTotalSeconds: number;
	validateOnly: boolean;
	checkMedia: boolean;
	whileWaiting: WhileWaiting;
}

/** How a run spends the time until its tasks have finished. */
export type WhileWaiting = 'auto' | 'sleep' | 'run';

/** A spending guard whose expression yields nothing is refused, not treated as unset. */
const GUARDS = [maxTasks, maxTotalSeconds, validateOnly];

/** @returns the options of one item, and a sentence for each thing wrong with them */
export function readOptions(
	context: IExecuteFunctions,
	item: number,
): { options: Options; problems: string[] } {
	const given = context.getNodeParameter('options', item, {}) as Record<string, unknown>;
	const problems: string[] = [];
	const values: Record<string, unknown> = {};
	for (const property of taskOptions) {
		const checked = checkValue(property, given[property.name], property.displayName);
		problems.push(...checked.problems);
		const isEmpty = checked.value === undefined && checked.problems.length === 0;
		if (isEmpty && GUARDS.includes(property) && property.name in given) {
			problems.push(`${property.displayName} is empty: give it a value, or remove the option`);
		}
		values[property.name] = checked.value;
	}
	const numberOf = ({ name }: { name: string }) => values[name] as number | undefined;
	const seconds = numberOf(pollInterval);
	return {
		options: {
			waitLimit: (numberOf(waitLimit) ?? (waitLimit.default as number)) * 60_000,
			pollInterval: seconds === undefined ? undefined : seconds * 1000,
			maxConcurrentTasks: numberOf(maxConcurrentTasks) ?? (maxConcurrentTasks.default as number),
			maxTasks: numberOf(maxTasks) ?? Infinity,
			maxTotalSeconds: numberOf(maxTotalSeconds) ?? Infinity,
			validateOnly: values[validateOnly.name] === true,
			checkMedia: values[checkMedia.name] !== false,
			whileWaiting: (values[whileWaiting.name] ?? 'auto') as WhileWaiting,
		},
		problems,
	};
}
