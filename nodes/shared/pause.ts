import { sleep } from 'n8n-workflow';
import type {
	IDataObject,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { deliver } from './deliver';
import { KlingError } from './errors';
import type { ErrorDetails } from './errors';
import { settle } from './items';
import type { Bad } from './items';
import type { Job } from './jobs';
import { asArray, asObject } from './read';
import type { Run } from './run';
import { Session } from './session';
import type { NodeContext } from './session';
import { Slots } from './slots';
import type { KlingTask } from './task';
import { isFinished, refOf } from './task';
import { expectVideo, look } from './wait';

/**
 * Pause Until Callback: the tasks are created with n8n's resume URL, and the execution waits in
 * n8n's database. A callback is only a nudge: at each one the provider is asked for every task that
 * is still open, so that a lost, early, repeated or forged one changes nothing.
 */

/** An item of the waiting execution, as n8n stores it. */
type Waiting =
	| { item: number; task: KlingTask; field?: string }
	/** There is nothing to wait for any more. */
	| { item: number; ready: INodeExecutionData }
	| { item: number; error: string; details: ErrorDetails };

/** Its name in the node's context, which n8n stores with the execution. */
const KEY = 'klingWaiting';

/** Looks and downloads at a time, for one execution. */
const AT_ONCE = 4;

/** @returns whether there is anything to pause for */
export function isPaused(entries: Array<Job | Bad>): boolean {
	return entries.some(
		(entry) => 'order' in entry && entry.completion === 'callback' && !entry.options.validateOnly,
	);
}

/**
 * Lets the execution wait in n8n's database, until a nudge finds every task finished or the deadline
 * passes. A task that has finished by now is not waited for: a callback that came before is lost.
 * @param output what was submitted, in the order of the input
 * @returns what to put out now
 */
export async function pause(
	run: Run,
	entries: Array<Job | Bad>,
	output: INodeExecutionData[],
): Promise<INodeExecutionData[]> {
	const { context, clock } = run;
	const jobs = entries.filter((entry) => 'order' in entry);
	const waiting = output.map((each, item) =>
		waitingOf(each, item, jobs.find((job) => job.item === item)?.binaryField),
	);
	if ((await lookAtAll(run, waiting)) === 0) return await finish(run, waiting);

	context.getContext('node')[KEY] = waiting;
	// n8n puts these out at the deadline, without asking the node again.
	const late = output.map(({ json, ...item }) => ({
		...item,
		json: isOpen(json) ? { ...json, timedOut: true } : json,
	}));
	context.getExecuteData().data = { main: [late] };
	const longest = Math.max(...jobs.map(({ options }) => options.waitLimit));
	await context.putExecutionToWait(new Date(clock.now() + longest));
	return output;
}

/** Executions that a call is at work for; another call meanwhile makes it look once more. */
const underWay = new Map<string, { isNudged: boolean }>();

/**
 * One call of the resume URL. The caller has its answer before anything is done, so that a slow
 * download keeps nobody waiting; that one call alone continues the execution, n8n sees to, also
 * among several processes.
 * @returns the node's output once every task has finished; before, nothing, and n8n goes on waiting
 */
export async function nudge(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const nothing: IWebhookResponseData = { noWebhookResponse: true };
	context.getResponseObject().status(200).json({ received: true });
	const executionId = context.getExecutionId();
	const current = underWay.get(executionId);
	if (current) {
		current.isNudged = true;
		return nothing;
	}
	const state = { isNudged: true };
	underWay.set(executionId, state);
	try {
		const output = await continuePatiently(context, state);
		return output ? { ...nothing, workflowData: [output] } : nothing;
	} finally {
		underWay.delete(executionId);
	}
}

/** Calls that one process works on at a time: a burst must not use up n8n's database connections. */
const calls = new Slots(8);

/** Patience with n8n itself, in milliseconds; the caller has its answer, and will not call again. */
const pauses = [1_000, 3_000, 10_000, 30_000];

async function continuePatiently(
	context: IWebhookFunctions,
	state: { isNudged: boolean },
): Promise<INodeExecutionData[] | undefined> {
	for (const pause of [...pauses, undefined]) {
		try {
			return await calls.use(async () => await continueWhenDone(context, state));
		} catch (error) {
			context.logger.error(`A Kling callback could not be worked on: ${String(error)}`);
		}
		// The execution goes on waiting: the next call, or the deadline, brings the tasks out.
		if (pause === undefined) return undefined;
		state.isNudged = true;
		await sleep(pause);
	}
	return undefined;
}

async function continueWhenDone(
	context: IWebhookFunctions,
	state: { isNudged: boolean },
): Promise<INodeExecutionData[] | undefined> {
	const session = new Session(context);
	const waiting = readWaiting(context);
	let open = waiting.length;
	while (state.isNudged && open > 0) {
		state.isNudged = false;
		open = await lookAtAll(session, waiting);
	}
	if (waiting.length === 0 || open > 0) return undefined;
	return await finish(session, waiting).catch((error: Error) => failOnResume(context, error));
}

/** Looks at every task that is still open. @returns how many are open afterwards */
async function lookAtAll(session: Session, waiting: Waiting[]): Promise<number> {
	const turns = new Slots(AT_ONCE);
	const open = waiting.map(async (entry) => {
		if (!('task' in entry) || isFinished(entry.task)) return false;
		const { task } = await turns.use(async () => await look(session, entry.task));
		entry.task = task ?? entry.task;
		return !isFinished(entry.task);
	});
	return (await Promise.all(open)).filter(Boolean).length;
}

/** What the node puts out when all is done: the same as if it had waited itself. */
async function finish(
	session: Session<NodeContext>,
	waiting: Waiting[],
): Promise<INodeExecutionData[]> {
	const turns = new Slots(AT_ONCE);
	const { context, isTool, end } = session;
	const created = () => waiting.flatMap((entry) => ('task' in entry ? [refOf(entry.task)] : []));
	return await settle({ context, isTool, end, created }, waiting, async (entry) => {
		if ('error' in entry) throw new KlingError(entry.error, '', entry.details);
		if ('ready' in entry) return { ready: entry.ready };
		const { task, field } = entry;
		expectVideo(task);
		return await turns.use(async () => await deliver(session, task, field));
	});
}

function isOpen(json: IDataObject): boolean {
	return json.error === undefined && !isFinished(json as unknown as KlingTask);
}

function waitingOf(output: INodeExecutionData, item: number, field?: string): Waiting {
	const { json } = output;
	if (json.error !== undefined) {
		return { item, error: String(json.error), details: asObject(json.details) };
	}
	const task = json as unknown as KlingTask;
	return isFinished(task) || json.timedOut ? { item, ready: output } : { item, task, field };
}

function readWaiting(context: IWebhookFunctions): Waiting[] {
	const name = JSON.stringify(context.getNode().name);
	const kept = context.evaluateExpression(`{{ $(${name}).context["${KEY}"] }}`);
	return asArray(kept).map((entry) => ({ ...(entry as Waiting) }));
}

/**
 * A failed task ends the execution with its error, as it does when the node waits itself. n8n takes
 * the error of a resumed node from the metadata of what waits; its types do not show where that is.
 */
function failOnResume(context: IWebhookFunctions, error: Error): INodeExecutionData[] {
	const { runExecutionData } = context as unknown as {
		runExecutionData?: { executionData?: { nodeExecutionStack: Array<{ metadata?: object }> } };
	};
	const resumed = runExecutionData?.executionData?.nodeExecutionStack[0];
	const { message, stack, name, ...more } = error;
	if (resumed) {
		resumed.metadata = { ...resumed.metadata, resumeError: { ...more, name, message, stack } };
	}
	const details = asObject(asObject(asObject(error).context).details) as IDataObject;
	return [{ json: { error: message, details }, pairedItem: { item: 0 } }];
}
