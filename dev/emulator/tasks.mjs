// @ts-check
/**
 * The life of a task, the same for both providers: queued, running, then completed or failed. Time drives it; the control endpoint
 * can get ahead of time.
 *
 * @typedef {'queued'|'running'|'completed'|'failed'} Phase
 *
 * @typedef {object} Plan what a request asks for, in no provider's words
 * @property {'std'|'pro'} tier
 * @property {'16:9'|'9:16'|'1:1'|'start image'|'reference'} aspect a named image or video gives it, 16:9 without one
 * @property {number | null} seconds null: as long as the reference
 * @property {boolean} sound
 * @property {string} video
 * @property {{ source: string, ratioLimit?: number }[]} images
 * @property {string | null} startImage
 *
 * @typedef {{ reason: string, code: number }} Failure
 *
 * @typedef {object} Task
 * @property {string} id
 * @property {string} provider
 * @property {string} endpoint the create path it was made on
 * @property {unknown} body
 * @property {Plan} plan
 * @property {Phase} phase
 * @property {number} createdAt
 * @property {number} changedAt when the phase began
 * @property {number | null} completedAt
 * @property {number} seconds from creation to the end
 * @property {number} queuedSeconds of these
 * @property {Failure | null} failure
 * @property {Failure | null} doom the failure it is meant to come to
 * @property {(ReturnType<typeof stampedClip> & { hash: string | null }) | null} result
 * @property {number | null} resultBytes
 * @property {boolean} checked whether its references are fetched
 * @property {'billed'|'rejected'|'seeded'} account
 * @property {number} linkEpoch links of earlier epochs are void
 * @property {import('./callbacks.mjs').Receipt[]} callbacks
 * @property {AbortController} life aborted when the emulator forgets it
 * @property {Promise<void>} [ready] references checked and result made; rejects with a Refusal
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { stampedClip } from './content.mjs';
import { clip, FRAMES_PER_SECOND } from './media.mjs';
import { Refusal } from './reference.mjs';

const LONGEST_KEPT_TEXT = 4096;
const LARGEST_HASHED_AT_ONCE = 16 * 1024 * 1024;
/** What the reference is taken for when it is not looked at. */
const UNSEEN_SECONDS = 5;

export class Ledger {
	/** @type {Map<string, Task>} */ tasks = new Map();
	/** How many tasks there are of each kind, by provider. @type {Record<string, number>} */ billed;
	/** @type {Record<string, number>} */ rejected;
	/** @type {Record<string, number>} */ #open;
	/** @type {Record<string, number>} */ #made;
	#emulator;

	/** @param {import('./server.mjs').Emulator} emulator */
	constructor(emulator) {
		this.#emulator = emulator;
		this.billed = this.#none();
		this.rejected = this.#none();
		this.#open = this.#none();
		this.#made = this.#none();
	}

	get openTasks() {
		return sum(this.#open);
	}

	/** @param {string} provider */
	isFull(provider) {
		const most = this.#emulator.settings.maxConcurrent[provider];
		return most !== null && this.#open[provider] >= most;
	}

	/**
	 * @param {Pick<Task, 'provider' | 'endpoint' | 'body' | 'plan'> & Partial<Pick<Task, 'account' | 'id' | 'seconds' | 'resultBytes'>>} order
	 * @returns {Task}
	 */
	create({
		provider,
		endpoint,
		body,
		plan,
		account = 'billed',
		id = randomUUID(),
		seconds,
		resultBytes,
	}) {
		const { settings } = this.#emulator;
		const nth = sum(this.#made);
		const turns = [settings.taskSeconds].flat();
		const lasts = seconds ?? turns[nth % turns.length];
		const now = Date.now();
		/** @type {Task} */
		const task = {
			id,
			provider,
			endpoint,
			body: withoutLongTexts(body),
			plan,
			phase: 'queued',
			createdAt: now,
			changedAt: now,
			completedAt: null,
			seconds: lasts,
			queuedSeconds: lasts * settings.queuedShare,
			failure: null,
			doom: null,
			result: null,
			resultBytes: resultBytes ?? settings.resultBytes,
			checked: settings.referenceChecks && account === 'billed',
			account,
			linkEpoch: 0,
			callbacks: [],
			life: new AbortController(),
		};
		this.tasks.set(id, task);
		this.#open[provider]++;
		if (account === 'rejected') {
			this.rejected[provider]++;
			this.fail(task, { reason: 'Too many concurrent tasks for this account', code: 1303 });
			return task;
		}
		if (account === 'billed') {
			this.billed[provider]++;
			this.#made[provider]++;
			task.doom = this.#doom(provider);
		}
		this.#emulator.callbacks.changed(task);
		this.#live(task);
		return task;
	}

	/**
	 * @param {string} provider
	 * @returns {Failure | null}
	 */
	#doom(provider) {
		const { failTasks } = this.#emulator.settings;
		if (!failTasks || (failTasks.provider && failTasks.provider !== provider)) return null;
		const nth = failTasks.provider ? this.#made[provider] : sum(this.#made);
		if (failTasks.nth !== 'all' && ![failTasks.nth].flat().includes(nth)) return null;
		return { reason: failTasks.reason ?? 'The generation failed', code: failTasks.code ?? 5001 };
	}

	/** @param {Task} task */
	async #live(task) {
		const { signal } = task.life;
		task.ready = this.#prepare(task);
		task.ready.catch(() => {});
		try {
			await sleep(task.queuedSeconds * 1000, undefined, { signal });
			this.#enter(task, 'running');
			await Promise.all([
				task.ready,
				sleep((task.seconds - task.queuedSeconds) * 1000, undefined, { signal }),
			]);
			if (task.doom) this.fail(task, task.doom);
			else this.#enter(task, 'completed');
		} catch (error) {
			if (!signal.aborted) this.fail(task, asFailure(error));
		}
	}

