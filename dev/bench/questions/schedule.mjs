// @ts-check
import { createRequire } from 'node:module';
import path from 'node:path';
import { mean, seeded } from '../report/figures.mjs';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LONGEST = 50 * MINUTE;

/** Tasks of one execution, which learn from each other in ours. */
const BATCH = 30;
const AT_ONCE = 3;

/** A loop of HTTP Request, Wait and If: awake in short pauses, or asleep in n8n's database from 65 s on. */
const AWAKE_LOOP = 10 * SECOND;
const ASLEEP_LOOP = 65 * SECOND;

/**
 * @typedef {{ duration: number, lag: number, looks: number, before: number }} Watched times in milliseconds; `before`: of the last look but one
 * @typedef {(kind: string, elapsed: number, fixed?: number) => number} Next
 * @typedef {{ next: Next, nextAsleep: Next, learn(kind: string, seen: number, before: number): void }} Schedule
 */

/**
 * Durations as the providers and users report them: mostly 30 to 120 s, some of several minutes, and a tail to 50 minutes.
 *
 * @param {() => number} random
 */
function someDuration(random) {
	const kind = random();
	const [middle, spread] =
		kind < 0.75 ? [MINUTE, 0.42] : kind < 0.93 ? [4 * MINUTE, 0.5] : [25 * MINUTE, 0.5];
	const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
	return Math.min(Math.max(middle * Math.exp(spread * normal), 15 * SECOND), LONGEST);
}

/**
 * Looks until a task is seen finished; the time is made up, so nothing is waited for.
 *
 * @param {(elapsed: number) => number} next
 * @param {number} duration
 * @returns {Watched}
 */
function watch(next, duration) {
	let elapsed = 0;
	let looks = 0;
	let before = 0;
	while (elapsed < duration) {
		before = elapsed;
		elapsed += next(elapsed);
		looks++;
	}
	return { duration, lag: elapsed - duration, looks, before };
}

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function schedule(lab, { quick }) {
	const built = path.join(lab.packed.folder, 'dist/nodes/shared/wait/schedule.js');
	/** @type {{ PollSchedule: new (clock: object) => Schedule }} */
	const { PollSchedule } = createRequire(import.meta.url)(built);
	const random = seeded(1);
	const fresh = () => new PollSchedule({ random });
	const durations = Array.from({ length: quick ? 3_000 : 60_000 }, () => someDuration(random));

	/** @param {'next' | 'nextAsleep'} way */
	const ours = (way) =>
		durations.map((duration) => {
			const own = fresh();
			return watch((elapsed) => own[way]('kind', elapsed), duration);
		});
	/** @param {number} pause */
	const loop = (pause) => durations.map((duration) => watch(() => pause, duration));
	/** @param {string} what @param {Watched[]} own @param {Watched[]} theirs @param {string} against */
	const rows = (what, own, theirs, against) => [
		{ what: `${what}: lag`, against, ratio: meanOf(own, 'lag') / meanOf(theirs, 'lag') },
		{ what: `${what}: requests`, against, ratio: meanOf(own, 'looks') / meanOf(theirs, 'looks') },
	];
	const asleep = ours('nextAsleep');
	const sameDay = inBatches(durations, fresh);
	return {
		id: 'd',
		title: 'How late is the end of a task noticed, and for how many requests?',
		decision: 'Leave Poll Interval and While Waiting alone, or set them.',
		how: `The schedule of the packed package, with a made-up clock, over ${durations.length.toLocaleString('en')} durations: three quarters around one minute, 18 % around four minutes, 7 % around 25 minutes with a tail to 50. Lag is the time from the end of a task to the look that finds it finished. A batch is ${BATCH} tasks of one execution, ${AT_ONCE} at a time, which take about as long as each other.`,
		rows: [
			...rows('awake', ours('next'), loop(AWAKE_LOOP), 'a loop that asks every 10 s'),
			...rows('asleep, one task', asleep, loop(ASLEEP_LOOP), 'a loop that sleeps 65 s'),
			...rows('asleep, batch', sameDay, loop(ASLEEP_LOOP), 'a loop that sleeps 65 s'),
			{
				what: 'lag as a share of the duration, awake',
				against: 'a twentieth',
				ratio: mean(ours('next').map(({ lag, duration }) => lag / duration)) / 0.05,
				most: 1,
			},
			{
				what: 'asleep, one task: requests',
				against: 'our own awake (While Waiting: Run)',
				ratio: meanOf(asleep, 'looks') / meanOf(ours('next'), 'looks'),
				most: 1,
			},
		],
	};
}

/** @param {Watched[]} list @param {'lag' | 'looks'} what */
const meanOf = (list, what) => mean(list.map((each) => each[what]));

/**
 * Tasks of one execution take about as long as each other: a fifth more or less around what is usual that day.
 *
 * @param {number[]} usual
 * @param {() => Schedule} fresh
 */
function inBatches(usual, fresh) {
	const random = seeded(2);
	return usual.slice(0, Math.ceil(usual.length / BATCH)).flatMap((duration) => {
		const shared = fresh();
		/** @type {Watched[]} */
		const watched = [];
		while (watched.length < BATCH) {
			// What runs at the same time begins without knowing of each other.
			const together = Array.from({ length: AT_ONCE }, () =>
				watch((elapsed) => shared.nextAsleep('kind', elapsed), duration * (0.8 + 0.4 * random())),
			);
			for (const { duration: real, lag, before } of together) {
				shared.learn('kind', real + lag, before);
			}
			watched.push(...together);
		}
		return watched;
	});
}
