import { expect, test } from '@jest/globals';
import { built } from './engine/haste.mts';

/** Lists of many thousands of items: the work for each must not grow with their number. */

const { RunRecord } = built<typeof import('../nodes/shared/wait/record.ts')>('shared/wait/record');
const { Turn, Asleep } = built<typeof import('../nodes/shared/wait/turn.ts')>('shared/wait/turn');

const clock = {
	now: () => 0,
	random: () => 0.5,
	check: () => {},
	pause: async () => await new Promise<void>(() => {}),
};

test('the record looks at each of 20,000 entries once, however many items are looked for', () => {
	const context = {};
	const host = { getContext: () => context, getExecutionId: () => 'e1' };
	const record = RunRecord.open(host as never, 0, false);
	const counts = { looks: 0 };
	for (let index = 0; index < 20_000; index++) {
		const entry = {
			execution: 'e1',
			run: 0,
			get item() {
				counts.looks++;
				return index;
			},
		};
		expect(record.of(index)).toBeUndefined();
		record.add(entry);
		expect(record.of(index)).toBe(entry);
	}
	expect(counts.looks).toBeLessThan(100_000);
});

test('130,000 items that rest put the run to sleep, and each is asked a few times whether it may go on', async () => {
	const items = 130_000;
	let asked = 0;
	const turn = new Turn(clock, new AbortController().signal, () => true);
	turn.begin(items);
	const ends = await Promise.all(
		Array.from({ length: items }, async (_, item) => {
			const rest = async () =>
				await turn.rest(60_000 + item, () => {
					asked++;
					return false;
				});
			return await turn.item(rest).catch((error: unknown) => error);
		}),
	);
	expect(ends.every((end) => end instanceof Asleep)).toBe(true);
	expect(turn.asleepUntil).toBe(60_000);
	expect(asked).toBeLessThan(5 * items);
});
