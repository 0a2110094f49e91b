import type { Callback, Provider } from './providers';
import type { KlingTask, TaskStatus } from './task';

/** What a user can ask to be told of. */
export type CallbackEvent = 'completed' | 'failed' | 'running';

/** A task that is taken on and one at work are the same to whoever waits for the video. */
export function eventOf(status: TaskStatus): CallbackEvent {
	return status === 'pending' ? 'running' : status;
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
