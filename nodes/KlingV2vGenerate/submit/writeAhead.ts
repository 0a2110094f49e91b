import type { IExecuteFunctions } from 'n8n-workflow';
import { lineage, startingItems } from '../../shared/n8n/internals';
import { fingerprint } from '../../shared/util/fingerprint';
import type { HashName, LedgerEntry } from './ledger';

/**
 * Marks in n8n's database, written the moment before a request is sent. The ledger is stored only when the
 * execution sleeps or ends; a process that is killed before leaves these marks. n8n keeps them for
 * "Remove Duplicates": `helpers.checkProcessedAndRecord`.
 */

/** n8n keeps the newest marks of a node; a request has up to six. */
const MOST_MARKS = 1_000;

const OPTIONS = { mode: 'entries', maxEntries: MOST_MARKS } as const;

/** A request, as far as its place in the run tells it from others. */
type Placed = Pick<LedgerEntry, 'item' | 'requestHash' | 'attempt' | 'nth'>;

/** A request, as its marks name it. */
type Request = Placed & Pick<LedgerEntry, 'sourceHash' | 'place' | 'isClaimed'>;

type Watched = Request & Pick<LedgerEntry, 'watch'>;

/** The marks that n8n did not have, and has now; and those that it had. */
interface Recorded {
	new: string[];
	processed: string[];
}

const NOTHING: Recorded = { new: [], processed: [] };

/** The finding of `intend`: the marks of earlier processes tell whether the request was sent before. */
export type Before =
	| 'nothing'
	/** It was sent, by a process that could not keep its ledger. */
	| 'sent'
	/** A person has retried, and n8n's database does not say whether it was sent. */
	| 'unknown'
	/** An agent's call like it was refused in its place, and the next ones have taken the places behind it. */
	| 'skipped'
	/**
	 * Such a process has sent another request in its place: the nodes before this one have run again, and have given
	 * other items.
	 */
	| 'another';

/** The more exact one first. */
const HASHES: HashName[] = ['sourceHash', 'requestHash'];

const RETRIED = 'klingRetried';

/**
 * Whether a person has retried an execution, and this one came of it. n8n 1.x knows that until a call of the resume URL
 * continues it: it is noted before.
 */
function isRetried(context: IExecuteFunctions): boolean {
	const noted: Record<string, unknown> = context.getContext('node');
	const execution = context.getExecutionId();
	if (context.getMode() === 'retry') noted[RETRIED] = execution;
	return noted[RETRIED] === execution;
}

/** n8n reads, changes and writes one row for each node: of two calls at once, one would be lost. */
let queue: Promise<unknown> = Promise.resolve();

async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
	const result = queue.then(work);
	queue = result.catch(() => undefined);
	return await result;
}

/** The marks of one run, and how a later run recognises them. */
export class WriteAhead {
	/** The same in every process that runs this execution, and in "Retry execution" of it. */
	private readonly origin: string;

	/** On an n8n that gives no lineage: recognises, in a retry only, the execution that is retried. */
	private readonly start?: string;

	/** A person has retried an execution, which may have sent what its ledger does not know. */
	readonly isRetry: boolean;

	/** @param run which run of the node; the same when a retry does it again */
	constructor(
		private readonly context: IExecuteFunctions,
		private readonly run: number,
		private readonly isTool: boolean,
	) {
		const token = lineage(context);
		this.origin = fingerprint(token ?? context.getExecutionId());
		this.isRetry = isRetried(context);
		if (token === undefined) this.start = fingerprint(startingItems(context).slice(0, 100));
	}

	/**
	 * @returns whether the execution that a person retries has sent a request in this place, and could not keep its
	 * ledger: then the checks of now say nothing about what is paid
	 */
	async wasSent(request: Placed): Promise<boolean> {
		if (!this.isRetry) return false;
		const { new: unknown, processed } = (await this.ask([this.placeMark(request)])) ?? NOTHING;
		await this.remove(unknown);
		return processed.length > 0;
	}

	/** Marks that the request of an item is about to be sent. */
	async intend(request: Request): Promise<Before> {
		const place = this.placeMark(request);
		const asked = this.askedMarks(request);
		const skips = this.skipMarks(request);
		const recorded = await this.ask([place, ...asked, ...skips]);
		if (!recorded) return 'unknown';
		const { new: unknown, processed } = recorded;
		const isAsked = asked.some((mark) => processed.includes(mark));
		const isTaken = processed.includes(place);
		if (isAsked && (isTaken || this.knowsRetried)) return 'sent';
		if (skips.some((mark) => processed.includes(mark))) return 'skipped';
		await this.remove(skips.filter((mark) => unknown.includes(mark)));
		// The place of an agent's call names its words, too: that mark alone is of one that only asks whether it was sent.
		return isTaken && !this.isTool ? 'another' : 'nothing';
	}

	/** Marks which task came of the request, for `find`. */
	async created(request: Request, taskId: string): Promise<void> {
		await this.record(this.taskMarks(request, taskId));
	}

	/**
	 * n8n records whatever it is asked for. A process that is killed before it has taken that back leaves marks that
	 * name wrong tasks, and the mark of its question with them.
	 * @returns which of these tasks came of the request of an item; null where a person has retried, and n8n's database
	 * does not say
	 */
	async find(request: Request, taskIds: string[]): Promise<string | null | undefined> {
		if (taskIds.length === 0) return undefined;
		for (const content of this.contentsOf(request)) {
			const question = this.questionMark(content);
			const marks = new Map(taskIds.map((taskId) => [this.taskMark(content, taskId), taskId]));
			const recorded = await this.ask([question, ...marks.keys()]);
			if (!recorded) return null;
			const { new: unknown, processed } = recorded;
			if (processed.includes(question)) continue;
			await this.remove(unknown);
			// Of several, some are of executions that n8n 1.x does not tell from this one.
			if (processed.length > 1) return undefined;
			if (processed.length > 0) return marks.get(processed[0]);
		}
		return undefined;
	}

