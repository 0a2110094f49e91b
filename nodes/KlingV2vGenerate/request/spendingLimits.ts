import { InvalidInput } from '../../shared/errors';
import { keepOrThrow } from '../../shared/n8n/runItems';
import type { GenerateRun, RunItem } from '../generateRun';
import { placeOf } from './itemRequest';
import type { ItemRequest } from './itemRequest';

/** The spending limits hold for the whole run: beyond them, none of it is done. */
export function withinSpendingLimits(run: GenerateRun, items: RunItem[]): RunItem[] {
	const requests = items.filter(
		(item): item is ItemRequest => 'request' in item && !item.options.validateOnly,
	);
	if (requests.length === 0) return items;
	const problems = problemsOf(requests, secondsOfKnown(items));
	if (problems.length === 0) return items;
	return items.map((item) => {
		if (!('request' in item)) return item;
		const fault = new InvalidInput(problems, placeOf(item));
		return keepOrThrow(run.context, { item: item.item, fault }, run);
	});
}

/** @returns the lengths of the videos that earlier tries of this run have asked for */
function secondsOfKnown(items: RunItem[]): number[] {
	return items.flatMap((item) => ('entry' in item ? [item.entry.wishes?.seconds ?? 0] : []));
}

function problemsOf(requests: ItemRequest[], known: number[]): string[] {
	const maxTasks = Math.min(...requests.map(({ options }) => options.maxTasks));
	const maxSeconds = Math.min(...requests.map(({ options }) => options.maxTotalSeconds));
	const all = [...known, ...requests.map(({ seconds }) => seconds)];
	const seconds = all.reduce((sum, each) => sum + each, 0);
	const problems: string[] = [];
	if (all.length > maxTasks) {
		problems.push(`This run would create ${all.length} tasks, and Max Tasks is ${maxTasks}`);
	}
	if (seconds > maxSeconds) {
		problems.push(
			`This run would make ${seconds} seconds of video, and Max Total Seconds is ${maxSeconds}`,
		);
	}
	return problems;
}
