import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { KlingError, MaybeCreated } from '../errors';
import type { TaskRef } from '../task';
import { Stopped } from './clock';
import { continuesOnFail, errorItem, nodeError } from './nodeErrors';
import type { NodeContext, NodeRun } from './nodeRun';
import { itemOf } from './output';
import type { Outcome } from './output';

/** An item that cannot be worked on, and why. */
export interface FailedItem {
	item: number;
	fault: unknown;
}

/** The tasks of a run that creates some. */
export interface KnownTasks {
	/** The tasks that exist, and are paid, whatever becomes of the run. */
	created(): TaskRef[];
	/** The task of an item, as far as the run knows it. */
	taskOf(item: number): TaskRef | undefined;
}

const NO_TASKS: KnownTasks = { created: () => [], taskOf: () => undefined };

/**
 * Reads and checks every item before anything is sent.
 * With Continue On Fail a bad item is kept, with its fault; otherwise it ends the run at once.
 */
export function readItems<T extends { item: number }>(
	context: IExecuteFunctions,
	readItem: (item: number) => T,
	tasks: KnownTasks = NO_TASKS,
): Array<T | FailedItem> {
	return context.getInputData().map((_, item) => {
		try {
			return readItem(item);
		} catch (fault) {
			return keepOrThrow(context, { item, fault }, tasks);
		}
	});
}

/** @returns the bad item, where the others go on without it */
export function keepOrThrow(
	context: NodeContext,
	bad: FailedItem,
	tasks: KnownTasks = NO_TASKS,
): FailedItem {
	if (continuesOnFail(context.getNode())) return bad;
	throw nodeError(context, bad.fault, bad.item, rescue(bad.fault, [], tasks.created()));
}

/**
 * Works on all items at once, in n8n's manner: with Continue On Fail a failed item becomes an error
 * item in its place; otherwise the first failure ends the run, but not before everything under way
 * has come to its end - a further try must find every task that this one has created.
 */
export async function runItems<T extends { item: number }>(
	{ context, isTool, end }: NodeRun,
	entries: T[],
	work: (entry: T) => Promise<Outcome | Outcome[]>,
	tasks: KnownTasks = NO_TASKS,
): Promise<INodeExecutionData[]> {
	const goesOn = continuesOnFail(context.getNode());
	const failures: Array<{ error: unknown; item: number }> = [];
	const results = await Promise.all(
		entries.map(async (entry) => {
			try {
				const outcomes = [await work(entry)].flat();
				return outcomes.map((outcome) => itemOf(outcome, entry.item, isTool));
			} catch (error) {
				failures.push({ error, item: entry.item });
				if (!goesOn) end();
				return [errorItem(context, error, entry.item, tasks.taskOf(entry.item))];
			}
		}),
	);
	if (goesOn || failures.length === 0) return results.flat();
	// An item that only stopped because another one failed is not why the run ends.
	const isCause = ({ error }: { error: unknown }) => !(error instanceof Stopped);
	const first = failures.find(isCause) ?? failures[0];
	const further = failures.filter((failure) => failure !== first && isCause(failure));
	const others = rescue(first.error, further, tasks.created());
	throw nodeError(context, first.error, first.item, others);
}

/** An error ends the run, but not the tasks that it has paid for: says how to get at the rest. */
function rescue(
	error: unknown,
	further: Array<{ error: unknown; item: number }>,
	tasks: TaskRef[],
) {
	const own = error instanceof KlingError ? error.details.taskId : undefined;
	const others = tasks.map(({ taskId }) => taskId).filter((taskId) => taskId !== own);
	return [
		...further.flatMap((failure) =>
			failure.error instanceof KlingError
				? [`Item ${failure.item}: ${failure.error.message}. ${failure.error.advice}`]
				: [],
		),
		...(others.length > 0
			? [
					`Other tasks of this run are billed, and go on at the provider: ${others.join(', ')}. Retry On Fail of this node and, for the newest failed execution, Retry Execution take them up without paying twice${error instanceof MaybeCreated ? ', but Retry Execution makes this item anew' : ''}; Retry On Fail of a node around this one (a sub-workflow, an agent) pays again. Kling Task Status fetches them, too.`,
				]
			: []),
	];
}
