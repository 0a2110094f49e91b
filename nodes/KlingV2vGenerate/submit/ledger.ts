import { randomUUID } from 'node:crypto';
import { KlingError, MaybeCreated } from '../../shared/errors';
import type { KlingTask, TaskRef } from '../../shared/task';
import { refOf } from '../../shared/task';
import { storedError } from '../../shared/wait/record';
import type { ItemEntry, RunRecord, StoredError } from '../../shared/wait/record';
import type { Watch } from '../../shared/wait/watch';
import type { ItemRequest, RequestKey } from '../request/itemRequest';
import { Tally } from './tally';

/** The user's wishes for an item whose task exists: its parameters need not be read again. */
export type Wishes = Pick<
	ItemRequest,
	'completion' | 'binaryField' | 'seconds' | 'estimatedCost' | 'includeInput' | 'clip'
>;

export type HashName = 'requestHash' | 'sourceHash';

/** The knowledge of the one request that an item may pay for; no entry: nothing was sent. */
export interface LedgerEntry extends ItemEntry, RequestKey {
	/**
	 * `uncertain`: the request was sent, and no task ID came back. It is not sent again by itself.
	 * `created`: the task exists. `failed`: no task exists.
	 */
	state: 'uncertain' | 'created' | 'failed';
	/** The call of the node that has the entry in hand; calls of an agent may overlap. */
	call: string;
	/** Which request for this item it is, from 1 on: a person who retries may pay for a further one, knowingly. */
	attempt: number;
	/**
	 * Which of the requests of its run with the same hash it is, from 1 on; of an agent's, which in its execution. There
	 * where it may have been sent.
	 */
	nth?: Record<HashName, number>;
	/** An agent's call has put it out: a retry of the execution alone finds it. */
	isOver?: boolean;
	/** n8n's log, and an error, say that it is uncertain: a person who retries knows of it. */
	isTold?: boolean;
	/** Its place in the tally of the execution. */
	place?: number;
	/** The mark of that place is its own. */
	isClaimed?: boolean;
	wishes?: Wishes;
}

/** An entry whose task exists. */
export type CreatedEntry = LedgerEntry & { state: 'created'; watch: Watch; wishes: Wishes };

/** How n8n runs the node, as far as it matters to whose an entry is. */
export interface Caller {
	/** An AI agent, whose calls may overlap. */
	isTool: boolean;
	/** n8n counts every try of an agent's call as another run: one of its two ways to call a tool; undefined where n8n does not say. */
	isEachTryARun?: boolean;
}

/** In n8n's node context: how often an agent has asked for the same. */
const CALLS = 'klingCalls';

/** Calls of this process that have not ended: what they have in hand, no other call takes up. */
const callsUnderWay = new Set<string>();

/**
 * The ledger of one run of Generate: of each request that may cost money, what is known. An entry is
 * found again
 * - by its place in the same execution, whatever the parameters give this time: they may hold `$now`;
 * - in a later execution (a person pressed "Retry execution") only if the same is asked for. What has
 *   failed, or is uncertain, that person pays for again knowingly;
 * - in an agent's call by what it asks for, and by its run where n8n gives all tries the same.
 * Entries that were put out are taken away: nothing can find them again. Those of an agent's calls are kept for a
 * retry, as n8n then runs the whole agent again.
 */
export class Ledger {
	private readonly call = randomUUID();

	/** @param context n8n's node context */
	constructor(
		private readonly record: RunRecord<LedgerEntry>,
		private readonly caller: Caller,
		private readonly context: Record<string, unknown>,
	) {
		callsUnderWay.add(this.call);
	}

	/** @returns the entry of an item that needs no reading of its parameters: it has a task, or an error of this run */
	settled(item: number): LedgerEntry | undefined {
		if (this.caller.isTool) return undefined;
		const entry = this.record.of(item);
		return entry?.state === 'failed' && !this.record.isResumed ? undefined : entry;
	}

	/** @returns the entry that the request would have made, had it been sent here */
	find(key: RequestKey): LedgerEntry | undefined {
		const found = this.record.ofItem(key.item).filter((entry) => this.isFor(entry, key));
		const created = found.filter(isCreated);
		// Of an agent's calls in a loop, those of the last round are the ones that a retry makes again.
		return (this.caller.isTool ? created.at(-1) : created.at(0)) ?? found.at(0);
	}

	/** @returns whether a person has retried the execution that the entry is of */
	isInherited({ execution }: LedgerEntry): boolean {
		return execution !== this.record.execution;
	}

