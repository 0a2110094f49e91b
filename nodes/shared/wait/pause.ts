import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { deliver } from '../result/deliver';
import { KlingError } from '../errors';
import type { ErrorDetails } from '../errors';
import { runItems } from '../n8n/runItems';
import type { FailedItem } from '../n8n/runItems';
import type { ItemRequest } from '../../KlingV2vGenerate/request/itemRequest';
import { asObject } from '../util/unknown';
import { runIndexOf } from '../../KlingV2vGenerate/generateRun';
import type { GenerateRun } from '../../KlingV2vGenerate/generateRun';
import type { NodeContext, NodeRun } from '../n8n/nodeRun';
import { ConcurrencyLimit } from '../util/concurrencyLimit';
import type { KlingTask } from '../task';
import { isFinished, refOf } from '../task';
import { expectVideo, lookUp } from './look';

/**
 * Pause Until Callback: the tasks are created with n8n's resume URL, and the execution waits in
 * n8n's database. What comes to that URL is in `nudge.ts`.
 */

/** What an execution waits for, in the node's context, which n8n stores with the execution. */
export interface Pause {
	/** When n8n continues it anyway, in milliseconds since 1970. No two pauses share it. */
	until: number;
	/** Which run of the node it belongs to. */
	run: number;
	waiting: Waiting[];
	/** What the node was given: with it, it can run once more. */
	input: INodeExecutionData[];
}

/** An item of the waiting execution. */
export type Waiting =
	| { item: number; task: KlingTask; field?: string }
	/** There is nothing to wait for any more. */
	| { item: number; ready: INodeExecutionData }
	| { item: number; error: string; details: ErrorDetails };

/** @returns whether its task is still at work, as far as is known */
export function isAwaited(entry: Waiting): entry is Extract<Waiting, { task: KlingTask }> {
	return 'task' in entry && !isFinished(entry.task);
}

/** The name of the pause in the node's context. */
export const PAUSE = 'klingPause';

/** Looks and downloads at a time, for one execution. */
const AT_ONCE = 4;

/** @returns whether there is anything to pause for */
export function isPaused(entries: Array<ItemRequest | FailedItem>): boolean {
	return entries.some(isCalledBack);
}

/** Not so an item that cannot be worked on, is only validated, or continues at once. */
function isCalledBack(entry: ItemRequest | FailedItem): entry is ItemRequest {
	return 'request' in entry && entry.completion === 'callback' && !entry.options.validateOnly;
}

/**
 * Lets the execution wait in n8n's database, until a nudge finds every task finished or the deadline
 * passes. A task that has finished by now is not waited for: a callback that came before is lost.
 * @param output what was submitted, in the order of the input
 * @returns what to put out now
 */
export async function pause(
	run: GenerateRun,
	entries: Array<ItemRequest | FailedItem>,
	output: INodeExecutionData[],
): Promise<INodeExecutionData[]> {
	const { context, clock } = run;
	const jobs = entries.filter(isCalledBack);
	const waiting = output.map((each, item) =>
		waitingOf(
			each,
			item,
			jobs.find((job) => job.item === item),
		),
	);
	takeOver(pauseIn(context, run.index)?.waiting ?? [], waiting);
	const ask = async (task: KlingTask) => await lookUp(run, task).catch(unlessUnknown);
	if ((await lookAtAll(waiting, ask)).open === 0) return await finish(run, waiting);

	const longest = Math.max(...jobs.map(({ options }) => options.waitLimit));
	const deadline = new Date(clock.now() + longest);
	const input = context.getInputData();
	const kept: Pause = { until: deadline.getTime(), run: run.index, waiting, input };
	context.getContext('node')[PAUSE] = kept;
	// n8n puts these out at the deadline, without asking the node again.
	const late = output.map(({ json, ...item }, index) => ({
		...item,
		json: 'task' in waiting[index] ? { ...json, timedOut: true } : json,
	}));
	context.getExecuteData().data = { main: [late] };
	await context.putExecutionToWait(deadline);
	// What is put out now is only shown. With Retry On Fail, an error in the first place would make n8n
	// run the node again, with what it puts out at the deadline as its input.
	return output.filter(({ json }) => json.error === undefined);
}

