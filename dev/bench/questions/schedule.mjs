// @ts-check
import { createRequire } from 'node:module';
import path from 'node:path';
import { lines } from '../report/chart.mjs';
import { digits, mean, percent, quantile, seeded, times } from '../report/figures.mjs';
import { losses } from '../report/losses.mjs';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LONGEST = 50 * MINUTE;

/** Tasks of one execution, which learn from each other in ours. */
const BATCH = 30;
const AT_ONCE = 3;

const FIXED = [5, 10, 20];

/** Tasks per point of a plot. */
const SAMPLES = 4_000;

/** From half a minute to the longest that was seen. */
const BANDS = [
	{ name: 'up to 1 min', to: MINUTE },
	{ name: '1 to 2 min', to: 2 * MINUTE },
	{ name: '2 to 10 min', to: 10 * MINUTE },
	{ name: '10 to 50 min', to: LONGEST },
];

/**
 * @typedef {{ duration: number, lag: number, looks: number }} Watched times in milliseconds
 * @typedef {{ next(kind: string, elapsed: number, fixed?: number): number, learn(kind: string, seen: number, before: number): void }} Schedule
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
 * @param {Schedule} schedule
 * @param {number} duration
 * @param {number} [fixed]
 * @returns {Watched}
 */
function watch(schedule, duration, fixed) {
	let elapsed = 0;
	let looks = 0;
	while (elapsed < duration) {
		elapsed += schedule.next('kind', elapsed, fixed);
		looks++;
	}
	return { duration, lag: elapsed - duration, looks };
}

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function schedule(lab, { quick }) {
	const tasks = quick ? 3_000 : 60_000;
	const built = path.join(lab.packed.folder, 'dist/nodes/shared/wait/schedule.js');
	/** @type {{ PollSchedule: new (clock: object) => Schedule }} */
	const { PollSchedule } = createRequire(import.meta.url)(built);

	const random = seeded(1);
	const fresh = () => new PollSchedule({ random });
	const durations = Array.from({ length: tasks }, () => someDuration(random));

	/** @type {Map<string, Watched[]>} */
	const ways = new Map();
	ways.set(
		'ours, one task',
		durations.map((duration) => watch(fresh(), duration)),
	);
	ways.set(`ours, batch of ${BATCH}`, inBatches(durations, fresh));
	for (const seconds of FIXED) {
		ways.set(
			`every ${seconds} s`,
			durations.map((duration) => watch(fresh(), duration, seconds * SECOND)),
		);
	}
	return answer(ways, byDuration(fresh));
}

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
				watch(shared, duration * (0.8 + 0.4 * random())),
			);
			for (const { duration: real, lag } of together) shared.learn('kind', real + lag, real);
			watched.push(...together);
		}
		return watched;
	});
}

/**
 * The mean over tasks of about the same duration, for the plots.
 *
 * @param {() => Schedule} fresh
 */
function byDuration(fresh) {
	const random = seeded(3);
	const seconds = [20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1200, 1800, 2400, 3000];
	return ['ours', ...FIXED].map((way) => ({
		way,
		points: seconds.map((middle) => {
			const watched = Array.from({ length: SAMPLES }, () =>
				watch(
					fresh(),
					middle * SECOND * (0.9 + 0.2 * random()),
					typeof way === 'number' ? way * SECOND : undefined,
				),
			);
			return {
				seconds: middle,
				lag: mean(watched.map(({ lag, duration }) => lag / duration)),
				looks: mean(watched.map(({ looks }) => looks)),
			};
		}),
	}));
}

