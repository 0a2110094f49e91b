import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { storedContext, waitingContext } from '../n8n/internals';
import { providers } from '../providers';
import { isFinished } from '../task';
import type { Callback } from '../providers';
import { timing } from '../timing';
import { BoundedMap } from '../util/boundedMap';
import { readBody, readCallback } from './callback';
import { sleepIn } from './record';
import type { ItemEntry, Sleep } from './record';
import type { Watch } from './watch';

/** Calls about the end of one task that wake its execution; the API may not show the end at the first. */
const MOST_WAKES = 3;

/** When this process has let a call wake a sleep, in milliseconds since 1970, by the ID of the sleep. */
const wakes = new BoundedMap<number>(1_000);

const NOT_YET: IWebhookResponseData = { noWebhookResponse: true };

/**
 * A call of the resume URL of a sleeping execution. It is only an alarm clock: it says which task to look
 * at now, and is believed for nothing else. Its caller is answered at once, and no request is made here.
 * Never throws.
 * @returns what wakes the execution, where a task of it has ended; otherwise n8n goes on waiting
 */
export async function resume(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		const body = await readBody(context);
		context.getResponseObject().status(200).json({ received: true });
		const asleep = sleepIn(waitingContext(context) ?? {});
		const watch = asleep && Buffer.isBuffer(body) && endedTask(asleep.entries, body);
		if (!watch || !(await isStillAsleep(context, asleep.sleep))) return NOT_YET;
		if (!isFirst(asleep.sleep)) return NOT_YET;
		watch.callbacks = (watch.callbacks ?? 0) + 1;
		// Calls about the other tasks may be lost while this one is worked on: all are looked at.
		for (const entry of asleep.entries) if (entry.watch) entry.watch.nextLook = 0;
		// n8n passes nothing through, and runs the node again.
		return { noWebhookResponse: true, workflowData: [] };
	} catch (error) {
		context.logger.error(`A Kling callback could not be worked on: ${String(error)}`);
		return NOT_YET;
	}
}

/** @returns the watch of the task whose end the call tells, unless calls have told it often enough */
function endedTask(entries: ItemEntry[], body: Buffer): Watch | undefined {
	return entries
		.flatMap(({ watch }) => (watch && !isFinished(watch.task) ? [watch] : []))
		.filter(({ callbacks = 0 }) => callbacks < MOST_WAKES)
		.find(({ task }) => {
			const told = readCallback(providers[task.provider], body);
			return isEnd(told) && told.taskId === task.taskId;
		});
}

function isEnd(told: Callback | 'foreign' | undefined): told is Callback {
	return typeof told === 'object' && isFinished(told);
}

/**
 * n8n only sees that the execution sleeps, not which sleep it is: a call that has read an earlier one would
 * run the node with the data of then.
 */
async function isStillAsleep(context: IWebhookFunctions, { id }: Sleep): Promise<boolean> {
	const stored = await storedContext(context);
	return stored === undefined || sleepIn(stored)?.sleep.id === id;
}

/**
 * A busy n8n may still be working on a further call when the execution sleeps again, and would then run the node with
 * the data of before. One call in a while is enough: if n8n fails to continue the execution, a later call counts.
 */
function isFirst({ id }: Sleep): boolean {
	const now = Date.now();
	const since = now - (wakes.get(id) ?? -Infinity);
	if (since >= 0 && since < timing.callback.wakeAgainAfter) return false;
	wakes.set(id, now);
	return true;
}
