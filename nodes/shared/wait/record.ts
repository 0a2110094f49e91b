import type { IExecuteFunctions } from 'n8n-workflow';
import type { ErrorDetails } from '../errors';
import { KlingError } from '../errors';
import { asArray, asObject } from '../util/unknown';
import type { Durations } from './schedule';
import type { Watch } from './watch';

/** The knowledge of one item. */
export interface ItemEntry {
	/** The execution that the entry is of; "Retry execution" has another one. */
	execution: string;
	/** Which run of the node, as in a loop; see `RunRecord.run`. */
	run: number;
	/** Index of the input item. */
	item: number;
	/** The task, once there is one, and how it has been looked at. */
	watch?: Watch;
	/** Why the item has failed: it is not tried again by another turn. */
	error?: StoredError;
}

/** An error as plain data. */
export interface StoredError {
	message: string;
	advice: string;
	details: ErrorDetails;
}

/** One sleep in n8n's database. */
export interface Sleep {
	/** Tells the sleeps of an execution apart. */
	id: string;
	execution: string;
	run: number;
	/** When n8n continues the execution, in milliseconds since 1970. */
	until: number;
	/** For the next turn: hints that n8n forgets, and facts about the run by name. */
	carried: Carried;
}

export interface Carried {
	hints: Hint[];
	facts: Record<string, unknown>;
}

export interface Hint {
	message: string;
	type: 'info' | 'warning';
}

interface Stored {
	entries: ItemEntry[];
	/** There from the beginning of a sleep to the beginning of the next turn. */
	sleep?: Sleep;
}

const KEY = 'klingRecord';

/** The newest run of the node, to tell whether the next one is another. */
interface NewestRun {
	execution: string;
	/** n8n's `$runIndex`. */
	index: number;
	run: number;
	/** Nothing runs it again. */
	isOver?: boolean;
	/** It has ended, and n8n may run it again all the same. */
	mayComeAgain?: boolean;
}

const NEWEST = 'klingRun';
const SLEPT = 'klingSlept';
const DURATIONS = 'klingDurations';

/**
 * The one durable record of a node: of each item, what is known. It is kept in n8n's node context, which
 * n8n stores with a sleeping execution, takes over into "Retry execution", and leaves as it is between
 * the tries of Retry On Fail. It is plain data: n8n writes it as JSON.
 */
export class RunRecord<E extends ItemEntry = ItemEntry> {
	/** There where n8n runs the node again after a sleep of this very run, and nothing else has changed. */
	readonly carried?: Carried;

	/** The entries by their items, as far as they were looked for. */
	private sorted: { entries: E[]; count: number; byItem: Map<number, E[]> } = {
		entries: [],
		count: 0,
		byItem: new Map(),
	};

	/**
	 * @param run which run of the node, from 0 on, counted by the node itself: the same when a retry does it again.
	 * After a crash, n8n's `$runIndex` of it may be another
	 */
	private constructor(
		private readonly context: Record<string, unknown>,
		readonly execution: string,
		readonly run: number,
	) {
		const { sleep } = this.stored;
		if (sleep?.execution === execution && sleep.run === run) this.carried = sleep.carried;
		this.change((stored) => delete stored.sleep);
	}

	/**
	 * Whether Retry On Fail runs the node again after a sleep of this run. n8n counts its tries anew after each
	 * sleep: a further try that slept again would never be the last.
	 */
	get isTriedAfterSleep(): boolean {
		const { execution, run } = asObject(this.context[SLEPT]);
		return !this.isResumed && execution === this.execution && run === this.run;
	}

	get isResumed(): boolean {
		return this.carried !== undefined;
	}

	/** @param isTool an agent's calls overlap: n8n's own `$runIndex` tells them apart */
	static open<E extends ItemEntry>(
		host: IExecuteFunctions,
		index: number,
		isTool: boolean,
	): RunRecord<E> {
		const context: Record<string, unknown> = host.getContext('node');
		const execution = host.getExecutionId();
		const run = isTool ? index : countRun(context, execution, index);
		return new RunRecord<E>(context, execution, run);
	}

	/** The run has come to its end. @param mayComeAgain n8n may run it again all the same */
	close(mayComeAgain = false): void {
		const newest = this.context[NEWEST];
		if (newest) Object.assign(newest, mayComeAgain ? { mayComeAgain } : { isOver: true });
	}

	get entries(): E[] {
		return this.stored.entries as E[];
	}