/**
 * @param {Map<string, Watched[]>} ways
 * @param {ReturnType<typeof byDuration>} curves
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(ways, curves) {
	const names = [...ways.keys()];
	const relative = (/** @type {Watched[]} */ list) =>
		mean(list.map(({ lag, duration }) => lag / duration));
	const looks = (/** @type {Watched[]} */ list) => mean(list.map((each) => each.looks));
	const of = (/** @type {string} */ name) => /** @type {Watched[]} */ (ways.get(name));
	const ours = of('ours, one task');

	const whole = names.map((name) => {
		const list = of(name);
		const lags = list.map(({ lag }) => lag / SECOND);
		return [
			name,
			`${digits(mean(lags))} s`,
			`${digits(quantile(lags, 0.95))} s`,
			percent(relative(list)),
			digits(looks(list)),
			name.startsWith('ours') ? '' : times(relative(ours) / relative(list)),
			name.startsWith('ours') ? '' : times(looks(ours) / looks(list)),
		];
	});
	const bands = BANDS.map(({ name, to }, n) => {
		const from = n === 0 ? 0 : /** @type {{ to: number }} */ (BANDS[n - 1]).to;
		const within = (/** @type {Watched[]} */ list) =>
			list.filter(({ duration }) => duration > from && duration <= to);
		return [
			name,
			percent(within(ours).length / ours.length),
			...names.map((way) => {
				const list = within(of(way));
				return `${percent(relative(list))}, ${digits(looks(list))}`;
			}),
		];
	});

	const ourCurve = /** @type {(typeof curves)[0]} */ (curves[0]).points;
	const worst = Math.max(...ourCurve.filter(({ seconds }) => seconds >= 30).map(({ lag }) => lag));
	const inTenMinutes = /** @type {{ looks: number }} */ (
		ourCurve.find(({ seconds }) => seconds === 600)
	).looks;
	const short = (/** @type {Watched[]} */ list) =>
		list.filter(({ duration }) => duration <= 2 * MINUTE);

	/** @param {string} where @param {number} seconds @param {(list: Watched[]) => Watched[]} part */
	const against = (where, seconds, part) => {
		const theirs = part(of(`every ${seconds} s`));
		return losses(`Looking every ${seconds} s, ${where}`, [
			{ what: 'lag', ours: relative(part(ours)), theirs: relative(theirs), shown: percent },
			{ what: 'requests', ours: looks(part(ours)), theirs: looks(theirs), shown: digits },
		]);
	};
	return {
		id: 'd',
		title: 'How late is the end of a task noticed, and for how many requests?',
		how: [
			`The schedule of the packed package, with a made-up clock, over ${ours.length.toLocaleString('en')} durations: three quarters around one minute (30 to 120 s mostly), 18 % around four minutes, 7 % around 25 minutes with a tail to 50. Lag is the time from the end of a task to the look that finds it finished; the time that a request takes is left out. A batch is ${BATCH} tasks of one execution, ${AT_ONCE} at a time, which take about as long as each other: there our node learns from the first ones.`,
		],
		tables: [
			{
				caption: 'All durations',
				columns: [
					'way',
					'mean lag',
					'lag, 95 of 100',
					'of the duration',
					'requests',
					'our lag is',
					'our requests are',
				],
				rows: whole,
			},
			{
				caption: 'By duration: lag as a share of it, and requests per task',
				columns: ['duration', 'of all tasks', ...names],
				rows: bands,
			},
		],
		targets: [
			{
				text: 'From 30 s to 50 min, the mean lag is at most 5 % of the duration',
				measured: percent(worst),
				met: worst <= 0.05,
			},
			{
				text: 'At most 45 requests for a task of 10 minutes',
				measured: digits(inTenMinutes),
				met: inTenMinutes <= 45,
			},
		],
		pictures: [
			{
				name: 'bench-lag',
				alt: 'Mean lag as a share of the duration, by duration, for our schedule and fixed intervals',
				svg: lines({
					title: 'How late the end is noticed',
					x: durationAxis,
					y: { label: 'mean lag, % of the duration' },
					series: curves.map(({ way, points }, colour) => ({
						name: nameOf(way),
						colour,
						points: points.map(({ seconds, lag }) => [seconds, lag * 100]),
					})),
				}),
			},
			{
				name: 'bench-requests',
				alt: 'Status requests per task, by duration, for our schedule and fixed intervals',
				svg: lines({
					title: 'Requests until the end is noticed',
					x: durationAxis,
					y: { label: 'requests per task', log: true, ticks: [1, 3, 10, 30, 100, 300, 1000] },
					series: curves.map(({ way, points }, colour) => ({
						name: nameOf(way),
						colour,
						points: points.map(({ seconds, looks: count }) => [seconds, count]),
					})),
				}),
			},
		],
		losses: FIXED.flatMap((seconds) => [
			...against('all tasks', seconds, (list) => list),
			...against('tasks of up to two minutes', seconds, short),
		]),
	};
}

/** @type {import('../report/chart.mjs').Axis} */
const durationAxis = {
	label: 'duration of the task',
	log: true,
	ticks: [20, 60, 180, 600, 1800, 3000],
	shown: (seconds) => (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`),
};

/** @param {string | number} way */
const nameOf = (way) => (typeof way === 'number' ? `every ${way} s` : way);
