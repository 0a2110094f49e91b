import type { IExecuteFunctions } from 'n8n-workflow';
import {
	checkMedia,
	clipLength,
	clipStart,
	includeInput,
	maxConcurrentTasks,
	maxCost,
	maxTasks,
	maxTasksPerExecution,
	maxTotalSeconds,
	pollInterval,
	pricePerSecond,
	taskOptions,
	unverifiedMedia,
	validateOnly,
	waitLimit,
	whileWaiting,
} from './optionProperties';
import type { Part } from '../media/media';
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
	/** Over all runs of the node in an execution. */
	maxTasksPerExecution: number;
	/** The user's own, in the currency that the user counts in. */
	pricePerSecond?: number;
	/** Of a run, in the same currency. */
	maxCost: number;
	validateOnly: boolean;
	checkMedia: boolean;
	/** Of the reference video, where not all of it is meant. */
	part?: Part;
	includeInput: boolean;
	/** Whether `checkMedia` refuses an item whose file it could not look at. */
	unverifiedMedia: 'continue' | 'refuse';
	whileWaiting: WhileWaiting;
}

/** How a run spends the time until its tasks have finished. */
export type WhileWaiting = 'auto' | 'sleep' | 'run';

/**
 * A spending guard whose expression yields nothing is refused, not treated as unset; so is a part of a
 * video, or another video would be paid for.
 */
const GUARDS = [
	clipLength,
	clipStart,
	maxTasks,
	maxTotalSeconds,
	maxTasksPerExecution,
	pricePerSecond,
	maxCost,
	validateOnly,
];

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
	problems.push(...priceProblems(numberOf(pricePerSecond), maxCost.name in given));
	return {
		options: {
			waitLimit: (numberOf(waitLimit) ?? (waitLimit.default as number)) * 60_000,
			pollInterval: seconds === undefined ? undefined : seconds * 1000,
			maxConcurrentTasks: numberOf(maxConcurrentTasks) ?? (maxConcurrentTasks.default as number),
			maxTasks: numberOf(maxTasks) ?? Infinity,
			maxTotalSeconds: numberOf(maxTotalSeconds) ?? Infinity,
			maxTasksPerExecution: numberOf(maxTasksPerExecution) ?? Infinity,
			pricePerSecond: numberOf(pricePerSecond),
			maxCost: numberOf(maxCost) ?? Infinity,
			validateOnly: values[validateOnly.name] === true,
			checkMedia: values[checkMedia.name] !== false,
			part: partOf(numberOf(clipStart), numberOf(clipLength)),
			includeInput: values[includeInput.name] === true,
			unverifiedMedia: (values[unverifiedMedia.name] ?? 'continue') as Options['unverifiedMedia'],
			whileWaiting: (values[whileWaiting.name] ?? 'auto') as WhileWaiting,
		},
		problems,
	};
}

/** A limit on the cost holds nothing back where the price is not known. */
function priceProblems(price: number | undefined, isLimited: boolean): string[] {
	if (price === 0) {
		return [
			`${pricePerSecond.displayName} is 0: enter what your provider charges you for a second`,
		];
	}
	if (price !== undefined || !isLimited) return [];
	return [`${maxCost.displayName} needs ${pricePerSecond.displayName}: add that option, too`];
}

function partOf(start?: number, length?: number): Part | undefined {
	if (start === undefined && length === undefined) return undefined;
	return { start: start ?? 0, length: length ?? (clipLength.default as number) };
}
