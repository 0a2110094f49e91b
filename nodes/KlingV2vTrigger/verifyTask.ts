import { executionClock } from '../shared/n8n/clock';
import type { Callback, Provider } from '../shared/providers';
import { ConcurrencyLimit } from '../shared/util/concurrencyLimit';
import type { KlingTask } from '../shared/task';
import { isFinished } from '../shared/task';
import { retryAfter } from '../shared/http/transport';
import type { Answer } from '../shared/http/answer';
import type { RequestContext } from '../shared/http/transport';
import { look, settled } from '../shared/wait/look';
import { BoundedMap } from '../shared/util/boundedMap';
import { timing } from '../shared/timing';

/** What the provider's API says to a callback. */
export type Finding =
	| { is: 'confirmed'; task: KlingTask }
	/** There is no such task for this key. */
	| { is: 'unknown' }
	/** The task is there, and still at work. */
	| { is: 'unconfirmed' }
	/** Too many callbacks have led to nothing. */
	| { is: 'busy' }
	| { is: 'unavailable'; reason: string };

const MINUTE_MS = 60_000;
/** Looked up at a time; a burst waits its turn. */
const AT_ONCE = 10;
const WAITING = 1_000;
const UNKNOWN_IDS = 2_000;

/** What an API says to an id that it has not given out. */
const NO_SUCH_TASK = new Set([400, 404, 410, 422]);

/** No other endpoint of the same host would say otherwise. */
const isForWholeHost = (status: number) =>
	status === 0 || status === 401 || status === 429 || status >= 500;

/** Looks up the tasks that callbacks are about; a caller can make it ask little, and hold little. */
export class Checker {
	private readonly clock = executionClock(new AbortController().signal);

	private readonly slots = new ConcurrencyLimit(AT_ONCE);

	private readonly allowance = new Allowance();

	private readonly underWay = new Map<string, Promise<Finding>>();

	/** When an id was unknown, in milliseconds since 1970. */
	private readonly unknown = new BoundedMap<number>(UNKNOWN_IDS);

	/** Callbacks of the same moment about one task share one look at it. */
	async check(context: RequestContext, provider: Provider, callback: Callback): Promise<Finding> {
		// A task may be unknown right after its creation; that must not cost its end.
		const key = `${provider.name} ${callback.taskId} ${isFinished(callback)}`;
		const since = this.unknown.get(key) ?? -Infinity;
		if (this.clock.now() - since < timing.verify.unknownFor) return { is: 'unknown' };
		const begun = this.underWay.get(key);
		if (begun) return await begun;
		if (this.underWay.size >= WAITING) return { is: 'busy' };
		const finding = this.slots.run(async () => await this.ask(context, provider, callback));
		this.underWay.set(key, finding);
		try {
			const found = await finding;
			if (found.is === 'unknown') this.unknown.set(key, this.clock.now());
			return found;
		} finally {
			this.underWay.delete(key);
		}
	}

	private async ask(
		context: RequestContext,
		provider: Provider,
		callback: Callback,
	): Promise<Finding> {
		for (let tries = 0; ; tries++) {
			if (this.allowance.isSpent(this.clock.now())) return { is: 'busy' };
			const { task, answers } = await find(context, provider, callback);
			const pause = timing.verify.pauses[tries] ?? -1;
			if (task && bearsOut(task, callback, pause < 0))
				return { is: 'confirmed', task: settled(task) };
			this.allowance.spend(answers.length, this.clock.now());
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
function bearsOut(task: KlingTask, callback: Callback, isLastTry: boolean): boolean {
	if (!isFinished(task)) return !isFinished(callback);
	return task.status === 'failed' || task.videoUrls.length > 0 || isLastTry;
}

/** Asks where the task may be, until it is found. */
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

/** Guards the account's own rate limit against whoever sends invented task ids. */
class Allowance {
	/** When each fruitless request of the last minute was made, in milliseconds since 1970. */
	private spent: number[] = [];

	isSpent(now: number): boolean {
		this.spent = this.spent.filter((at) => now - at < MINUTE_MS);
		return this.spent.length >= timing.verify.maxUnconfirmed;
	}

	spend(count: number, now: number): void {
		for (let i = 0; i < count; i++) this.spent.push(now);
	}
}