/** @returns the pause of this run of the node, if it has paused before */
function pauseIn(context: IExecuteFunctions, run: number): Pause | undefined {
	const kept = context.getContext('node')[PAUSE] as Pause | undefined;
	return kept?.run === run ? kept : undefined;
}

/**
 * n8n has continued the paused node, and was cut off before it went on. "Retry execution" with the
 * present workflow then gives the node its own output as the input: it is passed on, not paid again.
 */
export function isOwnOutput(context: IExecuteFunctions): boolean {
	const kept = pauseIn(context, runIndexOf(context));
	const ids = new Set(kept?.waiting.map((entry) => ('task' in entry ? entry.task.taskId : '')));
	return context.getInputData().some(({ json }) => {
		const id = json.taskId ?? asObject(json.details).taskId;
		return typeof id === 'string' && id !== '' && ids.has(id);
	});
}

/** A call has seen these tasks end; the provider need not be asked for them again. */
function takeOver(seen: Waiting[], waiting: Waiting[]): void {
	for (const entry of waiting) {
		const known = seen[entry.item];
		if (!('task' in entry) || !known || !('task' in known)) continue;
		if (known.task.taskId === entry.task.taskId && isFinished(known.task)) entry.task = known.task;
	}
}

function unlessUnknown(error: Error): undefined {
	// What the provider does not tell now, a call brings later; anything else is n8n's trouble.
	if (!(error instanceof KlingError)) throw error;
}

/**
 * Looks at every task that is still open.
 * @param ask gives the task as it is now, or nothing where that cannot be known
 * @returns how many are open afterwards, and of how many nothing was seen
 */
export async function lookAtAll(
	waiting: Waiting[],
	ask: (task: KlingTask) => Promise<KlingTask | undefined>,
): Promise<{ open: number; unseen: number }> {
	const turns = new ConcurrencyLimit(AT_ONCE);
	let unseen = 0;
	const looks = waiting.filter(isAwaited).map(async (entry) => {
		const task = await turns.run(async () => await ask(entry.task));
		if (task) entry.task = task;
		else unseen++;
	});
	await Promise.all(looks);
	return { open: waiting.filter(isAwaited).length, unseen };
}

/** What the node puts out when all is done: the same as if it had waited itself. */
export async function finish(
	session: NodeRun<NodeContext>,
	waiting: Waiting[],
): Promise<INodeExecutionData[]> {
	const turns = new ConcurrencyLimit(AT_ONCE);
	const { context, isTool, end } = session;
	const tasks = waiting.flatMap((entry) => ('task' in entry ? [entry] : []));
	const created = () => tasks.map(({ task }) => refOf(task));
	const taskOf = (item: number) => tasks.find((entry) => entry.item === item)?.task;
	return await runItems({ context, isTool, end, created, taskOf }, waiting, async (entry) => {
		if ('error' in entry) throw new KlingError(entry.error, '', entry.details);
		if ('ready' in entry) return { ready: entry.ready };
		const { task, field } = entry;
		expectVideo(task);
		return await turns.run(async () => await deliver(session, task, field));
	});
}

/** @param job what calls back for the item, if anything does */
function waitingOf(output: INodeExecutionData, item: number, job?: ItemRequest): Waiting {
	const { json } = output;
	if (json.error !== undefined) {
		return { item, error: String(json.error), details: asObject(json.details) };
	}
	const task = json as unknown as KlingTask;
	const isReady = !job || isFinished(task) || json.timedOut;
	return isReady ? { item, ready: output } : { item, task, field: job.binaryField };
}
