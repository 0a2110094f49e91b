import { createHash, randomUUID } from 'node:crypto';
import type { IContextObject } from 'n8n-workflow';
import type { ErrorDetails } from '../../shared/errors';
import { asObject } from '../../shared/util/unknown';
import type { KlingTask, TaskRef } from '../../shared/task';
import { refOf } from '../../shared/task';

/** What is known of the one request that an item may pay for. */
export type Entry =
	| CreatedEntry
	/** Sent, and no task id came back: it must not be sent again by itself. */
	| { state: 'uncertain'; message: string; advice: string; details: ErrorDetails };

interface CreatedEntry {
	state: 'created';
	ref: TaskRef;
	/** Where it is known to have finished. */
	ended?: KlingTask;
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
export interface RequestKey {
	/** Index of the input item. */
	item: number;
	/** What `fingerprint` says of the request. */
	requestHash: string;
}

/** The run that a ledger is kept for. */
export interface RunKey {
	executionId: string;
	runIndex: number;
	/** Called by an AI agent, whose calls may overlap. */
	isTool: boolean;
	/** n8n counts every try of an agent's call as another run: one of its two ways to call a tool. */
	isEachTryARun: boolean;
	/** Aborted when the run is over. */
	signal: AbortSignal;
}

/** Who has an entry in hand; it is nobody's when another process has written it. */
const holders = new WeakMap<Entry, Ledger>();

/**
 * The tasks of one run of a node, remembered in n8n's node context the moment they exist. The
 * context outlives the tries of Retry On Fail, and is stored with the execution, so that neither a
 * further try nor "Retry execution" pays for a task twice.
 *
 * - Within an execution an item is recognised by its place: its parameters may hold `$now` or a
 *   random value, and differ from try to try. An agent's call is recognised by its run, too, but
 *   where n8n counts each try as a run of its own, only by what it asks for; of calls that ask for
 *   the same, none gets what another that still runs has in hand.
 * - A later execution (a person pressed Retry) must also have asked for the same; what the provider
 *   gave up, or is uncertain, that person may pay for again.
 * - Another run of the node, as in a loop, starts an empty book.
 */
export class Ledger {
	private readonly scope: string;

	constructor(
		private readonly context: IContextObject,
		private readonly run: RunKey,
	) {
		this.scope = run.isTool ? 'tool' : `run ${run.runIndex}`;
		if (this.book) return;
		const kept = asObject(context[KEY]) as Partial<Book>;
		delete context[KEY];
		const entries = kept.scope === this.scope ? resumable(kept.entries ?? {}) : {};
		for (const [key, entry] of Object.entries(entries)) this.put(key, entry);
	}

	find(place: RequestKey): Entry | undefined {
		const free = this.keysOf(place)
			.map((key) => this.entries[key])
			.filter((each) => !this.isTaken(each) && !isAnother(each, place));
		return free.find(({ state }) => state === 'created') ?? free.at(0);
	}

	/** As long as this run goes on, no other call of an agent finds the entry. */
	take(entry: Entry): void {
		holders.set(entry, this);
	}

	write(place: RequestKey, entry: Entry): void {
		this.take(entry);
		this.put(this.ownKeyOf(place) ?? this.newKeyOf(place), entry);
	}

	/** Remembers how a task has ended. */
	end(place: RequestKey, ended: KlingTask): void {
		const key = this.ownKeyOf(place);
		const entry = key === undefined ? undefined : this.entries[key];
		if (entry?.state === 'created') entry.ended = ended;
	}

	/** Forgets a task, so that another can be asked for. */
	strike(place: RequestKey): void {
		const key = this.ownKeyOf(place);
		if (key !== undefined) this.forget([key]);
	}

	/** Every task that this run has created. */
	tasks(): TaskRef[] {
		return Object.values(this.entries).flatMap((entry) =>
			entry.state === 'created' && this.isOwn(entry) ? [refOf(entry.ref)] : [],
		);
	}

	/** The task that an earlier try has created for an item, whatever it asked for. */
	taskOf(item: number): TaskRef | undefined {
		const entry = this.run.isTool ? undefined : this.entries[item];
		return entry?.state === 'created' && !entry.inherited ? refOf(entry.ref) : undefined;
	}

	/** A finished run leaves nothing that a later one could take for its own. */
	close(): void {
		const { entries } = this;
		this.forget(Object.keys(entries).filter((key) => this.isOwn(entries[key])));
	}

	/**
	 * Looked up each time: an agent's calls share the book, and whichever takes the last entry out
	 * takes the book away, while another may be about to write.
	 */
	private get book(): Book | undefined {
		const kept = asObject(this.context[KEY]) as Partial<Book>;
		const isOfRun = kept.executionId === this.run.executionId && kept.scope === this.scope;
		return isOfRun && kept.entries ? (kept as Book) : undefined;
	}

	private get entries(): Record<string, Entry> {
		return this.book?.entries ?? {};
	}

	private put(key: string, entry: Entry): void {
		const { executionId } = this.run;
		const book = this.book ?? { executionId, scope: this.scope, entries: {} };
		book.entries[key] = entry;
		this.context[KEY] = book;
	}

	private forget(keys: string[]): void {
		const { entries } = this;
		for (const key of keys) delete entries[key];
		if (this.book && Object.keys(entries).length === 0) delete this.context[KEY];
	}

	/** An agent's calls share a book, and each answers for no more than its own part. */
	private isOwn(entry: Entry): boolean {
		return !this.run.isTool || holders.get(entry) === this;
	}

	private isTaken(entry: Entry): boolean {
		const holder = holders.get(entry);
		return !this.isOwn(entry) && holder !== undefined && !holder.run.signal.aborted;
	}

	private ownKeyOf(place: RequestKey): string | undefined {
		return this.keysOf(place).find((key) => this.isOwn(this.entries[key]));
	}

	/** Where the book has entries for the place: several, if an agent's calls ask for the same. */
	private keysOf({ item, requestHash }: RequestKey): string[] {
		const { entries } = this;
		if (!this.run.isTool) return item in entries ? [String(item)] : [];
		const isOfPlace = (key: string) => {
			const [itsItem, itsRun, whatItAsked] = key.split(' ');
			if (Number(itsItem) !== item) return false;
			const isSame = whatItAsked === requestHash;
			if (this.run.isEachTryARun) return isSame;
			return Number(itsRun) === this.run.runIndex || (isSame && !isGivenUp(entries[key]));
		};
		return Object.keys(entries).filter(isOfPlace);
	}

	private newKeyOf({ item, requestHash }: RequestKey): string {
		return this.run.isTool
			? [item, this.run.runIndex, requestHash, randomUUID()].join(' ')
			: String(item);
	}
}

/** @returns the same text for the same request, and another for any other */
export function fingerprint(...asked: unknown[]): string {
	return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 32);
}

/** Made by an execution that a person has retried, for another request. */
function isAnother(entry: Entry, { requestHash }: RequestKey): boolean {
	return entry.state === 'created' && entry.inherited === true && entry.asked !== requestHash;
}

function isGivenUp(entry: Entry): boolean {
	return entry.state === 'created' && entry.ended?.status === 'failed';
}

function resumable(entries: Record<string, Entry>): Record<string, Entry> {
	return Object.fromEntries(
		Object.entries(entries).flatMap(([key, entry]) =>
			entry.state === 'created' && !isGivenUp(entry) ? [[key, { ...entry, inherited: true }]] : [],
		),
	);
}
