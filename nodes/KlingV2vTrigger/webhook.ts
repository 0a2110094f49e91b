import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { dedupeKey } from '../shared/wait/callback';
import { taskToJson } from '../shared/task';
import { memoryOf } from './nodeState';
import type { Memory } from './nodeState';
import { receive } from './receive';
import type { News } from './receive';
import { broken } from './replies';
import type { Reply } from './replies';

/** The part of Node's response that is needed; n8n's own has it, too. */
interface Response {
	statusCode: number;
	once(event: 'close', listener: () => void): unknown;
	writeHead(status: number, headers: Record<string, string>): { end(body: string): unknown };
}

/** Receives a callback, and says what it starts. Never throws. */
export async function answer(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const memory = memoryOf(context);
	const result = await receive(context, memory).catch(broken);
	return 'task' in result ? start(context, result, memory) : refuse(context, result, memory);
}

/**
 * Starts an execution. n8n answers the caller as soon as that has begun: the download is part of the
 * execution, so the caller does not wait for it, and Stop, workers and retries are n8n's as usual.
 */
function start(
	context: IWebhookFunctions,
	{ task, keys }: News,
	{ replays }: Memory,
): IWebhookResponseData {
	const response: Response = context.getResponseObject();
	response.once('close', () => {
		// n8n could not begin: what the provider sends once more is no replay.
		if (response.statusCode >= 400) replays.forget(keys);
	});
	return { workflowData: [[{ json: { ...taskToJson(task), dedupeKey: dedupeKey(task) } }]] };
}

/** Starts nothing, and tells the caller why. */
function refuse(
	context: IWebhookFunctions,
	{ status, message, warning, retryAfter }: Reply,
	memory: Memory,
): IWebhookResponseData {
	if (warning && memory.isUnsaid(warning)) context.logger.warn(`Kling V2V Trigger: ${warning}`);
	const response: Response = context.getResponseObject();
	response
		.writeHead(status, {
			'Content-Type': 'application/json',
			...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
			...(status === 405 ? { Allow: 'POST' } : {}),
		})
		.end(JSON.stringify({ message }));
	return { noWebhookResponse: true };
}
