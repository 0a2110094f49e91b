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
	/** From an execution that a person has retried. */
	inherited?: true;
}

interface Book {
	executionId: string;
	scope: string;
	/** By what an item is recognised by. */
	entries: Record<string, Entry>;
}

const KEY = 'klingLedger';

/** What an entry is found by. */
export interface Place {
	/** Index of the input item. */
	item: number;
	/** What `fingerprint` says of the request. */
	asked: string;
}

/** The run that a ledger is kept for. */
export interface RunKey {
	executionId: string;
	runIndex: number;
	/** Called by an AI agent: n8n then counts every try as another run, and runs may overlap. */
	isTool: boolean;
}

/**
 * The tasks of one run of a node, remembered in n8n's node context the moment they exist. The
 * context outlives the tries of Retry On Fail, and is stored with the execution, so that neither a
 * further try nor "Retry execution" pays for a task twice.
 *
 * - Within an execution an item is recognised by its place: its parameters may hold `$now` or a
 *   random value, and differ from try to try. An agent's call has no place, but what it asks for.
 * - A later execution (a person pressed Retry) must also have asked for the same; what the provider
 *   gave up, or is uncertain, that person may pay for again.
 * - Another run of the node, as in a loop, starts an empty book.
 */
export class Ledger {
	private readonly book: Book;

	private readonly own: Set<string>;

	constructor(
		private readonly context: IContextObject,
		{ executionId, runIndex, isTool }: RunKey,
	) {
		const scope = isTool ? 'tool' : `run ${runIndex}`;
		const kept = asObject(context[KEY]) as Partial<Book>;
		if (kept.executionId === executionId && kept.scope === scope && kept.entries) {
			this.book = kept as Book;
		} else {
			const entries = kept.scope === scope ? resumable(kept.entries ?? {}) : {};
			this.book = { executionId, scope, entries };
			context[KEY] = this.book;
		}
		// An agent's calls share a book, and each closes no more than its own part.
		this.own = new Set(isTool ? [] : Object.keys(this.book.entries));
	}

	find(place: Place): Entry | undefined {
		const key = this.keyOf(place);
		const entry: Entry | undefined = this.book.entries[key];
		const isAnother = entry?.state === 'created' && entry.inherited && entry.asked !== place.asked;
		if (entry === undefined || isAnother) return undefined;
		this.own.add(key);
		return entry;
	}

	write(place: Place, entry: Entry): void {
		const key = this.keyOf(place);
		this.own.add(key);
		this.book.entries[key] = entry;
	}

	/** Forgets a task, so that another can be asked for. */
	strike(place: Place): void {
		delete this.book.entries[this.keyOf(place)];
	}

	/** Every task that this run has created. */
	tasks(): TaskRef[] {
		return [...this.own].flatMap((key) => {
			const entry: Entry | undefined = this.book.entries[key];
			return entry?.state === 'created' ? [refOf(entry.ref)] : [];
		});
	}

	/** A finished run leaves nothing that a later one could take for its own. */
	close(): void {
		for (const key of this.own) delete this.book.entries[key];
		const isEmpty = Object.keys(this.book.entries).length === 0;
		if (isEmpty && this.context[KEY] === this.book) delete this.context[KEY];
	}

	private keyOf({ item, asked }: Place): string {
		return this.book.scope === 'tool' ? `${asked} ${item}` : String(item);
	}
}

/** @returns the same text for the same request, and another for any other */
export function fingerprint(...asked: unknown[]): string {
	return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 32);
}

function resumable(entries: Record<string, Entry>): Record<string, Entry> {
	return Object.fromEntries(
		Object.entries(entries).flatMap(([item, entry]) =>
			entry.state === 'created' ? [[item, { ...entry, inherited: true }]] : [],
		),
	);
}
