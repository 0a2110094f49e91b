import type { IExecuteFunctions } from 'n8n-workflow';
import { maxConcurrentTasks, pollInterval, waitLimit } from './properties/completion';
import { checkValue } from './values';

/** The options of waiting, in milliseconds; they are resolved before anything is spent. */
export interface WaitOptions {
	waitLimit: number;
	pollInterval?: number;
	maxConcurrentTasks: number;
}

/** @returns the options of one item, and a sentence for each thing wrong with them */
export function readWaitOptions(
	context: IExecuteFunctions,
	item: number,
): { options: WaitOptions; problems: string[] } {
	const given = context.getNodeParameter('options', item, {}) as Record<string, unknown>;
	const checked = [waitLimit, pollInterval, maxConcurrentTasks].map((property) =>
		checkValue(property, given[property.name], property.displayName),
	);
	const problems = checked.flatMap((check) => check.problems);
	const [minutes, seconds, tasks] = checked.map(({ value }) => value as number | undefined);
	return {
		options: {
			waitLimit: (minutes ?? (waitLimit.default as number)) * 60_000,
			pollInterval: seconds === undefined ? undefined : seconds * 1000,
			maxConcurrentTasks: tasks ?? (maxConcurrentTasks.default as number),
		},
		problems,
	};
}