	/**
	 * @returns the entries of a retried execution that this run does not take up: that request is uncertain, or
	 * given up, or was another one. The person who retries pays for the item knowingly
	 */
	inherited(item: number): LedgerEntry[] {
		if (this.caller.isTool) return [];
		const { run } = this.record;
		// Another round of a loop is another request, though it may look the same.
		return this.record.ofItem(item).filter((entry) => entry.run === run && this.isInherited(entry));
	}

	/** @returns which request for the item is the next one, from 1 on: the same in every process that begins with the same record */
	attempt(item: number): number {
		// A request that failed has left nothing behind, no mark either: the next one may be the same once more.
		const used = this.inherited(item).map(
			({ attempt, state }) => attempt - Number(state === 'failed'),
		);
		return Math.max(0, ...used) + 1;
	}

	/** The item has a task or an error of its own now: those of the retried execution are no longer needed. */
	strikeInherited(item: number): void {
		const gone = this.inherited(item);
		if (gone.length > 0) this.record.remove((entry) => gone.includes(entry));
	}

	/** From here on no other call of an agent finds the entry, until this one has ended. */
	take(entry: LedgerEntry): void {
		entry.call = this.call;
	}

	/** Takes the entry of a retried execution over into this one. */
	inherit(entry: LedgerEntry): void {
		const { execution, run } = this.record;
		Object.assign(entry, { execution, run, call: this.call });
	}

	/** Takes a task of a retried execution over into this one. */
	adopt(entry: CreatedEntry, deadline: number, wishes: Wishes): void {
		this.inherit(entry);
		entry.wishes = plain(wishes);
		Object.assign(entry.watch, { deadline, timedOut: false, refusals: 0 });
		delete entry.watch.fetching;
		delete entry.error;
		delete entry.isOver;
	}

	/** From here a task may exist. Recorded before the request is sent, so that a crash is never read as "not sent". */
	intend(key: RequestKey, error: KlingError): LedgerEntry {
		const nth = this.nth(key);
		if (this.caller.isTool) this.callsLike(key).take();
		return this.put(key, {
			state: 'uncertain',
			error: storedError(error),
			nth,
		});
	}

	/** @returns the places of the next request for an item among those that are alike */
	nth(key: RequestKey): Record<HashName, number> {
		if (this.caller.isTool) {
			const { next } = this.callsLike(key);
			return { requestHash: next, sourceHash: next };
		}
		return {
			requestHash: this.alike('requestHash', key) + 1,
			sourceHash: this.alike('sourceHash', key) + 1,
		};
	}

	/** The answer is lost: the error says what is known. */
	setUncertain(entry: LedgerEntry, error: KlingError): void {
		entry.error = storedError(error);
	}

	setCreated(entry: LedgerEntry, watch: Watch, wishes: Wishes): CreatedEntry {
		const created = Object.assign(entry, {
			state: 'created' as const,
			watch,
			wishes: plain(wishes),
		});
		delete created.error;
		return created;
	}

	/** No task exists, and none is tried for again in this run. */
	setFailed(key: RequestKey, error: StoredError): void {
		this.put(key, { state: 'failed', error });
	}

	/**
	 * Surely no task came of the request.
	 * @returns whether the next one like it takes its place; not where an agent's call like it has the place behind it
	 * already: n8n may be killed, and a retry counts from 1 on
	 */
	giveBack(entry: LedgerEntry): boolean {
		if (!this.caller.isTool || !entry.nth) return true;
		const like = this.callsLike(entry);
		const place = entry.nth.requestHash;
		const isNewest = like.isNewest(place);
		if (isNewest) like.release(place);
		return isNewest;
	}

	/** Whether the request was sent before is unknown: the next one like it asks for the same place. */
	putBack(entry: LedgerEntry): void {
		this.strike(entry);
		if (this.caller.isTool && entry.nth) this.callsLike(entry).release(entry.nth.requestHash);
	}

	/** Takes an entry away: nothing was sent, or another task is wanted. */
	strike(gone: LedgerEntry): void {
		this.record.remove((entry) => entry === gone);
	}

	/** @returns every task that this run has created, or has taken up */
	tasks(): TaskRef[] {
		return this.own().flatMap(({ watch }) => (watch ? [refOf(watch.task)] : []));
	}

	/** @returns the task of an item, as far as this run knows it */
	taskOf(item: number): KlingTask | undefined {
		return this.record.ofItem(item).find((entry) => this.isOwn(entry))?.watch?.task;
	}

	/** @returns the entries that this run answers for */
	own(): LedgerEntry[] {
		return this.record.entries.filter((entry) => this.isOwn(entry));
	}

