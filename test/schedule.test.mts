import { describe, expect, test } from '@jest/globals';
import { built } from './engine/haste.mts';
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

describe('what is learned within a run', () => {
	test('makes later tasks of the same kind cheaper, and no later', () => {
		const fresh = scheduleOf(1);
		const before = watch(fresh, 5 * MINUTE);
		fresh.learn('kind', 5 * MINUTE);
		const after = Array.from({ length: 50 }, (_, n) => watch(fresh, 5 * MINUTE * (0.95 + n / 500)));
		expect(mean(after.map(({ looks }) => looks))).toBeLessThan(before.looks / 3);
		expect(mean(after.map(({ lag }) => lag))).toBeLessThan(0.05 * 5 * MINUTE);
	});

	test('says nothing of another kind', () => {
		const schedule = scheduleOf(1);
		schedule.learn('other', 5 * MINUTE);
		expect(watch(schedule, MINUTE).looks).toBe(watch(scheduleOf(1), MINUTE).looks);
	});

	test('does not fall asleep over a task that takes much longer than the others', () => {
		const schedule = scheduleOf(3);
		schedule.learn('kind', 30 * SECOND);
		expect(watch(schedule, 20 * MINUTE).lag).toBeLessThan(0.12 * 20 * MINUTE);
	});
});

describe("the user's own interval", () => {
	test('is kept to the millisecond', () => {
		expect(watch(scheduleOf(1), MINUTE, 7 * SECOND)).toEqual({ looks: 9, lag: 3 * SECOND });
	});
});
