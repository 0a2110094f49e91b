import { describe, expect, test } from '@jest/globals';
import { built, timing } from './engine/haste.mts';
import { seeded } from './engine/seeded.mts';

const { PollSchedule } =
	built<typeof import('../nodes/shared/wait/schedule.ts')>('shared/wait/schedule');

function scheduleOf(seed: number) {
	const random = seeded(seed);
	return new PollSchedule({ now: () => 0, pause: async () => {}, check: () => {}, random });
}

/** Looks until a task of this duration is seen finished; nothing is waited for. */
function watch(schedule: InstanceType<typeof PollSchedule>, duration: number, fixed?: number) {
	let elapsed = 0;
	for (let looks = 1; ; looks++) {
		elapsed += schedule.next('kind', elapsed, fixed);
		if (elapsed >= duration) return { looks, lag: elapsed - duration };
	}
}

/** The same for a run that sleeps: each of its turns is awake for a second at least. */
function watchAsleep(schedule: InstanceType<typeof PollSchedule>, duration: number) {
	const { awakeUpTo, longestAwake, shortest, shortestTurn } = timing.sleep;
	let awake = shortestTurn;
	let [elapsed, before, turnBegan] = [0, 0, 0];
	for (let looks = 1; ; looks++) {
		const pause = schedule.nextAsleep('kind', elapsed);
		if (pause > awakeUpTo || elapsed - turnBegan > longestAwake) {
			elapsed += Math.max(pause, shortest);
			turnBegan = elapsed;
			awake += shortestTurn;
		} else {
			elapsed += pause;
			awake += pause;
		}
		if (elapsed >= duration) {
			schedule.learn('kind', elapsed, before);
			return { looks, lag: elapsed - duration, awake: awake / elapsed };
		}
		before = elapsed;
	}
}

function mean(values: number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const durations = [30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1200, 1800, 2400, 3000];

describe('the adaptive schedule', () => {
	const rows = durations.map((seconds) => {
		// Tasks do not end at round numbers: spread each duration a little.
		const seen = Array.from({ length: 400 }, (_, n) =>
			watch(scheduleOf(n + 1), seconds * SECOND * (0.95 + (0.1 * n) / 400)),
		);
		return {
			seconds,
			lag: mean(seen.map(({ lag }) => lag)) / (seconds * SECOND),
			looks: mean(seen.map(({ looks }) => looks)),
			most: Math.max(...seen.map(({ looks }) => looks)),
		};
	});

	test('is late by at most 5 % of the duration on average, from 30 s to 50 min', () => {
		for (const { seconds, lag } of rows) expect([seconds, lag <= 0.05]).toEqual([seconds, true]);
	});

	test('asks at most 45 times in 10 minutes', () => {
		expect(rows.find(({ seconds }) => seconds === 600)?.looks).toBeLessThanOrEqual(45);
	});

	test('prints its figures', () => {
		process.stdout.write(
			[
				'duration     mean lag   looks (mean, most)',
				...rows.map(
					({ seconds, lag, looks, most }) =>
						`${String(seconds).padStart(6)} s   ${(lag * 100).toFixed(1).padStart(7)} %   ${looks.toFixed(1).padStart(6)}, ${most}`,
				),
				'',
			].join('\n'),
		);
	});
});

describe('the schedule of a run that sleeps', () => {
	const BATCH = 30;
	const KNOWN = 3;
	const rows = durations.map((seconds) => {
		const unknown: Array<ReturnType<typeof watchAsleep>> = [];
		const known: Array<ReturnType<typeof watchAsleep>> = [];
		const awakeLooks: number[] = [];
		for (let seed = 1; seed <= 60; seed++) {
			const random = seeded(seed * 7919);
			const schedule = scheduleOf(seed);
			for (let n = 0; n < BATCH; n++) {
				// Tasks of one kind resemble each other.
				const duration = seconds * SECOND * (0.95 + 0.1 * random());
				(n < KNOWN ? unknown : known).push(watchAsleep(schedule, duration));
				awakeLooks.push(watch(scheduleOf(seed * BATCH + n), duration).looks);
			}
		}
		return {
			seconds,
			lagUnknown: mean(unknown.map(({ lag }) => lag)) / SECOND,
			lag: mean(known.map(({ lag }) => lag)) / SECOND,
			awake: mean(known.map(({ awake }) => awake)),
			looks: mean([...unknown, ...known].map(({ looks }) => looks)),
			awakeLooks: mean(awakeLooks),
		};
	});

	test('is late by at most 45 s on average before durations are known', () => {
		for (const { seconds, lagUnknown } of rows) {
			expect([seconds, lagUnknown <= 45]).toEqual([seconds, true]);
		}
	});

	test('is late by at most 5 % or 20 s on average once three durations are known, from 60 s on', () => {
		// What ends sooner ends within the first sleep, which n8n does not end on time if it is any shorter.
		for (const { seconds, lag } of rows.filter(({ seconds }) => seconds >= 60)) {
			expect([seconds, lag <= Math.max(20, 0.05 * seconds)]).toEqual([seconds, true]);
		}
	});

	test('is awake for at most a tenth of the time', () => {
		for (const { seconds, awake } of rows) expect([seconds, awake <= 0.1]).toEqual([seconds, true]);
	});

	test('asks no more often than a run that stays awake', () => {
		for (const { seconds, looks, awakeLooks } of rows) {
			expect([seconds, looks <= awakeLooks]).toEqual([seconds, true]);
		}
	});

	test('prints its figures', () => {
		process.stdout.write(
			[
				'asleep       lag before, after 3 tasks   awake   looks',
				...rows.map(
					({ seconds, lagUnknown, lag, awake, looks }) =>
						`${String(seconds).padStart(6)} s   ${lagUnknown.toFixed(0).padStart(9)} s, ${lag.toFixed(0).padStart(10)} s   ${(awake * 100).toFixed(1).padStart(5)} %   ${looks.toFixed(1)}`,
				),
				'',
			].join('\n'),
		);
	});
});

describe('what is learned within a run', () => {
	test('makes later tasks of the same kind cheaper, and no later', () => {
		const fresh = scheduleOf(1);
		const before = watch(fresh, 5 * MINUTE);
		fresh.learn('kind', 5 * MINUTE, 4.9 * MINUTE);
		const after = Array.from({ length: 50 }, (_, n) => watch(fresh, 5 * MINUTE * (0.95 + n / 500)));
		expect(mean(after.map(({ looks }) => looks))).toBeLessThan(before.looks / 3);
		expect(mean(after.map(({ lag }) => lag))).toBeLessThan(0.05 * 5 * MINUTE);
	});

	test('says nothing of another kind', () => {
		const schedule = scheduleOf(1);
		schedule.learn('other', 5 * MINUTE, 4.9 * MINUTE);
		expect(watch(schedule, MINUTE).looks).toBe(watch(scheduleOf(1), MINUTE).looks);
	});

	test('does not fall asleep over a task that takes much longer than the others', () => {
		const schedule = scheduleOf(3);
		schedule.learn('kind', 30 * SECOND, 29 * SECOND);
		expect(watch(schedule, 20 * MINUTE).lag).toBeLessThan(0.12 * 20 * MINUTE);
	});
});

describe("the user's own interval", () => {
	test('is kept to the millisecond', () => {
		expect(watch(scheduleOf(1), MINUTE, 7 * SECOND)).toEqual({ looks: 9, lag: 3 * SECOND });
	});
});
