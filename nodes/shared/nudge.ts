import { sleep } from 'n8n-workflow';
import type {
	IExecuteData,
	INodeExecutionData,
	IRunExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { PAUSE, finish, lookAtAll } from './pause';
import type { Pause, Waiting } from './pause';
import { asArray } from './read';
import { Session } from './session';
import { Slots } from './slots';

/**
 * A call of the resume URL of a paused execution. It is only a nudge: the provider is asked for every
 * task that is still open, so that a lost, early, repeated or forged call changes nothing.
 */

const NOTHING: IWebhookResponseData = { noWebhookResponse: true };

/** Pauses that a call is at work for; another call meanwhile makes it look once more. */
const underWay = new Map<string, { isNudged: boolean }>();

/**
 * The caller has its answer before anything is done, so that a slow download keeps nobody waiting.
 * @returns the node's output once every task has finished; before, nothing, and n8n goes on waiting
 */
export async function nudge(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	context.getResponseObject().status(200).json({ received: true });
	const key = `${context.getExecutionId()} ${recall(context, 'until')}`;
	const current = underWay.get(key);
	if (current) {
		current.isNudged = true;
		return NOTHING;
	}
	const state = { isNudged: true };
	underWay.set(key, state);
	try {
		const output = await continuePatiently(context, state);
		return output ? { ...NOTHING, workflowData: [output] } : NOTHING;
	} finally {
		underWay.delete(key);
	}
}

/** Calls that one process works on at a time: a burst must not use up n8n's database connections. */
const calls = new Slots(8);

/**
 * Patience with n8n itself, in milliseconds; the caller has its answer, and will not call again. Tests
 * shorten it.
 */
export const pauses = [1_000, 3_000, 10_000, 30_000];

async function continuePatiently(
	context: IWebhookFunctions,
	state: { isNudged: boolean },
): Promise<INodeExecutionData[] | undefined> {
	for (let tries = 0; ; tries++) {
		try {
			return await calls.use(async () => await continueWhenDone(context, state));
		} catch (error) {
			context.logger.error(`A Kling callback could not be worked on: ${String(error)}`);
		}
		// The execution goes on waiting: the next call, or the deadline, brings the tasks out.
		if (tries >= pauses.length) return undefined;
		state.isNudged = true;
		await sleep(pauses[tries]);
	}
}

async function continueWhenDone(
	context: IWebhookFunctions,
	state: { isNudged: boolean },
): Promise<INodeExecutionData[] | undefined> {
	const session = new Session(context);
	const waiting = asArray(recall(context, 'waiting')).map((entry) => ({ ...(entry as Waiting) }));
	let open = waiting.length;
	while (state.isNudged && open > 0) {
		state.isNudged = false;
		open = await lookAtAll(session, waiting);
	}
	if (waiting.length === 0 || open > 0) return undefined;
	const output = await finish(session, waiting).catch(() => undefined);
	if (!(await isStillPaused(context))) return undefined;
	return output ?? runAgain(context);
}

/** What n8n's types do not show of a call to a waiting execution. */
interface Call {
	/** The execution as it was when the call came. */
	runExecutionData?: { executionData?: { nodeExecutionStack: IExecuteData[] } };
	additionalData?: {
		/** The execution as it is now. */
		getRunExecutionData?(executionId: string): Promise<IRunExecutionData | undefined>;
	};
}

/**
 * While this call was at work, another process or the deadline may have continued the execution, and
 * it may wait again, for something else. n8n only sees that it waits: it would send it back to here,
 * and all that comes after would be done, and paid, once more.
 */
async function isStillPaused(context: IWebhookFunctions): Promise<boolean> {
	const { additionalData } = context as unknown as Call;
	const now = await additionalData?.getRunExecutionData?.(context.getExecutionId());
	if (!now) return true;
	return (
		now.waitTill !== undefined && new Date(now.waitTill).getTime() === recall(context, 'until')
	);
}

/**
 * An error ends the execution as it does when the node waits itself: n8n runs the node once more,
 * which finds its tasks, and fails. So the error is n8n's own, and "Retry execution" has the node
 * with its input, not the remains of a pause.
 */
function runAgain(context: IWebhookFunctions): INodeExecutionData[] | undefined {
	const { runExecutionData } = context as unknown as Call;
	const paused = runExecutionData?.executionData?.nodeExecutionStack[0];
	if (!paused) return undefined;
	paused.node.disabled = false;
	return asArray(recall(context, 'input')) as INodeExecutionData[];
}

/** @returns a part of the pause, as it was when the call came */
function recall(context: IWebhookFunctions, part: keyof Pause): unknown {
	const name = JSON.stringify(context.getNode().name);
	return context.evaluateExpression(`{{ $(${name}).context["${PAUSE}"].${part} }}`);
}
