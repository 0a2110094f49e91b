import { sleep } from 'n8n-workflow';
import type { IExecuteFunctions } from 'n8n-workflow';
import { MaybeCreated } from '../../shared/errors';
import type { Answer } from '../../shared/http/answer';
import { intermediaryOf } from '../../shared/http/intermediary';
import { read } from '../../shared/http/transport';
import type { NodeRun } from '../../shared/n8n/nodeRun';
import type { Provider } from '../../shared/providers';
import type { EndpointName, TaskRef } from '../../shared/task';
import { timing } from '../../shared/timing';
import { asText, excerpt } from '../../shared/util/unknown';

/** Finds out about a creation whose answer is lost, by the provider's list where it has one. */

/** Tasks at the provider that this run does not know. */
export interface Listed {
	/** Newest first. */
	ids: string[];
	/** How many older ones are left out. */
	left: number;
	/** They are surely new: the list was read before the request, too. */
	isSince: boolean;
	/** The list shows the other tasks of this run, so a task that it does not show was most likely not made. */
	isComplete: boolean;
}

/** More than an account can have under way at once. */
const MOST_NAMED = 50;

/** A list may come in pages; the older ones need not be read. */
const MOST_PAGES = 5;
const SHORTEST_PAGE = 10;

/** The lists of the providers, as far as a run has read them. */
export class TaskLists {
	/** IDs that a provider listed before this run created anything; undefined where none came. */
	private readonly before = new Map<Provider, Set<string> | undefined>();

	/** @param known the tasks that this run has created */
	constructor(
		private readonly run: NodeRun<IExecuteFunctions>,
		private readonly known: () => TaskRef[],
	) {}

	/** Reads what is there before the first creation, so that what appeared since can be named. Costs nothing. */
	async readBefore(provider: Provider): Promise<void> {
		if (this.before.has(provider)) return;
		const ids = await this.ids(provider, timing.lostAnswer.triesBefore);
		this.before.set(provider, ids && new Set(ids));
	}

	/** @returns the tasks that appeared since this run began; undefined where the provider does not tell */
	async readNew(provider: Provider): Promise<Listed | undefined> {
		return await this.readUnknown(provider, this.before.get(provider));
	}

	/**
	 * @param before tasks that are surely others
	 * @returns the tasks that this run does not know; undefined where the provider does not tell
	 */
	async readUnknown(provider: Provider, before?: Set<string>): Promise<Listed | undefined> {
		const now = await this.ids(provider, timing.lostAnswer.triesAfter);
		if (!now) return undefined;
		const mine = this.known().map(({ taskId }) => taskId);
		const ids = now.filter((id) => !before?.has(id) && !mine.includes(id));
		return {
			ids: ids.slice(0, MOST_NAMED),
			left: Math.max(0, ids.length - MOST_NAMED),
			isSince: before !== undefined,
			isComplete: mine.length > 0 && mine.every((id) => now.includes(id)),
		};
	}

	/** @returns the IDs of the account's tasks, newest first; undefined where the provider does not tell */
	private async ids(provider: Provider, tries: number): Promise<string[] | undefined> {
		const { listPath, readList } = provider;
		if (!listPath || !readList) return undefined;
		for (let n = 1; ; n++) {
			const ids = await this.pages(provider, listPath, readList);
			if (ids) return ids;
			if (n >= tries || this.run.sinceEnd() >= 0) return undefined;
			await sleep(timing.lostAnswer.pause * n);
		}
	}

	private async pages(
		provider: Provider,
		listPath: string,
		readList: NonNullable<Provider['readList']>,
	): Promise<string[] | undefined> {
		const ids = new Set<string>();
		for (let page = 1; page <= MOST_PAGES; page++) {
			const path = page === 1 ? listPath : `${listPath}?page=${page}`;
			// Heard out after Stop, too: it may be the only place that names what was paid for.
			const { status, body } = await read(this.run.context, provider, path, false);
			const isBehindEnd = page > 1 && status >= 400 && status < 500;
			if (isBehindEnd) break;
			const tasks = status === 200 ? readList(body) : undefined;
			if (!tasks) return undefined;
			const size = ids.size;
			for (const task of tasks) {
				// An entry that cannot be read may be the very task that is looked for.
				if (!task) return undefined;
				ids.add(task.taskId);
			}
			// A list that knows no pages gives the same one again.
			if (ids.size - size < SHORTEST_PAGE) break;
		}
		return [...ids];
	}
}

/** A request that creates a task, as far as an error needs it. */
interface Asked {
	provider: Provider;
	endpoint: EndpointName;
}

/** @returns the error for a request that may have left a task behind */
export function maybeCreated(
	{ provider, endpoint }: Asked,
	reason: string,
	answer?: Pick<Answer, 'status'>,
	listed?: Listed,
): MaybeCreated {
	return new MaybeCreated(
		`${provider.label} may have created a task that is billed: ${reason}`,
		`The request was not repeated, so nothing is paid twice. ${findIt(provider, listed)}`,
		{
			provider: provider.name,
			endpoint,
			status: 'unknown',
			reason,
			httpStatus: answer?.status || undefined,
			retryable: false,
			...(listed ? { possibleTaskIds: listed.ids } : {}),
		},
	);
}

/** @returns a sentence that says where the task may be found */
export function findIt({ label }: Provider, listed: Listed | undefined): string {
	if (!listed) return `Look for it in the ${label} console before you run this item again.`;
	const { ids, left, isSince, isComplete } = listed;
	if (ids.length === 0) {
		const so = isComplete ? ', so most likely none was made' : '';
		return `${label} lists no new task${so}; look again in a minute before you run this item again.`;
	}
	const named = `${ids.join(', ')}${left > 0 ? ` and ${left} older ones` : ''}`;
	return `${isSince ? `Since this run began, ${label} lists` : `It may be one of those that ${label} lists`}: ${named}. Other workflows may have made some of them. Look at them with Kling Task Status before you run this item again.`;
}

/** @returns what came instead of a usable answer, fit to be shown */
export function describe(answer: Answer): string {
	const { status, headers, body, failure, conceal } = answer;
	const between = intermediaryOf(answer);
	const trace = asText(headers.traceparent);
	const request = trace === undefined ? '' : `; request ${excerpt(conceal(trace), 80)}`;
	if (failure) return `no answer came (${failure.reason})${request}`;
	if (between) return `HTTP ${status}, which is no answer of the API: it ${between.what}${request}`;
	const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
	const shown =
		text.trim() === ''
			? 'an empty answer'
			: `an answer without a usable task ID: ${excerpt(conceal(text), 200)}`;
	return `HTTP ${status} with ${shown}${request}`;
}