	/** @returns the entry of an item of this run */
	of(item: number): E | undefined {
		return this.ofItem(item).find((entry) => this.isOwn(entry));
	}

	/** @returns the entries of an item, of whatever execution and run; a list of thousands is not looked through for each */
	ofItem(item: number): readonly E[] {
		const { entries } = this;
		// Entries are added at the end; where some are taken away, the list is another one.
		if (this.sorted.entries !== entries) this.sorted = { entries, count: 0, byItem: new Map() };
		const { sorted } = this;
		for (const entry of entries.slice(sorted.count)) {
			const known = sorted.byItem.get(entry.item);
			if (known) known.push(entry);
			else sorted.byItem.set(entry.item, [entry]);
		}
		sorted.count = entries.length;
		return sorted.byItem.get(item) ?? [];
	}

	/** @returns whether an entry is of this run of the node in this execution */
	isOwn({ execution, run }: ItemEntry): boolean {
		return execution === this.execution && run === this.run;
	}

	/** @returns the entry as it is kept from now on; changes to it are kept, too */
	add(entry: E): E {
		this.change(({ entries }) => entries.push(entry));
		return entry;
	}

	remove(isGone: (entry: E) => boolean): void {
		this.change((stored) => {
			stored.entries = (stored.entries as E[]).filter((entry) => !isGone(entry));
		});
	}

	/**
	 * How long tasks took, for the runs of the node that follow in this execution, as in a loop. Not for other
	 * executions: n8n's static data would serve, but a run that slept would set that of the whole workflow back.
	 */
	get durations(): Durations {
		return (this.context[DURATIONS] ??= {}) as Durations;
	}

	/** Whether calls have woken this execution, or could have: one that is late may still be under way in n8n. */
	get isCalledBack(): boolean {
		const { execution, isCalledBack } = asObject(this.context[SLEPT]);
		return execution === this.execution && isCalledBack === true;
	}

	/**
	 * Marks the beginning of a sleep: the next turn finds itself resumed.
	 * @param isCalledBack calls may end it
	 */
	sleep(id: string, until: number, carried: Carried, isCalledBack: boolean): void {
		const { execution, run } = this;
		this.change((stored) => (stored.sleep = { id, execution, run, until, carried }));
		this.context[SLEPT] = { execution, run, isCalledBack: isCalledBack || this.isCalledBack };
	}

	/** Looked up each time: calls of an agent share the context, and each may be the one that empties it. */
	private get stored(): Stored {
		return readStored(this.context) ?? { entries: [] };
	}

	/** A record that says nothing any more is taken away. */
	private change(how: (stored: Stored) => unknown): void {
		const { stored } = this;
		how(stored);
		if (stored.entries.length === 0 && !stored.sleep) delete this.context[KEY];
		else this.context[KEY] = stored;
	}
}

/** @returns which run of the node begins, and notes it */
function countRun(context: Record<string, unknown>, execution: string, index: number): number {
	const newest = context[NEWEST] as NewestRun | undefined;
	const run = newest ? newest.run + (isSameRun(newest, execution, index) ? 0 : 1) : 0;
	const noted: NewestRun = { execution, index, run };
	context[NEWEST] = noted;
	return run;
}

function isSameRun(newest: NewestRun, execution: string, index: number): boolean {
	if (newest.execution === execution && newest.index === index) return true;
	// A retry, and the same execution run again, go on with the stored run, unless that was over.
	return newest.mayComeAgain ? newest.index === index : !newest.isOver;
}

function readStored(context: Record<string, unknown>): Stored | undefined {
	const stored = asObject(context[KEY]) as Partial<Stored>;
	return Array.isArray(stored.entries) ? (stored as Stored) : undefined;
}

/** @returns the sleep that a node context tells of, and the entries of the run that sleeps */
export function sleepIn(
	context: Record<string, unknown>,
): { sleep: Sleep; entries: ItemEntry[] } | undefined {
	const { sleep, entries } = readStored(context) ?? {};
	if (!sleep) return undefined;
	const own = asArray(entries).map((entry) => entry as ItemEntry);
	return {
		sleep,
		entries: own.filter(({ execution, run }) => {
			return execution === sleep.execution && run === sleep.run;
		}),
	};
}

/** @returns an error as plain data */
export function storedError({ message, advice, details }: KlingError): StoredError {
	return { message, advice, details };
}

/** @returns the error again */
export function restoredError({ message, advice, details }: StoredError): KlingError {
	return new KlingError(message, advice, details);
}