	/** @param {Task} task */
	async #prepare(task) {
		const { plan } = task;
		const found = task.checked
			? await this.#emulator.references.inspect(plan)
			: { video: null, startImage: null };
		const seconds = plan.seconds ?? found.video?.seconds ?? UNSEEN_SECONDS;
		const made = await clip({
			...pixels(plan, found),
			frames: Math.round(seconds * FRAMES_PER_SECOND),
			sound: plan.sound,
		});
		const note = `Made by the Kling V2V emulator for task ${task.id}: a test pattern, not a generated video. `;
		const content = stampedClip(made, note, task.resultBytes);
		task.result = {
			...content,
			hash: content.bytes > LARGEST_HASHED_AT_ONCE ? null : await content.sha256(),
		};
	}

	/**
	 * Ends the task as completed now, or as soon as its clip is there.
	 *
	 * @param {Task} task
	 */
	async complete(task) {
		try {
			await task.ready;
			this.#enter(task, 'completed');
		} catch (error) {
			this.fail(task, asFailure(error));
		}
	}

	/**
	 * @param {Task} task
	 * @param {Failure} failure
	 */
	fail(task, failure) {
		if (isOver(task)) return;
		task.failure = failure;
		this.#enter(task, 'failed');
	}

	/**
	 * @param {Task} task
	 * @param {Phase} phase
	 */
	#enter(task, phase) {
		if (isOver(task) || task.life.signal.aborted) return;
		task.phase = phase;
		task.changedAt = Date.now();
		if (isOver(task)) {
			task.completedAt = task.changedAt;
			this.#open[task.provider]--;
		}
		this.#emulator.callbacks.changed(task);
	}

	reset() {
		for (const task of this.tasks.values()) task.life.abort();
		this.tasks.clear();
		this.billed = this.#none();
		this.rejected = this.#none();
		this.#open = this.#none();
		this.#made = this.#none();
	}

	/** @returns {Record<string, number>} */
	#none() {
		return Object.fromEntries(this.#emulator.providerNames.map((name) => [name, 0]));
	}
}

/** @param {Record<string, number>} counts */
export const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

/** @param {Task} task */
export const isOver = ({ phase }) => phase === 'completed' || phase === 'failed';

/**
 * Whether the second half of the present phase has begun; the providers have more than one word for some phases.
 * @param {Task} task
 */
export const isLate = ({ phase, changedAt, seconds, queuedSeconds }) =>
	Date.now() - changedAt > (phase === 'queued' ? queuedSeconds : seconds - queuedSeconds) * 500;

/**
 * @param {unknown} error
 * @returns {Failure}
 */
const asFailure = (error) => ({
	reason: error instanceof Error ? error.message : String(error),
	code: error instanceof Refusal ? error.code : 5000,
});

/**
 * @param {Plan} plan
 * @param {import('./reference.mjs').References} found
 */
function pixels({ tier, aspect }, { video, startImage }) {
	const short = tier === 'pro' ? 1080 : 720;
	const model = aspect === 'reference' ? video : aspect === 'start image' ? startImage : null;
	const [across, down] = model
		? [model.width, model.height]
		: aspect === '9:16'
			? [9, 16]
			: aspect === '1:1'
				? [1, 1]
				: [16, 9];
	const even = (/** @type {number} */ length) => 2 * Math.round(length / 2);
	const scale = short / Math.min(across, down);
	return { width: even(across * scale), height: even(down * scale) };
}

/**
 * Hundreds of tasks with Base64 images must not fill the memory; a digest still proves that the image came through whole.
 * @param {unknown} body
 * @returns {unknown}
 */
const withoutLongTexts = (body) =>
	JSON.parse(JSON.stringify(body), (_key, value) =>
		typeof value === 'string' && value.length > LONGEST_KEPT_TEXT
			? `sha256:${createHash('sha256').update(value).digest('hex')} (${value.length} characters)`
			: value,
	);
