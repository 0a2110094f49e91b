import { createHash } from 'node:crypto';
import type { IContextObject } from 'n8n-workflow';
import type { ErrorDetails } from './errors';
import { asObject } from './read';
import type { TaskRef } from './task';
import { refOf } from './task';

/** What is known of the one request that an item may pay for. */
export type Entry =
	| CreatedEntry
	/** Sent, and no task id came back: it must not be sent again by itself. */
	| { state: 'uncertain'; message: string; advice: string; details: ErrorDetails };

interface CreatedEntry {
	state: 'created';
	ref: TaskRef;
	/** Milliseconds since 1970. */
	createdAt: number;
	asked: string;
	failed?: true;
	/** From an execution that a person has retried. */
	inherited?: true;
}

interface Book {
	executionId: string;
	runIndex: number;
	entries: Record<string, Entry>;
}

const KEY = 'klingLedger';

/**
 * The tasks of one run of a node, remembered in n8n's node context the moment they exist. The
 * context outlives the tries of Retry On Fail, and is stored with the execution, so that neither a
 * further try nor "Retry execution" pays for a task twice.
 *
 * - Within an execution an item is recognised by its place: its parameters may hold `$now` or a
 *   random value, and differ from try to try.
 * - A later execution (a person pressed Retry) must also have asked for the same; what failed, or
 *   is uncertain, that person may pay for again.
 * - Another run of the node, as in a loop, starts an empty book.
 */
export class Ledger {
	private readonly book: Book;

	constructor(
		private readonly context: IContextObject,
		executionId: string,
		runIndex: number,
	) {
		const kept = asObject(context[KEY]) as Partial<Book>;
		const entries = kept.runIndex === runIndex ? (kept.entries ?? {}) : {};
		this.book = {
			executionId,
			runIndex,
			entries: kept.executionId === executionId ? entries : resumable(entries),
		};
		context[KEY] = this.book;
	}

	/**
	 * @param item the item's index in the input
	 * @param asked what `fingerprint` says of the request
	 */
	find(item: number, asked: string): Entry | undefined {
		const entry: Entry | undefined = this.book.entries[item];
		if (entry?.state === 'created' && entry.inherited && entry.asked !== asked) return undefined;
		return entry;
	}

	write(item: number, entry: Entry): void {
		this.book.entries[item] = entry;
	}

	/** The provider gave the task up: a person who retries the execution wants a new one. */
	markFailed(item: number): void {
		const entry: Entry | undefined = this.book.entries[item];
		if (entry?.state === 'created') entry.failed = true;
	}

	/** Forgets a task that the provider turned away unbilled, so that it can be asked for again. */
	strike(item: number): void {
		delete this.book.entries[item];
	}

	/** Every task that this run has created. */
	tasks(): TaskRef[] {
		return Object.values(this.book.entries).flatMap((entry) =>
			entry.state === 'created' ? [refOf(entry.ref)] : [],
		);
	}

	/** A finished run leaves nothing that a later one could take for its own. */
	close(): void {
		delete this.context[KEY];
	}
}

/** @returns the same text for the same request, and another for any other */
export function fingerprint(...asked: unknown[]): string {
	return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 32);
}

function resumable(entries: Record<string, Entry>): Record<string, Entry> {
	return Object.fromEntries(
		Object.entries(entries).flatMap(([item, entry]) =>
			entry.state === 'created' && !entry.failed ? [[item, { ...entry, inherited: true }]] : [],
		),
	);
}
