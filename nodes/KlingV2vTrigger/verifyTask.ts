import { executionClock } from '../shared/n8n/clock';
import type { Clock } from '../shared/n8n/clock';
import type { Callback, Provider } from '../shared/providers';
import type { KlingTask } from '../shared/task';
import { isFinished } from '../shared/task';
import { read, retryAfter } from '../shared/http/transport';
import type { RequestContext } from '../shared/http/requestContext';
import type { Answer } from '../shared/http/answer';
import { look, settled } from '../shared/wait/look';
import { BoundedMap } from '../shared/util/boundedMap';
import { timing } from '../shared/timing';

/** The API's answer to the claim of a callback. */
export type Verification =
	| { is: 'confirmed'; task: KlingTask }
	/** There is no such task for this key. */
	| { is: 'unknown' }
	/** The task exists, and has not ended as the callback claims. */
	| { is: 'unconfirmed' }
	/** Too many callbacks were waiting to be looked up. */
	| { is: 'busy' }
	| { is: 'unavailable'; reason: string };

/** A callback that waits to be looked up. */
interface Inquiry {
	context: RequestContext;
	provider: Provider;
	callback: Callback;
	/** Whether the provider's list of tasks has its task; undefined until the list was read. */
	isListed?: boolean;
	settle(verification: Verification): void;
}

/** Tasks that are looked up at the same time. */
const AT_ONCE = 10;

/** Unknown IDs that are remembered. */
const UNKNOWN_IDS = 2_000;

/** HTTP statuses of an API for an ID that it has not given out. */
const NO_SUCH_TASK = new Set([400, 404, 410, 422]);

/** No other endpoint of the same host would say otherwise. */
const isForWholeHost = (status: number) =>
	status === 0 || status === 401 || status === 429 || status >= 500;

/**
 * Looks up the tasks that callbacks are about. The callers are untrusted, so three things are bounded:
 * the callbacks that wait, the look-ups at the same time, and the requests that confirm nothing.
 * A flood of invented IDs uses up the last of these; true callbacks get past it in two ways. A provider
 * that has a list of tasks is asked for it, and one answer tells of many waiting IDs which are true:
 * those are looked up at once. Without a list the newest callback is looked up first, so that one does
 * not wait for all invented ones before it.
 */
export class TaskVerifier {
	private readonly budget: LookUpBudget;

	/** Oldest first. */
	private readonly waiting: Inquiry[] = [];

	private readonly underWay = new Map<string, Promise<Verification>>();

	/** When an ID was unknown, in milliseconds since 1970. */
	private readonly unknown = new BoundedMap<number>(UNKNOWN_IDS);

	private workers = 0;

	/** Shared by all workers that find nothing they may look up. */
	private pausing?: Promise<void>;

	/** The list is not read again before this time, in milliseconds since 1970. */
	private listAt = -Infinity;

	constructor(private readonly clock: Clock = executionClock(new AbortController().signal)) {
		this.budget = new LookUpBudget(clock.now());
	}

	/** Callbacks about the same task at the same time share one look-up. */
	async verify(
		context: RequestContext,
		provider: Provider,
		callback: Callback,
	): Promise<Verification> {
		// A task may be unknown right after its creation; its end must be looked up all the same.
		const key = `${provider.name} ${callback.taskId} ${isFinished(callback)}`;
		const age = this.clock.now() - (this.unknown.get(key) ?? -Infinity);
		if (age >= 0 && age < timing.verify.unknownFor) return { is: 'unknown' };
		const begun = this.underWay.get(key);
		if (begun) return await begun;
		const verification = this.enqueue({ context, provider, callback });
		this.underWay.set(key, verification);
		try {
			const result = await verification;
			if (result.is === 'unknown') this.unknown.set(key, this.clock.now());
			return result;
		} finally {
			this.underWay.delete(key);
		}
	}

	private async enqueue(inquiry: Omit<Inquiry, 'settle'>): Promise<Verification> {
		const verification = new Promise<Verification>((settle) => {
			this.waiting.push({ ...inquiry, settle });
		});
		if (this.waiting.length > timing.verify.maxWaiting) this.turnAwayOldest();
		if (this.workers < AT_ONCE) void this.work();
		return await verification;
	}

	/** The oldest that the list does not have, as that one is the likeliest to be invented. */
	private turnAwayOldest(): void {
		const index = this.waiting.findIndex(({ isListed }) => !isListed);
		this.waiting.splice(Math.max(0, index), 1)[0].settle({ is: 'busy' });
	}

	private async work(): Promise<void> {
		this.workers++;
		while (this.waiting.length > 0) {
			const inquiry = this.takeNext();
			if (inquiry) inquiry.settle(await this.lookUp(inquiry).catch(unavailable));
			else await (this.pausing ??= this.makeProgress().finally(() => (this.pausing = undefined)));
		}
		this.workers--;
	}