	/**
	 * Marks a place in the tally of the execution.
	 * @returns whether it was marked before, by a process that has lost its tally; undefined where a person has retried,
	 * and n8n's database does not say
	 */
	async isClaimed(place: number): Promise<boolean | undefined> {
		const recorded = await this.ask([this.tallyMark(place)]);
		return recorded && recorded.processed.length > 0;
	}

	/** An agent's call has left nothing behind, and those after it keep their places: a retry passes over its own. */
	async skip(request: Request): Promise<void> {
		// Without the one, the others stay: a retry fails then, and does not pay.
		if (await this.record(this.skipMarks(request))) await this.remove(this.intentMarks(request));
	}

	/** The request has left nothing behind. */
	async forget(request: Watched): Promise<void> {
		await this.remove(this.marksOf(request));
	}

	/** The run has put out what came of the request. */
	async close(request: Watched): Promise<void> {
		// n8n 1.x may resume one sleep twice: the slower of the two finds the place taken, after the other has ended, too.
		const kept = this.start === undefined ? undefined : this.placeMark(request);
		await this.remove(this.marksOf(request).filter((mark) => mark !== kept));
	}

	private marksOf(request: Watched): string[] {
		const { watch } = request;
		return [
			...this.intentMarks(request),
			...this.skipMarks(request),
			...(watch ? this.taskMarks(request, watch.task.taskId) : []),
			...this.contentsOf(request).map((content) => this.questionMark(content)),
		];
	}

	/** The marks that are written before the request is sent. */
	private intentMarks(request: Request): string[] {
		const { place, isClaimed } = request;
		return [
			this.placeMark(request),
			...this.askedMarks(request),
			...(place !== undefined && isClaimed ? [this.tallyMark(place)] : []),
		];
	}

	/** The mark that names a request by its place in the run, whatever it asks for. */
	private placeMark(request: Placed): string {
		return `intent ${this.origin} ${this.placeOf(request)}`;
	}

	/** The marks that name a request by its content, wherever it stands in its run. */
	private askedMarks(request: Request): string[] {
		return this.contentsOf(request).map((content) => `asked ${content}`);
	}

	/** Only an agent's calls are counted over their whole execution. */
	private skipMarks(request: Request): string[] {
		return this.isTool ? this.contentsOf(request).map((content) => `skip ${content}`) : [];
	}

	private taskMarks(request: Request, taskId: string): string[] {
		return this.contentsOf(request).map((content) => this.taskMark(content, taskId));
	}

	private taskMark(content: string, taskId: string): string {
		return `task ${content} ${taskId}`;
	}

	private questionMark(content: string): string {
		return `question ${content}`;
	}

	private tallyMark(place: number): string {
		return `place ${this.origin} ${place}`;
	}

	/** An agent's calls are told apart by what they ask for: n8n may count a call, or its try, as any run. */
	private placeOf({ item, requestHash, attempt, nth }: Placed): string {
		return this.isTool
			? `call ${nth?.requestHash ?? 0} ${requestHash}`
			: `${item} ${this.run} ${attempt}`;
	}

	/**
	 * Expressions may give something else by now: then the parameters as they are written are the same. And the item may
	 * have changed where it does not matter: then the request is the same.
	 */
	private contentsOf(request: Request): string[] {
		const { attempt, nth } = request;
		const origin = this.start ?? this.origin;
		if (this.isTool) return [`${origin} ${this.placeOf(request)}`];
		return HASHES.map(
			(name) => `${origin} ${this.run} ${attempt} ${nth?.[name] ?? 0} ${request[name]}`,
		);
	}

	/** On an n8n that gives no lineage, another execution may begin with the same and ask for the same. */
	private get knowsRetried(): boolean {
		return this.start === undefined || this.isRetry;
	}

	/**
	 * Records marks that tell what was paid before.
	 * @returns undefined where a person has retried, and n8n's database does not say; otherwise, such a database has none
	 */
	private async ask(marks: string[]): Promise<Recorded | undefined> {
		return (await this.record(marks)) ?? (this.isRetry ? undefined : NOTHING);
	}

	/** @returns undefined where the database does not take them */
	private async record(marks: string[]): Promise<Recorded | undefined> {
		const { helpers } = this.context;
		if (!('checkProcessedAndRecord' in helpers)) return NOTHING;
		return await this.unlessBroken(async () => {
			const found = await helpers.checkProcessedAndRecord(marks, 'node', OPTIONS);
			return { new: found.new.map(String), processed: found.processed.map(String) };
		});
	}

	private async remove(marks: string[]): Promise<void> {
		const { helpers } = this.context;
		if (!('removeProcessed' in helpers) || marks.length === 0) return;
		await this.unlessBroken(async () => {
			await helpers.removeProcessed(marks, 'node', OPTIONS);
		});
	}

	/** The marks are a second line beside the ledger: without them the run goes on, and says so. */
	private async unlessBroken<T>(work: () => Promise<T>): Promise<T | undefined> {
		// Once more: of two processes that make the first mark of a workflow, n8n turns one away.
		const twice = async () => await work().catch(work);
		return await oneAtATime(twice).catch((error: Error) => {
			this.context.logger.warn(
				`n8n's database did not take a mark of a Kling request: ${error.message}. If n8n is killed before this execution sleeps or ends, Retry execution may pay again`,
			);
			return undefined;
		});
	}
}
