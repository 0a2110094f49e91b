import { KlingError, NotReached, TaskFailed, TaskUnavailable } from '../errors';
import { noAnswer } from '../http/answer';
import type { Answer } from '../http/answer';
import { concealer, concealTask } from '../http/conceal';
import { intermediaryOf } from '../http/intermediary';
import { CERTIFICATE_ADVICE } from '../http/networkError';
import { read, retryAfter } from '../http/transport';
import type { RequestContext } from '../http/requestContext';
import type { NodeRun } from '../n8n/nodeRun';
import { allProviders, labelsOf, providers } from '../providers';
import type { KlingTask, TaskRef } from '../task';
import { failedWithoutLink, lacksLink, refOf } from '../task';
import { timing } from '../timing';
import { excerpt } from '../util/unknown';

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
	{ context }: { context: RequestContext },
	ref: TaskRef,
): Promise<{ task?: KlingTask; answer: Answer }> {
	const provider = providers[ref.provider];
	const answer = await read(context, provider, provider.statusPath(ref)).catch((error: Error) => {
		if (error instanceof NotReached) throw new TaskUnavailable(ref, error.message, ADVICE[401]);
		// n8n cannot read the credential just now, which is no reason to lose the task.
		const conceal = concealer([]);
		return noAnswer({ sent: false, reason: excerpt(conceal(error.message), 200) }, conceal);
	});
	const task = answer.status === 200 ? provider.readTask(ref, answer.body) : undefined;
	return { task: task && concealTask(task, answer.conceal), answer };
}

/**
 * One look, or some more where a task is completed and its link is not there yet.
 * @returns what the last look has seen
 */
export async function lookForLink(run: NodeRun, ref: TaskRef): ReturnType<typeof look> {
	for (let tries = 0; ; tries++) {
		const seen = await look(run, ref);
		if (!lacksLink(seen.task)) return seen;
		if (tries >= timing.wait.lookPauses.length) return { ...seen, task: settled(seen.task) };
		await run.clock.pause(timing.wait.lookPauses[tries]);
	}
}

/**
 * @param task as the last look has seen it; one that is completed has been asked for its link often enough
 * @returns the same, as failed where it has no link
 */
export function settled<T extends KlingTask | undefined>(task: T): T | KlingTask {
	return task && failedWithoutLink(task, providers[task.provider].noLinkReason);
}

/**
 * Looks a task up once, forgiving what passes in a few seconds.
 * @throws TaskUnavailable, or KlingError when the provider gives no usable answer
 */
export async function lookUp(run: NodeRun, ref: TaskRef): Promise<KlingTask> {
	const { clock } = run;
	for (let tries = 0; ; tries++) {
		clock.check();
		const { task, answer } = await lookForLink(run, ref);
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
	if (answer.status in ADVICE) return unavailable(ref, answer);
	const { label } = providers[ref.provider];
	const between = intermediaryOf(answer);
	const reason =
		between?.what ?? answer.failure?.reason ?? `HTTP ${answer.status} without a status`;
	const todo =
		between?.advice ??
		(answer.failure?.isCertificate ? `${CERTIFICATE_ADVICE}.` : 'Run again later.');
	return new KlingError(
		`${label} ${between ? reason : `could not be asked for the status: ${reason}`}. Task ${ref.taskId}`,
		`The task is not touched by this. ${todo}`,
		{ ...refOf(ref), reason, httpStatus: answer.status || undefined, retryable: true },
	);
}

/** @returns the error for a task that the provider does not show, or not to this key */
export function unavailable(ref: TaskRef, answer: Answer): TaskUnavailable {
	const { status } = answer;
	const between = intermediaryOf(answer);
	const { label } = providers[ref.provider];
	if (between) {
		return new TaskUnavailable(
			ref,
			`${label} ${between.what}`,
			`The task goes on at the provider. ${between.advice}`,
			status,
		);
	}
	const what =
		status === 404 ? `${label} does not know the task` : `${label} refuses to show the task`;
	return new TaskUnavailable(ref, `${what} (HTTP ${status})`, ADVICE[status], status);
}

/** @returns whether the provider says that there is no such task for this key */
export function isRefusal(answer: Answer, mayBeUnknown: boolean): boolean {
	const { status } = answer;
	if (!(status in ADVICE) || (status === 404 && mayBeUnknown)) return false;
	// A firewall's page, or a filter's, tells nothing about the task.
	return intermediaryOf(answer) === undefined;
}
