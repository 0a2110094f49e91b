import type { Callback, Provider } from '../providers';
import type { KlingTask, TaskStatus } from '../task';

/** What a user can ask to be told of. */
export type CallbackEvent = 'completed' | 'failed' | 'running';

/** A task that is taken on and one at work are the same to whoever waits for the video. */
export function eventOf(status: TaskStatus): CallbackEvent {
	return status === 'pending' ? 'running' : status;
}

/** The body of a request, as n8n hands it over. */
export interface WithBody {
	rawBody?: Buffer;
	/** Sets `rawBody`: for nodes above version 1, n8n reads by itself only what it can parse. */
	readRawBody?(): Promise<void>;
}

/** @returns nothing for a form, which n8n has taken already, or if the caller has gone */
export async function readBody(request: WithBody): Promise<Buffer | undefined> {
	if (!request.rawBody) await request.readRawBody?.().catch(() => undefined);
	return request.rawBody;
}

/**
 * Reads the body of a callback, which may be anything; never throws.
 * @returns what it claims, `foreign` where that is about another model, or undefined
 */
export function readCallback(provider: Provider, body: Buffer): Callback | 'foreign' | undefined {
	return provider.readCallback(parse(body));
}

function parse(body: Buffer): unknown {
	try {
		return JSON.parse(body.toString());
	} catch {
		return undefined;
	}
}

/** The same for every message about the same news, however often and wherever it comes in. */
export function dedupeKey({
	provider,
	taskId,
	status,
}: Pick<KlingTask, 'provider' | 'taskId' | 'status'>): string {
	return `${provider}:${taskId}:${status}`;
}