	/** A new try of Retry On Fail: what has failed without a task is tried again, and a failed wait goes on. */
	beginTry(): void {
		if (this.record.isResumed || this.caller.isTool) return;
		this.record.remove((entry) => entry.state === 'failed' && this.isOwn(entry));
		for (const entry of this.own()) {
			if (entry.state !== 'created') continue;
			delete entry.error;
			delete entry.watch?.refusals;
			delete entry.watch?.fetching;
		}
	}

	/** A finished run leaves nothing that a later one could take for its own. */
	close(): void {
		if (this.caller.isTool) for (const entry of this.own()) entry.isOver = isCreated(entry);
		this.record.remove((entry) => this.isOwn(entry) && entry.isOver !== true);
	}

	/** The call is over: another one may take up what it leaves. */
	end(): void {
		callsUnderWay.delete(this.call);
	}

	private put(
		{ item, requestHash, sourceHash }: RequestKey,
		facts: Pick<LedgerEntry, 'state' | 'error' | 'nth'>,
	): LedgerEntry {
		const { execution, run } = this.record;
		const attempt = this.attempt(item);
		const key = { execution, run, item, requestHash, sourceHash, call: this.call, attempt };
		return this.record.add({ ...key, ...facts });
	}

	/** @returns how many requests of this run have the same hash, those of a retried execution included */
	private alike(name: HashName, key: RequestKey): number {
		const { entries, run } = this.record;
		return entries.filter(
			(entry) => entry.run === run && entry.state !== 'failed' && entry[name] === key[name],
		).length;
	}

	/**
	 * An agent's calls that ask for the same, those included that have ended well. They are counted, as n8n's run index of a
	 * call is another one after a crash.
	 */
	private callsLike({ requestHash }: RequestKey): Tally {
		return new Tally((this.context[CALLS] ??= {}) as Record<string, unknown>, requestHash);
	}

	/** An agent's calls share the record, and each answers for no more than its own part. */
	private isOwn(entry: LedgerEntry): boolean {
		return this.caller.isTool ? entry.call === this.call : this.record.isOwn(entry);
	}

	private isFor(entry: LedgerEntry, key: RequestKey): boolean {
		if (entry.item !== key.item || this.isTaken(entry)) return false;
		if (this.caller.isTool) return this.isForCall(entry, key);
		if (this.record.isOwn(entry)) return true;
		const isInherited = this.inherited(key.item).includes(entry);
		return isInherited && entry.state === 'created' && !isGivenUp(entry) && isSame(entry, key);
	}

	private isForCall(entry: LedgerEntry, { requestHash }: RequestKey): boolean {
		const { isEachTryARun } = this.caller;
		const isSameText = entry.requestHash === requestHash;
		const isWanted = isSameText && !isGivenUp(entry);
		// A person who was told of the one before wants another.
		if (this.isInherited(entry)) return isWanted && !entry.isTold;
		if (entry.isOver) return false;
		if (isEachTryARun) return isSameText;
		return isWanted || (isEachTryARun === false && entry.run === this.record.run);
	}

	/** A call of an execution that has failed may still go on: a retry of that takes up what it has. */
	private isTaken(entry: LedgerEntry): boolean {
		const { call } = entry;
		return call !== this.call && callsUnderWay.has(call) && !this.isInherited(entry);
	}
}

/** @returns the wishes alone: an entry is stored with every sleep */
function plain(wishes: Wishes): Wishes {
	const { completion, binaryField, seconds, estimatedCost, includeInput, clip } = wishes;
	return {
		completion,
		seconds,
		includeInput,
		...(binaryField === undefined ? {} : { binaryField }),
		...(estimatedCost === undefined ? {} : { estimatedCost }),
		...(clip === undefined ? {} : { clip }),
	};
}

/** @returns the error of an entry, as it was thrown */
export function errorOf({ state, error, watch }: LedgerEntry): KlingError {
	const { message, advice, details } = error ?? {
		message: 'The item has failed',
		advice: '',
		details: watch ? refOf(watch.task) : {},
	};
	const Kind = state === 'uncertain' ? MaybeCreated : KlingError;
	return new Kind(message, advice, details);
}

export function isCreated(entry: LedgerEntry): entry is CreatedEntry {
	return entry.state === 'created';
}

function isSame(entry: LedgerEntry, { requestHash, sourceHash }: RequestKey): boolean {
	return entry.requestHash === requestHash || entry.sourceHash === sourceHash;
}

function isGivenUp({ watch }: LedgerEntry): boolean {
	return watch?.task.status === 'failed';
}
