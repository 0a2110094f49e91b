import type { IExecuteFunctions } from 'n8n-workflow';
import { lineage, startingItems } from '../../shared/n8n/internals';
import { fingerprint } from '../../shared/util/fingerprint';
import type { LedgerEntry } from './ledger';

/**
 * Marks in n8n's database, written the moment before a request is sent. The ledger is stored only when the
 * execution sleeps or ends; a process that is killed before leaves these marks. n8n keeps them for
 * "Remove Duplicates": `helpers.checkProcessedAndRecord`.
 */

/** n8n keeps the newest marks of a node; a request has up to five. */
const MOST_MARKS = 1_000;

const OPTIONS = { mode: 'entries', maxEntries: MOST_MARKS } as const;

/** A request, as its marks name it. */
type Request = Pick<LedgerEntry, 'item' | 'requestHash' | 'sourceHash' | 'attempt' | 'place'>;

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

	private readonly isRetry: boolean;

	/** @param run which run of the node; the same when a retry does it again */
	constructor(
		private readonly context: IExecuteFunctions,
		private readonly run: number,
		private readonly isTool: boolean,
	) {
		const token = lineage(context);
		this.origin = fingerprint(token ?? context.getExecutionId());
		this.isRetry = context.getMode() === 'retry';
		if (token === undefined) this.start = fingerprint(startingItems(context).slice(0, 100));
	}

	/**
	 * Marks that the request of an item is about to be sent.
	 * @returns whether it was sent before, by a process that could not keep its ledger
	 */
	async intend(request: Request): Promise<boolean> {
		const { own, ofRetried } = this.intents(request);
		const { processed } = await this.record([own, ...ofRetried]);
		const isOfRetried = this.isRetry && ofRetried.some((mark) => processed.includes(mark));
		return processed.includes(own) || isOfRetried;
	}

	/** Marks which task came of the request, for `find`. */
	async created(request: Request, taskId: string): Promise<void> {
		await this.record([this.taskMark(request, taskId)]);
	}

	/**
	 * n8n records whatever it is asked for. A process that is killed before it has taken that back leaves marks that
	 * name wrong tasks, and the mark of its question with them.
	 * @returns which of these tasks came of the request of an item
	 */
	async find(request: Request, taskIds: string[]): Promise<string | undefined> {
		const marks = new Map(taskIds.map((taskId) => [this.taskMark(request, taskId), taskId]));
		if (marks.size === 0) return undefined;
		const question = this.questionMark(request);
		const { new: unknown, processed } = await this.record([question, ...marks.keys()]);
		if (processed.includes(question)) return undefined;
		await this.remove(unknown);
		return marks.get(processed[0]);
	}

	/** Marks a place in the tally of the execution. @returns whether it was marked before, by a process that has lost its tally */
	async isClaimed(place: number): Promise<boolean> {
		const { processed } = await this.record([this.placeMark(place)]);
		return processed.length > 0;
	}

	/** The request has left nothing behind, or is recorded elsewhere, or may knowingly be sent again. */
	async forget(request: Request & Pick<LedgerEntry, 'watch'>): Promise<void> {
		const { own, ofRetried } = this.intents(request);
		const task = request.watch ? [this.taskMark(request, request.watch.task.taskId)] : [];
		const place = request.place === undefined ? [] : [this.placeMark(request.place)];
		await this.remove([own, ...ofRetried, ...task, ...place, this.questionMark(request)]);
	}

	private intents(request: Request): { own: string; ofRetried: string[] } {
		const place = this.placeOf(request);
		return {
			own: `intent ${this.origin} ${place}`,
			// Expressions may give something else by now: the parameters as they are written are the same.
			ofRetried: [request.requestHash, request.sourceHash].flatMap((hash) =>
				this.start ? [`intent ${this.start} ${place} ${hash}`] : [],
			),
		};
	}

	private placeMark(place: number): string {
		return `place ${this.origin} ${place}`;
	}

	private taskMark(request: Request, taskId: string): string {
		return `task ${this.start ?? this.origin} ${this.placeOf(request)} ${taskId}`;
	}

	private questionMark(request: Request): string {
		return `question ${this.start ?? this.origin} ${this.placeOf(request)}`;
	}

	/** An agent's calls are told apart by what they ask for: n8n may count each try as another run. */
	private placeOf({ item, requestHash, attempt }: Request): string {
		const place = `${item} ${this.run} ${attempt}`;
		return this.isTool ? `${place} ${requestHash}` : place;
	}

	private async record(marks: string[]): Promise<{ new: string[]; processed: string[] }> {
		const nothing = { new: [], processed: [] };
		const { helpers } = this.context;
		if (!('checkProcessedAndRecord' in helpers)) return nothing;
		return await this.unlessBroken(nothing, async () => {
			const found = await helpers.checkProcessedAndRecord(marks, 'node', OPTIONS);
			return { new: found.new.map(String), processed: found.processed.map(String) };
		});
	}

	private async remove(marks: string[]): Promise<void> {
		const { helpers } = this.context;
		if (!('removeProcessed' in helpers) || marks.length === 0) return;
		await this.unlessBroken(undefined, async () => {
			await helpers.removeProcessed(marks, 'node', OPTIONS);
		});
	}

	/** The marks are a second line beside the ledger: without them the run goes on, and says so. */
	private async unlessBroken<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
		// Once more: of two processes that make the first mark of a workflow, n8n turns one away.
		const twice = async () => await work().catch(work);
		return await oneAtATime(twice).catch((error: Error) => {
			this.context.logger.warn(
				`n8n's database did not take a mark of a Kling request: ${error.message}. If n8n is killed before this execution sleeps or ends, Retry execution may pay again`,
			);
			return otherwise;
		});
	}
}
