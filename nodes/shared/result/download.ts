import type { IBinaryData } from 'n8n-workflow';
import { DownloadFailed } from '../errors';
import type { NodeRun } from '../n8n/nodeRun';
import { hostsOutOfReach } from '../http/reach';
import { providers } from '../providers';
import { refOf, VIDEO_MIME_TYPE } from '../task';
import type { KlingTask } from '../task';
import { timing } from '../timing';
import { linkExpiry } from '../util/linkExpiry';
import { isPrivateHost } from '../util/urls';
import { excerpt } from '../util/unknown';
import { look } from '../wait/look';
import { inWords, ResumableStream } from './resumableStream';
import { TryLater } from './troubles';
import type { Unusable } from './troubles';

/** Which attempt is the next. Plain data, so that it can be stored between two attempts. */
export interface Attempts {
	/** Attempts that failed so far. */
	failed: number;
	/** When the first of them did, in milliseconds since 1970. */
	since: number;
}

/** How one attempt to fetch a video ended. */
export type Attempt =
	| { is: 'done'; task: KlingTask; data: IBinaryData }
	/** It may pass: the next attempt is worth it in `pause` milliseconds, with these `attempts`. */
	| { is: 'later'; task: KlingTask; pause: number; attempts: Attempts; reason: string }
	| { is: 'failed'; task: KlingTask; error: DownloadFailed };

/**
 * One attempt to stream the first video of a finished task into n8n's binary store, never holding more
 * than a chunk. It does not wait before the first byte: that is the caller's, awake or asleep. Once
 * bytes flow, a connection that breaks or stalls is taken up where it broke.
 * @param attempts as the attempt before has told; left out for the first
 * @returns never throws but for Stop
 */
export async function attemptDownload(
	run: NodeRun,
	task: KlingTask,
	attempts?: Attempts,
): Promise<Attempt> {
	const { clock, context } = run;
	let current = task;
	const refresh = async () => {
		// Where the provider cannot be asked just now, the link that is known may still work.
		const seen = await look(run, task).then(
			(found) => found.task,
			() => undefined,
		);
		if (seen?.videoUrls[0] !== undefined) current = seen;
		return current.videoUrls[0];
	};
	let link: string | undefined = task.videoUrls[0];
	if (attempts || isExpired(link, clock.now())) link = await refresh();
	if (link === undefined) {
		const error = new DownloadFailed(refOf(task), 'the provider gives no link');
		return { is: 'failed', task, error };
	}
	const stream = new ResumableStream(run, {
		link,
		isForbidden: await forbiddenHosts(run, task),
		freshLink: refresh,
	});
	try {
		const file = await stream.open();
		const data = await context.helpers.prepareBinaryData(
			file,
			`${task.taskId}.mp4`,
			VIDEO_MIME_TYPE,
		);
		return { is: 'done', task: current, data };
	} catch (error) {
		// After Stop, no result is wanted.
		clock.check();
		return judge(run, current, stream.trouble ?? storeTrouble(error), attempts);
	} finally {
		stream.close();
	}
}

/**
 * The same with all the patience there is, awake: attempt after attempt, each with a fresh link.
 * @returns the stored file, or why it could not be had
 */
export async function download(
	run: NodeRun,
	task: KlingTask,
): Promise<Exclude<Attempt, { is: 'later' }>> {
	let attempt = await attemptDownload(run, task);
	while (attempt.is === 'later') {
		await run.clock.pause(attempt.pause);
		attempt = await attemptDownload(run, attempt.task, attempt.attempts);
	}
	return attempt;
}

/** Says whether another attempt is worth it, and when. */
function judge(
	{ clock }: NodeRun,
	task: KlingTask,
	trouble: TryLater | Unusable | Error,
	before?: Attempts,
): Attempt {
	const now = clock.now();
	const attempts = { failed: (before?.failed ?? 0) + 1, since: before?.since ?? now };
	const httpStatus = 'httpStatus' in trouble ? trouble.httpStatus : undefined;
	const fail = (reason: string): Attempt => {
		return { is: 'failed', task, error: new DownloadFailed(refOf(task), reason, httpStatus) };
	};
	if (!(trouble instanceof TryLater)) return fail(trouble.message);
	const { patience, firstPause, longestPause } = timing.download;
	const growing = Math.min(firstPause * 2 ** (attempts.failed - 1), longestPause);
	// Jittered, so that items that failed together do not come back in step.
	const pause = Math.max(growing * (0.5 + clock.random() / 2), trouble.pause);
	if (now + pause - attempts.since <= patience) {
		return { is: 'later', task, pause, attempts, reason: trouble.message };
	}
	const tried = `tried ${attempts.failed} times in ${inWords(now - attempts.since)}`;
	return fail(attempts.failed > 1 ? `${trouble.message} (${tried})` : trouble.message);
}

function storeTrouble(error: unknown): Error {
	const reason = error instanceof Error ? error.message : String(error);
	return new Error(`n8n could not store the file: ${excerpt(reason, 200)}`);
}

function isExpired(link: string | undefined, now: number): boolean {
	const expiry = link === undefined ? null : linkExpiry(link);
	return expiry !== null && Date.parse(expiry) <= now;
}

/**
 * Which hosts a result may not be fetched from. An answer of a public API that points inward would have n8n fetch from
 * its own network.
 */
async function forbiddenHosts(
	{ context }: NodeRun,
	{ provider }: KlingTask,
): Promise<(hostname: string) => boolean> {
	// Where the credential cannot be read, the API counts as public.
	return await hostsOutOfReach(context, providers[provider]).catch(() => isPrivateHost);
}
