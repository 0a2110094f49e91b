import { InvalidInput } from '../../shared/errors';
import { keepOrThrow } from '../../shared/n8n/runItems';
import { smallest } from '../../shared/util/smallest';
import type { GenerateRun, RunItem } from '../generateRun';
import { rounded } from './cost';
import { placeOf } from './itemRequest';
import type { ItemRequest } from './itemRequest';

/**
 * The spending limits hold for the whole run: beyond them, none of it is done. They are looked at in each turn:
 * what is left to do may be larger by then, where expressions give something else.
 */
export function withinSpendingLimits(run: GenerateRun, items: RunItem[]): RunItem[] {
	const requests = items.filter(
		(item): item is ItemRequest => 'request' in item && !item.options.validateOnly,
	);
	if (requests.length === 0) return items;
	const problems = [...problemsOf(requests, knownOf(items)), ...problemsOfExecution(run, requests)];
	if (problems.length === 0) return items;
	return items.map((item) => {
		if (!('request' in item)) return item;
		const fault = new InvalidInput(problems, placeOf(item));
		return keepOrThrow(run.context, { item: item.item, fault }, run);
	});
}

/** The size of a task: its length and its price. */
type Expense = Pick<ItemRequest, 'seconds' | 'estimatedCost'>;

/** @returns what earlier tries and turns of this run have asked for, unless surely no task came of it */
function knownOf(items: RunItem[]): Expense[] {
	return items.flatMap((item) =>
		'entry' in item && item.entry.state !== 'failed' ? [item.entry.wishes ?? { seconds: 0 }] : [],
	);
}

function problemsOf(requests: ItemRequest[], known: Expense[]): string[] {
	const least = (name: 'maxTasks' | 'maxTotalSeconds' | 'maxCost') =>
		smallest(requests.map(({ options }) => options[name]));
	const all: Expense[] = [...known, ...requests];
	const seconds = sum(all.map((each) => each.seconds));
	const cost = sum(all.map(({ estimatedCost = 0 }) => estimatedCost));
	const [maxTasks, maxSeconds, maxCost] = [
		least('maxTasks'),
		least('maxTotalSeconds'),
		least('maxCost'),
	];
	const problems: string[] = [];
	if (all.length > maxTasks) {
		problems.push(`This run would create ${all.length} tasks, and Max Tasks is ${maxTasks}`);
	}
	if (seconds > maxSeconds) {
		problems.push(
			`This run would make ${seconds} seconds of video, and Max Total Seconds is ${maxSeconds}`,
		);
	}
	if (cost > maxCost) {
		problems.push(`This run would cost about ${money(cost)}, and Max Cost is ${money(maxCost)}`);
	}
	return problems;
}

/** Requests that earlier runs and tries have sent are in the tally already. */
function problemsOfExecution(run: GenerateRun, requests: ItemRequest[]): string[] {
	const { isTool, ledger, tally, writeAhead } = run;
	// The marks first tell whether an agent's call is a fresh one; then it claims its place.
	if (isTool && writeAhead.isRetry) return [];
	const most = smallest(requests.map(({ options }) => options.maxTasksPerExecution));
	const fresh = requests.filter(({ request }) => !ledger.find(request)).length;
	const problem = tally.problem(fresh, most);
	return problem === undefined ? [] : [problem];
}

function sum(values: number[]): number {
	return rounded(values.reduce((total, each) => total + each, 0));
}

/** Two decimals at least, and no digit less than there is. */
function money(value: number): string {
	return value.toFixed(2).length < String(value).length ? String(value) : value.toFixed(2);
}