	/** @returns the newest inquiry that may be looked up now, or undefined where none may */
	private takeNext(): Inquiry | undefined {
		const listed = this.waiting.findLastIndex(({ isListed }) => isListed);
		if (listed >= 0) return this.waiting.splice(listed, 1)[0];
		return this.budget.isSpent(this.clock.now()) ? undefined : this.waiting.pop();
	}

	/** Reads the provider's list where that may tell something new; else waits for the budget. */
	private async makeProgress(): Promise<void> {
		const unlisted = this.waiting.filter(
			({ provider, isListed }) => provider.listPath !== undefined && isListed === undefined,
		);
		const now = this.clock.now();
		if (unlisted.length > 0 && now >= this.listAt) return await this.readList(unlisted);
		const untilList = unlisted.length > 0 ? this.listAt - now : timing.verify.listPause;
		await this.clock.pause(Math.min(untilList, this.budget.untilNext(now)));
	}

	/**
	 * Marks all inquiries that one list answers, also those that came while it was read. The list may be
	 * one page of several, so it proves no ID false.
	 */
	private async readList(asked: Inquiry[]): Promise<void> {
		const { context, provider } = asked[asked.length - 1];
		const answer = await read(context, provider, provider.listPath ?? '').catch(() => undefined);
		const tasks = answer?.status === 200 ? provider.readList?.(answer.body) : undefined;
		const ids = new Set(tasks?.map((task) => task?.taskId));
		for (const inquiry of this.waiting.filter((each) => each.provider === provider)) {
			if (ids.has(inquiry.callback.taskId)) inquiry.isListed = true;
			else if (tasks && asked.includes(inquiry)) inquiry.isListed = false;
		}
		const pause = (answer && retryAfter(answer, this.clock)) ?? 0;
		this.listAt = this.clock.now() + Math.max(pause, timing.verify.listPause);
	}

	private async lookUp({ context, provider, callback }: Inquiry): Promise<Verification> {
		for (let tries = 0; ; tries++) {
			const { task, answers } = await find(context, provider, callback);
			const pause = timing.verify.pauses[tries] ?? -1;
			if (task && confirms(task, callback, pause < 0)) {
				return { is: 'confirmed', task: settled(task) };
			}
			this.budget.spend(answers.length, this.clock.now());
			const odd = answers.find(({ status }) => !NO_SUCH_TASK.has(status));
			if (!odd) return { is: 'unknown' };
			const isHopeless = odd.status === 401 || odd.status === 403;
			if (isHopeless || (retryAfter(odd, this.clock) ?? 0) > pause) {
				return task ? { is: 'unconfirmed' } : { is: 'unavailable', reason: reasonOf(odd) };
			}
			await this.clock.pause(pause);
		}
	}
}

/** An API may lag behind its own callback, and a link behind the end of its task. */
function confirms(task: KlingTask, callback: Callback, isLastTry: boolean): boolean {
	if (!isFinished(task)) return !isFinished(callback);
	return task.status === 'failed' || task.videoUrls.length > 0 || isLastTry;
}

/** Asks each endpoint that may keep the task, until one does. */
async function find(
	context: RequestContext,
	{ name }: Provider,
	{ endpoints, taskId }: Callback,
): Promise<{ task?: KlingTask; answers: Answer[] }> {
	const answers: Answer[] = [];
	for (const endpoint of endpoints) {
		const { task, answer } = await look({ context }, { provider: name, endpoint, taskId });
		answers.push(answer);
		if (task || isForWholeHost(answer.status)) return { task, answers };
	}
	return { answers };
}

function reasonOf({ status, failure }: Answer): string {
	return failure?.reason ?? `HTTP ${status} without a status`;
}

/** The credential cannot work: it has no key, or its Base URL is none. */
function unavailable(error: Error): Verification {
	return { is: 'unavailable', reason: error.message };
}

/** Guards the account's own rate limit against invented task IDs. */
class LookUpBudget {
	private left = timing.verify.maxUnconfirmed;

	/** @param since when `left` was right, in milliseconds since 1970 */
	constructor(private since: number) {}

	isSpent(now: number): boolean {
		this.refill(now);
		return this.left < 1;
	}

	/** Requests that were under way together may take more than is left. */
	spend(requests: number, now: number): void {
		this.refill(now);
		this.left = Math.max(this.left - requests, -timing.verify.maxUnconfirmed);
	}

	/** Milliseconds until one more request is allowed. */
	untilNext(now: number): number {
		return this.isSpent(now) ? Math.ceil((1 - this.left) * timing.verify.unconfirmedPause) : 0;
	}

	private refill(now: number): void {
		const { maxUnconfirmed, unconfirmedPause } = timing.verify;
		// A clock that was set back takes nothing away.
		const passed = Math.max(0, now - this.since);
		this.left = Math.min(maxUnconfirmed, this.left + passed / unconfirmedPause);
		this.since = now;
	}
}
