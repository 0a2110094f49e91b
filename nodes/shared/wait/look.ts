import { KlingError, NotReached, TaskFailed, TaskUnavailable } from '../errors';
import { allProviders, labelsOf, providers } from '../providers';
import { excerpt } from '../util/unknown';
import type { NodeRun } from '../n8n/nodeRun';
import type { KlingTask, TaskRef } from '../task';
import { isFinished, lacksLink, refOf } from '../task';
import { noAnswer, read, retryAfter } from '../http/transport';
import type { Answer, Context } from '../http/transport';
import { timing } from '../timing';

/** How often, and how long, to look at a task. */
export interface WaitLimits {
	/** Milliseconds since 1970. */
	deadline: number;
	/** Milliseconds; left out, the schedule decides. */
	pollInterval?: number;
}

export interface Waited {
	task: KlingTask;
	/** The limit passed first; the task goes on at the provider. */
	timedOut: boolean;
}

/** When the task began, and what kind it is: what the schedule needs to know. */
export interface Started {
	/** Milliseconds since 1970. */
	createdAt: number;
	kind: string;
	/** Created a moment ago: there is nothing to see yet. */
	isNew: boolean;
	/** Milliseconds for which the task may not be found; left out, as long as for a new one. */
	unknownAtFirst?: number;
}

const withEndpoints = allProviders.filter(({ endpoints }) => endpoints.length > 1);

const ADVICE: Record<number, string> = {
	401: 'The task goes on at the provider. Correct the key in the credential, then use Kling Task Status with this task ID.',
	403: 'The task goes on at the provider. Allow this key to read it, then use Kling Task Status with this task ID.',
	404: `Check the task ID, the provider (for ${labelsOf(withEndpoints)} the endpoint, too), and the Base URL in the credential: a task is found only where it was made.`,
};

/**
 * One look at a task.
 * @returns the answer, and the task where the answer holds one
 */
export async function look(
	{ context }: { context: Context },
	ref: TaskRef,
): Promise<{ task?: KlingTask; answer: Answer }> {
	const provider = providers[ref.provider];
	const answer = await read(context, provider, provider.statusPath(ref)).catch((error: Error) => {
		if (error instanceof NotReached) throw new TaskUnavailable(ref, error.message, ADVICE[401]);
		// n8n cannot read the credential just now, which is no reason to lose the task.
		return noAnswer({ sent: false, reason: excerpt(error.message, 200) });
	});
	const task = answer.status === 200 ? provider.readTask(ref, answer.body) : undefined;
	return { task, answer };
}

/**
 * One look, or some more where a task is completed and its link is not there yet.
 * @returns what the last look has seen
 */
export async function lookForLink(session: NodeRun, ref: TaskRef): ReturnType<typeof look> {
	for (let tries = 0; ; tries++) {
		const seen = await look(session, ref);
		if (!lacksLink(seen.task) || tries >= timing.wait.lookPauses.length) return seen;
		await session.clock.pause(timing.wait.lookPauses[tries]);
	}
}

/**
 * Looks at a task until it has finished or the deadline passes. Nothing that may pass by itself ends
 * the wait: no network error, no 429 or 5xx, no page of HTML, no unknown word for a status.
 * @throws TaskUnavailable when the provider keeps saying that there is no such task for this key
 */
export async function wait(
	session: NodeRun,
	known: KlingTask,
	{ createdAt, kind, isNew, unknownAtFirst = timing.wait.unknownAtFirst }: Started,
	{ deadline, pollInterval }: WaitLimits,
): Promise<Waited> {
	const { clock, schedule } = session;
	const elapsed = () => clock.now() - createdAt;
	let task = known;
	let refusals = 0;
	let missingLinks = 0;
	// When a task ended that had done so before the first look, nobody knows.
	let isFollowed = isNew;
	let pause = isNew ? schedule.next(kind, 0, pollInterval) : 0;
	for (;;) {
		const left = deadline - clock.now();
		await clock.pause(Math.max(0, Math.min(pause, left)));
		const seen = await look(session, task);
		if (seen.task) {
			task = seen.task;
			refusals = 0;
			session.report(task, elapsed());
			if (isFinished(task) && !(lacksLink(task) && missingLinks++ < timing.wait.maxMissingLinks)) {
				if (isFollowed && task.status === 'completed') schedule.learn(kind, elapsed());
				return { task, timedOut: false };
			}
			isFollowed = true;
		} else if (isRefusal(seen.answer, elapsed() <= unknownAtFirst)) {
			if (++refusals >= timing.wait.maxRefusals) throw unavailable(task, seen.answer.status);
		}
		if (pause >= left) return { task, timedOut: true };
		pause = Math.max(
			schedule.next(kind, elapsed(), pollInterval),
			retryAfter(seen.answer, clock) ?? 0,
		);
	}
}

/**
 * Looks a task up once, forgiving what passes in a few seconds.
 * @throws TaskUnavailable, or KlingError when the provider gives no usable answer
 */
export async function lookUp(session: NodeRun, ref: TaskRef): Promise<KlingTask> {
	const { clock } = session;
	for (let tries = 0; ; tries++) {
		clock.check();
		const { task, answer } = await lookForLink(session, ref);
		if (task) return task;
		const isFinal = answer.status === 401 || answer.status === 403;
		if (isFinal || tries >= timing.wait.lookPauses.length) throw noLook(ref, answer);
		await clock.pause(Math.max(timing.wait.lookPauses[tries], retryAfter(answer, clock) ?? 0));
	}
}

/** @throws TaskFailed when that is how the task ended */
export function expectVideo(task: KlingTask): void {
	if (task.status === 'failed') throw new TaskFailed(task, providers[task.provider].label);
}

function noLook(ref: TaskRef, answer: Answer): KlingError {
	if (answer.status in ADVICE) return unavailable(ref, answer.status);
	const { label } = providers[ref.provider];
	const reason = answer.failure?.reason ?? `HTTP ${answer.status} without a status`;
	return new KlingError(
		`${label} could not be asked for the status: ${reason}. Task ${ref.taskId}`,
		'The task is not touched by this. Run again later.',
		{ ...refOf(ref), reason, httpStatus: answer.status || undefined, retryable: true },
	);
}

/** @returns the error for a task that the provider does not show */
function unavailable(ref: TaskRef, status: number): TaskUnavailable {
	const { label } = providers[ref.provider];
	const what =
		status === 404 ? `${label} does not know the task` : `${label} refuses to show the task`;
	return new TaskUnavailable(ref, `${what} (HTTP ${status})`, ADVICE[status], status);
}

function isRefusal({ status }: Answer, mayBeUnknown: boolean): boolean {
	return status in ADVICE && !(status === 404 && mayBeUnknown);
}
