import { NodeHelpers, sleep } from 'n8n-workflow';
import type {
	INodeExecutionData,
	IRunExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { readBody, readCallback } from './callback';
import { PAUSE, finish, isAwaited, lookAtAll } from './pause';
import type { Pause, Waiting } from './pause';
import { providers } from '../providers';
import { BoundedMap } from '../util/boundedMap';
import { NodeRun } from '../n8n/nodeRun';
import { ConcurrencyLimit } from '../util/concurrencyLimit';
import type { KlingTask } from '../task';
import { isFinished } from '../task';
import { lookForLink } from './look';
import { timing } from '../timing';

/**
 * A call of the resume URL of a paused execution. It is only a nudge: the provider is asked for every
 * task that is still open, so that a lost, early, repeated or forged call changes nothing.
 */

/** What calls have asked of a pause. */
interface Work {
	/** One has come since the last look. */
	isNudged: boolean;
	/** Tasks that have ended, as calls say. The API may lag behind. */
	ended: Set<string>;
}

/** Pauses that a call is at work for; another call meanwhile makes it look once more. */
const underWay = new Map<string, Work>();

/**
 * Pauses that this process has continued. n8n may queue the execution before it counts as continued,
 * and would take what a further call brings for the end of the next pause.
 */
const continued = new BoundedMap<true>(10_000);

/**
 * The caller has its answer before anything is done, so that a slow download keeps nobody waiting.
 * Never throws.
 * @returns the node's output once every task has finished; before, nothing, and n8n goes on waiting
 */
export async function nudge(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const body = await readBody(context.getRequestObject());
	context.getResponseObject().status(200).json({ received: true });
	const output = await answer(context, body).catch((error: Error) => complain(context, error));
	return { noWebhookResponse: true, ...(output ? { workflowData: [output] } : {}) };
}

async function answer(
	context: IWebhookFunctions,
	body: Buffer | undefined,
): Promise<INodeExecutionData[] | undefined> {
	const { workflow } = context as unknown as Call;
	// n8n holds a sandbox for expressions for each call until it ends, 11 MB, and none is needed here.
	await workflow?.expression?.releaseIsolate?.();
	const pause = pauseOf(context);
	if (!pause) return undefined;
	const key = `${context.getExecutionId()} ${pause.until}`;
	if (continued.get(key)) return undefined;
	const ended = endsOf(body, pause);
	const current = underWay.get(key);
	if (current) {
		current.isNudged = true;
		for (const id of ended) current.ended.add(id);
		return undefined;
	}
	const work = { isNudged: false, ended: new Set(ended) };
	underWay.set(key, work);
	try {
		let output: INodeExecutionData[] | undefined;
		do output = await continuePatiently(context, pause, work);
		while (!output && work.isNudged);
		if (output) continued.set(key, true);
		return output;
	} finally {
		underWay.delete(key);
	}
}

/** Calls that one process works on at a time: a burst must not use up n8n's database connections. */
const calls = new ConcurrencyLimit(8);

/** The output of the node, or why there is none. */
type Outcome =
	| INodeExecutionData[]
	/** Tasks are still at work. */
	| 'open'
	/** The provider, or n8n, does not tell now. */
	| 'unknown'
	/** The pause has ended otherwise. */
	| 'over';

async function continuePatiently(
	context: IWebhookFunctions,
	pause: Pause,
	work: Work,
): Promise<INodeExecutionData[] | undefined> {
	for (let tries = 0; ; ) {
		work.isNudged = false;
		const outcome = await calls
			.run(async () => await continueWhenDone(context, pause, work))
			.catch((error: Error) => complain(context, error) ?? 'unknown');
		if (Array.isArray(outcome)) return outcome;
		if (outcome === 'over') {
			work.isNudged = false;
			return undefined;
		}
		if (!work.isNudged) {
			// The execution goes on waiting: the next call, or the deadline, brings the tasks out.
			if (outcome === 'open' || tries >= timing.resume.pauses.length) return undefined;
			await sleep(timing.resume.pauses[tries++]);
		}
		if (work.isNudged) tries = 0;
	}
}

async function continueWhenDone(
	context: IWebhookFunctions,
	pause: Pause,
	{ ended }: Work,
): Promise<Outcome> {
	const session = new NodeRun(context);
	const { waiting } = pause;
	const { open, unseen } = await lookAtAll(
		waiting,
		async (task) => (await lookForLink(session, task)).task,
	);
	if (open > 0) return unseen > 0 || isBehind(waiting, ended) ? 'unknown' : 'open';
	const output = await finish(session, waiting).catch(() => undefined);
	if (!(await isStillPaused(context, pause))) return 'over';
	return output ?? runAgain(context, pause) ?? 'over';
}

/** Whether the API does not show yet what a callback has told. */
function isBehind(waiting: Waiting[], ended: Set<string>): boolean {
	return waiting.filter(isAwaited).some(({ task }) => ended.has(task.taskId));
}

/** @returns the task whose end the call tells, if it is one that is waited for */
function endsOf(body: Buffer | undefined, { waiting }: Pause): string[] {
	const tasks = waiting.flatMap((entry): KlingTask[] => ('task' in entry ? [entry.task] : []));
	if (!body || tasks.length === 0) return [];
	const told = readCallback(providers[tasks[0].provider], body);
	if (typeof told !== 'object' || !isFinished(told)) return [];
	return tasks.some(({ taskId }) => taskId === told.taskId) ? [told.taskId] : [];
}

/** What n8n's types do not show of a call to a waiting execution. */
interface Call {
	/** The execution as it was when the call came. */
	runExecutionData?: IRunExecutionData;
	additionalData?: {
		/** The execution as it is now. */
		getRunExecutionData?(executionId: string): Promise<IRunExecutionData | undefined>;
	};
	workflow?: { expression?: { releaseIsolate?(): Promise<void> } };
}

/** @returns what the execution waits for, as it was when the call came */
function pauseOf(context: IWebhookFunctions): Pause | undefined {
	const { runExecutionData } = context as unknown as Call;
	if (!runExecutionData?.executionData) return undefined;
	const kept = NodeHelpers.getContext(runExecutionData, 'node', context.getNode());
	return kept[PAUSE] as Pause | undefined;
}

/**
 * While this call was at work, another process or the deadline may have continued the execution, and
 * it may wait again, for something else. n8n only sees that it waits: it would send it back to here,
 * and all that comes after would be done, and paid, once more.
 */
async function isStillPaused(context: IWebhookFunctions, { until }: Pause): Promise<boolean> {
	const { additionalData } = context as unknown as Call;
	const now = await additionalData?.getRunExecutionData?.(context.getExecutionId());
	if (!now) return true;
	return now.waitTill !== undefined && new Date(now.waitTill).getTime() === until;
}

/**
 * An error ends the execution as it does when the node waits itself: n8n runs the node once more,
 * which finds its tasks, and fails. So the error is n8n's own, and "Retry execution" has the node
 * with its input, not the remains of a pause. What was seen of the tasks is stored with the pause.
 */
function runAgain(context: IWebhookFunctions, { input }: Pause): INodeExecutionData[] | undefined {
	const { runExecutionData } = context as unknown as Call;
	const paused = runExecutionData?.executionData?.nodeExecutionStack[0];
	if (!paused) return undefined;
	paused.node.disabled = false;
	return input;
}

function complain({ logger }: IWebhookFunctions, error: Error): undefined {
	logger.error(`A Kling callback could not be worked on: ${error.message}`);
}
